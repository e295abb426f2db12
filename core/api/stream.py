"""The live stream, as server-sent events and over a WebSocket: the same objects by both.

Nothing is queued here. A frame is taken from the engine when the one before has left, so what a slow reader
misses is merged by the engine, and what it never takes is dropped with its connection.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager, suppress
from typing import TypeVar

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from core.api.callers import Caller
from core.api.encoding import encode, event_view, progress_view
from core.api.labels import GroupLabels, Label
from core.api.outlet import Outlet, ReaderLost, while_connected
from core.api.problems import DOCS_HINT
from core.domain.errors import Forbidden, InvalidRequest, LimitReached, ReeldeckError
from core.domain.events import Event
from core.domain.interface import EngineInterface
from core.domain.snapshot import Frame

log = logging.getLogger(__name__)
T = TypeVar("T")
Admit = Callable[[str], Awaitable[Caller]]

#: Silence is broken by a comment after this long, so that both ends notice a dead connection.
HEARTBEAT_S = 10.0
#: A reader that takes nothing for this long is cut off; it comes back with its last event id.
PATIENCE_S = 30.0
#: … or does not even take the end of its stream.
LAST_WORD_S = 0.5
#: What a client is asked to wait before it comes back.
RETRY_MS = 1_000
MAX_STREAMS = 64
#: One token cannot keep the others, or the dashboard, out.
MAX_STREAMS_PER_TOKEN = 16
#: WebSockets whose first message is still to say whose they are, and how long it may take.
MAX_UNKNOWN = 16
TOKEN_DEADLINE_S = 5.0
#: Objects turned into JSON in one go; the event loop serves others in between.
OBJECTS_PER_WRITE = 200
#: Close codes (RFC 6455 §7.4.1 and its registry): the server goes away, not allowed, come back later.
GOING_AWAY, NOT_ALLOWED, TRY_LATER = 1001, 1008, 1013


class Streams:
    """The streams that are open: how many there may be, and the word that ends them."""

    def __init__(self) -> None:
        self.closing = asyncio.Event()
        # Whose they are, and what ends each.
        self._open: dict[asyncio.Event, int | None] = {}
        self._unknown = 0

    @property
    def count(self) -> int:
        """How many are open."""
        return len(self._open)

    @contextmanager
    def slot(self, caller: Caller) -> Iterator[asyncio.Event]:
        """Room for one more; what it gives is set when the stream has to end.

        Raises:
            LimitReached: There are too many, in all or of this caller's token.
        """
        owner = caller.token.id if caller.token is not None else None
        own = sum(each == owner for each in self._open.values())
        if self.count >= MAX_STREAMS or (owner is not None and own >= MAX_STREAMS_PER_TOKEN):
            many = f"{self.count} streams are open, {own} of them yours"
            raise LimitReached(many, hint="Close one of them.", retry_after_s=5)
        end = asyncio.Event()
        if self.closing.is_set():
            end.set()
        self._open[end] = owner
        try:
            yield end
        finally:
            del self._open[end]

    @contextmanager
    def lobby(self) -> Iterator[None]:
        """Room for one more that has not yet said whose it is.

        Raises:
            LimitReached: There are too many.
        """
        if self._unknown >= MAX_UNKNOWN:
            hint = "Send the token as a header."
            raise LimitReached("too many wait to say who they are", hint=hint, retry_after_s=5)
        self._unknown += 1
        try:
            yield
        finally:
            self._unknown -= 1

    def end(self, token_id: int) -> None:
        """End the streams of a token."""
        for end, owner in self._open.items():
            if owner == token_id:
                end.set()

    def close(self) -> None:
        """End all streams, and those that still come."""
        self.closing.set()
        for end in self._open:
            end.set()


def parse_last_event_id(headers: Headers, query: str | None) -> int | None:
    """From which event on to replay: the header of a reconnecting client, or the query of a new one.

    Raises:
        InvalidRequest: Not a number.
    """
    text = headers.get("last-event-id") or query
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise InvalidRequest("Last-Event-ID is the number of an event", hint=DOCS_HINT)
    return int(text)


class EventStream(Response):
    """The stream as server-sent events (HTML standard §9.2).

    Args:
        engine: Whose frames are sent.
        streams: Gives the slot, and the word to end.
        caller: Whose stream it is.
        last_seq: Replay what was stored after this event first.
    """

    def __init__(
        self, engine: EngineInterface, streams: Streams, caller: Caller, last_seq: int | None
    ) -> None:
        super().__init__()
        self._caller = caller
        self._engine = engine
        self._streams = streams
        self._last_seq = last_seq

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the client goes or lags too far behind, or the engine ends."""
        outlet = Outlet(scope, send, PATIENCE_S)

        async def put(data: bytes) -> None:
            await outlet({"type": "http.response.body", "body": data, "more_body": True})

        with self._streams.slot(self._caller) as end:
            headers = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"x-accel-buffering", b"no")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await put(b"retry: %d\n\n" % RETRY_MS)
            work = _pump(self._engine, self._last_seq, put, _as_sse, b": still here\n\n")
            await while_connected(work, receive, closing=end)
        with suppress(ReaderLost):
            last = Outlet(scope, send, LAST_WORD_S)
            await last({"type": "http.response.body", "body": b"", "more_body": False})


async def first_message(websocket: WebSocket, admit: Admit) -> Caller:
    """Who an accepted WebSocket's first message says that it is: `{"token": "…"}`.

    Raises:
        Forbidden: It does not, or not in time.
    """
    with suppress(TimeoutError, ValueError, KeyError, TypeError):
        async with asyncio.timeout(TOKEN_DEADLINE_S):
            message = json.loads(await websocket.receive_text())
        if isinstance(message, dict) and isinstance(message["token"], str):
            return await admit(message["token"])
    raise Forbidden('the first message has to be {"token": "…"}', hint=DOCS_HINT)


async def serve_websocket(
    websocket: WebSocket, engine: EngineInterface, end: asyncio.Event, last_seq: int | None
) -> None:
    """The stream over an accepted WebSocket, until *end* is set; what the client sends is left aside."""
    outlet = Outlet(websocket.scope, websocket.send, PATIENCE_S)

    async def put(data: bytes) -> None:
        await outlet({"type": "websocket.send", "text": data.decode()})

    work = _pump(engine, last_seq, put, _as_messages, None)
    await while_connected(work, websocket.receive, closing=end)
    if websocket.client_state is WebSocketState.CONNECTED:
        with suppress(WebSocketDisconnect):
            await websocket.close(GOING_AWAY)


async def _pump(
    engine: EngineInterface,
    last_seq: int | None,
    put: Callable[[bytes], Awaitable[None]],
    render: Callable[[Frame, Mapping[int, Label]], Iterator[bytes]],
    heartbeat: bytes | None,
) -> None:
    labels = GroupLabels(engine)
    async with aclosing(_frames(engine, last_seq)) as frames:
        async for frame in frames:
            if frame is not None:
                for piece in render(frame, await labels.of(frame.jobs)):
                    await put(piece)
                    await asyncio.sleep(0)
            elif heartbeat is not None:
                await put(heartbeat)


async def _frames(engine: EngineInterface, last_seq: int | None) -> AsyncGenerator[Frame | None, None]:
    """The engine's frames until it ends, and None for each silence."""
    try:
        async with aclosing(with_silences(engine.stream(last_seq=last_seq))) as frames:
            async for frame in frames:
                yield frame
    except ReeldeckError as error:
        log.info("a stream ended: %s", error.code)


async def with_silences(source: AsyncIterator[T]) -> AsyncGenerator[T | None, None]:
    """What *source* gives until it ends, and None for each silence; *source* is closed with it."""
    step: asyncio.Task[T | None] | None = None
    try:
        while True:
            # A wait with a time limit must not cancel the step: that would end the engine's generator.
            step = step or asyncio.create_task(_next(source))
            await asyncio.wait({step}, timeout=HEARTBEAT_S)
            if not step.done():
                yield None
                continue
            given, step = step.result(), None
            if given is None:
                return
            yield given
    finally:
        if step is not None:
            step.cancel()
            await asyncio.wait({step})
        if isinstance(source, AsyncGenerator):
            await source.aclose()


async def _next(source: AsyncIterator[T]) -> T | None:
    return await anext(source, None)


def _as_sse(frame: Frame, groups: Mapping[int, Label]) -> Iterator[bytes]:
    for events in _batches(frame.events):
        yield b"".join(_sse_event(event) for event in events)
    for progress in _progress(frame, groups):
        yield b"event: progress\ndata: %b\n\n" % encode(progress)


def _sse_event(event: Event) -> bytes:
    return b"event: %b\nid: %d\ndata: %b\n\n" % (event.type.encode(), event.seq, encode(event_view(event)))


def _as_messages(frame: Frame, groups: Mapping[int, Label]) -> Iterator[bytes]:
    for event in frame.events:
        yield encode(event_view(event))
    for progress in _progress(frame, groups):
        yield encode({"type": "progress"} | progress)


def _progress(frame: Frame, groups: Mapping[int, Label]) -> Iterator[dict[str, object]]:
    """What follows a frame's events: its jobs by the handful, the rest with the first of them."""
    for jobs in _batches(frame.jobs) or [()]:
        yield progress_view(frame, jobs, groups)
        frame = dataclasses.replace(frame, deleted=())


def _batches(items: Sequence[T]) -> list[Sequence[T]]:
    return [items[start : start + OBJECTS_PER_WRITE] for start in range(0, len(items), OBJECTS_PER_WRITE)]
