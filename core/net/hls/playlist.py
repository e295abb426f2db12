"""What an HLS playlist says, as plain values; `core.net.hls.reading` makes them."""

from __future__ import annotations

import math
from dataclasses import dataclass

from core.domain.errors import NotFound, NotYetAvailable

_AUDIO_CODECS = ("mp4a", "ac-3", "ec-3", "opus", "flac", "fLaC", "alac", "mp3", "vorbis")


@dataclass(frozen=True, slots=True)
class ByteRange:
    """Part of a resource."""

    start: int
    length: int


@dataclass(frozen=True, slots=True)
class SegmentKey:
    """How a segment is encrypted: AES-128 in CBC mode."""

    url: str
    #: 16 bytes.
    iv: bytes


@dataclass(frozen=True, slots=True)
class InitSection:
    """What a decoder needs before the segments (EXT-X-MAP)."""

    url: str
    byterange: ByteRange | None
    key: SegmentKey | None


@dataclass(frozen=True, slots=True)
class Segment:
    """One piece of the medium."""

    url: str
    duration_s: float
    byterange: ByteRange | None
    key: SegmentKey | None
    init: InitSection | None
    #: The source says itself that it does not have it (EXT-X-GAP).
    is_gap: bool = False


@dataclass(frozen=True, slots=True)
class MediaPlaylist:
    """The segments of one rendition, in order."""

    url: str
    segments: tuple[Segment, ...]
    #: More may come: it is being recorded.
    is_live: bool
    #: Number of the first segment (EXT-X-MEDIA-SEQUENCE).
    first_sequence: int = 0
    #: Seconds that no segment is longer than (EXT-X-TARGETDURATION); 0 when it is not told.
    target_s: float = 0.0

    @property
    def duration_s(self) -> float:
        """Seconds of all segments together."""
        return math.fsum(segment.duration_s for segment in self.segments)

    def require_complete(self) -> None:
        """Make sure that all of it is there.

        Raises:
            NotYetAvailable: It is live.
            NotFound: There is nothing in it, or it says itself that segments are missing.
        """
        if self.is_live:
            raise NotYetAvailable("live: the playlist is still growing")
        if not self.segments:
            raise NotFound("the playlist is empty")
        for index, segment in enumerate(self.segments):
            if segment.is_gap:
                raise NotFound(f"segment {index} is missing at the source")


@dataclass(frozen=True, slots=True)
class Rendition:
    """An alternative of the audio (EXT-X-MEDIA)."""

    group: str
    name: str
    language: str | None
    #: None when it is inside the variants that name the group.
    url: str | None
    is_default: bool
    is_autoselect: bool


@dataclass(frozen=True, slots=True)
class Variant:
    """One encoding of the whole (EXT-X-STREAM-INF)."""

    url: str
    #: Bits per second.
    bandwidth_bps: int
    #: Lines of the picture: the shorter side, so that upright films count as people count them.
    height: int | None
    fps: float | None
    codecs: str
    audio_group: str | None

    @property
    def is_audio_only(self) -> bool:
        """There is no picture, as far as the playlist says."""
        codecs = [codec.strip() for codec in self.codecs.split(",") if codec.strip()]
        return self.height is None and bool(codecs) and all(c.startswith(_AUDIO_CODECS) for c in codecs)


@dataclass(frozen=True, slots=True)
class MasterPlaylist:
    """The encodings to choose from."""

    url: str
    variants: tuple[Variant, ...]
    renditions: tuple[Rendition, ...]
