from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import pytest

from core.api import connections
from core.api.server import ApiServer
from core.api.sockets import listen_unix
from core.client.locate import socket_path
from core.domain.errors import ConfigError, EngineRunning
from tests.fakes.api import plain_client, raw, serving, settings_in
from tests.fakes.engine import FakeEngine


def mode(path: Path) -> int:
    return path.lstat().st_mode & 0o777


async def test_only_the_owner_may_open_the_socket_whatever_the_umask(tmp_path):
    old = os.umask(0)
    try:
        async with serving(FakeEngine(), tmp_path / "data") as server:
            assert mode(server.path) == 0o600
            assert mode(server.path.parent) == 0o700
    finally:
        os.umask(old)


async def test_a_folder_of_our_own_that_is_too_open_is_closed(tmp_path):
    (tmp_path / "run").mkdir(mode=0o755)
    async with serving(FakeEngine(), tmp_path) as server:
        assert mode(server.path.parent) == 0o700


async def test_a_folder_that_somebody_chose_is_not_changed_but_refused_when_it_is_open(tmp_path):
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o755)
    server = ApiServer(FakeEngine(), settings_in(tmp_path, socket_path=shared / "e.sock"))
    with pytest.raises(ConfigError) as caught:
        await server.start()
    assert caught.value.hint == f"chmod 700 {shared}"
    assert mode(shared) == 0o755
    shared.chmod(0o700)
    async with serving(FakeEngine(), tmp_path, socket_path=shared / "e.sock") as running:
        assert running.path == shared / "e.sock"


async def test_nothing_is_left_behind(tmp_path):
    async with serving(FakeEngine(), tmp_path) as server:
        path = server.path
        assert path.exists()
    assert not path.exists()


async def test_what_a_dead_engine_left_is_replaced(tmp_path):
    path = socket_path(settings_in(tmp_path))
    path.parent.mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    async with serving(FakeEngine(), tmp_path) as server, plain_client(server.path) as http:
        assert (await http.get("/health")).status_code == 200


async def test_a_socket_that_somebody_answers_is_left_alone(tmp_path):
    async with serving(FakeEngine(), tmp_path) as first:
        with pytest.raises(EngineRunning):
            await ApiServer(FakeEngine(), settings_in(tmp_path)).start()
        async with plain_client(first.path) as http:
            assert (await http.get("/health")).status_code == 200


async def test_a_file_in_the_sockets_place_is_not_deleted(tmp_path):
    path = socket_path(settings_in(tmp_path))
    path.parent.mkdir(mode=0o700)
    path.write_text("mine")
    with pytest.raises(ConfigError):
        await ApiServer(FakeEngine(), settings_in(tmp_path)).start()
    assert path.read_text() == "mine"


async def test_an_older_server_does_not_remove_a_younger_ones_socket(tmp_path):
    async with serving(FakeEngine(), tmp_path) as old:
        old.path.unlink()
        async with serving(FakeEngine(), tmp_path) as young, plain_client(young.path) as http:
            await old.stop()
            assert (await http.get("/health")).status_code == 200


async def test_a_place_where_nothing_can_be_made_is_a_configuration_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError):
        await ApiServer(FakeEngine(), settings_in(tmp_path / "file")).start()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
async def test_another_user_is_cut_off_even_if_the_files_let_them_in():
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run" / "engine.sock"
        async with serving(FakeEngine(), Path(folder)) as server:
            Path(folder).chmod(0o755)
            path.parent.chmod(0o755)
            server.path.chmod(0o666)
            code = (
                "import os,socket,sys; os.setuid(int(sys.argv[2]))\n"
                "s=socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])\n"
                "try: s.sendall(b'GET /health HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n'); print(s.recv(100))\n"
                "except OSError: print(b'')"
            )
            ask = [sys.executable, "-I", "-c", code, str(path)]
            answers = [
                await asyncio.to_thread(subprocess.check_output, [*ask, user], text=True)
                for user in ("0", "65534")
            ]
        assert answers[0].startswith("b'HTTP/1.1 200")
        assert answers[1].strip() == "b''"


# TCP


async def test_tcp_is_not_offered_without_a_token_check(tmp_path):
    server = ApiServer(FakeEngine(), settings_in(tmp_path, tcp_port=1))
    with pytest.raises(ConfigError):
        await server.start()
    assert not socket_path(settings_in(tmp_path)).exists()


async def never(token: str) -> None:
    return None


async def test_a_taken_port_is_a_configuration_error_and_leaves_no_socket(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        server = ApiServer(
            FakeEngine(), settings_in(tmp_path, tcp_port=taken.getsockname()[1]), token_check=never
        )
        with pytest.raises(ConfigError) as caught:
            await server.start()
    assert "api.tcp_port" in caught.value.hint
    assert not socket_path(settings_in(tmp_path)).exists()


async def test_forwarded_headers_open_nothing(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    async with (
        serving(FakeEngine(), tmp_path, token_check=never, tcp_port=port),
        httpx.AsyncClient(trust_env=False) as http,
    ):
        headers = {
            "x-forwarded-for": "127.0.0.1",
            "x-forwarded-host": "localhost",
            "forwarded": "for=127.0.0.1",
        }
        assert (await http.get(f"http://127.0.0.1:{port}/health", headers=headers)).status_code == 401


# Connections


async def test_what_is_no_http_is_answered_with_a_problem(tmp_path):
    async with serving(FakeEngine(), tmp_path) as server:
        for data in (
            b"\x16\x03\x01\x02\x00 hello\r\n\r\n",
            b"GET / HTTP/1.1\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 40_000,
            b"GET /" + b"a" * 40_000,
        ):
            reader, writer = await raw(server.path, data)
            answer = await reader.read()
            assert answer.startswith(b"HTTP/1.1 400 "), data[:40]
            assert b"application/problem+json" in answer
            assert b'"type":"INVALID_REQUEST"' in answer
            writer.close()


async def test_a_head_that_does_not_come_is_not_waited_for(tmp_path, monkeypatch):
    monkeypatch.setattr(connections, "HEAD_DEADLINE_S", 0.05)
    async with serving(FakeEngine(), tmp_path) as server:
        for data in (b"", b"GET /health HTTP/1.1\r\nHo"):
            reader, writer = await raw(server.path, data)
            assert await reader.read() == b""
            writer.close()
        # A kept connection may rest, but a request that has begun must go on.
        reader, writer = await raw(server.path, b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        await reader.readuntil(b"}")
        writer.write(b"G")
        assert await reader.read() == b""
        writer.close()


async def test_a_kept_connection_that_rests_is_not_cut_by_the_deadline(tmp_path, monkeypatch):
    monkeypatch.setattr(connections, "HEAD_DEADLINE_S", 0.02)
    async with serving(FakeEngine(), tmp_path) as server:
        reader, writer = await raw(server.path, b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        await reader.readuntil(b"}")
        other, other_writer = await raw(server.path, b"")
        assert await other.read() == b""  # cut after the deadline, so that the first has rested longer
        writer.write(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await reader.readuntil(b"}")).startswith(b"HTTP/1.1 200")
        for each in (writer, other_writer):
            each.close()


async def test_hundreds_of_idle_sockets_do_not_keep_a_client_out(tmp_path):
    async with serving(FakeEngine(), tmp_path) as server:
        idle = [(await raw(server.path, b"GET /heal"))[1] for _ in range(400)]
        async with plain_client(server.path) as http:
            for _ in range(20):
                assert (await http.get("/health")).status_code == 200
        assert len(server._state.connections) <= connections.MAX_CONNECTIONS
        for writer in idle:
            writer.close()


async def test_requests_under_way_are_finished_when_the_server_stops(tmp_path):
    class Slow(FakeEngine):
        asked = asyncio.Event()
        go = asyncio.Event()

        async def sources(self):
            self.asked.set()
            await self.go.wait()
            return await super().sources()

    engine = Slow()
    server = ApiServer(engine, settings_in(tmp_path))
    await server.start()
    async with plain_client(server.path) as http:
        asking = asyncio.create_task(http.get("/api/v1/sources"))
        await engine.asked.wait()
        stopping = asyncio.create_task(server.stop())
        await server._streams.closing.wait()
        engine.go.set()
        assert (await asking).status_code == 200
        await stopping
        with pytest.raises(httpx.ConnectError):
            await http.get("/health")


async def test_signals_stay_whose_they_were(tmp_path):
    import signal

    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    async with serving(FakeEngine(), tmp_path):
        assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


async def test_no_thread_and_no_task_outlives_the_server(tmp_path):
    tasks, threads = asyncio.all_tasks(), threading.active_count()
    async with serving(FakeEngine(), tmp_path) as server, plain_client(server.path) as http:
        await http.get("/health")
        await http.post("/api/v1/jobs", json={"url": "https://example.org/a"})
    assert asyncio.all_tasks() == tasks
    assert threading.active_count() == threads


def test_a_path_that_no_socket_can_have_is_a_configuration_error(tmp_path):
    folder = tmp_path / ("x" * 120)
    with pytest.raises(ConfigError):
        listen_unix(folder / "engine.sock", is_own_folder=True)
