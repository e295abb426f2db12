"""R10: how long a healthy client of the API waits while hostile ones press on with a thousand sockets."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import socket
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx

from bench.figures import Figure, at_most
from tests.acceptance.program import Program

SOCKETS = 1_000
REQUESTS = 300
#: The healthy client asks this often, as a dashboard or a script does.
PAUSE_S = 0.02
LIMIT_MS = 50.0  # R10

#: What strangers send; each is refused or left unfinished.
ATTACKS = (
    b"",
    b"GET /api/v1/jobs HTTP/1.1\r\nHost: loc",
    b"GET /api/v1/jobs HTTP/1.1\r\nHost: evil.example\r\n\r\n",
    b"GET /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer guess\r\n\r\n",
    b"POST /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil\r\nContent-Length: 2\r\n\r\n{}",
    b"POST /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n\r\n{",
    b"\x16\x03\x01\x02\x00 no HTTP\r\n\r\n",
)


async def measure() -> list[Figure]:
    """The healthy client's 95th percentile by each door, alone and under attack; what that has changed."""
    async with _engine() as (unix, port, token):
        figures = [at_most("TCP, alone", await _healthy(port, token), "ms, p95", limit=LIMIT_MS)]
        attack = multiprocessing.get_context("spawn").Process(target=_attack, args=(port,), daemon=True)
        attack.start()
        try:
            await _until_under_attack(unix)
            figures += [
                at_most("TCP, under attack", await _healthy(port, token), "ms, p95", limit=LIMIT_MS),
                at_most("Unix socket, under attack", await _healthy(unix, token), "ms, p95", limit=LIMIT_MS),
            ]
        finally:
            attack.kill()
            attack.join()
        changes = (await _ask(unix, "/api/v1/audit"))["items"]
        # Making the healthy client's token is one.
        figures.append(at_most("changes by strangers", len(changes) - 1, "entries", limit=0))
    return figures


@asynccontextmanager
async def _engine() -> AsyncIterator[tuple[Path, int, str]]:
    with tempfile.TemporaryDirectory(prefix="reeldeck-bench-") as folder:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
        program = Program(Path(folder))
        doors = {"REELDECK_API__TCP_PORT": str(port), "REELDECK_API__REQUESTS_PER_S": "0"}
        async with program.serve(**doors):
            async with _client(program.socket) as http:
                made = await http.post("/api/v1/tokens", json={"name": "healthy", "scopes": ["read"]})
            yield program.socket, port, made.json()["secret"]


def _client(door: Path | int, token: str = "") -> httpx.AsyncClient:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    if isinstance(door, int):
        return httpx.AsyncClient(base_url=f"http://127.0.0.1:{door}", headers=headers, trust_env=False)
    transport = httpx.AsyncHTTPTransport(uds=str(door))
    return httpx.AsyncClient(base_url="http://localhost", transport=transport, headers=headers)


async def _ask(door: Path | int, path: str) -> dict[str, list[object]]:
    async with _client(door) as http:
        answer: dict[str, list[object]] = json.loads((await http.get(path)).content)
        return answer


async def _healthy(door: Path | int, token: str) -> float:
    """The 95th percentile of its waits, in milliseconds; a request that is sent again counts as both."""
    waits = []
    async with _client(door, token) as http:
        for _ in range(REQUESTS):
            began = time.perf_counter()
            try:
                answer = await http.get("/api/v1/jobs")
            except (httpx.RemoteProtocolError, httpx.ReadError):
                answer = await http.get("/api/v1/jobs")
            answer.raise_for_status()
            waits.append((time.perf_counter() - began) * 1000)
            await asyncio.sleep(PAUSE_S)
    return statistics.quantiles(waits, n=20)[-1]


async def _until_under_attack(unix: Path) -> None:
    async with _client(unix) as http:
        while 'status="401"' not in (await http.get("/metrics")).text:  # noqa: ASYNC110 -- only asking tells
            await asyncio.sleep(0.1)


def _attack(port: int) -> None:
    """Hold a thousand sockets; open another whenever one is closed."""

    async def press(number: int) -> None:
        while True:
            with suppress(OSError):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(ATTACKS[number % len(ATTACKS)])
                await reader.read()
                writer.close()
            await asyncio.sleep(0.5)

    async def all_of_them() -> None:
        await asyncio.gather(*(press(number) for number in range(SOCKETS)))

    asyncio.run(all_of_them())
