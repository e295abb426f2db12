"""One connection: whose it is, how long its requests may take to arrive, who must go when all is full."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from typing import Any

import h11
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from core.api.bodies import MAX_HEAD_BYTES
from core.api.doorkeeper import Door
from core.api.problems import DOCS_HINT, ProblemResponse
from core.api.sockets import peer_uid
from core.domain.errors import InvalidRequest

log = logging.getLogger(__name__)

#: Connections at the same time by each door, so that TCP cannot keep the dashboard out. The downloads need
#: descriptors too.
MAX_CONNECTIONS = 128
#: A request's head must be there this long after the connection, or after its first byte on a kept one.
HEAD_DEADLINE_S = 15.0
#: A connection waits this long for its next request: longer than clients keep theirs, so that they end it.
KEEP_ALIVE_S = 75
#: A client that takes nothing of its answer for this long is cut off.
UNREAD_S = 30.0


class Connection(H11Protocol):
    """An HTTP/1.1 connection of uvicorn's, with a doorman.

    Uvicorn itself has no limit on the time a request's head may take, answers 503 to the newest instead of
    closing the idlest, and knows no peers. (Its version is pinned; `tests` notice when its inside changes.)
    """

    _deadline: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None
    _is_handed_over = False
    door = Door.TCP
    #: When the last answer was complete, in the loop's time.
    idle_since: float = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Take the connection in, or close it at once."""
        super().connection_made(transport)
        connection: socket.socket = transport.get_extra_info("socket")
        is_unix = connection.family == socket.AF_UNIX
        if is_unix and peer_uid(connection) not in {None, 0, os.geteuid()}:
            log.warning("a connection from another user was refused: uid %s", peer_uid(connection))
            transport.abort()
            return
        self.door = Door.SOCKET if is_unix else Door.TCP
        # What the application may know of the connection, by way of `scope["state"]`.
        self.app_state = {
            **self.app_state,
            "door": self.door,
            "abort": transport.abort,
        }
        self.idle_since = self.loop.time()
        self._start_deadline()
        self._make_room()

    def data_received(self, data: bytes) -> None:
        """Read on; a head that has begun must end in time."""
        super().data_received(data)
        if self.is_busy or self._is_handed_over:
            self._stop_deadline()
        elif self._deadline is None and not self.transport.is_closing():
            self._start_deadline()

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        self.idle_since = self.loop.time()
        super().on_response_complete()
        self._watch_reader(self.transport.get_write_buffer_size())

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """Hand the connection over; it is no longer ours to time."""
        self._is_handed_over = True
        super().handle_websocket_upgrade(event)

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go."""
        self._stop_deadline()
        if self._unread is not None:
            self._unread.cancel()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """Say what is wrong with something that is no HTTP, or has too long a head."""
        response = ProblemResponse(
            InvalidRequest(msg, hint=DOCS_HINT), status=400, headers={"connection": "close"}
        )
        head = h11.Response(status_code=400, headers=response.raw_headers, reason=b"Bad Request")
        for event in (head, h11.Data(data=bytes(response.body)), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    @property
    def is_busy(self) -> bool:
        """Whether a request is being answered."""
        cycle: RequestResponseCycle | None = self.cycle  # uvicorn's own annotation hides the None
        return cycle is not None and not cycle.response_complete

    def _start_deadline(self) -> None:
        self._deadline = self.loop.call_later(HEAD_DEADLINE_S, self._too_slow)

    def _stop_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_slow(self) -> None:
        self._deadline = None
        if not self.is_busy:
            self.transport.abort()

    def _watch_reader(self, left_bytes: int) -> None:
        # An answer that is complete lies in the transport's buffer, where nothing else has a time limit.
        if self._unread is not None:
            self._unread.cancel()
        self._unread = (
            self.loop.call_later(UNREAD_S, self._look_at_reader, left_bytes) if left_bytes else None
        )

    def _look_at_reader(self, left_before_bytes: int) -> None:
        left_bytes = self.transport.get_write_buffer_size()
        if left_bytes < left_before_bytes:
            self._watch_reader(left_bytes)
        else:
            self.transport.abort()

    def _make_room(self) -> None:
        own = [each for each in self.connections if isinstance(each, Connection) and each.door is self.door]
        if len(own) > MAX_CONNECTIONS:
            # Never empty: this one has asked for nothing yet.
            idle = (each for each in own if not each.is_busy)
            min(idle, key=lambda each: each.idle_since).transport.abort()


def websocket_protocol(*args: Any, **kwargs: Any) -> asyncio.Protocol:
    """The WebSocket protocol of uvicorn, imported at the first upgrade."""
    from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol  # noqa: PLC0415 -- 50 ms that most engines never need

    return WebSocketsSansIOProtocol(*args, **kwargs)


def configuration(app: Any) -> Config:
    """Settings of uvicorn: sockets, logs, signals and life cycle are ours, only the protocol is its own."""
    return Config(
        app,
        http=Connection,
        ws=websocket_protocol,  # type: ignore[arg-type]  # called only, to make a protocol
        ws_max_size=64 * 1024,
        ws_per_message_deflate=False,
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        h11_max_incomplete_event_size=MAX_HEAD_BYTES,
    )
