"""Previews through the real engine, and the downloads that follow them."""

from __future__ import annotations

import re
import time

import pytest

from core.domain.errors import NotFound, StageTimeout
from core.domain.events import EventType
from core.domain.job import JobStatus, Request
from core.domain.media import Role
from core.sources import registry
from core.sources.base import Elsewhere, Matcher, Source
from core.sources.direct import Direct
from tests.fakes.media import audio_mp3, made_once
from tests.fakes.members import cookie_file
from tests.fakes.origin import Fault
from tests.fakes.playlists import Playlists
from tests.integration.conftest import finish, until

DONE, FAILED = JobStatus.COMPLETED, JobStatus.FAILED


@pytest.fixture
def source(origin, monkeypatch):
    """A source that counts its look-ups, over *origin*."""
    origin.put("/list", b"page", content_type="text/html")
    origin.put("/held.mp3", made_once(audio_mp3, "tone.mp3").read_bytes())
    made = Playlists(origin, 40)
    monkeypatch.setattr(registry, "known_sources", lambda *_: [Direct(), made])
    return made


async def test_a_job_uses_what_its_preview_found(run_engine, origin, source):
    url = origin.url("/item/1")
    async with run_engine() as engine:
        seen = await engine.preview(Request(url=url))
        assert (seen.source, seen.title, seen.entries) == ("playlists", url[-8:], None)
        (only,) = seen.formats
        assert (only.role, only.container, only.is_chosen) == (Role.AUDIO, "mp3", True)
        await engine.preview(Request(url=url))
        job = await finish(engine, url)
        assert (job.status, job.title) == (DONE, url[-8:])
        assert source.looked_up == [url]
        assert (await finish(engine, origin.url("/item/2"))).status is DONE
    assert source.looked_up == [url, origin.url("/item/2")]


async def test_a_list_that_was_previewed_is_expanded_from_that(run_engine, origin, source):
    async with run_engine(limits={"max_playlist_items": 30}) as engine:
        seen = await engine.preview(Request(url=origin.url("/list")))
        assert (seen.title, seen.entries, seen.taken, len(seen.sample)) == ("All of it", 40, 30, 20)
        job = await finish(engine, origin.url("/list"))
        assert sum((await engine.group(job.group_id))["counts"].values()) == 30
    assert len(origin.asked("/list")) == 1


class Leads(Source):
    """Links whose path begins with `/to` lead to the path behind it."""

    name, label = "leads", "Leads"

    def __init__(self, origin):
        self.matchers = (Matcher(hosts=(f"{origin.host}:{origin.port}",), path=re.compile("^/to/")),)

    async def resolve(self, request, context):
        raise Elsewhere(request.url.replace("/to/", "/", 1))


async def test_a_job_uses_what_the_preview_of_a_link_to_its_link_found(
    run_engine, origin, source, monkeypatch
):
    monkeypatch.setattr(registry, "known_sources", lambda *_: [Leads(origin), Direct(), source])
    async with run_engine() as engine:
        seen = await engine.preview(Request(url=origin.url("/to/item/1")))
        assert seen.source == "playlists"
        job = await finish(engine, origin.url("/to/item/1"))
        assert (job.status, job.attempt, job.url) == (DONE, 2, origin.url("/item/1"))
    assert source.looked_up == [origin.url("/item/1")]


async def test_another_quality_is_looked_up_by_itself(run_engine, origin, source):
    async with run_engine() as engine:
        await engine.preview(Request(url=origin.url("/item/1")))
        await finish(engine, origin.url("/item/1"), quality="audio_128")
    assert len(source.looked_up) == 2


async def test_an_address_that_has_ended_meanwhile_is_looked_up_past_what_is_known(
    run_engine, origin, source
):
    url = origin.url("/item/1")
    async with run_engine() as engine:
        await engine.preview(Request(url=url))
        origin.resource("/held.mp3").fail(Fault(status=403))
        job = await finish(engine, url)
        assert (job.status, job.attempt) == (DONE, 1)
        assert len(source.looked_up) == 2
        await engine.preview(Request(url=url))
        assert len(source.looked_up) == 3, "what did not work is not told again"


async def test_an_address_about_to_end_is_not_used_again(run_engine, origin, source):
    source.expires = time.time() + 5
    async with run_engine() as engine:
        await engine.preview(Request(url=origin.url("/item/1")))
        await finish(engine, origin.url("/item/1"))
    assert len(source.looked_up) == 2


async def test_a_retry_after_a_failure_looks_the_link_up_anew(run_engine, origin, source):
    url = origin.url("/item/1")
    origin.resource("/held.mp3").always = Fault(status=404)
    async with run_engine() as engine:
        await engine.preview(Request(url=url))
        failed = await finish(engine, url)
        assert (failed.status, failed.error_type) == (FAILED, "NOT_FOUND")
        await engine.preview(Request(url=url))
        before = len(source.looked_up)
        await engine.retry(failed.id)
        await until(engine, failed.id, FAILED)
        assert len(source.looked_up) == before + 1
        events = [event.type for event in await engine.events(failed.id)]
        assert events.count(EventType.METADATA_FETCH_STARTED) >= 2


async def test_what_a_guest_found_is_not_used_with_a_login_nor_the_other_way(
    run_engine, origin, source, tmp_path
):
    one, two = origin.url("/item/1"), origin.url("/item/2")
    async with run_engine() as engine:
        await engine.preview(Request(url=one))
        file = cookie_file(tmp_path / "cookies.txt", "canary-of-a-session")
        profile = await engine.add_profile("playlists", str(file))
        assert (await finish(engine, one)).auth_profile_id == profile.id
        assert source.looked_up == [one, one]
        await engine.preview(Request(url=two))
        job = await finish(engine, two)
        assert (job.status, job.auth_profile_id) == (DONE, profile.id)
        assert source.looked_up == [one, one, two], "the same login"
    stored = [path.read_bytes() for path in (tmp_path / "data").rglob("*") if path.is_file()]
    assert stored
    assert not any(b"canary-of-a-session" in content for content in stored)


async def test_a_preview_leaves_nothing_behind(run_engine, origin, source):
    async with run_engine() as engine:
        await engine.preview(Request(url=origin.url("/list")))
        assert not list(engine.settings.paths.tmp.glob("*"))
    database = engine.settings.paths.data_dir / "reeldeck.db"
    assert b"All of it" not in database.read_bytes()


async def test_a_preview_raises_what_the_download_would(run_engine, origin, source):
    origin.resource("/list").always = Fault(status=404)
    async with run_engine() as engine:
        with pytest.raises(NotFound):
            await engine.preview(Request(url=origin.url("/list")))
        origin.resource("/list").always = Fault()
        assert (await engine.preview(Request(url=origin.url("/list")))).entries == 40


async def test_a_preview_that_takes_too_long_says_so(run_engine, origin, source):
    origin.resource("/list").always = Fault(hold_after=0)
    async with run_engine(timeouts={"metadata_s": 0.2}) as engine:
        with pytest.raises(StageTimeout):
            await engine.preview(Request(url=origin.url("/list")))
