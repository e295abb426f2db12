"""How files are opened with libav, in the process that may crash. Imported there only: it is slow to load."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from core.media.verify import CONTAINERS

#: Unit of libav's times of whole files.
TIME_BASE = Fraction(1, av.time_base)


class Refused(Exception):
    """Says in one line why a file is none of ours."""


@contextmanager
def open_media(path: Path, demuxer: str | None = None) -> Iterator[InputContainer]:
    """Open a local file, with *demuxer* or the one among those of CONTAINERS that fits."""
    allowed = demuxer or ",".join(sorted(CONTAINERS))
    options = {"format_whitelist": allowed, "protocol_whitelist": "file"}
    # To know what a film is like libav decodes the frames of its first megabytes: key frames tell it too.
    hasty = {"skip_frame": "nokey"}
    # Tags in files are often no UTF-8; nobody here reads them.
    with av.open(
        f"file:{path}", format=demuxer, container_options=options, options=hasty, metadata_errors="replace"
    ) as container:
        yield container


def is_cover(stream: Any) -> bool:
    """Whether a stream is a picture beside the sound, not a film."""
    return bool(stream.disposition & Disposition.attached_pic)


def film_of(container: InputContainer) -> VideoStream | None:
    """The first film stream."""
    return next((stream for stream in container.streams.video if not is_cover(stream)), None)
