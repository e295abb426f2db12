"""What takes its time, told in JSON lines while it goes on.

Empty lines say that it goes on; a line with `error` that it ended early. Whoever hangs up ends it.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, suppress
from typing import Any, Protocol

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from core.api.callers import Caller
from core.api.encoding import encode
from core.api.outlet import Outlet, ReaderLost, while_connected
from core.api.problems import problem
from core.api.stream import LAST_WORD_S, PATIENCE_S, Streams, with_silences
from core.domain.errors import ReeldeckError

log = logging.getLogger(__name__)


class Telling(Protocol):
    """How something stands."""

    def to_json(self) -> dict[str, Any]:
        """A line."""
        ...


class Figures(Response):
    """The figures of something that takes its time, as they come: JSON lines.

    Args:
        first: The figures that have come.
        others: Those that will.
        streams: Gives the slot, and the word to end.
        caller: Who asked for it.
    """

    def __init__(
        self, first: Telling, others: AsyncIterator[Telling], streams: Streams, caller: Caller
    ) -> None:
        super().__init__()
        self._first = first
        self._others = others
        self._streams = streams
        self._caller = caller

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until it is done, or the client goes, or the engine ends."""
        outlet = Outlet(scope, send, PATIENCE_S)

        async def put(line: Mapping[str, Any] | None) -> None:
            data = b"\n" if line is None else encode(line) + b"\n"
            await outlet({"type": "http.response.body", "body": data, "more_body": True})

        async def work() -> None:
            await put(self._first.to_json())
            try:
                async with aclosing(with_silences(self._others)) as figures:
                    async for each in figures:
                        await put(None if each is None else each.to_json())
            except ReeldeckError as error:
                log.info("it ended early: %s", error.code)
                await put({"error": problem(error)})

        try:
            with self._streams.slot(self._caller) as end:
                headers = [(b"content-type", b"application/x-ndjson"), (b"x-accel-buffering", b"no")]
                await send({"type": "http.response.start", "status": 200, "headers": headers})
                await while_connected(work(), receive, closing=end)
        finally:
            if isinstance(self._others, AsyncGenerator):
                await self._others.aclose()
        with suppress(ReaderLost):
            last = Outlet(scope, send, LAST_WORD_S)
            await last({"type": "http.response.body", "body": b"", "more_body": False})
