"""A loopback HTTP/1.1 origin whose resources can be told to misbehave, and which remembers what it was asked.

async with Origin() as origin:
    film = origin.put("/film.mp4", data, etag='"1"')
    film.fail(Fault(drop_after=100_000), times=2)
    ...
    assert origin.bytes_sent("/film.mp4") < 2 * len(data)
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import mimetypes
import re
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.parse import unquote, urlsplit

HTML = b"<!DOCTYPE html><html><head><title>Please sign in</title></head><body>Sign in</body></html>"
_REASONS = {200: "OK", 206: "Partial Content", 302: "Found", 404: "Not Found", 416: "Range Not Satisfiable"}
_TYPES = {
    ".aac": "audio/aac",
    ".m3u8": "application/vnd.apple.mpegurl",
    ".m4s": "video/iso.segment",
    ".ts": "video/mp2t",
}
_CHUNK_BYTES = 256 * 1024
#: So far behind its rate a connection may come, and make up for it.
_LATE_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """How one response departs from what it should be."""

    #: Cut the connection after this many body bytes.
    drop_after: int | None = None
    #: Answer with this status and no media.
    status: int | None = None
    #: `Retry-After` beside `status`.
    retry_after: str | None = None
    #: Send this Content-Range instead of the true one.
    content_range: str | None = None
    #: Say this many bytes more than are sent (fewer, when negative).
    length_lie: int = 0
    #: Answer 200 with the whole body, whatever range was asked.
    ignore_range: bool = False
    #: Answer 200 because of If-Range although the validator matches.
    refuse_if_range: bool = False
    #: Serve the range although If-Range names another version.
    ignore_if_range: bool = False
    #: Compress the body although nobody asked.
    gzip: bool = False
    #: Answer 200 with a web page.
    html: bool = False
    #: Stop after this many body bytes until `Origin.release` is set.
    hold_after: int | None = None
    #: Never end the body (chunked, unless `length_lie` says otherwise).
    infinite: bool = False
    #: Chunked framing, so that no length is announced.
    chunked: bool = False
    #: Break the chunked framing after this many body bytes.
    bad_chunk_after: int | None = None
    #: Neither length nor chunks: the end of the connection is the end of the body.
    until_close: bool = False
    #: Serve at most this many bytes of the range that was asked for.
    shorten_range: int | None = None
    #: Show this ETag instead of the resource's, and compare If-Range with it.
    etag: str | None = None
    #: Answer 302 to this address.
    location: str | None = None
    #: Serve a range that begins so many bytes behind the one that was asked for, and say so.
    shift_range: int = 0
    #: Say these fields too, whatever stands in the head already.
    fields: tuple[tuple[str, str], ...] = ()
    #: So many interim answers come first.
    interim: int = 0
    #: Seconds before each byte of the head.
    drip_s: float = 0.0
    #: Bytes per second of the body, instead of the resource's.
    rate_bps: float | None = None
    #: Follows the body in one breath, on a connection that is kept.
    garbage: bytes = b""


HEALTHY = Fault()


@dataclass(slots=True)
class Seen:
    """One request and what became of it."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    connection: int
    status: int = 0
    sent_bytes: int = 0

    @property
    def range(self) -> tuple[int, int | None] | None:
        """First and last byte asked for."""
        match = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("range", ""))
        return (int(match[1]), int(match[2]) if match[2] else None) if match else None


@dataclass(slots=True)
class Resource:
    """What a path answers. `body` and the validators may be changed while the origin runs."""

    body: bytes
    content_type: str
    etag: str | None = None
    last_modified: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    redirect: str | None = None
    #: Bytes per second of each connection.
    rate_bps: float | None = None
    #: Seconds before each answer.
    latency_s: float = 0.0
    #: Requests that may be answered at once; the others get 503.
    max_active: int | None = None
    always: Fault = HEALTHY
    #: Says what becomes of each answer that nothing is scripted for; it may change the resource first.
    draw: Callable[[Seen], Fault] | None = None
    active: int = 0
    peak_active: int = 0
    _script: deque[Fault] = field(default_factory=deque)

    def fail(self, fault: Fault, *, times: int = 1) -> Self:
        """Let the next *times* answers show *fault*."""
        self._script.extend([fault] * times)
        return self

    def next_fault(self, seen: Seen) -> Fault:
        """The fault of the answer that is about to be given."""
        if self._script:
            return self._script.popleft()
        return self.draw(seen) if self.draw is not None else self.always


class Origin:
    """An HTTP/1.1 server on a loopback address, running between `async with` and its end."""

    def __init__(self, *, host: str = "127.0.0.1") -> None:
        self.host = host
        self.requests: list[Seen] = []
        self.connections = 0
        #: Lets go of responses held by `Fault.hold_after`.
        self.release = asyncio.Event()
        #: Set each time a response begins to be held.
        self.held = asyncio.Event()
        #: Connections end without an answer, as when the server has gone.
        self.is_away = False
        #: The most answers that were being given at once.
        self.peak_active = 0
        self._resources: dict[str, Resource] = {}
        self._faultless: set[str] = set()
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._arrived = asyncio.Condition()
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, self.host, 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        for listening in self._server.sockets:
            asyncio.get_running_loop().remove_reader(listening.fileno())
        await asyncio.sleep(0)  # asyncio forgets to close what was accepted just before its server is closed
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    def url(self, path: str) -> str:
        """The address of *path*."""
        return f"http://{self.host}:{self.port}{path}"

    def put(
        self,
        path: str,
        body: bytes = b"",
        *,
        content_type: str | None = None,
        etag: str | None = '"v1"',
        last_modified: str | None = "Wed, 21 Oct 2015 07:28:00 GMT",
        headers: Mapping[str, str] | None = None,
    ) -> Resource:
        """Serve *body* at *path*; what is returned can be changed and scripted."""
        kind = content_type or _TYPES.get(Path(path).suffix) or mimetypes.guess_type(path)[0]
        resource = Resource(
            body=body,
            content_type=kind or "application/octet-stream",
            etag=etag,
            last_modified=last_modified,
            headers=dict(headers or {}),
        )
        self._resources[path] = resource
        return resource

    def put_folder(self, prefix: str, folder: Path) -> dict[str, Resource]:
        """Serve every file of *folder* below *prefix*; the resources by their path in the folder."""
        return {
            name: self.put(f"{prefix.rstrip('/')}/{name}", file.read_bytes(), etag=f'"{name}"')
            for file in sorted(folder.rglob("*"))
            if file.is_file()
            for name in [file.relative_to(folder).as_posix()]
        }

    def put_redirect(self, path: str, location: str) -> Resource:
        """Answer *path* with 302 to *location*."""
        resource = self.put(path)
        resource.redirect = location
        return resource

    def alias(self, path: str, resource: Resource) -> None:
        """Serve *resource* at *path* too, without its faults."""
        self._resources[path] = resource
        self._faultless.add(path)

    def remove(self, path: str) -> None:
        """Answer 404 from now on."""
        del self._resources[path]

    @property
    def paths(self) -> list[str]:
        """Every path that is served."""
        return list(self._resources)

    def resource(self, path: str) -> Resource:
        """What is served at *path*."""
        return self._resources[path]

    def asked(self, path: str) -> list[Seen]:
        """The requests for *path*, oldest first."""
        return [seen for seen in self.requests if seen.path == path]

    def bytes_sent(self, path: str) -> int:
        """Body bytes handed to the sockets for *path* (the peer may have read fewer)."""
        return sum(seen.sent_bytes for seen in self.asked(path))

    async def wait_for_requests(self, path: str, count: int) -> None:
        """Return once *path* was asked for *count* times."""
        async with self._arrived:
            await self._arrived.wait_for(lambda: len(self.asked(path)) >= count)

    # One connection.

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        number = self.connections
        try:
            while (seen := await _read_request(reader, number)) is not None:
                self.requests.append(seen)
                async with self._arrived:
                    self._arrived.notify_all()
                if self.is_away or not await self._answer(seen, writer):
                    break
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the peer has left, as clients may
        except asyncio.CancelledError:
            pass  # the origin closes; asyncio's server would report a cancelled handler as a crash
        finally:
            self._tasks.discard(task)
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _answer(self, seen: Seen, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; False when the connection must end."""
        resource = self._resources.get(seen.path)
        if resource is None:
            seen.status = 404
            return await _send_plain(writer, seen, b"not here")
        resource.active += 1
        resource.peak_active = max(resource.peak_active, resource.active)
        self.peak_active = max(self.peak_active, sum(each.active for each in self._resources.values()))
        try:
            if resource.latency_s:
                await asyncio.sleep(resource.latency_s)  # the way to the server, not a wait of the test
            fault = HEALTHY if seen.path in self._faultless else resource.next_fault(seen)
            if resource.max_active is not None and resource.active > resource.max_active:
                fault = Fault(status=503)
            for _ in range(fault.interim):
                writer.write(b"HTTP/1.1 103 Early Hints\r\n\r\n")
                await writer.drain()
            if (location := fault.location or resource.redirect) is not None:
                seen.status = 302
                return await _send_plain(writer, seen, b"", {"Location": location})
            if fault.status is not None:
                seen.status = fault.status
                extra = {"Retry-After": fault.retry_after} if fault.retry_after else {}
                return await _send_plain(writer, seen, b"told to fail", extra)
            return await self._send_media(resource, fault, seen, writer)
        finally:
            resource.active -= 1

    async def _send_media(
        self, resource: Resource, fault: Fault, seen: Seen, writer: asyncio.StreamWriter
    ) -> bool:
        body, kind = (HTML, "text/html") if fault.html else (resource.body, resource.content_type)
        headers = {"Content-Type": kind, **resource.headers}
        if etag := fault.etag or resource.etag:
            headers["ETag"] = etag
        if resource.last_modified:
            headers["Last-Modified"] = resource.last_modified
        start, end = 0, len(body)
        seen.status = 200
        if not (fault.ignore_range or fault.html):
            headers["Accept-Ranges"] = "bytes"
            if seen.range is not None and _range_applies(seen, resource, fault):
                first, last = seen.range
                start = first + fault.shift_range
                end = min(len(body), last + 1 + fault.shift_range if last is not None else len(body))
                if fault.shorten_range is not None:
                    end = min(end, start + fault.shorten_range)
                if start >= len(body):
                    seen.status = 416
                    return await _send_plain(writer, seen, b"", {"Content-Range": f"bytes */{len(body)}"})
                seen.status = 206
                true_range = f"bytes {start}-{end - 1}/{len(body)}"
                headers["Content-Range"] = fault.content_range or true_range
        data = memoryview(body)[start:end]
        if fault.gzip:
            data = memoryview(gzip.compress(bytes(data)))
            headers["Content-Encoding"] = "gzip"
        if fault.infinite:  # in few pieces, however small the body: each takes the time of everybody here
            data = memoryview(bytes(data) * (_CHUNK_BYTES // max(len(data), 1) + 1))
        framing = _Framing(fault, len(data))
        headers |= framing.headers
        await _drip(writer, _head(seen.status, headers, fault.fields), fault.drip_s)
        if seen.method == "HEAD":
            return True
        await self._send_body(data, framing, fault, resource, seen, writer)
        return framing.keeps_connection

    async def _send_body(
        self,
        data: memoryview,
        framing: _Framing,
        fault: Fault,
        resource: Resource,
        seen: Seen,
        writer: asyncio.StreamWriter,
    ) -> None:
        stops = [
            stop for stop in (fault.drop_after, fault.hold_after, fault.bad_chunk_after) if stop is not None
        ]
        rate_bps = fault.rate_bps or resource.rate_bps
        if fault.garbage and not framing.chunked:
            framing.write(writer, data)
            writer.write(fault.garbage)
            seen.sent_bytes += len(data)
            data = data[:0]
        async for chunk in _paced(data, rate_bps, stops, endless=fault.infinite):
            if fault.hold_after is not None and seen.sent_bytes == fault.hold_after:
                await writer.drain()
                self.held.set()
                await self.release.wait()
            if fault.drop_after is not None and seen.sent_bytes >= fault.drop_after:
                break
            if fault.bad_chunk_after is not None and seen.sent_bytes >= fault.bad_chunk_after:
                writer.write(b"zz\r\nnonsense\r\n")
                break
            framing.write(writer, chunk)
            seen.sent_bytes += len(chunk)
            await writer.drain()
        else:
            framing.finish(writer)
        await writer.drain()


class _Framing:
    """How the end of the body is announced."""

    def __init__(self, fault: Fault, size: int) -> None:
        self.chunked = fault.chunked or fault.bad_chunk_after is not None or fault.infinite
        announced = size + fault.length_lie
        lies = bool(fault.length_lie) or fault.drop_after is not None or fault.bad_chunk_after is not None
        self.keeps_connection = not (lies or fault.until_close)
        if self.chunked:
            self.headers = {"Transfer-Encoding": "chunked"}
        elif fault.until_close:
            self.headers = {"Connection": "close"}
        else:
            self.headers = {"Content-Length": str(announced)}

    def write(self, writer: asyncio.StreamWriter, chunk: memoryview) -> None:
        if self.chunked:
            writer.write(b"%x\r\n" % len(chunk))
            writer.write(chunk)
            writer.write(b"\r\n")
        else:
            writer.write(chunk)

    def finish(self, writer: asyncio.StreamWriter) -> None:
        if self.chunked:
            writer.write(b"0\r\n\r\n")


def _range_applies(seen: Seen, resource: Resource, fault: Fault) -> bool:
    wanted = seen.headers.get("if-range")
    if wanted is None or fault.ignore_if_range:
        return True
    return not fault.refuse_if_range and wanted in {fault.etag or resource.etag, resource.last_modified}


async def _paced(
    data: memoryview, rate_bps: float | None, stops: list[int], *, endless: bool
) -> AsyncIterator[memoryview]:
    """*data* in pieces, with a border at each of *stops*, not faster than *rate_bps*."""
    loop = asyncio.get_running_loop()
    began, sent = loop.time(), 0
    step = _CHUNK_BYTES if rate_bps is None else max(1, min(_CHUNK_BYTES, int(rate_bps * 0.02)))
    while True:
        position = 0
        while position < len(data):
            end = min(
                [position + step, len(data), *(stop - sent + position for stop in stops if stop > sent)]
            )
            yield data[position:end]
            sent += end - position
            position = end
            if rate_bps is not None:
                early_s = began + sent / rate_bps - loop.time()
                await asyncio.sleep(max(0.0, early_s))
                # What a busy machine kept it from is not made up for: it would have no limit until then.
                began -= min(0.0, early_s + _LATE_S)
        if not endless:
            break
    if sent in stops:
        yield data[:0]  # a stop exactly at the end is a stop too


async def _read_request(reader: asyncio.StreamReader, connection: int) -> Seen | None:
    """The next request of a connection, None when it was closed in between."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ", 2)
    headers = dict(line.split(": ", 1) for line in lines if line)
    parts = urlsplit(target)
    seen = Seen(
        method, unquote(parts.path), parts.query, {k.lower(): v for k, v in headers.items()}, connection
    )
    if length := seen.headers.get("content-length"):
        await reader.readexactly(int(length))
    return seen


def _head(status: int, headers: Mapping[str, str], more: Iterable[tuple[str, str]] = ()) -> bytes:
    lines = [
        f"HTTP/1.1 {status} {_REASONS.get(status, 'Status')}",
        *(f"{k}: {v}" for k, v in [*headers.items(), *more]),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


async def _drip(writer: asyncio.StreamWriter, head: bytes, gap_s: float) -> None:
    """Send *head*, byte by byte when there is a gap between them."""
    step = 1 if gap_s else len(head)
    for start in range(0, len(head), step):
        if gap_s:
            await asyncio.sleep(gap_s)  # what the server lets pass, not a wait of the test
        writer.write(head[start : start + step])


async def _send_plain(
    writer: asyncio.StreamWriter, seen: Seen, body: bytes, headers: Mapping[str, str] | None = None
) -> bool:
    writer.write(_head(seen.status, {"Content-Length": str(len(body)), **(headers or {})}) + body)
    seen.sent_bytes = len(body)
    await writer.drain()
    return True
