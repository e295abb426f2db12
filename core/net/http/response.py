"""An HTTP answer: its head at once, its body as it arrives."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping
from email.utils import parsedate_to_datetime

from core.domain.errors import (
    AuthRequired,
    GeoBlocked,
    HttpFailure,
    JobError,
    NetworkFailure,
    NotFound,
    RateLimited,
)
from core.net.address.gate import Target
from core.net.http.failures import translated
from core.net.http.message import Fields, Head
from core.net.http.pump import Sink
from core.net.http.transport import Body
from core.net.pace import Bandwidth

#: A server that asks for a longer wait is taken at this.
MAX_RETRY_AFTER_S = 3600.0

_ERRORS: Mapping[int, type[JobError]] = {
    401: AuthRequired,
    404: NotFound,
    408: NetworkFailure,  # the server gave up waiting for us: it may heal
    410: NotFound,
    429: RateLimited,
    451: GeoBlocked,
}


class Response:
    """An answer inside `async with http.stream(…)`; it may be left at any point of its body."""

    def __init__(self, head: Head, body: Body, target: Target, bandwidth: Bandwidth) -> None:
        self._head = head
        self._target = target
        self._bandwidth = bandwidth
        self._body = body
        self._fields: Fields | None = None
        self._chunks: AsyncIterator[bytes] | None = None

    @property
    def status(self) -> int:
        """HTTP status."""
        return self._head.status

    @property
    def url(self) -> str:
        """Where the answer came from, after redirects."""
        return self._target.url

    @property
    def host(self) -> str:
        """Who answered, fit for messages."""
        return self._target.host

    @property
    def headers(self) -> Mapping[str, str]:
        """Header fields by name, in whatever case; repeated ones are joined by commas."""
        if self._fields is None:
            self._fields = Fields(self._head.fields)
        return self._fields

    @property
    def content_type(self) -> str:
        """Media type without parameters in lower case; empty when there is none."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def retry_after_s(self) -> float | None:
        """Seconds that the server asks to wait, at most an hour; None when it did not say."""
        return parse_retry_after(self.headers.get("retry-after", ""), now=time.time())

    @property
    def coding(self) -> str:
        """How the body is compressed; empty when it is not."""
        coding = self.headers.get("content-encoding", "").strip().lower()
        return "" if coding == "identity" else coding

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body as it arrives, in pieces of up to about 1 MiB, paced by the bandwidth limit.

        Raises:
            NetworkFailure: The connection broke, nothing came for too long, the body is shorter than
                announced, or it is compressed though that was not asked for.
        """
        if self.coding:
            raise NetworkFailure(f"{self.host} compressed the answer though that was not asked for")
        async for chunk in self.raw_chunks():
            yield chunk

    async def raw_chunks(self) -> AsyncIterator[bytes]:
        """As `chunks`, compressed or not."""
        while (chunk := await self._next_chunk()) is not None:
            async for piece in self._bandwidth.pieces(chunk):
                yield piece

    async def copy(self, sink: Sink) -> None:
        """Give the body to *sink* as it arrives, by the shortest way where nothing paces it.

        Raises:
            NetworkFailure: As `chunks`.
        """
        if self.coding or self._bandwidth.is_limited:
            async for chunk in self.chunks():
                if (pending := sink(memoryview(chunk))) is not None:
                    await pending
            return
        with translated(self.host):
            await self._body.copy(sink)

    async def _next_chunk(self) -> bytes | None:
        with translated(self.host):
            if self._chunks is None:
                self._chunks = aiter(self._body)
            return await anext(self._chunks, None)

    async def close(self) -> None:
        """Give the connection back for reuse when the body has arrived whole, else drop it."""
        with translated(self.host):
            await self._body.aclose()

    async def drain(self, max_bytes: int) -> None:
        """Read a body that is known to be short, so that its connection can be used again."""
        length = self.headers.get("content-length", "")
        if length.isdecimal() and int(length) <= max_bytes:
            while await self._next_chunk() is not None:
                pass


def raise_for_status(response: Response, *, allow: frozenset[int] = frozenset({200, 206})) -> None:
    """Raise what a status outside *allow* stands for.

    Raises:
        AuthRequired: 401.
        NotFound: 404 and 410.
        NetworkFailure: 408.
        RateLimited: 429, with what the server asked us to wait.
        GeoBlocked: 451.
        HttpFailure: Every other one, 403 and 416 among them.
    """
    if response.status not in allow:
        raise _ERRORS.get(response.status, HttpFailure)(
            f"{response.host} answered {response.status}",
            remote_status=response.status,
            retry_after_s=response.retry_after_s,
        )


def parse_retry_after(value: str, *, now: float) -> float | None:
    """Seconds from a Retry-After field (RFC 9110 §10.2.3: seconds or a date), between 0 and an hour."""
    value = value.strip()
    if value.isascii() and value.isdecimal():
        return min(float(value), MAX_RETRY_AFTER_S)
    try:
        wait_s = parsedate_to_datetime(value).timestamp() - now
    except (ValueError, OverflowError):
        return None
    return min(max(wait_s, 0.0), MAX_RETRY_AFTER_S)
