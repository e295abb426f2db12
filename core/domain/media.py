"""What sources find and what files hold. These values cross every part of the core and survive as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any, Self

from core.domain.job import Kind


class Role(StrEnum):
    """What a track contributes to the final file."""

    MUXED = "muxed"
    """All there is: a whole file, or video and audio together."""
    VIDEO = "video"
    AUDIO = "audio"


class Transport(StrEnum):
    """Who fetches a track."""

    HTTP = "http"
    """Our ranged transfer."""
    HLS = "hls"
    """Our segment transfer; the URL is a media playlist."""
    SOURCE = "source"
    """The source's own worker: what only yt-dlp can fetch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """One thing to fetch."""

    role: Role
    transport: Transport
    url: str
    #: Sent with every request for it, never across origins.
    headers: Mapping[str, str] = field(default_factory=dict)
    #: File name extension of what will arrive, without the dot, where known (`mp4`, `ts`, `aac`).
    container: str | None = None
    size_bytes: int | None = None
    duration_s: float | None = None
    format_id: str | None = None
    #: Published digest as `algorithm:hex`.
    checksum: str | None = None
    #: Some hosts throttle larger ranges than this.
    max_range_bytes: int | None = None
    #: It still grows: what follows is recorded as it comes, to its end.
    is_live: bool = False

    @property
    def told(self) -> str:
        """In a few words what is fetched: `video mp4 137`."""
        live = "live" if self.is_live else None
        return " ".join(filter(None, (self.role.value, self.container, self.format_id, live)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """A named stretch of a thing; it ends where the next one begins."""

    start_s: float
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tags:
    """Written into the final file."""

    title: str | None = None
    #: Uploader, lecturer or host.
    artist: str | None = None
    #: Series or playlist.
    album: str | None = None
    track_number: int | None = None
    #: `YYYY-MM-DD` or `YYYY`.
    date: str | None = None
    #: The page it came from.
    source_url: str | None = None
    #: Who else is heard, as one text.
    performers: str | None = None
    #: In the order of their starts.
    chapters: tuple[Chapter, ...] = ()

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The reverse of what `Resolution.to_json` makes of them."""
        chapters = tuple(Chapter(**chapter) for chapter in data.get("chapters", ()))
        return cls(**{**data, "chapters": chapters})


@dataclass(frozen=True, slots=True, kw_only=True)
class FormatInfo:
    """One form in which a source offers a thing, to choose from before the download."""

    #: What `Request.format` names it by; None where a quality name chooses.
    id: str | None
    role: Role
    container: str | None = None
    height: int | None = None
    fps: float | None = None
    #: Codecs, as people name them (`h264 + aac`).
    codecs: str | None = None
    bitrate_bps: int | None = None
    size_bytes: int | None = None
    #: The size was computed from bit rate and duration.
    is_size_estimated: bool = False
    #: What the source says of it (`original`, a language).
    note: str | None = None
    #: The request would take this one.
    is_chosen: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One item of a playlist, series or channel; becomes a job of its own."""

    url: str
    title: str | None = None
    media_id: str | None = None
    duration_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """What a source found behind a link: either tracks, or entries."""

    source: str
    media_id: str | None = None
    title: str | None = None
    kind: Kind = Kind.AUTO
    duration_s: float | None = None
    #: The length is what some sender claims, and no measure of the file.
    is_duration_claimed: bool = False
    #: The file is somebody's own: where it plays it is kept as it came, in its format and without new tags.
    is_original: bool = False
    tracks: tuple[Track, ...] = ()
    entries: tuple[Entry, ...] = ()
    #: How many the list has, where its site says so; `entries` holds no more than the limit.
    total_entries: int | None = None
    tags: Tags = field(default_factory=Tags)
    thumbnail_url: str | None = None
    #: Seconds since the epoch after which the track URLs are refused.
    expires: float | None = None
    #: What can be chosen from, the best first; for previews, and never stored.
    formats: tuple[FormatInfo, ...] = ()
    #: What the source itself wants to find again at download time (JSON values only).
    private: Mapping[str, Any] = field(default_factory=dict)

    @property
    def size_bytes(self) -> int | None:
        """Sum of the tracks' sizes, None when one is unknown."""
        sizes = [track.size_bytes for track in self.tracks]
        known = [size for size in sizes if size is not None]
        return sum(known) if known and len(known) == len(sizes) else None

    def to_json(self) -> dict[str, Any]:
        """JSON values only, for a job's checkpoint; without `formats`."""
        # Not by `asdict`, which copies every value: a list may hold thousands, and small files come fast.
        return _fields_of(self) | {
            "formats": (),
            "tracks": tuple(_fields_of(track) | {"headers": dict(track.headers)} for track in self.tracks),
            "entries": [_fields_of(entry) for entry in self.entries],
            "tags": _fields_of(self.tags) | {"chapters": tuple(map(_fields_of, self.tags.chapters))},
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The reverse of `to_json`."""
        tracks = tuple(
            Track(**{**track, "role": Role(track["role"]), "transport": Transport(track["transport"])})
            for track in data["tracks"]
        )
        return cls(
            **{
                **data,
                "kind": Kind(data["kind"]),
                "tracks": tracks,
                "formats": (),
                "entries": tuple(Entry(**entry) for entry in data["entries"]),
                "tags": Tags.from_json(data["tags"]),
            }
        )


@dataclass(frozen=True, slots=True)
class Picture:
    """A still of a film, or the cover of a sound file."""

    jpeg: bytes
    #: Points of the whole film as a player shows it: turned, and made square.
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamInfo:
    """One stream inside a file."""

    #: `video` or `audio`; other streams are not reported.
    type: str
    #: ffmpeg's codec name (`h264`, `aac`, `mp3`).
    codec: str
    duration_s: float | None = None
    #: As encoded; a player may turn or stretch it (`Picture` knows).
    width: int | None = None
    height: int | None = None
    fps: float | None = None
    sample_rate_hz: int | None = None
    channels: int | None = None
    bitrate_bps: int | None = None
    #: Its sample rate or number of channels is another one further on.
    is_uneven: bool = False
    #: A picture inside an audio file, not a film.
    is_cover: bool = False

    @property
    def told(self) -> str:
        """In a few words what it is: `h264 1920x1080 25 fps`, `aac 2 channels 48000 Hz`."""
        if self.is_cover:
            return f"cover {self.codec}"
        facts = (
            self.codec,
            f"{self.width}x{self.height}" if self.width and self.height else "",
            f"{self.fps:g} fps" if self.fps else "",
            f"{self.channels} channel{'s' * (self.channels != 1)}" if self.channels else "",
            f"{self.sample_rate_hz} Hz" if self.sample_rate_hz else "",
        )
        return " ".join(filter(None, facts))


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaInfo:
    """What a probe saw in a file."""

    #: ffmpeg's demuxer name, its first word (`mov`, `matroska`, `mp3`, `mpegts`, `aac`, `hls`).
    container: str
    size_bytes: int
    duration_s: float | None
    streams: tuple[StreamInfo, ...]
    #: Time of its first frame, on a clock that tracks of one presentation share.
    start_s: float = 0.0
    #: MP4 made of pieces with an index each, as HLS leaves it.
    is_fragmented: bool = False

    @property
    def video(self) -> StreamInfo | None:
        """The first film stream."""
        return next((s for s in self.streams if s.type == "video" and not s.is_cover), None)

    @property
    def audio(self) -> StreamInfo | None:
        """The first audio stream."""
        return next((s for s in self.streams if s.type == "audio"), None)

    def to_json(self) -> dict[str, Any]:
        """JSON values only."""
        return _fields_of(self) | {"streams": tuple(map(_fields_of, self.streams))}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The reverse of `to_json`."""
        return cls(**{**data, "streams": tuple(StreamInfo(**stream) for stream in data["streams"])})


def _fields_of(value: Any) -> dict[str, Any]:
    """The fields of a dataclass as they are."""
    return {each.name: getattr(value, each.name) for each in fields(value)}
