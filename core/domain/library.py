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

    def to_json(self) -> dict[str, Any]:
        """The shape of `GET /library`."""
        return asdict(self) | {"created": iso(self.created)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The reverse of `to_json`; what a newer engine adds is left out.

        Raises:
            KeyError, TypeError, ValueError: It is of another shape.
        """
        values = {field.name: data[field.name] for field in fields(cls)}
        return cls(**{**values, "kind": Kind(data["kind"]), "created": from_iso(data["created"])})


@dataclass(frozen=True, slots=True)
class LibraryPage:
    """Part of what a search found, the best first."""

    items: Sequence[MediaItem]
    #: Cursor of the following part, None at the end.
    next: str | None = None
    #: Nothing has the words that were typed; these are near, and were looked for instead.
    meant: str | None = None


#: Where words are looked for.
TextColumn = Literal["title", "artist", "album"]
BoundColumn = Literal["duration_s", "size_bytes", "day"]
FacetName = Literal["source", "kind", "chat", "user"]


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
