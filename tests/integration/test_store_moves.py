"""Every change of a job's status: legal or refused, fenced, with its event."""

from __future__ import annotations

import asyncio
import itertools
import logging
from dataclasses import replace
from pathlib import Path

import pytest

from core.domain.errors import IllegalTransition, NoSuchJob, StaleClaim
from core.domain.events import EventType
from core.domain.job import TRANSITIONS, Control, Job, JobStatus, Stage
from core.store.store import Committed, Store
from tests.fakes.stored import NOW, claim_one, counted_one_by_one, job_in, new_job

PENDING, QUEUED, RUNNING = JobStatus.PENDING, JobStatus.QUEUED, JobStatus.RUNNING
PAUSED, COMPLETED, FAILED, CANCELLED = (
    JobStatus.PAUSED,
    JobStatus.COMPLETED,
    JobStatus.FAILED,
    JobStatus.CANCELLED,
)


async def park(store: Store, name: str, waiting_for: str | None, not_before: float | None = None) -> int:
    job = await job_in(store, RUNNING, name)
    await store.jobs.transition(
        job.id, RUNNING, PENDING, attempt=1, now=NOW, waiting_for=waiting_for, not_before=not_before
    )
    return job.id


@pytest.mark.parametrize(("from_", "to"), list(itertools.product(JobStatus, JobStatus)))
async def test_a_move_is_in_the_table_and_happens_or_changes_nothing(
    store: Store, caplog: pytest.LogCaptureFixture, from_: JobStatus, to: JobStatus
) -> None:
    job = await job_in(store, from_)
    before = await store.events.of(job.id)
    if to in TRANSITIONS[from_]:
        moved = await store.jobs.transition(job.id, from_, to, attempt=job.attempt, now=NOW + 1)
        assert moved.status is to
        assert moved.updated == NOW + 1
        assert moved == await store.jobs.get(job.id)
        (event,) = (await store.events.of(job.id))[len(before) :]
        assert event.type is EventType.STATUS_CHANGED
        assert event.data == {"from": from_.value, "to": to.value}
    else:
        with pytest.raises(IllegalTransition, match="cannot go from"):
            await store.jobs.transition(job.id, from_, to, attempt=job.attempt, now=NOW + 1)
        assert await store.jobs.get(job.id) == job
        assert await store.events.of(job.id) == before
        assert [r.levelno for r in caplog.records if r.name == "reeldeck.store"] == [logging.ERROR]
    assert dict(store.counts) == await counted_one_by_one(store)


async def test_a_lost_claim_can_write_nothing(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    old = await job_in(store, RUNNING)
    await store.jobs.transition(old.id, RUNNING, PENDING, attempt=1, now=NOW)
    await store.jobs.promote(now=NOW)
    current = await claim_one(store, old.id)
    assert current.attempt == 2
    with pytest.raises(StaleClaim):
        await store.jobs.transition(old.id, RUNNING, COMPLETED, attempt=1, now=NOW)
    with pytest.raises(StaleClaim):
        await store.jobs.record(old.id, attempt=1, now=NOW, title="late")
    await store.jobs.progress(old.id, attempt=1, bytes_done=5, size_bytes=9, rate=1.0)
    assert await store.jobs.get(old.id) == current
    assert not [r for r in caplog.records if r.levelno > logging.INFO]


async def test_of_two_moves_that_meet_the_second_is_refused_and_no_fault(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "reeldeck.store")
    job = await job_in(store, QUEUED)
    cancelled, paused = await asyncio.gather(
        store.jobs.transition(job.id, QUEUED, CANCELLED, attempt=0, now=NOW),
        store.jobs.transition(job.id, QUEUED, PAUSED, attempt=0, now=NOW),
        return_exceptions=True,
    )
    assert isinstance(cancelled, Job)
    assert isinstance(paused, IllegalTransition)
    assert not isinstance(paused, StaleClaim)
    assert [(r.levelno, r.getMessage()) for r in caplog.records] == [
        (logging.INFO, f"a move came too late: job {job.id} is CANCELLED, not QUEUED")
    ]


async def test_a_job_that_is_not_there_cannot_move(store: Store) -> None:
    with pytest.raises(NoSuchJob):
        await store.jobs.transition(7, QUEUED, PAUSED, attempt=0, now=NOW)


async def test_events_and_facts_are_stored_with_the_move(store: Store, told: list[Committed]) -> None:
    job = await job_in(store, RUNNING)
    del told[:]
    done = await store.jobs.transition(
        job.id,
        RUNNING,
        COMPLETED,
        attempt=1,
        now=NOW + 9,
        events=[(EventType.JOB_COMPLETED, {"size_bytes": 3})],
        file_path=Path("/archive/a.mp4"),
        size_bytes=3,
    )
    assert (done.file_path, done.size_bytes, done.finished) == ("/archive/a.mp4", 3, NOW + 9)
    (committed,) = told
    assert [event.type for event in committed.events] == [EventType.STATUS_CHANGED, EventType.JOB_COMPLETED]
    assert committed.jobs == (done,)
    assert list(committed.events) == (await store.events.of(job.id))[-2:]


async def test_what_only_a_running_job_has_goes_when_it_stops(store: Store) -> None:
    job = await job_in(store, RUNNING)
    await store.jobs.record(job.id, attempt=1, now=NOW, stage=Stage.DOWNLOAD)
    await store.jobs.progress(job.id, attempt=1, bytes_done=5, size_bytes=10, rate=2.5)
    await store.jobs.amend(job.id, now=NOW, control=Control.PAUSE)
    paused = await store.jobs.transition(job.id, RUNNING, PAUSED, attempt=1, now=NOW)
    assert (paused.stage, paused.control, paused.rate) == (None, None, None)
    assert (paused.bytes_done, paused.size_bytes) == (5, 10)
    assert await store.jobs.claimed_by_older(engine="test", epoch=99) == []


async def test_started_is_the_first_start_and_a_retry_forgets_the_failure(store: Store) -> None:
    job = await job_in(store, RUNNING)
    assert job.started == NOW
    failed = await store.jobs.transition(
        job.id, RUNNING, FAILED, attempt=1, now=NOW + 1, error_type="HTTP_ERROR", error_message="m"
    )
    assert (failed.finished, failed.error_type) == (NOW + 1, "HTTP_ERROR")
    again = await store.jobs.transition(job.id, FAILED, PENDING, attempt=1, now=NOW + 2, retry_count=0)
    assert (again.finished, again.error_type, again.error_message) == (None, None, None)
    await store.jobs.promote(now=NOW + 2)
    assert (await claim_one(store, job.id)).started == NOW


async def test_leaving_pending_ends_every_wait(store: Store) -> None:
    job_id = await park(store, "a", "auth:main", NOW + 60)
    paused = await store.jobs.transition(job_id, PENDING, PAUSED, attempt=1, now=NOW)
    assert (paused.waiting_for, paused.not_before) == (None, None)


async def test_a_retry_is_refused_while_another_job_does_the_same(store: Store) -> None:
    first = await job_in(store, CANCELLED, "a")
    second = await job_in(store, QUEUED, "a")
    with pytest.raises(IllegalTransition, match=f"job {second.id} already"):
        await store.jobs.transition(first.id, CANCELLED, PENDING, attempt=1, now=NOW)
    assert (await store.jobs.get(first.id)).status is CANCELLED


async def test_unknown_facts_are_a_fault_of_the_caller(store: Store) -> None:
    job = await job_in(store, QUEUED)
    for facts in ({"status": "COMPLETED"}, {"job_key": "k"}, {"title = title; --": 1}):
        with pytest.raises(TypeError, match="not facts"):
            await store.jobs.transition(job.id, QUEUED, PAUSED, attempt=0, now=NOW, **facts)
    with pytest.raises(TypeError, match="sha256"):
        await store.jobs.amend(job.id, now=NOW, sha256="x")
    assert await store.jobs.get(job.id) == job


async def test_text_that_is_no_utf8_and_numbers_beyond_64_bits_do_no_harm(store: Store) -> None:
    job = await job_in(store, RUNNING)
    kept = await store.jobs.record(
        job.id,
        attempt=1,
        now=NOW,
        title="half \ud83d pair\x00 ünï",
        checkpoint={"t": "\ud83d"},
        events=[(EventType.METADATA_FETCH_FINISHED, {"title": "\ud83d"})],
    )
    assert kept.title == "half ? pair\x00 ünï"
    assert kept == await store.jobs.get(job.id)
    assert (await store.events.of(job.id))[-1].data == {"title": "\ud83d"}
    with pytest.raises(Exception, match="too large"):
        await store.jobs.record(job.id, attempt=1, now=NOW, size_bytes=2**70)
    assert await store.jobs.get(job.id) == kept


async def test_claims_go_by_priority_then_position_then_age(store: Store) -> None:
    plain = await job_in(store, QUEUED, "plain")
    urgent = await job_in(store, QUEUED, "urgent", priority=5)
    twin = await job_in(store, QUEUED, "twin")
    late = await job_in(store, QUEUED, "late")
    await store.jobs.amend(late.id, now=NOW, position=NOW - 1)
    claimed = [
        job.id for _ in range(2) for job in await store.jobs.claim(engine="e", epoch=3, now=NOW, limit=2)
    ]
    assert claimed == [urgent.id, late.id, plain.id, twin.id]
    assert await store.jobs.claim(engine="e", epoch=3, now=NOW, limit=2) == []
    assert await store.jobs.claim(engine="e", epoch=3, now=NOW, limit=0) == []


async def test_a_claim_tells_who_runs_the_job(store: Store) -> None:
    job = await job_in(store, QUEUED)
    (claimed,) = await store.jobs.claim(engine="e", epoch=3, now=NOW + 1, limit=4)
    assert (claimed.status, claimed.attempt, claimed.started) == (RUNNING, 1, NOW + 1)
    moved, assigned = (await store.events.of(job.id))[-2:]
    assert moved.data == {"from": "QUEUED", "to": "RUNNING"}
    assert (assigned.type, assigned.data) == (EventType.WORKER_ASSIGNED, {"engine": "e", "attempt": 1})


async def test_claims_pass_over_full_sources_and_take_only_what_is_asked_for(store: Store) -> None:
    jobs = {name: await job_in(store, QUEUED, name, source=name) for name in ("x", "y", "z")}
    some = await store.jobs.claim(
        engine="e",
        epoch=1,
        now=NOW,
        limit=9,
        exclude_sources=frozenset({"x"}),
        only=frozenset({jobs["x"].id, jobs["z"].id}),
    )
    assert [job.id for job in some] == [jobs["z"].id]
    rest = await store.jobs.claim(engine="e", epoch=1, now=NOW, limit=9, exclude_sources=frozenset("y"))
    assert [job.id for job in rest] == [jobs["x"].id]
    assert await store.jobs.claim(engine="e", epoch=1, now=NOW, limit=9, only=frozenset()) == []


async def test_claims_pass_over_hosts_of_a_source(store: Store) -> None:
    ids = {}
    for source, host in (("x", "dead.test"), ("x", "dead.test:81"), ("y", "dead.test"), ("x", "fine.test")):
        new = replace(new_job(f"{source}-{host}", source=source), url=f"https://{host}/a")
        ids[source, host] = (await store.jobs.submit(new, now=NOW)).job.id
    hosts = frozenset({("x", "dead.test"), ("x", "gone.test"), ("z", "fine.test")})
    claimed = await store.jobs.claim(engine="e", epoch=1, now=NOW, limit=9, exclude_hosts=hosts)
    assert {job.id for job in claimed} == set(ids.values()) - {ids["x", "dead.test"]}
    assert {job.host for job in claimed} == {"dead.test:81", "dead.test", "fine.test"}


async def test_jobs_of_an_older_start_are_found(store: Store) -> None:
    old = await job_in(store, QUEUED, "old")
    await claim_one(store, old.id, epoch=1)
    mine = await job_in(store, QUEUED, "mine")
    await claim_one(store, mine.id, epoch=2)
    assert [job.id for job in await store.jobs.claimed_by_older(engine="test", epoch=2)] == [old.id]


async def test_promotion_takes_what_waits_for_nothing_or_for_a_time_that_has_come(store: Store) -> None:
    nothing = await park(store, "nothing", None)
    retry = await park(store, "retry", "retry", NOW + 5)
    live = await park(store, "live", "live", NOW + 6)
    disk = await park(store, "disk", "disk")
    assert await store.jobs.next_due() == NOW + 5
    assert await store.jobs.promote(now=NOW + 4.9) == 1
    assert (await store.jobs.get(nothing)).status is QUEUED
    assert await store.jobs.promote(now=NOW + 6) == 2
    for job_id in (retry, live):
        job = await store.jobs.get(job_id)
        assert (job.status, job.waiting_for, job.not_before) == (QUEUED, None, None)
    assert (await store.jobs.get(disk)).status is PENDING
    assert await store.jobs.next_due() is None
    last = (await store.events.of(retry))[-1]
    assert (last.type, last.data) == (EventType.STATUS_CHANGED, {"from": "PENDING", "to": "QUEUED"})


async def test_promotion_keeps_to_its_limit(store: Store) -> None:
    for name in "abc":
        await park(store, name, None)
    assert await store.jobs.promote(now=NOW, limit=2) == 2
    assert await store.jobs.promote(now=NOW, limit=2) == 1


async def test_unparking_takes_exactly_those_that_wait_for_it(store: Store) -> None:
    main = await park(store, "main", "auth:main")
    other = await park(store, "other", "auth:main2")
    assert await store.jobs.is_waited_for("auth:main")
    assert await store.jobs.unpark("auth:main", now=NOW) == 1
    assert not await store.jobs.is_waited_for("auth:main")
    assert (await store.jobs.get(main)).status is QUEUED
    assert (await store.jobs.get(other)).status is PENDING
    moved, unparked = (await store.events.of(main))[-2:]
    assert moved.type is EventType.STATUS_CHANGED
    assert (unparked.type, unparked.data) == (EventType.UNPARKED, {"waiting_for": "auth:main"})


async def test_unparking_goes_on_beyond_one_transaction(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.store.jobs._MOVES", 2)
    for name in "abcde":
        await park(store, name, "disk")
    assert await store.jobs.unpark("disk", now=NOW) == 5
    assert store.counts[QUEUED] == 5


async def test_a_wish_for_a_job_that_does_not_run_is_not_kept(store: Store) -> None:
    queued = await job_in(store, QUEUED, "queued")
    assert (await store.jobs.amend(queued.id, now=NOW, control=Control.CANCEL)).control is None
    running = await job_in(store, RUNNING, "running")
    assert (await store.jobs.amend(running.id, now=NOW, control=Control.CANCEL)).control is Control.CANCEL


async def test_amending_changes_order_and_title_in_any_state(store: Store) -> None:
    job = await job_in(store, COMPLETED)
    amended = await store.jobs.amend(job.id, now=NOW + 2, priority=3, position=1.5, title="T")
    assert (amended.priority, amended.position, amended.title, amended.updated) == (3, 1.5, "T", NOW + 2)
    with pytest.raises(NoSuchJob):
        await store.jobs.amend(99, now=NOW, priority=1)


async def test_records_are_for_running_jobs_alone(store: Store) -> None:
    job = await job_in(store, RUNNING)
    recorded = await store.jobs.record(
        job.id,
        attempt=1,
        now=NOW + 1,
        events=[(EventType.DOWNLOAD_STARTED, {"tracks": 1})],
        stage=Stage.DOWNLOAD,
        checkpoint={"resolution": {"n": [1]}},
    )
    assert (recorded.stage, recorded.checkpoint) == (Stage.DOWNLOAD, {"resolution": {"n": [1]}})
    assert recorded == await store.jobs.get(job.id)
    await store.jobs.transition(job.id, RUNNING, PAUSED, attempt=1, now=NOW)
    with pytest.raises(StaleClaim):
        await store.jobs.record(job.id, attempt=1, now=NOW)
    with pytest.raises(NoSuchJob):
        await store.jobs.record(99, attempt=1, now=NOW)


async def test_progress_makes_no_event_and_keeps_a_known_size(store: Store, told: list[Committed]) -> None:
    job = await job_in(store, RUNNING)
    events = await store.events.of(job.id)
    del told[:]
    await store.jobs.progress(job.id, attempt=1, bytes_done=4, size_bytes=8, rate=2.0)
    await store.jobs.progress(job.id, attempt=1, bytes_done=5, size_bytes=None, rate=None)
    now = await store.jobs.get(job.id)
    assert (now.bytes_done, now.size_bytes, now.rate, now.updated) == (5, 8, None, job.updated)
    assert await store.events.of(job.id) == events
    assert told == []


async def test_notes_need_no_state_but_an_existing_job(store: Store) -> None:
    job = await job_in(store, COMPLETED)
    await store.jobs.note(job.id, now=NOW, events=[(EventType.TELEGRAM_SEND_STARTED, {"chat_id": 1})])
    await store.jobs.note(None, now=NOW, events=[(EventType.DISK_LOW, {})])
    assert (await store.events.of(job.id))[-1].type is EventType.TELEGRAM_SEND_STARTED
    (last,) = await store.events.after(await store.events.last_seq() - 1, limit=5)
    assert (last.job_id, last.type) == (None, EventType.DISK_LOW)
    with pytest.raises(NoSuchJob):
        await store.jobs.note(99, now=NOW, events=[(EventType.DISK_LOW, {})])


async def test_only_final_jobs_can_be_forgotten(store: Store, told: list[Committed]) -> None:
    queued = await job_in(store, QUEUED, "queued")
    done = await job_in(store, COMPLETED, "done", idempotency_key="once")
    with pytest.raises(IllegalTransition):
        await store.jobs.delete(queued.id)
    await store.jobs.delete(done.id)
    assert told[-1].deleted == (done.id,)
    assert await store.events.of(done.id) == []
    with pytest.raises(NoSuchJob):
        await store.jobs.get(done.id)
    with pytest.raises(NoSuchJob):
        await store.jobs.delete(done.id)
    again = await store.jobs.submit(new_job("done", idempotency_key="once"), now=NOW)
    assert not again.joined
    assert again.job.id > done.id
