"""JPEGs of frames and of covers. Runs in the probe worker.

A picture from outside is decoded and encoded anew whatever it is: what is embedded into files is then a plain
JPEG of bounded size, without whatever else its bytes held.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.error
import av.filter
from av.container import InputContainer
from av.video.stream import VideoStream

from core.domain.media import Picture
from core.media.libav import Refused, film_of, open_media

#: Longest side of a cover; larger ones only make the file heavier.
COVER_PIXELS = 1280
#: Nobody would see anything in a smaller one.
_LEAST_PIXELS = 16
#: A picture with more than this is a bomb, or no cover.
MAX_PIXELS = 50_000_000
#: Points that are said to be stretched more than this are no truth.
_MOST_STRETCHED = 8
#: A single picture has none, but filter and encoder want to be told one.
_RATE = Fraction(1, 25)
#: What turns a picture as its film says, by the degrees counterclockwise.
_TURNS = {90: ("cclock",), 180: ("clock", "clock"), 270: ("clock",)}

#: First bytes, and where they stand, of the kinds of pictures that sites use; and the demuxers for them.
_KINDS = (
    (0, b"\xff\xd8\xff", "jpeg_pipe"),
    (0, b"\x89PNG\r\n\x1a\n", "png_pipe"),
    (8, b"WEBP", "webp_pipe"),
    (8, b"avif", "mov"),
    (8, b"mif1", "mov"),
    (0, b"GIF8", "gif"),
)


def picture(path: Path, at_s: float, longest: int, max_bytes: int) -> Picture:
    """A JPEG of the key frame before *at_s*, or of the cover of a file without a film, as a player shows it.

    Args:
        path: A media file.
        at_s: Where to look.
        longest: No side has more points.
        max_bytes: It is no larger: where it would be, it has fewer points.
    """
    with open_media(path) as container:
        stream = film_of(container)
        if stream is not None:
            frame = _frame_at(container, stream, at_s)
        else:
            stream = next(iter(container.streams.video), None)
            if stream is None:
                raise Refused("there is no picture in it")
            _check_size(stream)
            frame = _frame(container, stream)
        width, height = _stretched(frame, stream)
        turns = _TURNS.get(frame.rotation % 360, ())
        while len(data := _jpeg(frame, width, height, longest, turns)) > max_bytes:
            longest //= 2
            if longest < _LEAST_PIXELS:
                raise Refused(f"its picture has more than {max_bytes} bytes at any size")
        if len(turns) == 1:
            width, height = height, width
        return Picture(data, width, height)


def _stretched(frame: Any, stream: VideoStream) -> tuple[int, int]:
    """Width and height once the points of a frame, which may be oblong, were made square."""
    aspect = float(stream.sample_aspect_ratio or 1)
    if not 1 / _MOST_STRETCHED <= aspect <= _MOST_STRETCHED:
        aspect = 1.0
    return round(frame.width * aspect), frame.height


def _frame_at(container: InputContainer, stream: VideoStream, at_s: float) -> Any:
    container.seek(max(0, int(at_s * av.time_base)) + (container.start_time or 0))
    frame = next(container.decode(stream), None)
    if frame is None:  # nothing can be decoded from there on
        container.seek(0)
        frame = _frame(container, stream)
    return frame


def cover(path: Path) -> bytes:
    """A JPEG of a picture file of any of the usual kinds."""
    with path.open("rb") as file:
        head = file.read(16)
    demuxer = next((name for at, sign, name in _KINDS if head[at:].startswith(sign)), None)
    if demuxer is None:
        raise Refused("it is no picture")
    with open_media(path, demuxer) as container:
        stream = next(iter(container.streams.video), None)
        if stream is None or stream.codec_context is None:
            raise Refused("there is no picture in it")
        _check_size(stream)
        frame = _frame(container, stream)
        return _jpeg(frame, frame.width, frame.height, COVER_PIXELS)


def _check_size(stream: VideoStream) -> None:
    context = stream.codec_context
    if not 0 < context.width * context.height <= MAX_PIXELS:
        raise Refused(f"it has {context.width} by {context.height} points")


def _frame(container: InputContainer, stream: VideoStream) -> Any:
    frame = next(container.decode(stream), None)
    if frame is None:
        raise Refused("no picture of it can be decoded")
    return frame


def _jpeg(frame: Any, width: int, height: int, longest: int, turns: tuple[str, ...] = ()) -> bytes:
    scale = min(1.0, longest / max(width, height))
    small = (max(2, round(side * scale) // 2 * 2) for side in (width, height))
    frame = _turned(frame.reformat(*small, "yuvj420p"), turns)
    encoder = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height = frame.width, frame.height
    encoder.pix_fmt, encoder.time_base = "yuvj420p", _RATE
    return b"".join(bytes(packet) for packet in (*encoder.encode(frame), *encoder.encode(None)))


def _turned(frame: Any, turns: tuple[str, ...]) -> Any:
    for turn in turns:
        graph = av.filter.Graph()
        source = graph.add_buffer(
            width=frame.width, height=frame.height, format=frame.format, time_base=_RATE
        )
        graph.link_nodes(source, graph.add("transpose", turn), graph.add("buffersink")).configure()
        graph.push(frame)
        frame = graph.pull()
    return frame
