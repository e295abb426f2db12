"""Reads single HLS segments: the right bytes of them, decrypted, without ID3 tags in front."""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Mapping
from urllib.parse import urlsplit

from core.domain.errors import HttpFailure, InvalidRequest, NetworkFailure, ParserFailure
from core.domain.media import Track
from core.net.hls.aes import KEY_BYTES, CbcDecryptor
from core.net.hls.packed import Id3Stripper
from core.net.hls.playlist import ByteRange, InitSection, Segment, SegmentKey
from core.net.http.client import HttpClient, Response, raise_for_status
from core.net.transfer.blocking import run_blocking
from core.net.transfer.pulse import Pulse
from core.net.transfer.remote import parse_content_range
from core.net.transfer.sniff import SNIFF_BYTES, sniff_container

#: Takes what was read; it may wait, which holds the reading up.
Sink = Callable[[bytes | memoryview], Awaitable[None]]

#: Smaller ones are decrypted before a thread would have begun.
_THREAD_BYTES = 128 * 1024
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
        decryptor = CbcDecryptor(await self._key(key.url), key.iv) if key else None
        stripper = Id3Stripper()
        is_first = True
        with _bad_links_are_the_playlists():
            async with self._http.stream(url, headers=self._headers(url, byterange)) as response:
                cut = _Cut(response, byterange)
                async for chunk in response.chunks():
                    self._pulse.received_bytes += len(chunk)
                    if is_first and sniff_container(chunk[:SNIFF_BYTES]) == "html":
                        raise HttpFailure(f"{response.host} sent a web page instead of a segment")
                    is_first = False
                    data = cut.feed(chunk)
                    if decryptor:
                        data = await _decrypted(decryptor, data)
                    if clean := stripper.feed(data):
                        await sink(clean)
                    if cut.is_full:
                        break
                cut.require_whole()
        if clean := stripper.feed(decryptor.finish() if decryptor else b"") or stripper.finish():
            await sink(clean)

    def _headers(self, url: str, byterange: ByteRange | None) -> Mapping[str, str]:
        headers = {k: v for k, v in self._track.headers.items() if k.lower() not in {"range", "if-range"}}
        if _origin(url) != _origin(self._track.url):
            headers = {name: value for name, value in headers.items() if name.lower() in _PLAYER_HEADERS}
        if byterange:
            headers["Range"] = f"bytes={byterange.start}-{byterange.start + byterange.length - 1}"
        return headers

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


class _Cut:
    """Which bytes of an answer belong to the segment."""

    def __init__(self, response: Response, byterange: ByteRange | None) -> None:
        if response.status in {404, 410}:
            raise HttpFailure(f"{response.host} does not have a segment", remote_status=response.status)
        raise_for_status(response)
        self._host = response.host
        self._skip_bytes = 0
        self._length = byterange.length if byterange else None
        self._taken_bytes = 0
        if response.status == 206:
            part = parse_content_range(response.headers.get("content-range", ""))
            is_asked = byterange and part and part.start == byterange.start
            if not (is_asked and byterange and part and part.end - part.start == byterange.length):
                raise NetworkFailure(f"{self._host} sent another part than was asked for")
        elif byterange:
            self._skip_bytes = byterange.start  # all of the file came instead

    def feed(self, chunk: bytes) -> bytes:
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
            raise NetworkFailure(f"{self._host} sent an empty or cut segment")


async def _decrypted(decryptor: CbcDecryptor, data: bytes) -> bytes:
    if len(data) < _THREAD_BYTES:
        return decryptor.feed(data)
    return await run_blocking(decryptor.feed, data)


@contextlib.contextmanager
def _bad_links_are_the_playlists() -> Iterator[None]:
    """The request was fine; it is the playlist that holds a link which cannot be used."""
    try:
        yield
    except InvalidRequest as error:
        raise ParserFailure(f"a link in the playlist cannot be used: {error.detail}") from error


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.lower()
