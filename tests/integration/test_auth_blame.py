"""Who is to blame for a refusal: the login, or media that are not for it. Through the real engine."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.domain.events import EventType
from core.domain.job import JobStatus, Request
from core.domain.profile import ProfileReason, ProfileStatus
from core.engine import logins
from core.engine.engine import Engine
from tests.fakes.media import audio_mp3, made_once
from tests.fakes.members import MembersOrigin, cookie_file
from tests.fakes.origin import Fault
from tests.integration.conftest import finish, until

DONE, FAILED, PENDING = JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.PENDING


@pytest.fixture
async def site() -> AsyncIterator[MembersOrigin]:
    async with MembersOrigin() as running:
        for path in ("/members/a.mp3", *(f"/members/vip/{n}.mp3" for n in range(4))):
            running.put(path, made_once(audio_mp3, "tone.mp3").read_bytes())
        yield running


@pytest.fixture
def asks(site: MembersOrigin):
    return {"direct": {"check_url": site.url("/account"), "check_signed_in": "Sign out"}}


async def settled(engine: Engine, url: str):
    """Submit *url* and wait until its job ends, or waits for a login."""
    job = (await engine.submit(Request(url=url))).job
    async for _frame in engine.stream():
        job = await engine.job(job.id)
        if job.status.is_final or job.waiting_for:
            return job
    raise AssertionError("the stream ended")


async def add(engine: Engine, tmp_path: Path, session: str, name: str = "main"):
    return await engine.add_profile("direct", str(cookie_file(tmp_path / f"{name}.txt", session)), name)


async def test_media_for_others_do_not_disable_a_good_login(run_engine, site, asks, tmp_path):
    site.accepted = {"one"}
    async with run_engine(sources=asks) as engine:
        await add(engine, tmp_path, "one")
        for number in range(4):
            job = await settled(engine, site.url(f"/members/vip/{number}.mp3"))
            assert (job.status, job.error_type) == (FAILED, "AUTH_ERROR")
            assert "direct/main" in job.error_hint
            assert "reeldeck auth add direct FILE --name" in job.error_hint
        (profile,) = await engine.profiles()
        assert (profile.status, profile.reason, profile.failure_count_recent) == (
            ProfileStatus.ACTIVE,
            None,
            0,
        )
        assert len(site.asked("/account")) == 1, "one answer serves them all"
        assert (await finish(engine, site.url("/members/a.mp3"))).status is DONE


async def test_another_account_is_tried_and_may_see_it(run_engine, site, asks, tmp_path):
    site.accepted, site.vips = {"one", "two"}, {"two"}
    async with run_engine(sources=asks) as engine:
        await add(engine, tmp_path, "one")
        alt = await add(engine, tmp_path, "two", "alt")
        job = await finish(engine, site.url("/members/vip/0.mp3"))
        assert (job.status, job.auth_profile_id) == (DONE, alt.id)
        assert {each.status for each in await engine.profiles()} == {ProfileStatus.ACTIVE}


async def test_a_dead_login_is_disabled_at_its_first_refusal_and_the_job_waits_for_it(
    run_engine, site, asks, tmp_path
):
    async with run_engine(sources=asks) as engine:
        main = await add(engine, tmp_path, "dead")
        job = await settled(engine, site.url("/members/a.mp3"))
        assert (job.status, job.waiting_for) == (PENDING, "auth:main")
        (profile,) = await engine.profiles()
        assert (profile.status, profile.reason) == (ProfileStatus.DISABLED, ProfileReason.REFUSED)
        site.accepted = {"dead"}  # the site has forgiven: nothing here knows, until somebody asks
        assert (await engine.check_profile(main.id, afresh=True)).status is ProfileStatus.ACTIVE
        assert (await until(engine, job.id, DONE, FAILED)).status is DONE


async def test_a_job_waits_for_the_login_that_is_ill_not_for_the_one_that_is_well(
    run_engine, site, asks, tmp_path
):
    site.accepted = {"one"}
    async with run_engine(sources=asks) as engine:
        await add(engine, tmp_path, "one")
        await add(engine, tmp_path, "dead", "alt")
        job = await settled(engine, site.url("/members/vip/0.mp3"))
        assert (job.status, job.waiting_for) == (PENDING, "auth:alt")
        fallbacks = [e.data for e in await engine.events(job.id) if e.type is EventType.PROFILE_FALLBACK]
        assert [(each["from"], each["to"]) for each in fallbacks] == [("main", "alt"), ("alt", None)]
        site.accepted = site.vips = {"one", "fresh"}
        cookie_file(tmp_path / "alt.txt", "fresh")
        assert (await until(engine, job.id, DONE, FAILED)).status is DONE


async def test_a_login_for_another_site_is_not_blamed(run_engine, site, tmp_path):
    site.accepted = {"one"}
    elsewhere = cookie_file(tmp_path / "other.txt", "one", domain="other.test")
    async with run_engine() as engine:
        other = await engine.add_profile("direct", str(elsewhere))
        for number in range(4):
            job = await settled(engine, site.url(f"/members/vip/{number}.mp3"))
            assert (job.status, job.error_type) == (FAILED, "AUTH_ERROR")
            assert "--name" in job.error_hint
        assert await engine.profiles() == [other]
        await add(engine, tmp_path, "one", "alt")
        assert (await finish(engine, site.url("/members/a.mp3"))).status is DONE


async def test_a_job_looks_again_by_itself_when_the_site_could_not_say_whose_fault_it_is(
    run_engine, site, asks, tmp_path, monkeypatch, caplog
):
    monkeypatch.setattr(logins, "ASK_AGAIN_S", 0.2)
    site.account_status, site.accepted = 500, {"one"}
    async with run_engine(sources=asks) as engine:
        await add(engine, tmp_path, "one")
        job = await settled(engine, site.url("/members/vip/0.mp3"))
        assert (job.waiting_for, job.retry_count) == ("auth:main", 0)
        assert job.not_before is not None
        site.account_status = None
        assert (await until(engine, job.id, DONE, FAILED)).status is FAILED
        assert (await engine.profiles())[0].status is ProfileStatus.ACTIVE
    assert not [record for record in caplog.records if record.name == "reeldeck.auth" and record.levelno > 20]


async def test_while_the_site_cannot_be_asked_no_login_is_given_up(run_engine, site, asks, tmp_path):
    site.account_status = 500
    async with run_engine(sources=asks) as engine:
        await add(engine, tmp_path, "one")
        for number in range(4):
            await settled(engine, site.url(f"/members/vip/{number}.mp3"))
        (profile,) = await engine.profiles()
        assert (profile.status, profile.reason) == (ProfileStatus.DEGRADED, ProfileReason.REFUSED)
        assert profile.failure_count_recent == 0


async def test_cookies_that_a_site_gives_guests_are_not_stored_and_found_again(run_engine, site, tmp_path):
    data = made_once(audio_mp3, "tone.mp3").read_bytes()
    page = b'<html><body><video src="/members/held.mp3"></video></body></html>'
    fields = {"Set-Cookie": "session=gu3st; Path=/"}
    site.put("/page", page, content_type="text/html", headers=fields)
    site.put("/members/held.mp3", data).always = Fault(hold_after=len(data) // 2)
    site.accepted = {"gu3st"}
    async with run_engine(network={"max_connections_per_file": 1}) as engine:
        job = (await engine.submit(Request(url=site.url("/page")))).job
        await site.held.wait()
        held = "".join(
            path.read_bytes().decode("latin-1")
            for path in engine.settings.paths.data_dir.rglob("*")
            if path.is_file()
        )
        asked_before = len(site.asked("/page"))
        assert "gu3st" not in held
        await engine.pause(job.id)
        site.release.set()
        await engine.resume(job.id)
        done = await until(engine, job.id, DONE, FAILED)
        assert done.status is DONE, done.error_message
        assert len(site.asked("/page")) > asked_before
        assert Path(done.file_path).read_bytes() == data
