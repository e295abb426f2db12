"""Lists of thousands through the real engine: stored some at a time, in nobody's way, and never twice."""

from __future__ import annotations

import asyncio

import pytest

from core.domain.errors import InvalidRequest
from core.domain.events import EventType
from core.domain.job import JobStatus, Request
from core.domain.media import Entry
from core.domain.snapshot import JobQuery
from core.engine.intake import LOT
from core.sources import registry
from core.sources.direct import Direct
from tests.fakes.media import audio_mp3, made_once
from tests.fakes.origin import Fault
from tests.fakes.playlists import Playlists
from tests.fakes.ytdlp import put_answer, use_local_site
from tests.integration.conftest import finish, until

DONE, FAILED, CANCELLED = JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED
ENTRIES = 5 * LOT


@pytest.fixture
def source(origin, monkeypatch):
    """A source over *origin* with a list whose items stand still until `origin.release`."""
    tone = made_once(audio_mp3, "tone.mp3").read_bytes()
    origin.put("/list", b"page", content_type="text/html")
    origin.put("/held.mp3", tone).always = Fault(hold_after=100)
    origin.put("/tone.mp3", tone)
    made = Playlists(origin, ENTRIES)
    monkeypatch.setattr(registry, "known_sources", lambda *_: [Direct(), made])
    return made


def held_at_lot(engine, monkeypatch, number):
    """Let the expansion wait before it stores this lot: an event for that, and one to let it go on."""
    reached, go_on = asyncio.Event(), asyncio.Event()
    submit_many = engine._store.jobs.submit_many
    lots = 0

    async def held(news, **others):
        nonlocal lots
        if news and news[0].group_id is not None:
            lots += 1
            if lots == number:
                reached.set()
                await go_on.wait()
        return await submit_many(news, **others)

    monkeypatch.setattr(engine._store.jobs, "submit_many", held)
    return reached, go_on


async def items_of(engine, parent):
    """The jobs of a list without its own, oldest first."""
    query = JobQuery(group_id=parent.group_id, limit=1000)
    return [job for job in reversed((await engine.jobs(query)).items) if job.id != parent.id]


async def test_others_are_served_while_a_list_is_expanded_and_its_first_items_start(
    run_engine, origin, source, monkeypatch
):
    async with run_engine(limits={"max_playlist_items": ENTRIES}) as engine:
        reached, go_on = held_at_lot(engine, monkeypatch, 3)
        parent = (await engine.submit(Request(url=origin.url("/list")))).job
        await reached.wait()
        assert (await finish(engine, origin.url("/tone.mp3"))).status is DONE
        await origin.held.wait()
        parent = await engine.job(parent.id)
        assert parent.status is JobStatus.RUNNING
        assert len(await items_of(engine, parent)) == 2 * LOT
        go_on.set()
        assert (await until(engine, parent.id, DONE, FAILED)).status is DONE
        assert len(await items_of(engine, parent)) == ENTRIES


async def test_an_expansion_that_was_interrupted_goes_on_and_doubles_and_revives_nothing(
    run_engine, origin, source, monkeypatch
):
    limits = {"max_playlist_items": ENTRIES}
    async with run_engine(limits=limits) as engine:
        reached, _ = held_at_lot(engine, monkeypatch, 3)
        parent = (await engine.submit(Request(url=origin.url("/list")))).job
        await reached.wait()
        parent = await engine.job(parent.id)
        first, second, *_ = await items_of(engine, parent)
        await engine.cancel(second.id)
    origin.resource("/held.mp3").always = Fault(status=404)
    origin.release.set()
    async with run_engine(limits=limits) as engine:
        await until(engine, first.id, FAILED)
        assert (await until(engine, parent.id, DONE, FAILED)).status is DONE
        items = await items_of(engine, parent)
        assert len(items) == len({job.url for job in items}) == ENTRIES
        assert (await engine.job(second.id)).status is CANCELLED
        (told,) = [
            event.data
            for event in await engine.events(parent.id)
            if event.type is EventType.METADATA_FETCH_FINISHED and "group_id" in event.data
        ]
        assert told["entries"] == ENTRIES - 2 * LOT
        assert len(origin.asked("/list")) == 1, "the list itself was not read again"


async def test_items_that_nobody_takes_are_left_out_and_counted(run_engine, origin, source, monkeypatch):
    source.entries = [Entry(url="ftp://127.0.0.1/x"), Entry(url=origin.url("/item/1")), Entry(url="")]
    async with run_engine() as engine:
        parent = await finish(engine, origin.url("/list"))
        assert parent.status is DONE
        assert [job.url for job in await items_of(engine, parent)] == [origin.url("/item/1")]
        events = [event.data for event in await engine.events(parent.id)]
        assert [data["refused"] for data in events if "refused" in data] == [2]


async def test_a_list_without_any_item_to_take_fails_with_the_reason(run_engine, origin, source):
    source.entries = [Entry(url="ftp://127.0.0.1/x")]
    async with run_engine() as engine:
        with pytest.raises(InvalidRequest):
            await engine.submit(Request(url="ftp://127.0.0.1/x"))
        parent = await finish(engine, origin.url("/list"))
        assert (parent.status, parent.error_type) == (FAILED, "PARSER_ERROR")


async def test_what_is_asked_for_after_a_list_need_not_wait_for_its_end(run_engine, origin, source):
    origin.resource("/held.mp3").always = Fault()
    async with run_engine(limits={"max_parallel_jobs_per_source": 1}) as engine:
        parent = await finish(engine, origin.url("/list"))
        other = await finish(engine, origin.url("/item/other"))
        assert other.status is DONE
        done = (await engine.group(parent.group_id))["counts"]["COMPLETED"]
        assert done < ENTRIES / 2
        await engine.control_group(parent.group_id, "cancel")
        items = await items_of(engine, parent)
        assert [job.position for job in items] == sorted(job.position for job in items)


@pytest.mark.timeout(180)
async def test_five_thousand_items_by_ytdlp_are_one_group_and_end_together(run_engine, origin, monkeypatch):
    use_local_site(monkeypatch)
    answer = {"playlist": {"playlist_title": "Series", "playlist_count": 5000}, "page_size": 500}
    link = put_answer(origin, "series", answer)
    async with run_engine(limits={"max_playlist_items": 5000, "max_parallel_jobs": 1}) as engine:
        parent = await finish(engine, link, source="ytdlp")
        assert parent.status is DONE, parent.error_message
        group = await engine.group(parent.group_id)
        assert (group["total"], sum(group["counts"].values())) == (5000, 5000)
        await engine.control_group(parent.group_id, "cancel")
        left = (await engine.group(parent.group_id))["counts"]
        assert left["CANCELLED"] + left["FAILED"] == 5000
    asked = [seen.query for seen in origin.asked("/local/series")]
    assert asked == ["", *(f"page={number}" for number in range(10))]
