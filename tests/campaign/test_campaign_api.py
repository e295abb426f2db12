"""Hostile clients at the API's door: refused, nothing changes, and those who behave are answered as ever."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import resource
import socket
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator

import httpx
import pytest

from core.api.server import ApiServer
from core.domain.job import Request
from core.domain.snapshot import JobQuery
from core.domain.token import Scope
from core.engine.engine import Engine
from tests.fakes.api import free_port, plain_client

#: Connections that say nothing, or too little, at the same time.
SOCKETS = 1000
#: Of those who behave. The machine that runs the short form has other things to do.
P95_S = {False: 2.0, True: 0.05}
#: No answer is waited for longer.
ANSWER_S = 10.0
Attack = Callable[[random.Random, "Scene"], bytes]


class Scene:
    """What an attacker knows: the port, and a token that may only read."""

    def __init__(self, port: int, token: str) -> None:
        self.port, self.token = port, token

    def request(self, method: str, path: str, body: bytes = b"", **changes: str) -> bytes:
        """A request of the token's holder, but for *changes*; an empty one leaves a field out."""
        fields = {
            "host": f"127.0.0.1:{self.port}",
            "authorization": f"Bearer {self.token}",
            "content-type": "application/json",
            "content-length": str(len(body)),
        } | {name.replace("_", "-"): value for name, value in changes.items()}
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items() if value)
        return f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body


_JOB = json.dumps({"url": "http://127.0.0.1:9/stolen.mp4"}).encode()
#: Each with the statuses that it may be answered with; 0 is a connection that was closed.
ATTACKS: dict[str, tuple[Attack, set[int]]] = {
    "guessed token": (
        lambda dice, scene: scene.request(
            "POST", "/api/v1/jobs", _JOB, authorization=f"Bearer reeldeck_{dice.getrandbits(256):x}"
        ),
        {401},
    ),
    "no token": (lambda _, scene: scene.request("POST", "/api/v1/jobs", _JOB, authorization=""), {401}),
    "token that only reads": (lambda _, scene: scene.request("POST", "/api/v1/jobs", _JOB), {403}),
    "token for more tokens": (
        lambda _, scene: scene.request("POST", "/api/v1/tokens", b'{"name":"x","scopes":["admin"]}'),
        {403},
    ),
    "other host": (lambda _, scene: scene.request("GET", "/api/v1/jobs", host="evil.example"), {403}),
    "no host": (lambda _, scene: scene.request("GET", "/api/v1/jobs", host=""), {400}),
    "foreign page": (
        lambda _, scene: scene.request("POST", "/api/v1/jobs", _JOB, origin="https://evil.example"),
        {403},
    ),
    "body without end": (
        lambda _, scene: scene.request("POST", "/api/v1/jobs", b"{" * 2**21, content_length=str(2**40)),
        {403, 413, 0},
    ),
    "deep body": (lambda _, scene: scene.request("POST", "/api/v1/jobs", b"[" * 100_000), {403}),
    "no HTTP": (lambda dice, _: dice.randbytes(200) + b"\r\n\r\n", {400, 0}),
    "head without end": (lambda _, __: b"GET / HTTP/1.1\r\nx: " + b"y" * 2**17, {400, 0}),
    "two lengths": (
        lambda _, scene: scene.request("POST", "/api/v1/jobs", _JOB, transfer_encoding="chunked"),
        {400, 403},
    ),
    "path out of all": (lambda _, scene: scene.request("GET", "/api/v1/../../etc/passwd"), {404}),
    "range of nothing": (
        lambda _, scene: scene.request("GET", "/api/v1/jobs/1/file", range="bytes=9-1,0-,-0"),
        {404, 409},
    ),
    "odd number": (lambda dice, scene: scene.request("GET", f"/api/v1/jobs/{dice.getrandbits(200)}"), {422}),
}


@pytest.fixture(autouse=True)
def descriptors() -> Iterator[None]:
    """Both ends of all those sockets are in this process."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(8192, before[1]), before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


async def attack(scene: Scene, data: bytes) -> int:
    """The status of the answer to *data*; 0 where the connection was closed without one."""
    reader, writer = await asyncio.open_connection("127.0.0.1", scene.port)
    try:
        async with asyncio.timeout(ANSWER_S):
            with contextlib.suppress(ConnectionError):
                writer.write(data)
                await writer.drain()
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                return int((await reader.readuntil(b"\r\n")).split(b" ")[1])
            return 0
    finally:
        writer.transport.abort()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def behave(http: httpx.AsyncClient, end: asyncio.Event) -> list[float]:
    """How long each question took of somebody who asks as they should."""
    took: list[float] = []
    while not end.is_set():
        began = time.perf_counter()
        assert (await http.get("/api/v1/jobs", params={"limit": 5})).status_code == 200
        took.append(time.perf_counter() - began)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.01):
                await end.wait()
    return took


async def state(engine: Engine) -> tuple[object, ...]:
    """All that nobody may change."""
    jobs = (await engine.jobs(JobQuery(limit=500))).items
    tokens = [(token.id, token.revoked) for token in await engine.tokens()]
    return [(job.id, job.status) for job in jobs], tokens, (await engine.audit()).items


async def test_hostile_clients_change_nothing_and_hold_nobody_up(campaign, run_engine, make_settings):
    settings = make_settings(api={"tcp_port": free_port(), "requests_per_s": 0})
    async with run_engine(limits={"quiet_hours": "00:00-23:59"}) as engine:
        server = ApiServer(engine, settings, token_check=engine.judge_token, record=engine.record)
        await server.start()
        issued = await engine.create_token("reader", {Scope.READ})
        await engine.cancel((await engine.submit(Request(url="http://127.0.0.1:9/a.mp4"))).job.id)
        scene, before = Scene(server.tcp_port, issued.secret), await state(engine)
        end = asyncio.Event()
        async with plain_client(server.path) as http, asyncio.TaskGroup() as group:
            behaving = group.create_task(behave(http, end))
            await _besiege(scene, random.Random(campaign.seed), rounds=20 if campaign.is_long else 2)
            assert await state(engine) == before
            end.set()
        took = sorted(behaving.result())
        p95 = statistics.quantiles(took, n=20)[-1]
        assert p95 <= P95_S[campaign.is_long], f"p95 {p95 * 1000:.0f} ms of {len(took)}"
        await server.stop()


async def _besiege(scene: Scene, dice: random.Random, *, rounds: int) -> None:
    """Silent, slow and rude clients, all at once."""
    loop = asyncio.get_running_loop()
    with contextlib.ExitStack() as stack:
        for number in range(SOCKETS):
            silent = stack.enter_context(socket.socket())
            silent.setblocking(False)
            await loop.sock_connect(silent, ("127.0.0.1", scene.port))
            if number % 2:
                with contextlib.suppress(ConnectionError):
                    await loop.sock_sendall(silent, b"GET /api/v1/jobs HTTP/1.1\r\nx-slow: ")
        for _ in range(rounds):
            named = [(name, make(dice, scene)) for name, (make, _) in ATTACKS.items()] * 3
            dice.shuffle(named)
            answers = await asyncio.gather(*(attack(scene, data) for _, data in named))
            told = Counter(
                (name, status)
                for (name, _), status in zip(named, answers, strict=True)
                if status not in ATTACKS[name][1]
            )
            assert not told
