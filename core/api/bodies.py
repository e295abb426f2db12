"""How long requests may be: heads, and bodies, which are read whole before anything is done."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Mapping

from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope

from core.api.callers import PREFIX
from core.api.problems import ProblemResponse
from core.domain.errors import InvalidRequest, ReeldeckError, StageTimeout

#: Path, query and header fields together.
MAX_HEAD_BYTES = 16 * 1024
MAX_BODY_BYTES = 2**20
MAX_BATCH_BODY_BYTES = 5 * 2**20
BATCH_PATH = f"{PREFIX}/jobs/batch"
#: A body must have arrived in this time.
BODY_DEADLINE_S = 30.0
#: What a client may go on sending, unread, before its 413 is followed by a closed connection.
DISCARD_BYTES = 32 * 2**20
DISCARD_S = 2.0


class Refusal(Exception):
    """A request that does not get in: the error to show, and how."""

    def __init__(self, error: ReeldeckError, status: int, headers: Mapping[str, str]) -> None:
        super().__init__(error)
        self.response = ProblemResponse(error, status=status, headers=headers)


def check_head(scope: Scope) -> None:
    """Let heads of a usual size pass: h11 measures only those that come in pieces.

    Raises:
        Refusal: Too long.
    """
    # Each field has two signs behind its name and two at its end.
    fields = sum(len(name) + len(value) + 4 for name, value in scope["headers"])
    if fields + len(scope["path"]) + len(scope.get("query_string", b"")) > MAX_HEAD_BYTES:
        long = InvalidRequest("the head of the request is too long", hint="Send less at once.")
        raise Refusal(long, 431, {"connection": "close"})


async def whole_body(scope: Scope, receive: Receive) -> Receive:
    """Read the body, within its limits, before anything is done; returns what hands it on.

    Raises:
        Refusal: Too long, or too slow.
    """
    headers = Headers(scope=scope)
    if "transfer-encoding" not in headers and headers.get("content-length", "0") == "0":
        return receive
    limit = MAX_BATCH_BODY_BYTES if scope["path"] == BATCH_PATH else MAX_BODY_BYTES
    chunks: list[bytes] = []
    async with contextlib.aclosing(_body(receive)) as body:
        try:
            async with asyncio.timeout(BODY_DEADLINE_S):
                async for chunk in body:
                    chunks.append(chunk)
                    limit -= len(chunk)
                    if limit < 0:
                        break
        except TimeoutError:
            slow = StageTimeout("the body did not arrive in time", hint="Send it again.")
            raise Refusal(slow, 408, {"connection": "close"}) from None
        if limit < 0:
            await _discard(body)
            long = InvalidRequest("the body is too long", hint="Send less at once.")
            raise Refusal(long, 413, {"connection": "close"})
    whole: Message | None = {"type": "http.request", "body": b"".join(chunks), "more_body": False}

    async def hand_on() -> Message:
        nonlocal whole
        if whole is None:
            return await receive()
        message, whole = whole, None
        return message

    return hand_on


async def _body(receive: Receive) -> AsyncGenerator[bytes, None]:
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            # The answer reaches nobody, but half a body must not be taken for a whole one.
            short = InvalidRequest("the body ended early", hint="Send it again.")
            raise Refusal(short, 400, {"connection": "close"})
        yield message.get("body", b"")
        if not message.get("more_body", False):
            return


async def _discard(body: AsyncGenerator[bytes, None]) -> None:
    # A connection closed on a client that still writes loses the answer on its way to it.
    left = DISCARD_BYTES
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(DISCARD_S):
            async for chunk in body:
                left -= len(chunk)
                if left < 0:
                    return
