"""`reeldeck get` and `serve` with the real engine, and with people who change their minds."""

from __future__ import annotations

import asyncio
import signal
import sqlite3

import psutil
import pytest

from core.client.http import HttpEngineClient
from core.client.locate import socket_path
from core.config.load import load_settings
from core.domain.errors import EngineUnreachable
from tests.acceptance.test_cli_program import started, until_said
from tests.fakes.media import made_once, video_mp4
from tests.fakes.origin import Fault
from tui.console.background import ensure_engine

PADDING = bytes(24_000_000)  # behind the film, where players ignore it
HELD_AT = 16_000_000


@pytest.fixture
def film(reeldeck, origin):
    """A link to a film whose transfer stands still until the origin lets go."""
    body = made_once(video_mp4, "clip.mp4").read_bytes() + PADDING
    origin.put("/film.mp4", body).always = Fault(hold_after=HELD_AT)
    reeldeck.env["REELDECK_NETWORK__MAX_CONNECTIONS_PER_FILE"] = "1"
    return origin.url("/film.mp4")


async def test_ctrl_c_keeps_what_is_fetched_and_the_same_command_goes_on(reeldeck, origin, film):
    async with started(reeldeck, "get", film) as process:
        await origin.held.wait()
        process.send_signal(signal.SIGINT)
        said = (await process.stderr.read()).decode()
        assert await process.wait() == 130
    assert "the same command goes on from there" in said
    sent_before = origin.bytes_sent("/film.mp4")
    origin.release.set()
    answer = await reeldeck.run("get", film)
    assert answer.code == 0, answer.err
    assert answer.out.startswith(str(reeldeck.archive))
    assert origin.bytes_sent("/film.mp4") - sent_before < len(PADDING) - HELD_AT / 2


async def test_sigterm_stops_the_own_engine_cleanly(reeldeck, origin, film):
    async with started(reeldeck, "get", film) as process:
        await origin.held.wait()
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 143
    with sqlite3.connect(reeldeck.database) as database:
        # Put back; whether the scheduler has looked at it once more is a matter of luck.
        assert database.execute("SELECT status FROM jobs").fetchall() in ([("PENDING",)], [("QUEUED",)])
    database.close()


async def test_get_runs_its_own_jobs_only(reeldeck, origin, film):
    async with started(reeldeck, "get", film) as process:
        await origin.held.wait()
        process.kill()
    origin.release.set()
    other = made_once(video_mp4, "clip.mp4").read_bytes()
    origin.put("/other.mp4", other)
    answer = await reeldeck.run("get", origin.url("/other.mp4"))
    assert answer.code == 0, answer.err
    async with reeldeck.serve():
        done = await reeldeck.run("add", film, "--wait")
        assert done.code == 0, done.err


async def test_get_uses_the_running_engine(reeldeck, origin, film, tmp_path):
    async with reeldeck.serve(), started(reeldeck, "get", film, "--out", str(tmp_path / "out")) as process:
        await origin.held.wait()
        (row,) = (await reeldeck.run("jobs", "--json")).rows
        assert row["status"] == "RUNNING"
        assert row["out_dir"] == str(tmp_path / "out")
        origin.release.set()
        assert (await process.stdout.read()).startswith(str(tmp_path / "out").encode())
        assert await process.wait() == 0


async def test_stop_ends_serve_and_its_children(reeldeck, origin, film):
    async with reeldeck.serve() as engine:
        await reeldeck.run("add", film)
        await origin.held.wait()
        children = psutil.Process(engine.pid).children(recursive=True)
        stopped = await reeldeck.run("stop")
        assert stopped.out == "The engine has stopped.\n"
        assert await engine.wait() == 0
    assert not any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in children)


async def test_a_second_signal_ends_serve_at_once(reeldeck):
    async with started(reeldeck, "serve") as process:
        await until_said(process.stdout, "listens on")
        process.send_signal(signal.SIGSTOP)  # so that both signals are there before either is looked at
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGCONT)
        assert await process.wait() in {0, 130, 143}


async def test_an_engine_is_started_behind_the_dashboard_and_outlives_it(reeldeck, monkeypatch):
    for name, value in reeldeck.env.items():
        monkeypatch.setenv(name, value)
    settings = load_settings()
    client = HttpEngineClient(socket_path(settings))
    await ensure_engine(settings, client)
    pid = (await client.status())["engine"]["pid"]
    await ensure_engine(settings, client)
    assert (await client.status())["engine"]["pid"] == pid
    await client.close()
    engine = psutil.Process(pid)
    assert engine.terminal() is None
    assert "listens on" in (settings.paths.log / "serve.log").read_text()
    assert (await reeldeck.run("stop")).code == 0
    await asyncio.to_thread(engine.wait, 10)


async def test_an_engine_that_does_not_start_says_why(reeldeck, monkeypatch):
    for name, value in reeldeck.env.items():
        monkeypatch.setenv(name, value)
    settings = load_settings()
    monkeypatch.setenv("REELDECK_MEDIA__FFMPEG_PATH", "/nowhere")
    client = HttpEngineClient(socket_path(settings))
    with pytest.raises(EngineUnreachable, match=r"media\.ffmpeg_path is /nowhere"):
        await ensure_engine(settings, client)
    await client.close()


async def test_the_log_holds_every_event_and_no_query(reeldeck, origin):
    origin.put("/film.mp4", made_once(video_mp4, "clip.mp4").read_bytes())
    answer = await reeldeck.run("get", origin.url("/film.mp4?sig=s3cret"))
    assert answer.code == 0, answer.err
    lines = (await reeldeck.run("logs", "--json", "-n", "500")).rows
    assert {"JOB_CREATED", "DOWNLOAD_FINISHED", "JOB_COMPLETED"} <= {line["event"] for line in lines}
    assert all({"time", "level", "event", "logger"} <= line.keys() for line in lines)
    file = reeldeck.home / "data" / "logs" / "reeldeck.jsonl"
    assert "s3cret" not in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600
