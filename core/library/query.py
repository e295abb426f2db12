"""The language of searches: `tafsir by:"al-Tabari" duration>30m -part2 after:2024`. Pure.

word                a word of title, lecturer, series or link, or its beginning
"two words"         side by side, just so
title: by: in:      words of the title, of the lecturer or uploader, of the series or playlist
source: kind: chat: user: tag:   one of several with commas: source:youtube,soundcloud; chats by title too
duration size date  with < <= = >= > (duration>1h30m, size<50MB, date>=2024-05)
after: before:      on or after a day, before a day
-                   before any of them: not that
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Literal, cast

from core.domain.errors import InvalidRequest
from core.domain.folding import words_of
from core.domain.library import Bound, BoundColumn, Facet, FacetName, LibraryQuery, TextColumn, Words
from core.domain.tags import tag_key

MAX_CHARS = 500
#: More conditions than anybody types; each costs time.
MAX_TERMS = 32

_TEXTS: Mapping[str, TextColumn] = {
    "title": "title",
    "by": "artist",
    "artist": "artist",
    "in": "album",
    "album": "album",
}
_FACETS: tuple[FacetName, ...] = ("source", "kind", "chat", "user", "tag")
_BOUNDS: Mapping[str, BoundColumn] = {"duration": "duration_s", "size": "size_bytes", "date": "day"}
_DAYS = {"after": ">=", "before": "<"}
_KEYS = (*_TEXTS, *_FACETS, *_BOUNDS, *_DAYS)

_Operator = Literal["<", "<=", "=", ">=", ">"]
_QUOTES = str.maketrans(dict.fromkeys("“”„«»", '"'))
_KEY = re.compile(r"([A-Za-z]+)(:|<=|>=|<|>|=)")
_CLOCK = re.compile(r"(?:(\d{1,4}):)?(\d{1,4}):(\d{2})", re.ASCII)
_SPAN = re.compile(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m(?:in)?)?(?:(\d+(?:\.\d+)?)s?)?", re.ASCII)
_SIZE = re.compile(r"(\d+(?:\.\d+)?)([kmgt]?)(i?b)?", re.ASCII)
_DAY = re.compile(r"(\d{4})(?:-(0[1-9]|1[0-2])(?:-(0[1-9]|[12]\d|3[01]))?)?", re.ASCII)
_WHOLE = re.compile(r"-?\d{1,18}", re.ASCII)


def parse(text: str, chats: Mapping[int, str] = MappingProxyType({})) -> LibraryQuery:
    """The query that *text* writes. *chats* are the titles that `chat:` may name one by, in parts too.

    Raises:
        InvalidRequest: It cannot be understood; says at which column, counted from 1.
    """
    if len(text) > MAX_CHARS:
        raise _wrong(MAX_CHARS, f"a search has at most {MAX_CHARS} characters")
    return _Parser(text.translate(_QUOTES), chats).parse()


class _Parser:
    """Goes through *text* once, from left to right."""

    def __init__(self, text: str, chats: Mapping[int, str]) -> None:
        self._text = text
        self._chats = chats
        self._place = 0
        self._words: list[Words] = []
        self._facets: list[Facet] = []
        self._bounds: list[Bound] = []

    def parse(self) -> LibraryQuery:
        while (start := self._next()) is not None:
            if len(self._words) + len(self._facets) + len(self._bounds) == MAX_TERMS:
                raise _wrong(start, f"a search has at most {MAX_TERMS} conditions")
            self._term()
        return LibraryQuery(words=tuple(self._words), facets=tuple(self._facets), bounds=tuple(self._bounds))

    def _next(self) -> int | None:
        """Where the next term begins; None at the end."""
        while self._place < len(self._text) and self._text[self._place].isspace():
            self._place += 1
        return self._place if self._place < len(self._text) else None

    def _term(self) -> None:
        start = self._place
        is_negated = self._text[start] == "-" and not self._text[start + 1 : start + 2].isspace()
        self._place += is_negated
        key = _KEY.match(self._text, self._place)
        if key is None or not self._is_key(key):
            self._add_words(*self._value(), None, is_negated=is_negated)
            return
        name, operator, place = key[1].lower(), key[2], key.start()
        self._place = key.end()
        begins = self._place
        value, is_quoted = self._value()
        if not value.strip():
            raise _wrong(place, f"{name}{operator} has no value", f"As in: {_EXAMPLES[name]}")
        if name in _TEXTS:
            self._require(operator in ":=", key.start(2), name, "takes a colon")
            self._add_words(value, is_quoted, _TEXTS[name], is_negated=is_negated)
        elif name in _FACETS:
            self._require(operator in ":=", key.start(2), name, "takes a colon")
            self._add_facet(cast("FacetName", name), value, begins, is_negated=is_negated)
        else:
            self._add_bound(name, operator, value, begins, is_negated=is_negated)

    def _is_key(self, key: re.Match[str]) -> bool:
        """Whether this is the name of a field; a mistyped one is refused rather than searched for."""
        name, rest = key[1].lower(), self._text[key.end() :]
        if name in _KEYS:
            return True
        # Links, and what only looks like a field: "Re: ...", "x=1".
        if key[2] != ":" or not rest or rest[0].isspace() or rest.startswith("//"):
            return False
        near = difflib.get_close_matches(name, _KEYS, n=1)
        meant = f"Did you mean {near[0]}:? " if near else ""
        hint = f"{meant}There are: {', '.join(_KEYS)}. To look for the words themselves, put them in quotes."
        raise _wrong(key.start(), f"there is no field {name[:30]!r}", hint)

    def _value(self) -> tuple[str, bool]:
        """The text from here to the next space, or to the closing quote; and whether it was in quotes."""
        start = self._place
        if self._text.startswith('"', start):
            end = self._text.find('"', start + 1)
            if end < 0:
                raise _wrong(start, "this quote is never closed")
            self._place = end + 1
            return self._text[start + 1 : end], True
        while self._place < len(self._text) and not self._text[self._place].isspace():
            self._place += 1
        return self._text[start : self._place], False

    def _add_words(self, value: str, is_quoted: bool, column: TextColumn | None, *, is_negated: bool) -> None:  # noqa: FBT001 -- comes with its value
        words = tuple(words_of(value))
        # Signs alone ask for nothing: "a - b", "&".
        if words:
            self._words.append(
                Words(phrases=(words,), column=column, is_prefix=not is_quoted, is_negated=is_negated)
            )

    def _add_facet(self, name: FacetName, value: str, place: int, *, is_negated: bool) -> None:
        values = tuple(each.strip().lower() for each in value.split(",") if each.strip())
        if name == "chat":
            values = tuple(number for each in values for number in self._chats_called(each, place))
        if name == "kind":
            self._require(set(values) <= {"audio", "video"}, place, name, "is audio or video")
        elif name == "user":
            self._require(all(map(_WHOLE.fullmatch, values)), place, name, "takes the number of a person")
        elif name == "tag":
            values = tuple(map(tag_key, values))
            self._require(all(values), place, name, "takes words")
        self._facets.append(Facet(name=name, values=values, is_negated=is_negated))

    def _chats_called(self, name: str, place: int) -> Iterator[str]:
        """The numbers of the chats whose titles have all words of *name*; a number is its own."""
        if _WHOLE.fullmatch(name):
            yield name
            return
        wanted = words_of(name)
        fit = [str(chat_id) for chat_id, title in self._chats.items() if _begins_all(wanted, words_of(title))]
        if not wanted or not fit:
            hint = "Name it by its number, or as it is called in: reeldeck telegram chats"
            raise _wrong(place, f"there is no watched chat called {name[:30]!r}", hint)
        yield from fit

    def _add_bound(self, name: str, operator: str, value: str, place: int, *, is_negated: bool) -> None:
        wanted = value.strip().lower()
        found: float | str | None
        if name == "duration":
            found, takes = _seconds(wanted), "takes a time: 180, 90s, 1h30m, 1:30:00"
        elif name == "size":
            found, takes = _bytes(wanted), "takes a size: 50MB, 1.5GiB"
        else:
            found, takes = _day(wanted), "takes a day: 2024-05-31, 2024-05, 2024"
        self._require(found is not None, place, name, takes)
        if name in _DAYS:
            self._require(operator in ":=", place - len(operator), name, "takes a colon")
            operator = _DAYS[name]
        if operator in ":=" and name == "date":
            self._add_period(wanted, place, is_negated=is_negated)
            return
        assert found is not None
        # A period that is passed is passed as a whole: date>2024 begins with 2025.
        if name == "date" and operator in {">", "<="}:
            found, operator = _after(wanted), {">": ">=", "<=": "<"}[operator]
        self._bounds.append(
            Bound(
                column=_BOUNDS.get(name, "day"),
                operator=cast("_Operator", operator.replace(":", "=")),
                value=found,
                is_negated=is_negated,
            )
        )

    def _add_period(self, value: str, place: int, *, is_negated: bool) -> None:
        """A year, month or day."""
        if is_negated:
            raise _wrong(place, "days outside a period cannot be asked for", "Ask for before: or after: it.")
        first, end = _day(value), _after(value)
        assert first is not None
        self._bounds += [
            Bound(column="day", operator=">=", value=first),
            Bound(column="day", operator="<", value=end),
        ]

    def _require(self, is_right: bool, place: int, name: str, takes: str) -> None:  # noqa: FBT001 -- a condition
        if not is_right:
            raise _wrong(place, f"{name} {takes}", f"As in: {_EXAMPLES[name]}")


_EXAMPLES: Mapping[str, str] = {
    "title": 'title:"the opening"', "by": 'by:"Ibn Kathir"', "artist": 'artist:"Ibn Kathir"',
    "in": "in:tafsir", "album": "album:tafsir", "source": "source:youtube", "kind": "kind:audio",
    "chat": "chat:-1001234", "user": "user:1234", "tag": "tag:music", "duration": "duration>1h30m",
    "size": "size<50MB", "date": "date>=2024-05", "after": "after:2024-01-01", "before": "before:2024-06",
}  # fmt: skip


def _seconds(text: str) -> float | None:
    if clock := _CLOCK.fullmatch(text):
        hours, minutes, seconds = (int(part or 0) for part in clock.groups())
        return float(hours * 3600 + minutes * 60 + seconds)
    span = _SPAN.fullmatch(text)
    if span is None or not any(span.groups()):
        return None
    hours_, minutes_, seconds_ = (float(part or 0) for part in span.groups())
    return _finite(hours_ * 3600 + minutes_ * 60 + seconds_)


def _bytes(text: str) -> float | None:
    """`MB` is a million bytes, `MiB` and `M` are 2^20."""
    size = _SIZE.fullmatch(text)
    if size is None or (not size[2] and size[3] == "ib"):
        return None
    base = 1000 if size[3] == "b" else 1024
    return _finite(float(size[1]) * base ** " kmgt".index(size[2] or " "))


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _day(text: str) -> str | None:
    """The first day of a year, month or day."""
    day = _DAY.fullmatch(text)
    return f"{day[1]}-{day[2] or '01'}-{day[3] or '01'}" if day else None


def _begins_all(wanted: Sequence[str], words: Sequence[str]) -> bool:
    return all(any(word.startswith(each) for word in words) for each in wanted)


def _after(text: str) -> str:
    """What every day of a year, month or day is smaller than; as text, it need not be a day."""
    # "~" is greater than every digit and dash.
    return f"{text}~"


def _wrong(place: int, what: str, hint: str = "See: reeldeck search --help") -> InvalidRequest:
    return InvalidRequest(f"column {place + 1}: {what}", hint=hint)
