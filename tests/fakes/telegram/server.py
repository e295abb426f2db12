"""The service as clients meet it: ports, connections, keys, the running of calls, the pushing of updates."""

from __future__ import annotations

import asyncio
import contextlib
import struct
import time
from collections import Counter, deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from telethon.tl import types

from tests.fakes.telegram import api_auth, api_chats, api_files, api_history, api_messages, api_updates
from tests.fakes.telegram.calls import ANSWERS, PUBLIC, Call
from tests.fakes.telegram.codes import Codes
from tests.fakes.telegram.connection import Connection, Drop
from tests.fakes.telegram.crypto import PasswordProof, key_id_of, random_long, server_key
from tests.fakes.telegram.faults import Script
from tests.fakes.telegram.files import Files
from tests.fakes.telegram.state import State, Stored
from tests.fakes.telegram.view import when
from tests.fakes.telegram.wire import Refused, method_of
from tests.fakes.telegram.world import World

#: Importing them filled ANSWERS.
APIS = (api_auth, api_chats, api_files, api_history, api_messages, api_updates)
_KEPT_CALLS = 100_000


class TelegramServer:
    """Listens on one loopback port for each data centre; all of them share one state below *folder*."""

    def __init__(self, folder: Path, dcs: tuple[int, ...]) -> None:
        self.folder = folder
        self.key = server_key()
        #: Port by data centre; kept over restarts.
        self.ports = dict.fromkeys(dcs, 0)
        self.script, self.codes = Script(), Codes()
        #: How often each method was called, and notices of the protocol ("bad_msg 48", "msgs_ack").
        self.counts: Counter[str] = Counter()
        #: (monotonic time, method, account) of the latest calls.
        self.calls: deque[tuple[float, str, int]] = deque(maxlen=_KEPT_CALLS)
        self.connections: set[Connection] = set()
        #: Added to a round trip.
        self.latency_s = 0.0
        #: Whether files are said to lie on servers of others (upload.fileCdnRedirect).
        self.sends_to_cdn = False
        #: The server's clock is ahead by so much; the wire's clock and the dates of messages alike.
        self.clock_ahead_s = 0
        #: Events in one slice of a difference, and from how many on it is too long (0: never).
        self.slice_length, self.too_long_after = 100, 0
        #: So many pushes are lost from now on.
        self.lost_pushes = 0
        #: Where files lie; the first data centre when 0.
        self.files_dc = 0
        self.reactions = set("👍👎❤🔥👀🎉🤔👌")
        self.proofs: dict[int, PasswordProof] = {}
        #: Keys whose QR code an account has scanned.
        self.scanned: dict[int, int] = {}
        #: What the server itself got wrong; raised by stop.
        self.mistakes: list[Exception] = []
        self._happened = asyncio.Event()
        self._listeners: list[asyncio.Server] = []
        self._serving: set[asyncio.Task[None]] = set()
        stored = folder / "state.json"
        known = State.from_json(stored.read_text()) if stored.exists() else None
        self._use(known or State(random_long(), random_long()))

    def _use(self, state: State) -> None:
        self.state = state
        pages = self.world.pages if hasattr(self, "world") else {}
        self.world = World(state, self.now, self._deliver)
        self.world.pages = pages
        self.files = Files(self.folder / "files", state)

    # -- life -------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Listen; on the ports of before if there were any."""
        for dc, port in self.ports.items():

            def accept(
                reader: asyncio.StreamReader, writer: asyncio.StreamWriter, dc: int = dc
            ) -> asyncio.Task[None]:
                task = asyncio.create_task(self._serve(dc, reader, writer))
                self._serving.add(task)
                task.add_done_callback(self._serving.discard)
                return task

            listener = await asyncio.start_server(accept, "127.0.0.1", port, limit=1 << 21)
            self.ports[dc] = listener.sockets[0].getsockname()[1]
            self._listeners.append(listener)

    async def stop(self) -> None:
        """Cut everybody off and write the state down. Raises what the server itself got wrong."""
        for listener in self._listeners:
            listener.close()
        self.cut_connections()
        await asyncio.gather(*self._serving)
        for listener in self._listeners:
            await listener.wait_closed()
        self._listeners.clear()
        (self.folder / "state.json").write_text(self.state.to_json())
        if self.mistakes:
            raise ExceptionGroup("mistakes of the loopback Telegram", self.mistakes)

    async def restart(self) -> None:
        """Stop, forget all that is not written down, and come back on the same ports."""
        await self.stop()
        self._use(State.from_json((self.folder / "state.json").read_text()))
        await self.start()

    async def until(self, holds: Callable[[], bool], *, within_s: float = 20.0) -> None:
        """Wait until something holds; looked at after every call and every push. Raises TimeoutError."""
        async with asyncio.timeout(within_s):
            while not holds():
                self._happened.clear()
                await self._happened.wait()

    def cut_connections(self) -> None:
        """Every connection breaks."""
        for connection in list(self.connections):
            connection.cut()

    async def _serve(self, dc: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection(self, dc, reader, writer)
        self.connections.add(connection)
        try:
            await connection.serve()
        finally:
            self.connections.discard(connection)
            self._happened.set()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    # -- what connections ask ---------------------------------------------------------------------------

    def now(self) -> int:
        """The server's clock, in seconds since 1970."""
        return int(time.time()) + self.clock_ahead_s

    def clock(self) -> float:
        """As now, with fractions."""
        return time.time() + self.clock_ahead_s

    def learned_key(self, auth_key: bytes) -> None:
        """A client has made a new authorization key."""
        self.state.auth_keys[key_id_of(auth_key)] = auth_key

    def random_id(self) -> int:
        """A number for whatever needs a random one."""
        return random_long()

    def stamp(self, stored: Stored, mime_type: str) -> Stored:
        """Complete a fresh file: type, date, home."""
        stored.mime_type, stored.date = mime_type, self.now()
        stored.dc = self.files_dc or next(iter(self.ports))
        return stored

    def state_of(self, account: int) -> types.updates.State:
        """Where an account's sequence stands."""
        return types.updates.State(self.world.box(f"u:{account}").pts, 0, when(self.now()), 0, 0)

    def call(self, connection: Connection, request: Any) -> Any:
        """Run a call; None for one that is never answered. Raises Refused, Drop."""
        method = method_of(request)
        account = connection.account
        self.counts[method] += 1
        self.calls.append((time.monotonic(), method, account))
        # Whoever waits runs when this call is done.
        self._happened.set()
        fault = self.script.next(method)
        if fault is not None and fault.kind == "refuse":
            raise Refused(fault.message, fault.code)
        if fault is not None and fault.kind == "drop":
            raise Drop
        answer = ANSWERS.get(type(request))
        if answer is None:
            raise Refused("INPUT_METHOD_INVALID")
        if not account and type(request) not in PUBLIC:
            raise Refused("AUTH_KEY_UNREGISTERED", 401)
        result = answer(Call(self, connection, account), request)
        if fault is not None and fault.kind == "drop after":
            raise Drop
        return None if fault is not None else result

    def scan(self, token: bytes, account: int) -> None:
        """An account has scanned a login token; its connection is told. Raises Refused."""
        key, expires = struct.unpack("<Qq", token)
        if key not in self.state.auth_keys:
            raise Refused("AUTH_TOKEN_INVALID")
        if expires < self.now():
            raise Refused("AUTH_TOKEN_EXPIRED")
        self.scanned[key] = account
        for connection in self.connections:
            if connection.key_id == key and connection.wants_updates:
                connection.push(types.UpdateShort(types.UpdateLoginToken(), when(self.now())))

    def _deliver(self, account: int, updates: Any, skip: Connection | None) -> None:
        self._happened.set()
        for connection in list(self.connections):
            if connection is skip or not connection.wants_updates or connection.account != account:
                continue
            if self.lost_pushes:
                self.lost_pushes -= 1
                continue
            connection.push(updates)
