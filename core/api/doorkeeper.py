"""Who may come in, by which door, and with how much: stands in front of all routes and sockets.

Two doors. The Unix socket is open to whoever may open its file (the connection has checked the peer's uid).
TCP asks every request for a bearer token. Both refuse what a browser sends on behalf of a foreign page: a
forwarded socket (`ssh -L`) is a TCP port to the browsers beside it.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Mapping
from enum import StrEnum

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from core.api.problems import ProblemResponse, fault
from core.domain.errors import Forbidden, InvalidRequest, ReeldeckError, StageTimeout
from core.domain.text import for_log

log = logging.getLogger(__name__)

#: Answers whether a bearer token is good. Compares in constant time, and never logs what it was given.
TokenCheck = Callable[[str], Awaitable[bool]]

VERSION_HEADER = "x-reeldeck-version"
MAX_TOKEN_CHARS = 512
MAX_BODY_BYTES = 2**20
MAX_BATCH_BODY_BYTES = 5 * 2**20
BATCH_PATH = "/api/v1/jobs/batch"
#: A body must have arrived in this time.
BODY_DEADLINE_S = 30.0
#: What a client may go on sending, unread, before its 413 is followed by a closed connection.
DISCARD_BYTES = 32 * 2**20
DISCARD_S = 2.0
_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


class Door(StrEnum):
    """Where a connection came in; `scope["state"]["door"]`. Without one it is taken for TCP."""

    SOCKET = "socket"
    TCP = "tcp"


def door_of(scope: Scope) -> Door:
    """The door of a request."""
    door = scope.get("state", {}).get("door", Door.TCP)
    assert isinstance(door, Door)
    return door


class Refusal(Exception):
    """A request that does not get in: the error to show, and how."""

    def __init__(self, error: ReeldeckError, status: int, headers: Mapping[str, str]) -> None:
        super().__init__(error)
        self.response = ProblemResponse(error, status=status, headers=headers)


class Doorkeeper:
    """ASGI middleware around the whole application.

    Args:
        app: What is guarded.
        version: Sent with every answer.
        token_check: Judges bearer tokens; without one nobody comes in by TCP.
        allowed_hosts: Host names that TCP answers to beside those of loopback, with or without a port.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        version: str,
        token_check: TokenCheck | None = None,
        allowed_hosts: Collection[str] = (),
    ) -> None:
        self._app = app
        self._version = version
        self._token_check = token_check
        self._hosts = _LOOPBACK_NAMES | {host.lower() for host in allowed_hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request in, or answer it here."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        is_answered = False

        async def marked(message: Message) -> None:
            nonlocal is_answered
            if message["type"] in {
                "http.response.start",
                "websocket.http.response.start",
                "websocket.accept",
            }:
                is_answered = True
                headers = MutableHeaders(scope=message)
                headers[VERSION_HEADER] = self._version
                headers["x-content-type-options"] = "nosniff"
                headers.setdefault("cache-control", "no-store")
            await send(message)

        try:
            await self._admit(scope)
            if scope["type"] == "http":
                receive = await _whole_body(scope, receive)
            await self._app(scope, receive, marked)
        except Refusal as refusal:
            await _answer(refusal.response, scope, receive, marked)
        except ReeldeckError as error:
            await _answer(ProblemResponse(error), scope, receive, marked)
        except Exception:
            # Routes have answered already where they could; here it is written down, once.
            log.exception("a request failed: %s %s", scope.get("method", "WS"), for_log(scope["path"]))
            if not is_answered:
                await _answer(fault(), scope, receive, marked)

    async def _admit(self, scope: Scope) -> None:
        headers = Headers(scope=scope)
        door = door_of(scope)
        host = headers.get("host", "").lower()
        if not self._answers_to(host, door):
            hint = "Use http://localhost, or name the host in api.allowed_hosts."
            raise Refusal(Forbidden("this Host is not ours", hint=hint), 403, {})
        origin = headers.get("origin")
        is_foreign = origin is not None and origin.lower() not in {f"http://{host}", f"https://{host}"}
        if is_foreign or headers.get("sec-fetch-site") in {"cross-site", "same-site"}:
            raise Refusal(
                Forbidden("sent by a foreign web page", hint="Ask from outside a browser."), 403, {}
            )
        if door is not Door.SOCKET and not await self._has_token(headers):
            hint = "Send the header Authorization: Bearer TOKEN."
            raise Refusal(
                Forbidden("a valid token is needed", hint=hint), 401, {"www-authenticate": "Bearer"}
            )

    def _answers_to(self, host: str, door: Door) -> bool:
        name = _host_name(host)
        if host in self._hosts or name in self._hosts:
            return True
        # Tools put any word as the host of a Unix socket. A page that rebinds its name needs one with a dot.
        return door is Door.SOCKET and "." not in name and ":" not in name

    async def _has_token(self, headers: Headers) -> bool:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        token = token.strip()
        if self._token_check is None or scheme.lower() != "bearer" or not 0 < len(token) <= MAX_TOKEN_CHARS:
            return False
        return await self._token_check(token)


def _host_name(host: str) -> str:
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


async def _whole_body(scope: Scope, receive: Receive) -> Receive:
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
