"""Where a finished file goes: names made by us from what the source says."""

from __future__ import annotations

import string
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from core.domain.errors import ConfigError
from core.domain.job import Job
from core.domain.media import Tags
from core.domain.text import for_filename

FIELDS = ("source", "uploader", "album", "title", "id", "date", "year", "month", "chat", "media_id")


def archive_name(template: str, job: Job, tags: Tags, *, title: str, extension: str) -> Path:
    """The relative path of a finished file.

    Args:
        template: Slash-separated names with `{field}` of FIELDS. A folder of unknown fields is left out.
        job: Gives id, source, chat.
        tags: Gives uploader, album, date.
        title: Shown name; remote text.
        extension: Without the dot; ours.

    Raises:
        ConfigError: The template names a field that does not exist.
    """
    facts = {"source": job.source_type, "id": str(job.id), "chat": str(job.chat_id or "")}
    facts["media_id"] = job.media_id or str(job.id)
    return filled_name(template, facts, tags, title=title, created=job.created, extension=extension)


def filled_name(
    template: str, facts: Mapping[str, str], tags: Tags, *, title: str, created: float, extension: str
) -> Path:
    """The relative path of any file.

    Args:
        template: As in `archive_name`.
        facts: Ours: id, source, chat, media_id.
        tags: Gives uploader, album, date.
        title: Shown name; remote text.
        created: Gives the date where the tags have none; seconds since the epoch.
        extension: Without the dot; ours.

    Raises:
        ConfigError: The template names a field that does not exist.
    """
    day = tags.date or datetime.fromtimestamp(created, UTC).strftime("%Y-%m-%d")
    values = {
        **facts,
        "uploader": tags.artist or "",
        "album": tags.album or "",
        "title": title,
        "date": day,
        "year": day[:4],
        "month": day[5:7] or "00",
    }
    # Each name is filled and cleaned by itself, so that a slash inside a title makes no folder.
    *folders, name = [_fill(part, values) for part in template.strip("/").split("/")]
    names = [for_filename(folder) for folder in folders if folder.strip()]
    return Path(*names, f"{for_filename(name)}.{extension}")


def check_template(template: str) -> None:
    """Raise ConfigError when *template* cannot be used."""
    if not template.strip("/ "):
        raise ConfigError("archive.template is empty", hint="Leave it out, or name the file: {title}")
    for part in template.split("/"):
        _fill(part, dict.fromkeys(FIELDS, "x"))


def _fill(part: str, values: Mapping[str, str]) -> str:
    try:
        return string.Formatter().vformat(part, (), values)
    except (KeyError, IndexError, ValueError) as error:
        known = ", ".join(FIELDS)
        raise ConfigError(
            f"archive.template has a field it cannot fill: {part!r}", hint=f"Use only: {known}"
        ) from error
