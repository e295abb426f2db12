"""Single values of archive.org's metadata: numbers are strings there, and any field may be a list. Pure."""

from __future__ import annotations

import re
from typing import Any

_MAX_TEXT_CHARS = 500
_LENGTH = re.compile(r"(?:(?:(?P<h>\d{1,4}):)?(?P<m>\d{1,4}):)?(?P<s>\d{1,9}(?:\.\d{1,9})?)", re.ASCII)
_DATE = re.compile(r"(?P<year>\d{4})(?P<day>-\d\d-\d\d)?(?!\d)", re.ASCII)


def text_of(value: Any) -> str | None:
    """A text that can be stored; of several, the first."""
    if isinstance(value, list):
        value = next((entry for entry in value if isinstance(entry, str) and entry.strip()), None)
    if not isinstance(value, str):
        return None
    return value.strip()[:_MAX_TEXT_CHARS].encode("utf-8", "replace").decode() or None


def texts_of(value: Any) -> str | None:
    """All the texts of a field that may be given several times."""
    texts = [text for entry in (value if isinstance(value, list) else [value]) if (text := text_of(entry))]
    return text_of(", ".join(texts))


def whole(value: Any) -> int | None:
    """A number that is not negative, also as text."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value if 0 <= value < 1 << 63 else None
    text = value.strip() if isinstance(value, str) else ""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None


def leading_number(value: Any) -> int | None:
    """The number that a text such as `3/12` begins with."""
    return whole(value) if isinstance(value, int) else whole((text_of(value) or "").partition("/")[0])


def seconds(value: Any) -> float | None:
    """Seconds, from seconds or `h:mm:ss`; None for nothing and for nonsense."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value) if 0 < value < 1e9 else None
    found = _LENGTH.fullmatch(text_of(value) or "")
    if found is None:
        return None
    return int(found["h"] or 0) * 3600 + int(found["m"] or 0) * 60 + float(found["s"]) or None


def date_of(value: Any) -> str | None:
    """`YYYY-MM-DD` or `YYYY`, the way tags hold it."""
    found = _DATE.match(str(value) if isinstance(value, int) else text_of(value) or "")
    return found["year"] + (found["day"] or "") if found else None


def is_set(value: Any) -> bool:
    """Whether a flag is up, as JSON or as text."""
    return value is True or (isinstance(value, str) and value.strip().lower() in {"true", "1"}) or value == 1


def natural(text: str) -> list[tuple[int, int, str]]:
    """A key that sorts `Part 10` behind `Part 9`."""
    pieces = re.split(r"([0-9]{1,18})", text.casefold())
    return [(0, int(piece), "") if index % 2 else (1, 0, piece) for index, piece in enumerate(pieces)]
