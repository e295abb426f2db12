"""Reads single HLS segments: the right bytes of them, decrypted, without ID3 tags in front."""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Mapping
from functools import cached_property, lru_cache
from urllib.parse import urlsplit

from core.domain.errors import HttpFailure, InvalidRequest, NetworkFailure, ParserFailure
from core.domain.media import Track
from core.net.hls.aes import KEY_BYTES, SPARE_BYTES, CbcDecryptor
from core.net.hls.packed import Id3Stripper
from core.net.hls.playlist import ByteRange, InitSection, Segment, SegmentKey
from core.net.http.client import HttpClient, Response, raise_for_status
from core.net.http.pump import BUFFER_BYTES
from core.net.transfer.pulse import Pulse
from core.net.transfer.remote import parse_content_range
from core.net.transfer.sniff import SNIFF_BYTES, sniff_container

#: Takes what was read, which is its own during the call only. What it returns is awaited before it gets more.
Sink = Callable[[bytes | memoryview], Awaitable[None] | None]

#: What players send to other hosts too, where segments often are; logins stay with the playlist's origin.
_PLAYER_HEADERS = frozenset({"accept", "accept-language", "origin", "referer", "user-agent"})


class SegmentReader:
    """Reads the segments of one playlist.

    Args:
        http: Fetches.
        track: Its headers go to the playlist's origin whole, to others without what tells of a login.
        pulse: Counts what is received.
    """

    def __init__(self, http: HttpClient, track: Track, pulse: Pulse) -> None:
        self._http = http
        self._track = track
        self._pulse = pulse
        self._keys: dict[str, bytes] = {}
        self._key_locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def read(self, segment: Segment, sink: Sink, *, with_init: bool) -> None:
        """Give *segment* to *sink*, after its init section if *with_init*.

        Raises:
            HttpFailure: It is not there (404 and 410 too: the medium itself was found), or a page is.
            MediaFailure: It cannot be decrypted.
            JobError: By status, or NetworkFailure.
        """
        if with_init and (init := segment.init) is not None:
            await self.read_init(init, sink)
        await self._read(segment.url, segment.byterange, segment.key, sink)

    async def read_init(self, init: InitSection, sink: Sink) -> None:
        """Give an init section to *sink*; raises as `read` does."""
        await self._read(init.url, init.byterange, init.key, sink)

    async def _read(self, url: str, byterange: ByteRange | None, key: SegmentKey | None, sink: Sink) -> None:
        decryptor = CbcDecryptor(await self._key(key.url), key.iv, self._room) if key else None
        with _bad_links_are_the_playlists():
            async with self._http.stream(url, headers=self._headers(url, byterange)) as response:
                way = _Way(_Cut(response, byterange), decryptor, sink, self._pulse)
                with contextlib.suppress(_Full):
                    await response.copy(way.feed)
                way.cut.require_whole()
        if (pending := way.finish()) is not None:
            await pending

    def _headers(self, url: str, byterange: ByteRange | None) -> Mapping[str, str]:
        is_home = _origin(url) == _origin(self._track.url)
        headers = self._home_headers if is_home else self._player_headers
        if not byterange:
            return headers
        return {**headers, "Range": f"bytes={byterange.start}-{byterange.start + byterange.length - 1}"}

    @cached_property
    def _room(self) -> bytearray:
        """What is decrypted goes from here to the sink at once."""
        return bytearray(BUFFER_BYTES + SPARE_BYTES)

    @cached_property
    def _home_headers(self) -> Mapping[str, str]:
        return {k: v for k, v in self._track.headers.items() if k.lower() not in {"range", "if-range"}}

    @cached_property
    def _player_headers(self) -> Mapping[str, str]:
        return {k: v for k, v in self._home_headers.items() if k.lower() in _PLAYER_HEADERS}

    async def _key(self, url: str) -> bytes:
        async with self._key_locks[url]:
            if url not in self._keys:
                self._keys[url] = await self._fetch_key(url)
            return self._keys[url]

    async def _fetch_key(self, url: str) -> bytes:
        with _bad_links_are_the_playlists():
            async with self._http.stream(url, headers=self._headers(url, None)) as response:
                raise_for_status(response)
                key = b""
                async for chunk in response.chunks():
                    self._pulse.received_bytes += len(chunk)
                    key += chunk
                    if len(key) > KEY_BYTES:
                        break
                if len(key) != KEY_BYTES:
                    raise HttpFailure(f"{response.host} sent something else instead of a key")
                return key


class _Full(Exception):
    """The rest of the answer is not needed. Control flow."""


class _Way:
    """What a segment goes through between the network and the sink."""

    def __init__(self, cut: _Cut, decryptor: CbcDecryptor | None, sink: Sink, pulse: Pulse) -> None:
        self.cut = cut
        self._decryptor = decryptor
        self._stripper = Id3Stripper()
        self._sink = sink
        self._pulse = pulse
        self._is_begun = False

    def feed(self, data: memoryview) -> Awaitable[None] | None:
        self._pulse.received_bytes += len(data)
        if self.cut.is_full:
            raise _Full
        if not self._is_begun and sniff_container(bytes(data[:SNIFF_BYTES])) == "html":
            raise HttpFailure(f"{self.cut.host} sent a web page instead of a segment")
        self._is_begun = True
        wanted = self.cut.feed(data)
        clean = self._stripper.feed(self._decryptor.feed(wanted) if self._decryptor else wanted)
        return self._sink(clean) if clean else None

    def finish(self) -> Awaitable[None] | None:
        """The segment is over: give what was kept back."""
        last = self._decryptor.finish() if self._decryptor else b""
        clean = self._stripper.feed(last) or self._stripper.finish()
        return self._sink(clean) if clean else None


class _Cut:
    """Which bytes of an answer belong to the segment."""

    def __init__(self, response: Response, byterange: ByteRange | None) -> None:
        if response.status in {404, 410}:
            raise HttpFailure(f"{response.host} does not have a segment", remote_status=response.status)
        raise_for_status(response)
        self.host = response.host
        self._skip_bytes = 0
        self._length = byterange.length if byterange else None
        self._taken_bytes = 0
        if response.status == 206:
            part = parse_content_range(response.headers.get("content-range", ""))
            is_asked = byterange and part and part.start == byterange.start
            if not (is_asked and byterange and part and part.end - part.start == byterange.length):
                raise NetworkFailure(f"{self.host} sent another part than was asked for")
        elif byterange:
            self._skip_bytes = byterange.start  # all of the file came instead

    def feed(self, chunk: memoryview) -> memoryview:
        skipped = min(self._skip_bytes, len(chunk))
        self._skip_bytes -= skipped
        end = None if self._length is None else skipped + self._length - self._taken_bytes
        data = chunk[skipped:end] if skipped or (end is not None and end < len(chunk)) else chunk
        self._taken_bytes += len(data)
        return data

    @property
    def is_full(self) -> bool:
        return self._length is not None and self._taken_bytes >= self._length

    def require_whole(self) -> None:
        if not self._taken_bytes or (self._length is not None and not self.is_full):
            raise NetworkFailure(f"{self.host} sent an empty or cut segment")


@contextlib.contextmanager
def _bad_links_are_the_playlists() -> Iterator[None]:
    """The request was fine; it is the playlist that holds a link which cannot be used."""
    try:
        yield
    except InvalidRequest as error:
        raise ParserFailure(f"a link in the playlist cannot be used: {error.detail}") from error


@lru_cache(maxsize=4096)
def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.lower()
