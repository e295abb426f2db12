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
    day = tags.date or datetime.fromtimestamp(job.created, UTC).strftime("%Y-%m-%d")
    values = {
        "source": job.source_type,
        "uploader": tags.artist or "",
        "album": tags.album or "",
        "title": title,
        "id": str(job.id),
        "date": day,
        "year": day[:4],
        "month": day[5:7] or "00",
        "chat": str(job.chat_id or ""),
        "media_id": job.media_id or str(job.id),
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
