"""Is the end of a file there, and does it play? Runs in the probe worker.

Headers tell what a file should hold. Whether it does is seen where damage shows: a copy that was cut short,
or a file that was laid out in full and never filled, lacks its end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import av.error
from av.container import InputContainer

from core.media.libav import TIME_BASE, Refused, is_cover, open_media
from core.media.verify import tolerance_s

#: How much of the end is read.
_WINDOW_S = 3.0
#: Containers in which a jump to a time lands where it should.
_SEEKABLE = frozenset({"mov", "matroska", "mp3", "flac", "ogg", "wav"})
#: … but whose length is a guess where no header tells it; `probe` measures it then.
_GUESSED = frozenset({"mp3"})
#: An end of which more than this cannot be decoded is broken.
_MAX_FAILED = 0.5


@dataclass(slots=True)
class _Tail:
    """What was seen of one stream."""

    stream: Any
    end_s: float = 0.0
    tried: int = 0
    failed: int = 0

    def take(self, packet: Any) -> None:
        if packet.pts is not None:
            end_s = float((packet.pts + (packet.duration or 0)) * self.stream.time_base)
            self.end_s = max(self.end_s, end_s)
        # Of films only key frames: those between may depend on what was not read, and cost far more.
        if self.stream.type == "video" and not packet.is_keyframe:
            return
        self.tried += 1
        try:
            packet.decode()
        except av.error.FFmpegError:
            self.failed += 1


def check_ending(path: Path) -> None:
    """Read and decode the last seconds of every stream.

    Raises:
        Refused: The file ends before the time that its header tells, or its end cannot be decoded.
    """
    with open_media(path) as container:
        check_ending_of(container)


def check_ending_of(container: InputContainer) -> None:
    """As `check_ending`, for a file that is open. Raises Refused."""
    name = container.format.name.partition(",")[0]
    if name not in _SEEKABLE or not container.duration:
        return
    length_s = _length_s(container)
    start_s = float((container.start_time or 0) * TIME_BASE)
    tails = _read(container, start_s + max(0.0, length_s - _WINDOW_S))
    last_s = max((tail.end_s for tail in tails), default=0.0) - start_s
    if name not in _GUESSED and last_s < length_s - tolerance_s(length_s):
        raise Refused(f"it ends after {last_s:.1f} s, though it should last {length_s:.1f} s")
    for tail in tails:
        middle_s = start_s + length_s / 2
        if tail.end_s < middle_s and not _reaches(container, tail.stream, middle_s):
            raise Refused(f"its {tail.stream.type} stream ends before the middle")
    broken = [tail for tail in tails if tail.failed > _MAX_FAILED * tail.tried]
    if broken:
        raise Refused(f"the end of its {broken[0].stream.type} stream cannot be decoded")


def _read(container: InputContainer, from_s: float) -> Sequence[_Tail]:
    tails = {stream.index: _Tail(stream) for stream in _streams(container)}
    container.seek(int(from_s * av.time_base))
    for packet in container.demux(*(tail.stream for tail in tails.values())):
        if packet.size:
            tails[packet.stream_index].take(packet)
    return list(tails.values())


def _streams(container: InputContainer) -> list[Any]:
    streams: list[Any] = list(container.streams)
    # Without a decoder here there is no context; whatever plays it has one.
    usable = [s for s in streams if s.type in {"video", "audio"} and s.codec_context is not None]
    return [stream for stream in usable if not is_cover(stream)]


def _length_s(container: InputContainer) -> float:
    """How long it should last: chapters and subtitles, which may go on for longer, do not count."""
    told_s = [float(s.duration * s.time_base) for s in _streams(container) if s.duration]
    return max(told_s, default=float((container.duration or 0) * TIME_BASE))


def _reaches(container: InputContainer, stream: Any, at_s: float) -> bool:
    """Whether *stream* goes on after *at_s*."""
    container.seek(int(at_s * av.time_base))
    return any(
        packet.pts is not None and packet.pts * stream.time_base >= at_s for packet in container.demux(stream)
    )
