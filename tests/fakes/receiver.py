"""A receiver of webhooks on loopback that checks what it gets, and can be told to be down."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from dataclasses import dataclass, field
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Got:
    """One message that was taken."""

    name: str
    timestamp: int
    signatures: tuple[str, ...]
    body: bytes

    @property
    def told(self) -> Any:
        return json.loads(self.body)

    def is_signed_by(self, secret: bytes) -> bool:
        """As Standard Webhooks has it, worked out anew."""
        signed = b"%s.%d.%s" % (self.name.encode(), self.timestamp, self.body)
        expected = base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()
        return f"v1,{expected}" in self.signatures


@dataclass(slots=True)
class Receiver:
    """Answers every POST with `status`, with `headers` beside it; what it took stands in `got`."""

    status: int = 204
    headers: tuple[tuple[str, str], ...] = ()
    got: list[Got] = field(default_factory=list)
    #: Requests, taken or not.
    asked: int = 0
    #: Set by every request.
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    _server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/hook/canary-of-the-path"

    async def until(self, asked: int) -> None:
        """Once it was asked so often."""
        while self.asked < asked:
            self.changed.clear()
            await self.changed.wait()

    async def until_got(self, count: int) -> None:
        """Once it took so many."""
        while len(self.got) < count:
            self.changed.clear()
            await self.changed.wait()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.decode().split("\r\n")
                fields = {name.lower(): value.strip() for name, _, value in (x.partition(":") for x in lines)}
                body = await reader.readexactly(int(fields.get("content-length", 0)))
                if 200 <= self.status < 300:
                    signatures = tuple(fields["webhook-signature"].split())
                    name, at = fields["webhook-id"], int(fields["webhook-timestamp"])
                    self.got.append(Got(name, at, signatures, body))
                more = "".join(f"{name}: {value}\r\n" for name, value in self.headers)
                length = "" if self.status == 204 else "content-length: 0\r\n"
                writer.write(f"HTTP/1.1 {self.status} X\r\n{length}{more}\r\n".encode())
                await writer.drain()
                self.asked += 1
                self.changed.set()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
