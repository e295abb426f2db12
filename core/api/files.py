"""A finished file over HTTP: whole or one range of it (RFC 9110 §13-14), under a name that cannot mislead."""

from __future__ import annotations

import asyncio
import mimetypes
import os
import re
import stat
from email.utils import formatdate
from io import FileIO
from pathlib import Path
from urllib.parse import quote

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from core.api.outlet import Outlet, while_connected
from core.api.problems import ProblemResponse
from core.domain.errors import InvalidRequest, NotFound
from core.domain.text import for_filename

CHUNK_BYTES = 256 * 1024
#: A reader that takes nothing for this long is cut off; it may come back with a range.
PATIENCE_S = 300.0
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
_SAFE_KINDS = ("audio/", "video/", "image/")


class RangeNotSatisfiable(ValueError):
    """Nothing of the file lies in the range asked for."""


def parse_range(header: str | None, size_bytes: int) -> tuple[int, int] | None:
    """First byte and the byte after the last of the one range asked for; None means the whole file.

    What is no single range of bytes is left aside, as RFC 9110 allows: many ranges in one answer serve
    nobody but those who wear servers out.

    Raises:
        RangeNotSatisfiable: The range begins behind the end.
    """
    match = _RANGE.fullmatch((header or "").replace(" ", "").lower())
    if match is None or match[0] == "bytes=-":
        return None
    first, last = match[1], match[2]
    if not first:
        start, end = max(0, size_bytes - int(last)), size_bytes
    else:
        start, end = int(first), min(size_bytes, int(last) + 1) if last else size_bytes
        if last and int(last) < start:
            return None
    if start >= end:
        raise RangeNotSatisfiable
    return start, end


def content_disposition(name: str) -> str:
    """`attachment` with *name* in both of RFC 6266's forms: ASCII for old clients, RFC 5987 for the rest."""
    safe = for_filename(name, max_bytes=240)
    plain = "".join(char if char.isascii() and char not in '"\\%;' else "_" for char in safe)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(safe, safe='')}"


def open_blocking(path: Path) -> tuple[FileIO, os.stat_result]:
    """The regular file at *path* and what the file system says of it.

    Raises:
        NotFound: No such file, or nothing that can be sent.
    """
    try:
        # Without O_NONBLOCK a named pipe would hold the thread until somebody writes to it.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        hint = "It was moved or deleted. Download it again: reeldeck add URL --force"
        raise NotFound("the job's file is not there any more", hint=hint) from error
    facts = os.fstat(descriptor)
    if not stat.S_ISREG(facts.st_mode):
        os.close(descriptor)
        raise NotFound("the job's path is not a file")
    return os.fdopen(descriptor, "rb", buffering=0), facts


class MediaFile(Response):
    """Sends an open file, or the range of it that the request asks for.

    Args:
        file: Read in a thread, and closed at the end.
        facts: Its size and time.
        name: What the client may save it as.
    """

    def __init__(self, file: FileIO, facts: os.stat_result, name: str) -> None:
        kind = mimetypes.guess_type(name)[0] or ""
        is_safe = kind.startswith(_SAFE_KINDS) and kind != "image/svg+xml"
        self._file = file
        self._size_bytes = facts.st_size
        super().__init__(
            media_type=kind if is_safe else "application/octet-stream",
            headers={
                "accept-ranges": "bytes",
                "cache-control": "no-cache",
                "content-disposition": content_disposition(name),
                "etag": f'"{facts.st_mtime_ns:x}-{facts.st_size:x}"',
                "last-modified": formatdate(facts.st_mtime, usegmt=True),
            },
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 200, 206, 304 or 416."""
        try:
            await while_connected(self._respond(scope, receive, Outlet(scope, send, PATIENCE_S)), receive)
        finally:
            await asyncio.to_thread(self._file.close)

    async def _respond(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = Headers(scope=scope)
        if self._is_known(asked):
            del self.headers["content-type"], self.headers["content-length"]
            await send({"type": "http.response.start", "status": 304, "headers": self.raw_headers})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            return
        condition = asked.get("if-range")
        is_current = condition is None or condition in {self.headers["etag"], self.headers["last-modified"]}
        try:
            # A range is a matter of GET alone.
            is_ranged = is_current and scope["method"] == "GET"
            part = parse_range(asked.get("range") if is_ranged else None, self._size_bytes)
        except RangeNotSatisfiable:
            wrong = InvalidRequest(
                "the range lies behind the end", hint=f"The file has {self._size_bytes} bytes."
            )
            headers = {"content-range": f"bytes */{self._size_bytes}"}
            await ProblemResponse(wrong, status=416, headers=headers)(scope, receive, send)
            return
        start, end = part or (0, self._size_bytes)
        if part is not None:
            self.headers["content-range"] = f"bytes {start}-{end - 1}/{self._size_bytes}"
        self.headers["content-length"] = str(end - start)
        status = 200 if part is None else 206
        await send({"type": "http.response.start", "status": status, "headers": self.raw_headers})
        if scope["method"] != "HEAD":
            await self._send_bytes(start, end, send)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    def _is_known(self, asked: Headers) -> bool:
        """Whether the client has the file as it is: by its tag, or by its time where it tells no tag."""
        tags = asked.get("if-none-match")
        if tags is None:
            return asked.get("if-modified-since") == self.headers["last-modified"]
        return tags.strip() == "*" or self.headers["etag"] in {
            tag.strip().removeprefix("W/") for tag in tags.split(",")
        }

    async def _send_bytes(self, start: int, end: int, send: Send) -> None:
        await asyncio.to_thread(self._file.seek, start)
        while start < end:
            chunk = await asyncio.to_thread(self._file.read, min(CHUNK_BYTES, end - start))
            if not chunk:
                # Shorter than it was: ending here, before the promised length, tells the client.
                raise OSError("the file became shorter while it was sent")
            start += len(chunk)
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
