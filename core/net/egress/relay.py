"""HTTP heads as a proxy reads and rewrites them, and the carrying of bytes between two connections."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import httpcore

from core.net.http.connection import Stream, within
from core.net.pace import Bandwidth

MAX_HEAD_BYTES = 64 * 1024
HEAD_TIMEOUT_S = 30.0
#: When nothing has moved either way for this long, the other side is taken for dead.
IDLE_TIMEOUT_S = 600.0
_REQUEST_LINE = re.compile(rb"([A-Z]{1,20}) ([\x21-\x7e]{1,16384}) HTTP/1\.[01]")
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):([^\x00-\x08\x0a-\x1f\x7f]*)")
#: RFC 9110 §7.6.1: fields about one connection, which are never passed on.
_HOP_BY_HOP = frozenset({b"connection", b"keep-alive", b"proxy-authorization", b"proxy-connection", b"te"})
_INTERIM = re.compile(rb"HTTP/1\.[01] 1[0-9]{2}\b")
_BODILESS = re.compile(rb"HTTP/1\.[01] (?:204|304)\b")
_CONTENT_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,18})[ \t]*(?=\r|\Z)", re.IGNORECASE)
_TRANSFER_ENCODING = re.compile(rb"\r\ntransfer-encoding:", re.IGNORECASE)
_RETRY_AFTER = re.compile(rb"\r\nretry-after:[ \t]*([^\r\n]{1,100})", re.IGNORECASE)
_CONNECTION_FIELDS = re.compile(rb"\r\n(?:connection|keep-alive|proxy-connection):[^\r\n]*", re.IGNORECASE)


_FREE = Bandwidth()


class BadHead(ValueError):
    """A head that is no request to a proxy."""


@dataclass(frozen=True, slots=True)
class RequestHead:
    """A request as a proxy gets it."""

    method: str
    #: An absolute URL, or host and port for CONNECT.
    uri: str
    #: Names in lower case.
    fields: tuple[tuple[bytes, bytes], ...]

    def field(self, name: bytes) -> bytes:
        """The first value of that name, else empty."""
        return next((value for found, value in self.fields if found == name), b"")

    @property
    def body_bytes(self) -> int | None:
        """Length of the body; None when its chunks tell."""
        if self.field(b"transfer-encoding"):
            return None
        length = self.field(b"content-length")
        return int(length) if length.isdigit() else 0

    def for_origin(self, authority: str, path: str) -> bytes:
        """The head for the origin server: asking for one answer, naming the host that was judged."""
        listed = {name.strip().lower() for name in self.field(b"connection").split(b",")}
        kept = [field for field in self.fields if field[0] not in _HOP_BY_HOP | listed | {b"host"}]
        fields = [(b"host", authority.encode("ascii")), *kept, (b"connection", b"close")]
        line = f"{self.method} {path} HTTP/1.1\r\n".encode("ascii")
        return line + b"".join(b"%s: %s\r\n" % field for field in fields) + b"\r\n"


async def read_head(stream: Stream, held: bytes, timeout_s: float | None) -> tuple[bytes, bytes]:
    """A head without its blank line, and what came after it. *held* has been read before.

    Raises:
        BadHead: It is too long.
        httpcore.ReadError, httpcore.ReadTimeout: It did not come.
    """
    async with within(timeout_s, httpcore.ReadTimeout, httpcore.ReadError):
        while (end := held.find(b"\r\n\r\n")) < 0 and len(held) <= MAX_HEAD_BYTES:
            chunk = await stream.read(MAX_HEAD_BYTES)
            if not chunk:
                raise httpcore.ReadError("it ended before its head did")
            held += chunk
    if not 0 <= end <= MAX_HEAD_BYTES:
        raise BadHead("the head is too large")
    return held[:end], held[end + 4 :]


def parse_request(head: bytes) -> RequestHead:
    """The request that *head* is. Raises BadHead."""
    first, *lines = head.split(b"\r\n")
    line = _REQUEST_LINE.fullmatch(first)
    if line is None:
        raise BadHead("this is no request to a proxy")
    fields = []
    for entry in lines:
        field = _FIELD.fullmatch(entry)
        if field is None:
            raise BadHead("a header field is malformed")
        fields.append((field[1].lower(), field[2].strip(b" \t")))
    return RequestHead(line[1].decode("ascii"), line[2].decode("ascii"), tuple(fields))


async def tunnel(child: Stream, upstream: Stream, held: bytes, bandwidth: Bandwidth) -> None:
    """Carry bytes both ways until *upstream* ends. *held* is what the child has sent already."""
    async with _moving() as moved, _beside(_upwards(child, upstream, held, None, moved)):
        await _carry(upstream, child, b"", None, moved, bandwidth)


async def exchange(
    child: Stream,
    upstream: Stream,
    request: RequestHead,
    origin_head: bytes,
    held: bytes,
    bandwidth: Bandwidth,
    answered: Callable[[bytes], None],
) -> None:
    """Send one request and carry its answer back, which tells the child that the connection ends with it.

    Nothing follows the request's own body, so that a next request never reaches this upstream. *answered* is
    told the answer's head.
    """
    body_bytes = request.body_bytes
    limit_bytes = None if body_bytes is None else len(origin_head) + body_bytes
    request_bytes = origin_head + held
    async with _moving() as moved, _beside(_upwards(child, upstream, request_bytes, limit_bytes, moved)):
        head, rest = await _answer(upstream, child)
        answered(head)
        await child.write(_CONNECTION_FIELDS.sub(b"", head) + b"\r\nConnection: close\r\n\r\n")
        await _carry(upstream, child, rest, _answer_bytes(request, head), moved, bandwidth)


@contextlib.asynccontextmanager
async def _moving() -> AsyncIterator[Callable[[], None]]:
    """Raise TimeoutError when what this gives has not been called for long."""
    async with asyncio.timeout(IDLE_TIMEOUT_S) as idle:

        def moved() -> None:
            if not idle.expired():
                idle.reschedule(asyncio.get_running_loop().time() + IDLE_TIMEOUT_S)

        yield moved


@contextlib.asynccontextmanager
async def _beside(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Do *work* at the same time, and no longer."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _upwards(
    child: Stream,
    upstream: Stream,
    held: bytes,
    limit_bytes: int | None,
    moved: Callable[[], None],
) -> None:
    """Carry what the child sends. When the child is gone, end the other direction too."""
    try:
        await _carry(child, upstream, held, limit_bytes, moved, _FREE)
        if limit_bytes is None:
            upstream.end_writing()
            return
        while await child.read(1):
            pass  # it was told that no further request is taken on this connection
    except httpcore.NetworkError:
        pass
    upstream.hang_up()


async def _carry(
    source: Stream,
    sink: Stream,
    held: bytes,
    limit_bytes: int | None,
    moved: Callable[[], None],
    bandwidth: Bandwidth,
) -> None:
    """Carry *held* and what follows, at most *limit_bytes* in all, until the source ends.

    Nothing more is read before the last piece is written: that is the backpressure.
    """
    while True:
        if limit_bytes is not None:
            held = held[:limit_bytes]
            limit_bytes -= len(held)
        async for piece in bandwidth.pieces(held):
            await sink.write(piece)
            moved()
        if limit_bytes == 0 or not (held := await source.read(1)):
            return


def status_of(head: bytes) -> tuple[int, str]:
    """An answer's status, 0 when it is none, and its Retry-After field."""
    status, wish = head.partition(b" ")[2][:3], _RETRY_AFTER.search(head)
    return int(status) if status.isdigit() else 0, wish[1].decode("latin-1") if wish else ""


async def _answer(upstream: Stream, child: Stream) -> tuple[bytes, bytes]:
    """The final head and what came after it; interim ones are passed on."""
    head, held = await read_head(upstream, b"", IDLE_TIMEOUT_S)
    while _INTERIM.match(head):
        await child.write(head + b"\r\n\r\n")
        head, held = await read_head(upstream, held, IDLE_TIMEOUT_S)
    return head, held


def _answer_bytes(request: RequestHead, head: bytes) -> int | None:
    """Length of an answer's body; None when only its chunks or the connection's end tell."""
    if request.method == "HEAD" or _BODILESS.match(head):
        return 0
    length = _CONTENT_LENGTH.search(head)
    return int(length[1]) if length is not None and not _TRANSFER_ENCODING.search(head) else None
