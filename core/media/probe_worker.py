"""The process that opens media files: PyAV behind JSON lines, so that a crash in C costs one probe.

A request is `{"id", "op", "path"}`, for `probe` with `measure`, for `picture` with `at_s`, `longest` and
`max_bytes`; other ops are `cover`, `cuts`, `tags`, `ending`, `uneven` and `whole`. Its answer is `{"id",
"result"}` or `{"id", "error": "one line"}`. The process ends with its stdin.
"""

from __future__ import annotations

import base64
import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import av.error
from av.container import InputContainer

from core.domain.media import MediaInfo, StreamInfo
from core.media import pictures
from core.media.adts import is_uneven, uneven_tracks
from core.media.cut_points import read_cut_points
from core.media.ending import check_ending, check_ending_of
from core.media.faststart import read_layout
from core.media.libav import TIME_BASE, Refused, is_cover, open_media
from core.media.tag_reading import read_tags

#: Raw streams, for which libav guesses a duration from the bit rate of the first frames.
_HEADERLESS = frozenset({"aac"})
_CUT_SHORT = "its end is missing"
#: What is asked of a path alone.
_READERS: Mapping[str, Callable[[Path], Any]] = {
    "cover": lambda path: base64.b64encode(pictures.cover(path)).decode(),
    "cuts": read_cut_points,
    "tags": read_tags,
    "ending": check_ending,
    "uneven": lambda path: bool(uneven_tracks(path)),
}
_WORDS = (
    (b"#EXTM3U", "it is a playlist, not media"),
    (b"<?xml", "it is a text, not media"),
    (b"<!doctype html", "it is a web page, not media"),
    (b"<html", "it is a web page, not media"),
)


def main() -> None:
    """Answer requests until stdin ends."""
    # Whatever a library prints must not land between the answers.
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    for line in sys.stdin.buffer:
        request = json.loads(line)
        answers.write(json.dumps({"id": request["id"], **_answer(request)}).encode() + b"\n")


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    path = Path(request["path"])
    try:
        return {"result": _result(request, path)}
    except Refused as error:
        return {"error": str(error)}
    except (av.error.FFmpegError, OSError) as error:
        return {"error": _what_it_is(path) or error.strerror or type(error).__name__}


def _result(request: dict[str, Any], path: Path) -> Any:
    match request["op"]:
        case "picture":
            limits = request["longest"], request["max_bytes"]
            seen = pictures.picture(path, request["at_s"], *limits)
            return [base64.b64encode(seen.jpeg).decode(), seen.width, seen.height]
        case "probe" | "whole":
            return _probed(path, measure=request.get("measure", False), is_whole=request["op"] == "whole")
        case op:
            return _READERS[op](path)


def _probed(path: Path, *, measure: bool, is_whole: bool) -> Any:
    with open_media(path) as container:
        info = _probe(container, path, measure=measure).to_json()
        return {"info": info, "fault": _fault_of_ending(container)} if is_whole else info


def _fault_of_ending(container: InputContainer) -> str | None:
    """What is wrong with the end of a file, in words."""
    try:
        check_ending_of(container)
    except Refused as error:
        return str(error)
    except av.error.FFmpegError as error:
        return error.strerror or type(error).__name__
    return None


def _probe(container: InputContainer, path: Path, *, measure: bool) -> MediaInfo:
    name = container.format.name.partition(",")[0]
    layout = read_layout(path) if name == "mov" else None
    if layout and layout.is_cut_short:
        raise Refused(_CUT_SHORT)
    uneven = _uneven(path, name)
    streams = tuple(filter(None, (_stream(stream, uneven) for stream in container.streams)))
    if not streams:
        raise Refused("there is neither sound nor picture in it")
    is_fragmented = layout is not None and layout.is_fragmented
    duration_s = _told_duration(container, streams)
    if is_fragmented or name in _HEADERLESS or (name == "mp3" and not _has_length(path)) or not duration_s:
        duration_s = _measured_duration(container) if measure else None
    return MediaInfo(
        container=name,
        size_bytes=path.stat().st_size,
        duration_s=duration_s,
        streams=streams,
        start_s=float((container.start_time or 0) * TIME_BASE),
        is_fragmented=is_fragmented,
    )


def _uneven(path: Path, container: str) -> frozenset[int]:
    """Ids of streams whose form changes on the way; other containers could not say so."""
    if container == "mpegts":
        return uneven_tracks(path)
    return frozenset({0}) if container == "aac" and is_uneven(path) else frozenset()


def _stream(stream: Any, uneven: frozenset[int]) -> StreamInfo | None:
    context = stream.codec_context
    if stream.type not in {"video", "audio"} or context is None:
        return None
    duration_s = float(stream.duration * stream.time_base) if stream.duration else None
    # The decoder's own name would be `mp3float` or `libdav1d`.
    codec = context.codec.canonical_name
    if stream.type == "audio":
        return StreamInfo(
            type="audio",
            codec=codec,
            duration_s=duration_s,
            sample_rate_hz=context.sample_rate or None,
            channels=context.channels or None,
            bitrate_bps=context.bit_rate or None,
            is_uneven=stream.id in uneven,
        )
    rate = stream.average_rate
    return StreamInfo(
        type="video",
        codec=codec,
        duration_s=duration_s,
        width=context.width or None,
        height=context.height or None,
        fps=round(float(rate), 3) if rate else None,
        is_cover=is_cover(stream),
    )


def _told_duration(container: InputContainer, streams: tuple[StreamInfo, ...]) -> float | None:
    if container.duration:
        return float(container.duration * TIME_BASE)
    return max((stream.duration_s for stream in streams if stream.duration_s), default=None)


def _measured_duration(container: InputContainer) -> float | None:
    """The longest stream, from the start of its first packet to the end of its last.

    Reads the whole file, at some 3 µs a packet (43 packets a second of sound): hence so bare.
    """
    starts: dict[int, int] = {}
    ends: dict[int, int] = {}
    for packet in container.demux():
        start = packet.pts
        if start is None:
            continue
        index = packet.stream_index
        end = start + (packet.duration or 0)
        if end > ends.get(index, end - 1):
            ends[index] = end
        if start < starts.get(index, start + 1):
            starts[index] = start
    spans = [
        float((ends[index] - starts[index]) * base)
        for index in ends
        if (base := container.streams[index].time_base) is not None
    ]
    return max(spans, default=None)


def _has_length(path: Path) -> bool:
    """Whether an MP3 file begins with a Xing or Info header that speaks of this very file.

    It does not where pieces were joined or the end is missing: then its length is of no use.
    """
    with path.open("rb") as file:
        head = file.read(10)
        if head.startswith(b"ID3") and len(head) == 10:
            size = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]  # seven bits a byte
            file.seek(10 + size)
            head = b""
        start = file.tell() - len(head)
        head += file.read(4096)
    at = max(head.find(b"Xing"), head.find(b"Info"))
    flags = head[at + 7] if 0 <= at < len(head) - 16 else 0
    if flags & 3 != 3:  # number of frames, and of bytes from here on
        return False
    told_bytes = int.from_bytes(head[at + 12 : at + 16], "big")
    return abs(path.stat().st_size - start - told_bytes) <= max(4096, told_bytes // 100)


def _what_it_is(path: Path) -> str | None:
    """A plainer word than libav's `Invalid data found` where the first bytes give one."""
    try:
        with path.open("rb") as file:
            head = file.read(256)
        if head[4:8] == b"ftyp" and read_layout(path).is_cut_short:
            return _CUT_SHORT
    except OSError:
        return None
    head = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return next((words for sign, words in _WORDS if head.startswith(sign.lower())), None)


if __name__ == "__main__":
    main()
