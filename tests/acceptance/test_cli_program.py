"""The shipped program as shells, pipes and impatient people use it. Needs no real engine."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import signal
from contextlib import asynccontextmanager

import pytest

from core.api.server import ApiServer
from core.config.load import load_settings
from core.domain.job import JobStatus, Stage
from tests.acceptance.program import REELDECK, Program
from tests.fakes.engine import FakeEngine


@pytest.fixture
async def engine(reeldeck: Program):
    """An engine in memory behind the real socket of the program's home."""
    fake = FakeEngine()
    api = ApiServer(fake, load_settings(None, reeldeck.env))
    await api.start()
    yield fake
    await api.stop()


@asynccontextmanager
async def started(reeldeck: Program, *arguments: str, **streams):
    """A running program; killed at the end when it still runs."""
    pipes = {
        "stdin": asyncio.subprocess.DEVNULL,
        "stdout": asyncio.subprocess.PIPE,
        "stderr": asyncio.subprocess.PIPE,
    }
    process = await asyncio.create_subprocess_exec(
        str(REELDECK), *arguments, env=reeldeck.env, start_new_session=True, **pipes | streams
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def until_said(stream: asyncio.StreamReader, words: str) -> None:
    while words not in (line := (await stream.readline()).decode()):
        assert line, f"ended without saying {words!r}"


async def test_help_and_version_need_no_configuration(reeldeck):
    (reeldeck.home / "config.toml").write_text("[broken\n")
    assert (await reeldeck.run("--help")).code == 0
    assert (await reeldeck.run("get", "--help")).code == 0
    assert (await reeldeck.run("--version")).out.startswith("reeldeck ")


async def test_a_broken_configuration_is_one_line_with_its_place(reeldeck):
    (reeldeck.home / "config.toml").write_text("[limits]\nmax_paralel_jobs = 3\n")
    for command in (["jobs"], ["config", "check"], ["serve"], ["get", "https://a.example/1"]):
        answer = await reeldeck.run(*command)
        assert answer.code == 2
        assert answer.err.startswith("error: The configuration is not valid: ")
        assert "config.toml:2: there is no key limits.max_paralel_jobs; did you mean" in answer.err
        assert answer.err.count("\n") == 2


async def test_the_example_is_a_configuration(reeldeck):
    example = await reeldeck.run("config", "example")
    (reeldeck.home / "config.toml").write_text(example.out)
    checked = await reeldeck.run("config", "check")
    assert checked.code == 0
    assert checked.out.endswith("config.toml: ok\n")
    (told,) = (await reeldeck.run("config", "check", "--json")).rows
    assert told == {"file": str(reeldeck.home / "config.toml"), "exists": True, "is_valid": True}


async def test_show_hides_secrets(reeldeck):
    (reeldeck.home / "config.toml").write_text(
        '[telegram]\napi_hash = "s3cret"\n[sources.x]\nct0 = "s3cret"\n'
        '[network]\nproxy = "http://me:s3cret@proxy.example"\n[sources.direct]\nproxy = "http://me:s3cret@b.example"\n'
    )
    shown = await reeldeck.run("config", "show")
    as_json = await reeldeck.run("config", "show", "--json")
    assert "s3cret" not in shown.out + as_json.out
    assert 'api_hash = "***"' in shown.out
    assert 'proxy = "http://***@proxy.example"' in shown.out
    assert as_json.rows[0]["sources"]["direct"]["proxy"] == "http://***@b.example"


async def test_what_show_prints_is_a_configuration_again(reeldeck):
    shown = await reeldeck.run("config", "show", REELDECK_LIMITS__QUIET_HOURS="01:00-02:00")
    (reeldeck.home / "shown.toml").write_text(shown.out)
    env = reeldeck.env | {"REELDECK_LIMITS__QUIET_HOURS": "01:00-02:00"}
    assert load_settings(reeldeck.home / "shown.toml", {}) == load_settings(None, env)


async def test_check_knows_the_sources(reeldeck):
    (reeldeck.home / "config.toml").write_text("[sources.direkt]\nenabled = false\n")
    answer = await reeldeck.run("config", "check")
    assert answer.code == 2
    assert "there is no source direkt; did you mean sources.direct?" in answer.err
    as_json = await reeldeck.run("config", "check", "--json")
    assert (as_json.code, as_json.rows[0]["is_valid"]) == (2, False)
    assert as_json.rows[0]["detail"] in as_json.err


async def test_doctor_names_what_is_broken_and_fails(reeldeck):
    healthy = await reeldeck.run("doctor", "--json")
    assert healthy.code == 0, healthy.out
    assert {row["name"]: row["level"] for row in healthy.rows}["ffmpeg"] == "ok"
    broken = await reeldeck.run("doctor", REELDECK_MEDIA__FFMPEG_PATH="/nowhere")
    assert broken.code == 1
    assert "fail  ffmpeg        media.ffmpeg_path is /nowhere" in broken.out
    assert "→ Correct media.ffmpeg_path" in broken.out
    unreadable = await reeldeck.run("doctor", REELDECK_MEDIA__FFMPEG="/nowhere")
    assert unreadable.code == 1
    assert "fail  Configuration REELDECK_MEDIA__FFMPEG" in unreadable.out


async def test_doctor_sees_a_running_engine(reeldeck, engine):
    rows = {row["name"]: row for row in (await reeldeck.run("doctor", "--json")).rows}
    assert rows["Engine"]["level"] == "ok"
    assert rows["Database"]["detail"] == "in use by the engine"


async def test_without_a_terminal_the_dashboard_is_refused(reeldeck):
    answer = await reeldeck.run()
    assert answer.code == 2
    assert "hint: Without one use: reeldeck status" in answer.err


async def test_a_reader_that_leaves_early_is_no_error(reeldeck, engine):
    engine.add_many(5000)
    readable, writable = os.pipe()
    async with started(reeldeck, "jobs", "--json", "--limit", "5000", stdout=writable) as process:
        os.close(writable)
        first = await asyncio.to_thread(os.read, readable, 10)
        os.close(readable)
        assert first.startswith(b'{"id"')
        assert process.stderr is not None
        assert await process.stderr.read() == b""
        assert await process.wait() == 141


async def test_ctrl_c_leaves_a_job_of_the_engine_alone_and_says_so(reeldeck, engine):
    async with started(reeldeck, "get", "https://a.example/1.mp4") as process:
        await until_said(process.stderr, "1  QUEUED")
        await engine.until_listeners(1)
        process.send_signal(signal.SIGINT)
        said = (await process.stderr.read()).decode()
        assert await process.wait() == 130
    assert "The engine goes on with job 1" in said
    assert (await engine.job(1)).status is JobStatus.QUEUED
    await engine.until_listeners(0)


async def test_sigterm_ends_a_waiting_command(reeldeck, engine):
    async with started(reeldeck, "add", "https://a.example/1.mp4", "--wait") as process:
        await until_said(process.stderr, "1  QUEUED")
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 143


async def test_get_follows_the_engine_and_prints_the_path(reeldeck, engine):
    async with started(reeldeck, "get", "https://a.example/1.mp4") as process:
        await until_said(process.stderr, "1  QUEUED")
        engine.move(1, JobStatus.RUNNING, stage=Stage.DOWNLOAD)
        engine.progress(1, 500, 1000, 100.0)
        await until_said(process.stderr, "download 50%")
        engine.move(1, JobStatus.COMPLETED, file_path="/archive/1.mp4", stage=None)
        assert await process.stdout.read() == b"/archive/1.mp4\n"
        assert await process.wait() == 0


async def test_on_a_terminal_there_are_bars_and_the_path_still_goes_to_stdout(reeldeck, engine):
    ours, theirs = pty.openpty()
    reeldeck.env["TERM"] = "xterm"
    async with started(reeldeck, "get", "https://a.example/1.mp4", stderr=theirs) as process:
        os.close(theirs)
        await engine.until_listeners(1)
        engine.set(1, title="A \x1b]0;title\x07")
        engine.move(1, JobStatus.RUNNING, stage=Stage.DOWNLOAD)
        engine.progress(1, 500, 1000, 100.0)
        drawn = ""
        while "500 B of 1000 B" not in drawn:
            drawn += (await asyncio.to_thread(os.read, ours, 65536)).decode()
        engine.move(1, JobStatus.COMPLETED, file_path="/archive/1.mp4", stage=None)
        assert await process.stdout.read() == b"/archive/1.mp4\n"
        assert await process.wait() == 0
    os.close(ours)
    assert "\x1b]0;" not in drawn
    assert "\u241b]0;title" in drawn


async def test_paths_arrive_whole_in_any_locale(reeldeck, engine):
    path = reeldeck.home / "عنوان.mp4"
    path.touch()
    url = "https://a.example/1.mp4"
    engine.add(url, status=JobStatus.COMPLETED, file_path=str(path))
    answer = await reeldeck.run("get", url, LC_ALL="C")
    assert answer.out == f"{path}\n"


async def test_json_is_ascii_and_whole(reeldeck, engine):
    engine.add(title="عنوان \x1b[2J \U0001f3b5")
    answer = await reeldeck.run("jobs", "--json", LC_ALL="C")
    assert answer.out.isascii()
    assert json.loads(answer.out)["title"] == "عنوان \x1b[2J \U0001f3b5"


async def test_stop_asks_the_engine(reeldeck, engine):
    async with started(reeldeck, "stop"):
        await engine.stop_asked.wait()


async def test_logs_are_read_without_an_engine(reeldeck):
    missing = await reeldeck.run("logs")
    assert missing.code == 2
    assert "does not exist yet" in missing.err
    folder = reeldeck.home / "data" / "logs"
    folder.mkdir(parents=True)
    file = folder / "reeldeck.jsonl"
    lines = [
        {
            "time": "2026-11-21T05:00:00Z",
            "level": "info",
            "event": "one",
            "job_id": 1,
            "title": "\x1b[2J two words",
        },
        {
            "time": "2026-11-21T05:00:01Z",
            "level": "error",
            "event": "two",
            "exception": ["Traceback", "  line"],
        },
    ]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"torn')
    shown = (await reeldeck.run("logs")).out
    assert "INFO     one" in shown
    assert "\x1b" not in shown
    assert "ERROR    two" in shown
    assert "    Traceback" in shown
    assert (await reeldeck.run("logs", "--job", "1", "--json")).rows == lines[:1]
    assert (await reeldeck.run("logs", "-n", "1", "--json")).rows == lines[1:]
    async with started(reeldeck, "logs", "-f") as process:
        await until_said(process.stdout, "two")
        with file.open("a") as stream:
            stream.write('": 1, "event": "three"}\n')
        await until_said(process.stdout, "three")
        file.rename(folder / "reeldeck.jsonl.1")
        file.write_text('{"event": "four"}\n')
        await until_said(process.stdout, "four")
        process.send_signal(signal.SIGINT)
        assert await process.wait() == 130
