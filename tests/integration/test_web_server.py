"""The doors and tabs of `reeldeck web`, asked by no browser; a small program stands for the dashboard."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from core.api import connections
from core.domain.errors import ConfigError
from tui.web.key import Key
from tui.web.server import WebServer
from tui.web.tabs import Closing, Tabs

#: Says its size whenever that changes and what is typed; `q` ends it, `h` makes it hang whatever it is told.
PROGRAM = """
import fcntl, os, signal, sys, termios, tty
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
def size(*_): os.write(1, b"size %dx%d;" % os.get_terminal_size())
signal.signal(signal.SIGWINCH, size)
tty.setraw(0)
os.write(1, b"pid %d;" % os.getpid())
size()
while True:
    typed = os.read(0, 65536)
    if typed == b"q": sys.exit(7)
    if typed == b"h":
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        os.write(1, b"deaf;")
        while True: signal.pause()
    if not typed: sys.exit(0)
    os.write(1, typed)
"""


class Web:
    """A running server, and a browser that has shown the token unless a test wants otherwise."""

    def __init__(self, server: WebServer, file: Path) -> None:
        self.server = server
        self.file = file
        self.host = f"127.0.0.1:{server.port}"

    @property
    def key(self) -> Key:
        return Key.read(self.file)

    async def get(self, path: str, **headers: str) -> httpx.Response:
        async with httpx.AsyncClient(trust_env=False) as client:
            return await client.get(f"http://{self.host}{path}", headers=headers)

    def socket(
        self, *, place: str | None = None, cookie: str | None = None, host: str = "", **options: Any
    ) -> connect:
        key = self.key
        cookie = f"{key.cookie_name}={key.cookie}" if cookie is None else cookie
        return connect(
            f"ws://{host or self.host}/{place or key.place}/terminal",
            host="127.0.0.1",
            port=self.server.port,
            origin=options.get("origin", f"http://{host or self.host}"),
            additional_headers={"Cookie": cookie},
            proxy=None,
        )


@pytest.fixture
async def web(tmp_path) -> AsyncIterator[Web]:
    file = tmp_path / "web-token"
    Key.ensure(file)
    server = WebServer(file, Tabs(lambda: [sys.executable, "-IS", "-c", PROGRAM], most=2))
    await server.start(0)
    yield Web(server, file)
    await server.stop()


async def says(socket: ClientConnection, wanted: str) -> str:
    """What the program writes, up to *wanted*."""
    heard = ""
    while wanted not in heard:
        message = await socket.recv()
        assert isinstance(message, bytes)
        heard += message.decode()
    return heard


async def begin(socket: ClientConnection, columns: int = 100, lines: int = 30) -> psutil.Process:
    """Name the page's size; the program that runs for it."""
    await socket.send(json.dumps({"columns": columns, "lines": lines}))
    heard = await says(socket, f"size {columns}x{lines};")
    return psutil.Process(int(heard.split("pid ")[1].split(";")[0]))


async def gone(process: psutil.Process) -> None:
    """Return when nothing is left of *process*; the test's time limit is what says no."""
    while process.is_running():  # noqa: ASYNC110 -- its end is told to its parent only, inside the server
        await asyncio.sleep(0.01)


async def closing(socket: ClientConnection) -> tuple[int | None, str | None]:
    """How the server closes a socket."""
    with suppress(ConnectionClosed):
        async for _ in socket:
            pass
    return socket.close_code, socket.close_reason


async def test_the_token_is_exchanged_for_a_cookie_and_leaves_the_address(web):
    entered = await web.get(f"/?token={web.key.token}")
    assert entered.status_code == 303
    path = entered.headers["location"]
    assert web.key.token not in path
    cookie = entered.headers["set-cookie"]
    assert {"HttpOnly", "SameSite=strict", f"Path={path}"} <= set(cookie.split("; "))
    page = await web.get(path, Cookie=cookie.partition(";")[0])
    assert page.status_code == 200
    assert "/static/page.js" in page.text


async def test_without_the_token_there_is_a_page_that_says_what_to_do(web):
    for path, status in (("/", 401), ("/?token=wrong", 401), (f"/{web.key.place}/", 401), ("/x/y", 404)):
        answer = await web.get(path)
        assert answer.status_code == status, path
        assert "set-cookie" not in answer.headers
        assert status == 404 or "reeldeck web --url" in answer.text
    assert "no longer" in (await web.get("/?token=wrong")).text


async def test_every_answer_keeps_foreign_scripts_frames_and_caches_away(web):
    for path in ("/", "/nothing", "/static/page.js", f"/?token={web.key.token}"):
        headers = (await web.get(path)).headers
        assert "default-src 'none'; script-src 'self';" in headers["content-security-policy"], path
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] in {"no-store", "no-cache"}
    refused = await web.get(f"/?token={web.key.token}", Host="evil.example")
    assert (refused.status_code, "set-cookie" in refused.headers) == (403, False)


async def test_the_terminal_comes_from_the_server_and_is_sent_again_only_when_it_has_changed(web):
    for path, kind in (("/static/terminal.js", "text/javascript"), ("/static/terminal.css", "text/css")):
        answer = await web.get(path)
        assert (answer.status_code, answer.headers["content-type"].split(";")[0]) == (200, kind)
        assert answer.headers["cache-control"] == "no-cache"
        again = await web.get(path, **{"If-None-Match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")


async def test_a_socket_is_refused_without_cookie_place_or_its_own_page(web):
    own = {"place": web.key.place}
    attempts = [
        own | {"cookie": ""},
        own | {"cookie": f"{web.key.cookie_name}=wrong"},
        own | {"cookie": f"{web.key.cookie_name}={web.key.token}"},
        {"place": "elsewhere"},
        own | {"origin": "http://evil.example"},
        own | {"origin": None},
        own | {"host": "evil.example"},
    ]
    for attempt in attempts:
        with pytest.raises(InvalidStatus) as caught:
            await web.socket(**attempt)
        assert caught.value.response.status_code == 403, attempt
    assert not psutil.Process().children(), "nothing was started for them"


async def test_a_new_token_closes_the_door_to_browsers_that_knew_the_old_one(web):
    old = web.key
    Key.ensure(web.file, renew=True)
    cookie = f"{old.cookie_name}={old.cookie}"
    assert (await web.get(f"/{old.place}/", Cookie=cookie)).status_code == 401
    with pytest.raises(InvalidStatus):
        await web.socket(place=old.place, cookie=cookie)
    web.file.unlink()
    assert (await web.get("/?token=x")).status_code == 503


async def test_a_tab_carries_keys_pastes_and_sizes(web):
    async with web.socket() as socket:
        await begin(socket)
        await socket.send("é\x1b[A".encode())
        await says(socket, "é\x1b[A")
        pasted = "x" * 60_000  # far more than a terminal takes at once
        await socket.send(pasted.encode() + b"|end")
        assert pasted in await says(socket, "|end")
        await socket.send(json.dumps({"columns": 80, "lines": 24}))
        await says(socket, "size 80x24;")


async def test_a_tab_stays_open_for_longer_than_the_head_of_its_request_may_take(web, monkeypatch):
    monkeypatch.setattr(connections, "HEAD_DEADLINE_S", 0.05)
    async with web.socket() as socket:
        await begin(socket)
        over = asyncio.get_running_loop().time() + 0.1
        while asyncio.get_running_loop().time() < over:
            await socket.send(b"x")
            await says(socket, "x")


async def test_a_program_that_ends_is_told_with_its_code(web):
    async with web.socket() as socket:
        process = await begin(socket)
        await socket.send(b"q")
        assert await closing(socket) == (Closing.DASHBOARD_ENDED, "7")
        await gone(process)


async def test_no_process_is_left_when_its_tab_goes_however_it_goes(web):
    async with web.socket() as socket:
        polite = await begin(socket)
    await gone(polite)
    async with web.socket() as socket:
        lost = await begin(socket)
        socket.transport.abort()
    await gone(lost)


async def test_a_program_that_does_not_leave_is_killed(web, monkeypatch):
    monkeypatch.setattr("tui.web.tab.LEAVE_WITHIN_S", 0.1)
    async with web.socket() as socket:
        process = await begin(socket)
        await socket.send(b"h")
        await says(socket, "deaf;")
    await gone(process)


async def test_there_are_no_more_tabs_than_allowed_and_one_that_goes_makes_room(web):
    async with web.socket() as first, web.socket() as second:
        process = await begin(first)
        await begin(second)
        async with web.socket() as third:
            assert await closing(third) == (Closing.TOO_MANY, "2")
        await first.close()
        await gone(process)
        async with web.socket() as fourth:
            await begin(fourth)


@pytest.mark.parametrize("first", ["", "{}", "[" * 60_000, '{"columns": "80", "lines": 24}', b"ls\r"])
async def test_a_tab_that_begins_with_anything_but_its_size_gets_nothing(web, first):
    async with web.socket() as socket:
        await socket.send(first)
        assert (await closing(socket))[0] == Closing.NONSENSE
    assert not psutil.Process().children()


async def test_a_tab_that_says_nothing_does_not_keep_its_place(web, monkeypatch):
    monkeypatch.setattr("tui.web.tabs.SIZE_WITHIN_S", 0.05)
    async with web.socket() as socket:
        assert (await closing(socket))[0] == Closing.NONSENSE


async def test_a_server_that_stops_ends_every_tab_and_its_program(web):
    async with web.socket() as socket:
        process = await begin(socket)
        await web.server.stop()
        assert not process.is_running()
        assert (await closing(socket))[0] == Closing.SERVER_ENDS


async def test_a_port_that_is_taken_is_said_with_what_to_do(web, tmp_path):
    with pytest.raises(ConfigError) as caught:
        await WebServer(web.file, Tabs()).start(web.server.port)
    assert "--port" in caught.value.hint
