"""`reeldeck web` without a browser: the real dashboard in its tabs, and none left behind it."""

from __future__ import annotations

import asyncio
import json
import signal

import httpx
from websockets.asyncio.client import ClientConnection, connect

from tests.acceptance.program import children_of
from tests.acceptance.web import Web, serve_web


async def enter(web: Web) -> connect:
    """A tab's socket, opened as a browser does that was given the address."""
    async with httpx.AsyncClient(trust_env=False, follow_redirects=True) as client:
        page = await client.get(web.url)
        assert page.status_code == 200
        cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    origin = f"http://127.0.0.1:{web.port}"
    address = f"{str(page.url).replace('http', 'ws', 1)}terminal"
    return connect(address, origin=origin, additional_headers={"Cookie": cookie}, proxy=None)


async def begin(socket: ClientConnection) -> None:
    """Name the page's size, and wait for the dashboard."""
    await socket.send(json.dumps({"columns": 80, "lines": 24}))
    drawn = b""
    while b"jobs yet" not in drawn:
        drawn += await socket.recv()


async def test_a_tab_is_a_dashboard_that_leaves_even_when_the_program_is_killed(reeldeck):
    async with reeldeck.serve() as engine, serve_web(reeldeck) as web, await enter(web) as tab:
        assert web.url.partition("token=")[2] not in web.said, "a journal is no place for a token"
        await begin(tab)
        [dashboard] = children_of(web.process)
        assert await web.end(signal.SIGKILL) == -signal.SIGKILL
        await asyncio.to_thread(dashboard.wait, 10)
        assert engine.returncode is None, "the engine goes on"


async def test_a_new_token_is_printed_without_serving_anything(reeldeck):
    first, same = await reeldeck.run("web", "--url"), await reeldeck.run("web", "--url")
    assert first.code == 0
    assert first.out == same.out
    other = await reeldeck.run("web", "--url", "--new-token", "--port", "8001")
    assert other.out.startswith("http://127.0.0.1:8001/?token=")
    assert other.out.partition("token=")[2] != first.out.partition("token=")[2]
