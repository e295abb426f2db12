"""Who may come in, by which door, and with how much: stands in front of all routes and sockets.

Two doors. The Unix socket is open to whoever may open its file (the connection has checked the peer's uid).
TCP asks every request for a bearer token with the right scope; a WebSocket may name it in its first message.
Both refuse what a browser sends on behalf of a foreign page: a forwarded socket (`ssh -L`) is a TCP port to
the browsers beside it. What changes something is written down.
"""

from __future__ import annotations

import contextlib
import ipaddress
import logging
import re
import time
from collections.abc import Awaitable, Callable, Collection, Iterator
from enum import StrEnum
from functools import partial

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from core.api.bodies import Refusal, check_head, whole_body
from core.api.callers import LOCAL, PREFIX, Callers, UnknownToken, caller_of, needed_scope
from core.api.metrics import Traffic
from core.api.problems import ProblemResponse, fault
from core.domain.acting import ACTING, Acting
from core.domain.errors import Forbidden, ReeldeckError
from core.domain.text import for_log
from core.domain.token import AuditEntry

log = logging.getLogger(__name__)

#: Writes down what was changed.
Record = Callable[[AuditEntry], Awaitable[None]]

VERSION_HEADER = "x-reeldeck-version"
WEBSOCKET_PATH = f"{PREFIX}/ws"
_CHANGING_METHODS = frozenset({"POST", "PUT", "PATCH", "DELETE"})
#: What a browser on this machine, or at the other end of a tunnel, calls it.
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


class Door(StrEnum):
    """Where a connection came in; `scope["state"]["door"]`. Without one it is taken for TCP."""

    SOCKET = "socket"
    TCP = "tcp"


def door_of(scope: Scope) -> Door:
    """The door of a request."""
    door = scope.get("state", {}).get("door", Door.TCP)
    assert isinstance(door, Door)
    return door


class Doorkeeper:
    """ASGI middleware around the whole application.

    Args:
        app: What is guarded.
        version: Sent with every answer.
        callers: Knows who comes in by TCP.
        traffic: Counts the answers.
        record: Writes down what was changed; without one nobody does.
        allowed_hosts: Host names that TCP answers to beside those of loopback, with or without a port.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        version: str,
        callers: Callers,
        traffic: Traffic,
        record: Record | None = None,
        allowed_hosts: Collection[str] = (),
    ) -> None:
        self._app = app
        self._version = version
        self._callers = callers
        self._traffic = traffic
        self._record = record
        self._hosts = LOOPBACK_NAMES | {host.lower() for host in allowed_hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request in, or answer it here."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        method = scope.get("method", "WS")
        is_answered = False
        acting: Acting | None = None

        async def marked(message: Message) -> None:
            nonlocal is_answered
            if message["type"] in {
                "http.response.start",
                "websocket.http.response.start",
                "websocket.accept",
            }:
                is_answered = True
                status = message.get("status", 101)
                self._traffic.count(method, status)
                if method in _CHANGING_METHODS and status < 400:
                    # Whoever sees the answer finds it written down.
                    await self._write_down(acting)
                headers = MutableHeaders(scope=message)
                headers[VERSION_HEADER] = self._version
                headers["x-content-type-options"] = "nosniff"
                headers.setdefault("cache-control", "no-store")
            await send(message)

        try:
            check_head(scope)
            await self._admit(scope)
            if scope["type"] == "http":
                receive = await whole_body(scope, receive)
            with _acting(scope) as acting:
                await self._app(scope, receive, marked)
        except Refusal as refusal:
            await _answer(refusal.response, scope, receive, marked)
        except ReeldeckError as error:
            await _answer(ProblemResponse(error), scope, receive, marked)
        except Exception:
            # Routes have answered already where they could; here it is written down, once.
            log.exception("a request failed: %s %s", method, for_log(scope["path"]))
            if not is_answered:
                await _answer(fault(), scope, receive, marked)

    async def _admit(self, scope: Scope) -> None:
        headers = Headers(scope=scope)
        door = door_of(scope)
        host = headers.get("host", "").lower()
        if not self._answers_to(host, door):
            hint = "Use http://localhost, or name the host in api.allowed_hosts."
            raise Refusal(Forbidden("this Host is not ours", hint=hint), 403, _parting(door))
        origin = headers.get("origin")
        is_foreign = origin is not None and origin.lower() not in {f"http://{host}", f"https://{host}"}
        if is_foreign or headers.get("sec-fetch-site") in {"cross-site", "same-site"}:
            raise Refusal(
                Forbidden("sent by a foreign web page", hint="Ask from outside a browser."),
                403,
                _parting(door),
            )
        state = scope.setdefault("state", {})
        needed = needed_scope(scope.get("method", "GET"), scope["path"])
        admit = partial(self._callers.admit, needed=needed)
        if door is Door.SOCKET:
            state["caller"] = LOCAL
        elif (
            scope["type"] == "websocket"
            and scope["path"] == WEBSOCKET_PATH
            and "authorization" not in headers
        ):
            state |= {"caller": None, "admit": admit}
        else:
            try:
                state["caller"] = await admit(_bearer_token(headers))
            except UnknownToken as error:
                raise Refusal(error, 401, {"www-authenticate": "Bearer"} | _parting(door)) from error

    async def _write_down(self, acting: Acting | None) -> None:
        # The store has done it already, together with what it changed. What is left changes no row.
        if self._record is None or acting is None or acting.is_written:
            return
        try:
            await self._record(acting.entry)
        except ReeldeckError as error:
            # It was done; to say otherwise would have it done again.
            entry = acting.entry
            log.warning("not written down: %s by %s: %s", entry.action, entry.actor, error.code)

    def _answers_to(self, host: str, door: Door) -> bool:
        name = host_name(host)
        if host in self._hosts or name in self._hosts:
            return True
        # Tools put any word as the host of a Unix socket. A page that rebinds its name needs one with a dot.
        return door is Door.SOCKET and "." not in name and ":" not in name


@contextlib.contextmanager
def _acting(scope: Scope) -> Iterator[Acting | None]:
    """Let the store know whose request it works for, where that changes something."""
    method = scope.get("method", "GET")
    if method not in _CHANGING_METHODS:
        yield None
        return
    caller = caller_of(scope)
    assert caller is not None
    entry = AuditEntry(
        actor=caller.actor,
        action=f"{method} {_template(scope['path'])}",
        target=scope["path"],
        data={},
        created=time.time(),
    )
    acting = Acting(entry)
    token = ACTING.set(acting)
    try:
        yield acting
    finally:
        acting.is_over = True
        ACTING.reset(token)


def _parting(door: Door) -> dict[str, str]:
    """Headers for somebody unknown: they keep no connection open."""
    return {"connection": "close"} if door is Door.TCP else {}


def _bearer_token(headers: Headers) -> str:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _template(path: str) -> str:
    return re.sub(r"/-?\d+(?=/|$)", "/{id}", path)


def host_name(host: str) -> str:
    """The name or address in a Host header in small letters, without the port."""
    if host.startswith("["):
        inner = host[1:].partition("]")[0]
        try:
            return str(ipaddress.IPv6Address(inner))
        except ValueError:
            return host
    return host.rpartition(":")[0] if host.count(":") == 1 else host


async def _answer(response: ProblemResponse, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "http":
        await response(scope, receive, send)
    else:
        await WebSocket(scope, receive, send).send_denial_response(response)
