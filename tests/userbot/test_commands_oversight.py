"""Commands about sources, logins, limits, tags and changes, in Saved Messages, on a real engine."""

from __future__ import annotations

import re
import shutil

from core.domain.chat import ChatMode
from core.domain.job import JobStatus, Request
from tests.fakes.media import audio_mp3, made_once
from tests.fakes.origin import Fault
from tests.userbot.commanding import desk, make_desk
from tests.userbot.conftest import film, origin, until

__all__ = ["desk", "film", "make_desk", "origin"]


async def test_sources_logins_and_chats_say_how_they_are(desk, friend):
    answer = await desk.say("/sources")
    assert re.fullmatch(r"ℹ Sources\n\d+ idle", answer)
    assert "There are no logins" in await desk.say("/logins")
    assert "No chat is watched" in await desk.say("/chats")
    await desk.watch(desk.telegram.add_group("Films", desk.account, friend), ChatMode.COMMAND, title="Films")
    assert "Films command" in await desk.say("/chats")


async def test_sources_that_work_or_wait_are_named_and_the_others_counted(desk, engine, origin):
    origin.put("/slow.bin", b"x" * 2**20).fail(Fault(hold_after=1000), times=99)
    job = (await engine.submit(Request(url=origin.url("/slow.bin")))).job
    await until(engine, job.id, JobStatus.RUNNING)
    answer = await desk.say("/sources")
    assert re.fullmatch(r"ℹ Sources\nMedia files and HLS playlists 1 of \d run\n\d+ idle", answer)
    origin.release.set()


async def test_a_limit_is_shown_changed_refused_and_brought_back(desk):
    assert "max_parallel_jobs" in await desk.say("/limits")
    assert "1 to" in await desk.say("/limits max_parallel_jobs")
    configured = desk.engine.settings.limits.max_parallel_jobs
    assert f"max_parallel_jobs 9 (configured: {configured})" in await desk.say("/limits max_parallel_jobs 9")
    assert (await desk.engine.status())["limits"]["max_parallel_jobs"] == 9
    assert "goes from" in await desk.say("/limits max_parallel_jobs 1e9")
    assert "Name one limit" in await desk.say("/limits nonsense 1")
    assert "configured" not in await desk.say("/limits max_parallel_jobs default")
    changes = await desk.say("/audit")
    assert "limits" in changes
    assert "ago" in changes


async def test_a_file_gets_tags_by_its_number_or_that_of_its_job_and_is_counted(desk, film, tmp_path):
    job = (await desk.engine.submit(Request(url=film))).job
    await until(desk.engine, job.id, JobStatus.COMPLETED)
    assert "holiday" in await desk.say(f"/tag {job.id} +holiday")
    shutil.copyfile(made_once(audio_mp3, "tone.mp3"), tmp_path / "mine.mp3")
    async for _ in desk.engine.import_folder(str(tmp_path)):
        pass
    item = next(each for each in (await desk.engine.library()).items if each.job_id is None)
    assert "no tags" not in await desk.say(f'/tag L{item.id} "+live session"')
    answer = await desk.say("/tags")
    assert "2 files" in answer
    assert "holiday 1" in answer
    assert "live session 1" in answer
    assert "1 file\n" in await desk.say("/tags tag:holiday")
    assert "no tags" in await desk.say(f"/tag {job.id} -holiday")
    assert "Name one file and its tags" in await desk.say("/tag 1")


async def test_a_job_gets_another_title_and_priority(desk, film):
    job = (await desk.engine.submit(Request(url=film))).job
    await until(desk.engine, job.id, JobStatus.COMPLETED)
    assert "A better name" in await desk.say(f"/rename {job.id} A better name")
    assert "Priority +5" in await desk.say(f"/prioritize {job.id} 5")
    assert (await desk.engine.job(job.id)).priority == 5
    for wrong in ("/rename 1", "/prioritize 1", "/prioritize 1 high", "/prioritize 1 99999999999"):
        assert "Name a job" in await desk.say(wrong)
