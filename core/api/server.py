"""Serves an engine over HTTP: opens the doors, keeps them, closes them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from pathlib import Path
from socket import socket

from uvicorn.server import ServerState

from core.api.app import create_app
from core.api.callers import TokenCheck
from core.api.connections import Connection, configuration
from core.api.doorkeeper import Record
from core.api.sockets import BACKLOG, listen_tcp, listen_unix
from core.api.stream import Streams
from core.client.locate import socket_path
from core.config.settings import Settings
from core.domain.errors import ConfigError
from core.domain.interface import EngineInterface

log = logging.getLogger(__name__)

#: How long requests that are under way may go on once the doors are shut.
GRACE_S = 3.0


class ApiServer:
    """The API of one engine, on its Unix socket and, behind a token check, on TCP.

    Args:
        engine: Answers everything.
        settings: Where to listen.
        token_check: Judges the tokens of TCP; without one TCP is not offered.
        record: Writes down what was changed.
    """

    def __init__(
        self,
        engine: EngineInterface,
        settings: Settings,
        *,
        token_check: TokenCheck | None = None,
        record: Record | None = None,
    ) -> None:
        self._engine = engine
        self._settings = settings
        self._token_check = token_check
        self._record = record
        self._streams = Streams()
        self._state = ServerState()
        self._listeners: list[asyncio.Server] = []
        self._path: Path | None = None
        self._inode: int | None = None

    @property
    def path(self) -> Path:
        """The Unix socket."""
        assert self._path is not None, "not started"
        return self._path

    @property
    def tcp_port(self) -> int | None:
        """The TCP port, None where TCP is off."""
        ports = [sock.getsockname()[1] for server in self._listeners[1:] for sock in server.sockets]
        return ports[0] if ports else None

    async def start(self) -> None:
        """Open the doors; when this returns, clients are answered.

        Raises:
            EngineRunning: Another engine answers on the socket.
            ConfigError: A door cannot be opened.
        """
        api = self._settings.api
        if api.tcp_port and self._token_check is None:
            hint = "Set api.tcp_port = 0 and use the Unix socket."
            raise ConfigError("api.tcp_port is set, but there is nothing that checks tokens", hint=hint)
        path = socket_path(self._settings)
        listener = listen_unix(path, is_own_folder=path.parent != _named_folder(self._settings))
        self._path, self._inode = path, path.lstat().st_ino
        try:
            door = listen_tcp(api.tcp_host, api.tcp_port) if api.tcp_port else None
            await self._serve(listener, door)
        except BaseException:
            listener.close()
            await self.stop()
            raise
        log.info("the API listens on %s", path)

    async def _serve(self, unix: socket, tcp: socket | None) -> None:
        app = create_app(
            self._engine,
            streams=self._streams,
            token_check=self._token_check,
            record=self._record,
            requests_per_s=self._settings.api.requests_per_s,
            allowed_hosts={self._settings.api.tcp_host, *self._settings.api.allowed_hosts},
        )
        config = configuration(app)
        config.load()
        loop = asyncio.get_running_loop()

        def protocol() -> Connection:
            return Connection(config, self._state, {}, loop)

        self._listeners.append(await loop.create_unix_server(protocol, sock=unix, backlog=BACKLOG))
        if tcp is not None:
            self._listeners.append(await loop.create_server(protocol, sock=tcp, backlog=BACKLOG))

    async def stop(self) -> None:
        """Shut the doors, end the streams, and let requests that are under way finish for a moment."""
        if self._path is not None:
            with contextlib.suppress(FileNotFoundError):
                if self._path.lstat().st_ino == self._inode:  # not a younger engine's
                    self._path.unlink()
        for listener in self._listeners:
            listener.close()
        self._streams.close()
        for connection in list(self._state.connections):
            connection.shutdown()
        if self._state.tasks:
            await asyncio.wait(set(self._state.tasks), timeout=GRACE_S)
        late = set(self._state.tasks)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=GRACE_S)
        for connection in list(self._state.connections):
            connection.transport.abort()
        await asyncio.sleep(0)  # transports tell their protocols in the loop's next round
        self._listeners.clear()


def _named_folder(settings: Settings) -> Path | None:
    """The socket's folder where somebody chose it: what else it is for is not known here."""
    named = settings.api.socket_path
    return Path(os.path.realpath(named.parent)) if named is not None else None
