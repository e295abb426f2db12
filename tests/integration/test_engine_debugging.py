"""Everything about one job in the log, and nothing more about the others."""

from __future__ import annotations

import json
import logging

import pytest
import structlog

from core.client.http import HttpEngineClient
from core.config.settings import LOG_FILE, Logging
from core.domain.debugging import DEBUGGED
from core.domain.errors import IllegalTransition, NoSuchJob
from core.domain.job import JobStatus, Request
from core.engine.debugging import STORED
from core.ops.logs import configure
from tests.fakes import media
from tests.fakes.api import serving
from tests.fakes.origin import Fault
from tests.integration.conftest import finish, until

QUIET = {"quiet_hours": "00:00-00:00"}
ENDS = (JobStatus.COMPLETED, JobStatus.FAILED)
SECRET = "s3cret-session-value"


@pytest.fixture
def written(tmp_path):
    """The lines of the log so far."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    configure(Logging(), tmp_path / "log", secrets=[])
    yield lambda: [json.loads(line) for line in (tmp_path / "log" / LOG_FILE).read_text().splitlines()]
    for handler in [handler for handler in root.handlers if handler not in handlers]:
        root.removeHandler(handler)
        handler.close()
    root.setLevel(level)
    structlog.reset_defaults()


def film(origin, name: str) -> str:
    origin.put(f"/{name}.mp4", media.made_once(media.video_mp4, "clip.mp4").read_bytes())
    return origin.url(f"/{name}.mp4?sig={SECRET}")


async def test_one_jobs_requests_and_programs_are_told_until_it_ends(run_engine, origin, tmp_path, written):
    async with run_engine(limits=QUIET) as engine, serving(engine, tmp_path / "api") as api:
        client = HttpEngineClient(api.path)
        chosen = (await client.submit(Request(url=film(origin, "a")))).job
        other = (await client.submit(Request(url=film(origin, "b")))).job
        await client.debug_job(chosen.id, is_on=True)
        assert (await client.status())["debugged"] == [chosen.id]
        for job in (chosen, other):
            await client.retry(job.id)
            assert (await until(engine, job.id, *ENDS)).error_message is None
        assert (await client.status())["debugged"] == []
        await client.close()
    told = [line for line in written() if line["level"] == "debug"]
    assert {line["job_id"] for line in told} == {chosen.id}
    requests = [line for line in told if line["event"] == "request"]
    assert requests
    assert all(line["url"] == origin.url("/a.mp4") for line in requests)
    assert SECRET not in json.dumps(told)
    assert logging.getLogger("reeldeck").level == logging.NOTSET


async def test_what_yt_dlp_says_is_told_without_cookies_and_tokens(run_engine, origin, tmp_path, written):
    cookies = tmp_path / "cookies.txt"
    lines = ["# Netscape HTTP Cookie File", f"127.0.0.1\tFALSE\t/\tFALSE\t0\tsid\t{SECRET}"]
    cookies.write_text("\n".join(lines) + "\n")
    cookies.chmod(0o600)
    async with run_engine(limits=QUIET) as engine:
        await engine.add_profile("ytdlp", str(cookies))
        job = (await engine.submit(Request(url=film(origin, "a"), source="ytdlp", profile="main"))).job
        await engine.debug_job(job.id, is_on=True)
        await engine.retry(job.id)
        await until(engine, job.id, JobStatus.COMPLETED, JobStatus.FAILED)
        tokens = [engine._tools.uplinks.of("ytdlp").proxy_url.rpartition("@")[0].rpartition(":")[2]]
    said = [line["said"] for line in written() if line["event"] == "yt-dlp"]
    assert any("yt-dlp version" in line for line in said)
    assert any("[generic]" in line for line in said)
    for secret in (SECRET, *tokens):
        assert secret
        assert secret not in (tmp_path / "log" / LOG_FILE).read_text()


async def test_it_outlives_the_engine_and_ends_with_the_job(run_engine, origin):
    origin.put("/gone.mp4").always = Fault(status=404)
    async with run_engine(limits=QUIET) as engine:
        waiting = (await engine.submit(Request(url=film(origin, "a")))).job
        failed = (await engine.submit(Request(url=origin.url("/gone.mp4")))).job
        await engine.retry(failed.id)
        await until(engine, failed.id, JobStatus.FAILED)
        for job in (waiting, failed):
            await engine.debug_job(job.id, is_on=True)
    assert not DEBUGGED
    async with run_engine(limits=QUIET) as engine:
        assert {waiting.id, failed.id} == DEBUGGED
        await engine.cancel(waiting.id)
        await engine.retry(failed.id)
        await engine.retry(failed.id)  # and at once, quiet hours or not
        await until(engine, failed.id, JobStatus.FAILED)
        assert not DEBUGGED
    async with run_engine(limits=QUIET) as engine:
        assert not DEBUGGED, "both have ended since it was switched on"
        await engine._store.switches.set(STORED, {"x": 1, "99": 5, "1": "y"})
        await engine._control.debugging.open()
        assert not DEBUGGED


async def test_what_is_done_or_unknown_is_refused_and_off_is_off(run_engine, origin):
    async with run_engine() as engine:
        done = await finish(engine, film(origin, "a"))
        with pytest.raises(IllegalTransition, match="nothing more to write down"):
            await engine.debug_job(done.id, is_on=True)
        with pytest.raises(NoSuchJob):
            await engine.debug_job(99, is_on=True)
    async with run_engine(limits=QUIET) as engine:
        job = (await engine.submit(Request(url=film(origin, "b")))).job
        await engine.debug_job(job.id, is_on=True)
        await engine.debug_job(job.id, is_on=False)
        assert not DEBUGGED
