"""HLS streams made of known bytes, served by an origin."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence

from Cryptodome.Cipher import AES
from Cryptodome.Util.Padding import pad

from tests.fakes.origin import Origin, Resource

SEGMENT_S = 4.0


def adts(body: bytes) -> bytes:
    """*body* with the beginning of an ADTS frame, so that it is taken for packed audio."""
    return b"\xff\xf1\x50\x80" + body


def encrypted(data: bytes, key: bytes, iv: bytes) -> bytes:
    """As AES-128 segments are."""
    return AES.new(key, AES.MODE_CBC, iv).encrypt(pad(data, 16))


def put_vod(
    origin: Origin,
    segments: Sequence[bytes],
    *,
    prefix: str = "/vod",
    query: str = "",
    key: bytes | None = None,
    iv: bytes | None = None,
    first_sequence: int = 0,
    inits: dict[int, bytes] | None = None,
    is_one_file: bool = False,
    discontinuities: Collection[int] = (),
    end: str = "#EXT-X-ENDLIST",
) -> list[Resource]:
    """Serve a playlist at `<prefix>/index.m3u8` and *segments* beside it; the segments' resources.

    Args:
        origin: Serves.
        segments: What the player shall get, in order.
        prefix: Folder.
        query: Put behind the segments' addresses.
        key: Encrypt with AES-128; the key is served as `key.bin`.
        iv: Name this IV instead of leaving it to the sequence number.
        first_sequence: Number of the first segment.
        inits: Init sections, by the segment before which they stand.
        is_one_file: All segments are ranges of one file, the later ones without an offset.
        discontinuities: Segments before which something changes.
        end: Last line of the playlist.
    """
    lines = ["#EXTM3U", "#EXT-X-TARGETDURATION:5", f"#EXT-X-MEDIA-SEQUENCE:{first_sequence}"]
    if key is not None:
        origin.put(f"{prefix}/key.bin", key)
        lines.append('#EXT-X-KEY:METHOD=AES-128,URI="key.bin"' + (f",IV=0x{iv.hex()}" if iv else ""))
    resources, everything = [], b""
    for index, plain in enumerate(segments):
        data = plain
        if key is not None:
            data = encrypted(plain, key, iv or (first_sequence + index).to_bytes(16, "big"))
        if inits and index in inits:
            origin.put(f"{prefix}/init{index}.mp4", inits[index])
            lines.append(f'#EXT-X-MAP:URI="init{index}.mp4"')
        if index in discontinuities:
            lines.append("#EXT-X-DISCONTINUITY")
        lines.append(f"#EXTINF:{SEGMENT_S},")
        if is_one_file:
            lines.append(f"#EXT-X-BYTERANGE:{len(data)}" + ("@0" if index == 0 else ""))
            lines.append(f"all.bin{query}")
            everything += data
        else:
            lines.append(f"{index}.bin{query}")
            resources.append(origin.put(f"{prefix}/{index}.bin", data))
    if is_one_file:
        resources.append(origin.put(f"{prefix}/all.bin", everything))
    text = "\n".join([*lines, end]) + "\n"
    origin.put(f"{prefix}/index.m3u8", text.encode())
    return resources


class LiveList:
    """A broadcast on *origin*: a playlist whose window moves on, and the segments as they come to be.

    Args:
        origin: Serves.
        segments: All there will ever be.
        prefix: Folder.
        name: File name of the segment with this number.
        window: How many the list names; None lets it grow, as an EVENT list does.
        first: Number of the first segment.
        target_s: Target duration, and the pace at which segments come.
        duration_s: What each of them is said to last; the target duration, unless given.
        keeps: So many segments that have left the list are still served; None serves all of them for ever.
        query: Put behind the addresses in the list.
    """

    def __init__(
        self,
        origin: Origin,
        segments: Sequence[bytes],
        *,
        prefix: str = "/live",
        index: str = "index.m3u8",
        name: Callable[[int], str] = "{}.bin".format,
        window: int | None = 4,
        first: int = 0,
        target_s: float = 0.05,
        duration_s: float | None = None,
        keeps: int | None = None,
        query: str = "",
    ) -> None:
        self.origin, self.segments, self.prefix, self.name = origin, segments, prefix, name
        self.window, self.first, self.target_s, self.keeps, self.query = window, first, target_s, keeps, query
        self.duration_s = target_s if duration_s is None else duration_s
        self.path = f"{prefix}/{index}"
        self.shown = 0
        self.lines_before: list[str] = []
        self._grown = asyncio.Condition()
        self._write(is_over=False)

    @property
    def url(self) -> str:
        return self.origin.url(self.path)

    def segment(self, number: int) -> str:
        """Path of a segment."""
        return f"{self.prefix}/{self.name(self.first + number)}"

    async def is_heard(self, number: int) -> None:
        """Return once this segment, and what stood before it in the list, was asked for."""
        for each in range(max(0, number + 1 - (self.window or 1)), number + 1):
            await self.origin.wait_for_requests(self.segment(each), 1)

    def show(self, count: int = 1) -> None:
        """Let *count* more segments come to be."""
        for number in range(self.shown, self.shown + count):
            self.origin.put(self.segment(number), self.segments[number])
        self.shown += count
        if self.keeps is not None and self.window is not None:
            gone = self.shown - self.window - self.keeps
            for number in range(gone - count, gone):
                if number >= 0 and self.segment(number) in self.origin.paths:
                    self.origin.remove(self.segment(number))
        self._write(is_over=False)

    def end(self) -> None:
        """Say that it is over."""
        self._write(is_over=True)

    def text(self, start: int, *, is_over: bool, query: str | None = None) -> str:
        """A list of what is shown, from the segment *start*."""
        lines = ["#EXTM3U", f"#EXT-X-TARGETDURATION:{self.target_s}"]
        lines += [f"#EXT-X-MEDIA-SEQUENCE:{self.first + start}", *self.lines_before]
        suffix = self.query if query is None else query
        for number in range(start, self.shown):
            lines += [f"#EXTINF:{self.duration_s},", f"{self.name(self.first + number)}{suffix}"]
        return "\n".join([*lines, *(["#EXT-X-ENDLIST"] if is_over else [])]) + "\n"

    def _write(self, *, is_over: bool) -> None:
        start = 0 if self.window is None else max(0, self.shown - self.window)
        self.origin.put(self.path, self.text(start, is_over=is_over).encode())

    async def run(self, until: int | None = None) -> None:
        """Let time go by: a segment for each target duration, until so many are shown."""
        end = len(self.segments) if until is None else until
        while self.shown < end:
            await asyncio.sleep(self.target_s)  # time at the server, not a wait of the test
            self.show()
            async with self._grown:
                self._grown.notify_all()

    async def has_shown(self, count: int) -> None:
        """Return once `run` has shown so many."""
        async with self._grown:
            await self._grown.wait_for(lambda: self.shown >= count)
