"""Serves the dashboard to browsers on this machine."""

from __future__ import annotations

import asyncio
from pathlib import Path

from uvicorn.server import ServerState

from core.api.connections import Connection, configuration
from core.api.sockets import BACKLOG, listen_tcp
from core.domain.errors import ConfigError
from tui.web.app import create_app
from tui.web.tabs import Tabs

#: Whoever is at another machine makes a tunnel; what is open here is open to nobody else.
HOST = "127.0.0.1"
#: How long requests that are under way may go on once the port is closed.
GRACE_S = 2.0


class WebServer:
    """The dashboard in browsers.

    Args:
        key_file: Holds the token.
        tabs: Runs the dashboards; ended with the server.

    Raises:
        NotInstalled: There is no terminal for the page.
    """

    def __init__(self, key_file: Path, tabs: Tabs) -> None:
        self._app = create_app(key_file, tabs)
        self._tabs = tabs
        self._state = ServerState()
        self._listener: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """Where it listens."""
        assert self._listener is not None, "not started"
        port: int = self._listener.sockets[0].getsockname()[1]
        return port

    async def start(self, port: int) -> None:
        """Open the port; 0 takes any that is free.

        Raises:
            ConfigError: It is taken.
        """
        try:
            listening = listen_tcp(HOST, port)
        except ConfigError as error:
            error.hint = "Choose another, 0 for any that is free: reeldeck web --port 0"
            raise
        config = configuration(self._app)
        config.load()
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(
            lambda: Connection(config, self._state, {}, loop), sock=listening, backlog=BACKLOG
        )

    async def stop(self) -> None:
        """Close the port and all tabs; when this returns no dashboard is left."""
        if self._listener is not None:
            self._listener.close()
        for connection in list(self._state.connections):
            # Not the sockets, which the tabs close; pages ask what the matter is as soon as these do.
            if isinstance(connection, Connection):
                connection.shutdown()
        await self._tabs.close()
        if self._state.tasks:
            await asyncio.wait(set(self._state.tasks), timeout=GRACE_S)
        for connection in list(self._state.connections):
            connection.transport.abort()
        await asyncio.sleep(0)  # transports tell their protocols in the loop's next round
