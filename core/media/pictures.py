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
from av.container import InputContainer
from av.video.stream import VideoStream

from core.media.libav import Refused, film_of, open_media

#: Longest side of a thumbnail; Telegram takes no larger ones.
THUMBNAIL_PIXELS = 320
#: Longest side of a cover; larger ones only make the file heavier.
COVER_PIXELS = 1280
#: A picture with more than this is a bomb, or no cover.
MAX_PIXELS = 50_000_000

#: First bytes, and where they stand, of the kinds of pictures that sites use; and the demuxers for them.
_KINDS = (
    (0, b"\xff\xd8\xff", "jpeg_pipe"),
    (0, b"\x89PNG\r\n\x1a\n", "png_pipe"),
    (8, b"WEBP", "webp_pipe"),
    (8, b"avif", "mov"),
    (8, b"mif1", "mov"),
    (0, b"GIF8", "gif"),
)


def thumbnail(path: Path, at_s: float) -> bytes:
    """A small JPEG of the key frame before *at_s*."""
    with open_media(path) as container:
        stream = film_of(container)
        if stream is None:
            raise Refused("there is no picture in it")
        container.seek(max(0, int(at_s * av.time_base)) + (container.start_time or 0))
        frame = next(container.decode(stream), None)
        if frame is None:  # nothing can be decoded from there on
            container.seek(0)
            frame = _frame(container, stream)
        return _jpeg(frame, THUMBNAIL_PIXELS)


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
        context = stream.codec_context
        if not 0 < context.width * context.height <= MAX_PIXELS:
            raise Refused(f"it has {context.width} by {context.height} points")
        return _jpeg(_frame(container, stream), COVER_PIXELS)


def _frame(container: InputContainer, stream: VideoStream) -> Any:
    frame = next(container.decode(stream), None)
    if frame is None:
        raise Refused("no picture of it can be decoded")
    return frame


def _jpeg(frame: Any, longest: int) -> bytes:
    scale = min(1.0, longest / max(frame.width, frame.height))
    width, height = (max(2, round(side * scale) // 2 * 2) for side in (frame.width, frame.height))
    encoder = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height = width, height
    encoder.pix_fmt, encoder.time_base = "yuvj420p", Fraction(1, 25)
    frame = frame.reformat(width, height, "yuvj420p")
    return b"".join(bytes(packet) for packet in (*encoder.encode(frame), *encoder.encode(None)))
