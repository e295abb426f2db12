"""The text below a file that was sent, from the owner's template. Pure.

Nothing in it is read as markup: what is bold or a link is named by place and length, in UTF-16 units
(https://core.telegram.org/api/entities).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from string import Formatter
from typing import Any

from telethon.tl import types

from core.domain.figures import span_text
from core.domain.job import Job
from core.domain.library import MediaItem
from core.domain.text import ELLIPSIS
from core.media.words import folded
from userbot.texts import inert

#: What everybody may write (https://core.telegram.org/api/config: caption_length_limit_default).
MAX_UNITS = 1024
#: A title that is a whole post would fill a phone's screen below each file.
TITLE_UNITS = 256
_ENTITIES = {"title": types.MessageEntityBold, "url": types.MessageEntityUrl}


@dataclass(frozen=True, slots=True)
class Caption:
    """A text and what is special in it."""

    text: str
    entities: tuple[Any, ...] = ()


def caption(
    template: str, job: Job, item: MediaItem | None, *, part: str = "", limit_units: int = MAX_UNITS
) -> Caption:
    """The caption of a job's file.

    Args:
        template: Text with the fields of `core.config.settings.CAPTION_FIELDS`. A line whose fields are all
            unknown is left out.
        job: Gives link, title, duration and source.
        item: Gives artist and album.
        part: Which part of how many; a line of its own at the end.
        limit_units: No more is taken. The title gives way first, then the link.
    """
    values = {
        "title": _cut(_safe(job.title or (item.title if item else None)), TITLE_UNITS),
        "url": job.url,
        "duration": span_text(job.duration_s),
        "artist": _safe(item.artist if item else None),
        "album": _safe(item.album if item else None),
        "source": job.source_type,
        "part": part,
    }
    template += "\n{part}"
    made = _filled(template, values)
    if (excess := _units(made.text) - limit_units) > 0:
        values["title"] = _cut(values["title"], _units(values["title"]) - excess)
        made = _filled(template, values)
    if _units(made.text) > limit_units:
        made = _filled(template, values | {"url": ""})
    if _units(made.text) > limit_units:
        made = Caption(_cut(made.text, limit_units))
    return made


def _safe(text: str | None) -> str:
    """Text from outside: one line, without hidden characters, calling nobody."""
    return inert(folded(text or ""))


def _filled(template: str, values: Mapping[str, str]) -> Caption:
    text, entities = "", list[Any]()
    for line in template.split("\n"):
        pieces = list(Formatter().parse(line))
        fields = [name for _, name, _, _ in pieces if name is not None]
        if fields and not any(values[name] for name in fields):
            continue
        text += "\n" if text else ""
        for literal, name, _, _ in pieces:
            text += literal
            value = values[name] if name is not None else ""
            if value and name in _ENTITIES:
                entities.append(_ENTITIES[name](_units(text), _units(value)))
            text += value
    return Caption(text, tuple(entities))


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _cut(text: str, limit_units: int) -> str:
    """The beginning of *text*, with a mark that it goes on."""
    if _units(text) <= limit_units:
        return text
    if limit_units < 2:
        return ""
    head = text.encode("utf-16-le", "surrogatepass")[: 2 * (limit_units - 1)]
    return head.decode("utf-16-le", "ignore").rstrip() + ELLIPSIS
