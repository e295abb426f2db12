"""Who may come in: stands before all pages and sockets of the dashboard in a browser.

A port of loopback is open to everybody on this machine, and to every page in a browser on it. The token keeps
out the former. Against the latter the server answers to no name but loopback's, so that no page can rebind
its own, and its WebSocket only to pages of its own, as browsers let any page open one.
"""

from __future__ import annotations

from pathlib import Path

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from core.api.doorkeeper import LOOPBACK_NAMES, host_name
from core.domain.errors import ConfigError
from tui.web.key import Key
from tui.web.pages import notice

#: Nothing is loaded from elsewhere, nothing runs but our own scripts. xterm.js makes style sheets as it goes.
CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; "
    "img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "content-security-policy": CONTENT_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


class Doors:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or answer it here."""

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
                # Scripts are asked about again each time, and sent when they have changed.
                is_file = scope["path"].startswith("/static/")
                headers.setdefault("cache-control", "no-cache" if is_file else "no-store")
            await send(message)

        refused = refusal(Headers(scope=scope), is_socket=scope["type"] == "websocket")
        if refused is None:
            await self._app(scope, receive, marked)
            return
        if scope["type"] == "websocket":
            await WebSocket(scope, receive, send).close()  # before it was accepted: 403
        else:
            await notice("Not here", refused, status=403)(scope, receive, marked)


def refusal(headers: Headers, *, is_socket: bool) -> str | None:
    """Why a request is not for us; None when it is."""
    host = headers.get("host", "").lower()
    if host_name(host) not in LOOPBACK_NAMES:
        return "The dashboard answers to localhost and 127.0.0.1 only. From afar use a tunnel, ssh -L."
    if is_socket and headers.get("origin", "").lower() != f"http://{host}":
        return "The dashboard speaks to its own page only."
    return None


def is_known(request: HTTPConnection, key_file: Path) -> bool:
    """Whether a request for a place comes from a browser that has shown the token."""
    try:
        key = Key.read(key_file)
    except ConfigError:
        return False
    place = request.path_params.get("place", "")
    return key.is_place(place) and key.knows(request.cookies.get(key.cookie_name, ""))
