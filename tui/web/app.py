"""What the browser asks for: the way in, the page, its files, and the socket of each tab."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp
from starlette.websockets import WebSocket

from core.domain.errors import ConfigError
from tui.web.doors import Doors, is_known
from tui.web.key import Key
from tui.web.pages import STATIC, locked, notice
from tui.web.tabs import Tabs
from tui.web.terminal import TerminalFiles

#: A browser is known this long after it has shown the token.
KNOWN_S = 30 * 24 * 3600


def create_app(key_file: Path, tabs: Tabs) -> ASGIApp:
    """The application.

    Args:
        key_file: Holds the token; read at every request, so that a new one holds at once.
        tabs: Runs the dashboards.

    Raises:
        NotInstalled: There is no terminal for the page.
    """
    drawing = TerminalFiles.load()

    async def enter(request: Request) -> Response:
        """Take the token once; from then on the browser is known by its cookie."""
        given = request.query_params.get("token")
        try:
            key = Key.read(key_file)
        except ConfigError as error:
            return notice("The dashboard is locked", str(error), error.hint, status=503)
        if given is None or not key.opens(given):
            return locked(request, is_token_wrong=given is not None)
        path = f"/{key.place}/"
        answer = RedirectResponse(path, status_code=303)
        answer.set_cookie(
            key.cookie_name, key.cookie, max_age=KNOWN_S, path=path, httponly=True, samesite="strict"
        )
        return answer

    async def page(request: Request) -> Response:
        """The terminal."""
        if not is_known(request, key_file):
            return locked(request)
        return FileResponse(STATIC / "page.html", headers={"cache-control": "no-store"})

    async def terminal(socket: WebSocket) -> None:
        """A tab's socket."""
        if not is_known(socket, key_file):
            await socket.close()  # before it was accepted: 403
            return
        await socket.accept()
        await tabs.serve(socket)

    async def nothing(_: Request, __: Exception) -> Response:
        return notice("There is nothing here", "The dashboard has one page only.", status=404)

    routes = [
        Route("/", enter),
        Route("/static/terminal.js", _file(drawing.script, "text/javascript")),
        Route("/static/terminal.css", _file(drawing.style, "text/css")),
        Mount("/static", StaticFiles(directory=STATIC)),
        Route("/{place}/", page),
        WebSocketRoute("/{place}/terminal", terminal),
    ]
    return Doors(Starlette(routes=routes, exception_handlers={404: nothing}))


def _file(content: str, media_type: str) -> Callable[[Request], Awaitable[Response]]:
    tag = f'"{hashlib.sha256(content.encode()).hexdigest()[:32]}"'

    async def answer(request: Request) -> Response:
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers={"etag": tag})
        return Response(content, media_type=media_type, headers={"etag": tag})

    return answer
