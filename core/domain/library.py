"""The library's values: what is kept of a finished file, and what can be asked about all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, Self

from core.domain.job import Kind, from_iso, iso


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaItem:
    """A file of the library. It outlives the record of the job that brought it."""

    id: int
    job_id: int | None
    source_type: str
    media_id: str | None
    url: str
    title: str | None
    #: Uploader, lecturer or host.
    artist: str | None
    #: Series or playlist.
    album: str | None
    track_number: int | None
    #: As its source gives it: `YYYY-MM-DD`, or only its beginning.
    date: str | None
    #: VIDEO or AUDIO, as the file is.
    kind: Kind
    container: str | None
    duration_s: float | None
    size_bytes: int | None
    width: int | None
    height: int | None
    file_path: str
    sha256: str | None
    user_id: int | None
    chat_id: int | None
    #: When it came into the library, seconds since the epoch.
    created: float
    #: Who else is heard, as one text.
    performers: str | None = None
    #: The message that asked for it first, and its forum topic.
    message_id: int | None = None
    topic_id: int | None = None
    #: When its file was deleted because of its age (`archive.retention_days`).
    removed: float | None = None
    #: What people call it, in the order of the alphabet.
    tags: Sequence[str] = ()

    def to_json(self) -> dict[str, Any]:
        """The shape of `GET /library`."""
        # Not by `asdict`, which copies every value: pages of items are asked for all the time.
        shown = {name: getattr(self, name) for name in _ITEM_COLUMNS}
        return shown | {"created": iso(self.created), "removed": iso(self.removed)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The reverse of `to_json`; what a newer engine adds is left out.

        Raises:
            KeyError, TypeError, ValueError: It is of another shape.
        """
        values = {field.name: data[field.name] for field in fields(cls)}
        times = {name: from_iso(data[name]) for name in ("created", "removed")}
        return cls(**{**values, "kind": Kind(data["kind"]), "tags": tuple(map(str, data["tags"])), **times})


_ITEM_COLUMNS = tuple(field.name for field in fields(MediaItem))


@dataclass(frozen=True, slots=True)
class TagCount:
    """A tag, and how many items have it."""

    name: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FacetCounts:
    """How many of the items that a search finds have which property; the newest, where it finds very many."""

    #: Items that were looked at, and whether these are all.
    counted: int
    is_all: bool
    kind: Mapping[str, int]
    source: Mapping[str, int]
    tag: Mapping[str, int]

    def to_json(self) -> dict[str, Any]:
        """The shape of `GET /library/facets`."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The reverse of `to_json`; what a newer engine adds is left out.

        Raises:
            KeyError, TypeError, ValueError: It is of another shape.
        """
        counts: dict[str, Any] = {name: dict(data[name]) for name in ("kind", "source", "tag")}
        return cls(counted=int(data["counted"]), is_all=bool(data["is_all"]), **counts)


@dataclass(frozen=True, slots=True)
class LibraryPage:
    """Part of what a search found, the best first."""

    items: Sequence[MediaItem]
    #: Cursor of the following part, None at the end.
    next: str | None = None
    #: Nothing has the words that were typed; these are near, and were looked for instead.
    meant: str | None = None


@dataclass(frozen=True, slots=True)
class LibraryEntry:
    """All there is to know of one item."""

    item: MediaItem
    #: Whether its file is where it was put.
    is_there: bool
    #: Other items with the very same content, the oldest first.
    copies: Sequence[MediaItem] = ()

    def to_json(self) -> dict[str, Any]:
        """The shape of `GET /library/{id}`."""
        copies = [copy.to_json() for copy in self.copies]
        return self.item.to_json() | {"is_there": self.is_there, "copies": copies}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The reverse of `to_json`.

        Raises:
            KeyError, TypeError, ValueError: It is of another shape.
        """
        copies = tuple(MediaItem.from_json(each) for each in data["copies"])
        return cls(MediaItem.from_json(data), bool(data["is_there"]), copies)


@dataclass(frozen=True, slots=True)
class Copies:
    """Items with the very same content, the oldest first."""

    sha256: str
    items: Sequence[MediaItem]

    @property
    def spare_bytes(self) -> int:
        """What all but one of them take."""
        return sum(item.size_bytes or 0 for item in self.items[1:])

    def to_json(self) -> dict[str, Any]:
        """The shape of an item of `GET /library/copies`."""
        items = [item.to_json() for item in self.items]
        return {"sha256": self.sha256, "spare_bytes": self.spare_bytes, "items": items}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The reverse of `to_json`.

        Raises:
            KeyError, TypeError, ValueError: It is of another shape.
        """
        return cls(str(data["sha256"]), tuple(MediaItem.from_json(each) for each in data["items"]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """How an import of a folder stands; the last one says `is_done`."""

    #: Files with the name of a sound or a film, and what they hold.
    total: int = 0
    total_bytes: int = 0
    #: Those that were dealt with, and of them:
    seen: int = 0
    seen_bytes: int = 0
    #: new entries, and how many of these are the same as another;
    added: int = 0
    copies: int = 0
    #: entered already, unchanged;
    known: int = 0
    #: the lost file of an entry, which has it again;
    found_again: int = 0
    #: no media, or not to be read.
    refused: int = 0
    #: Files of these that were moved into the archive.
    moved: int = 0
    #: What was wrong with the refused ones since the figures before these: the file, and why.
    problems: Sequence[str] = ()
    is_done: bool = False

    def to_json(self) -> dict[str, Any]:
        """The shape of a line of `POST /library/import`."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The reverse of `to_json`; what a newer engine adds is left out.

        Raises:
            KeyError, TypeError, ValueError: It is of another shape.
        """
        values: dict[str, Any] = {field.name: data[field.name] for field in fields(cls)}
        return cls(**{**values, "problems": tuple(map(str, data["problems"]))})


#: Where words are looked for.
TextColumn = Literal["title", "artist", "album"]
BoundColumn = Literal["duration_s", "size_bytes", "day"]
FacetName = Literal["source", "kind", "chat", "user", "tag"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """Words that stand side by side, or one. Folded (`core.domain.folding`)."""

    #: Any of these will do; the first is what was typed.
    phrases: tuple[tuple[str, ...], ...]
    #: None = anywhere.
    column: TextColumn | None = None
    #: The last word may be the beginning of a longer one.
    is_prefix: bool = True
    is_negated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Facet:
    """A property that is one of *values*."""

    name: FacetName
    values: tuple[str, ...]
    is_negated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """A figure or a day (`YYYY-MM-DD`) on one side of another."""

    column: BoundColumn
    operator: Literal["<", "<=", "=", ">=", ">"]
    value: float | str
    is_negated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LibraryQuery:
    """What a found item meets, all of it; with nothing in it, every item."""

    words: tuple[Words, ...] = ()
    facets: tuple[Facet, ...] = ()
    bounds: tuple[Bound, ...] = ()
