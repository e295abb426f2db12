"""Lists, limits, groups, events and switches, as they are read back."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from core.domain.errors import InvalidRequest, NoSuchJob
from core.domain.events import EventType
from core.domain.job import JobStatus
from core.domain.snapshot import JobQuery
from core.store import moves, queries, submission
from core.store.rows import Row
from core.store.sqlite import StoreClient
from core.store.store import Store
from core.store.transaction import Transaction
from tests.fakes.stored import NOW, claim_one, job_in, new_job, opened


async def all_pages(store: Store, query: dict[str, Any]) -> list[int]:
    found: list[int] = []
    after = None
    while True:
        page = await store.jobs.page(JobQuery(**query, after=after))
        found += [job.id for job in page.items]
        if (after := page.next) is None:
            return found


async def test_a_job_that_is_not_there_is_said_to_be_so(store: Store) -> None:
    with pytest.raises(NoSuchJob):
        await store.jobs.get(1)


async def test_pages_stay_true_while_jobs_are_added(store: Store) -> None:
    await store.jobs.submit_many([new_job(f"old{n}") for n in range(5)], now=NOW)
    first = await store.jobs.page(JobQuery(limit=2))
    await store.jobs.submit_many([new_job(f"new{n}") for n in range(3)], now=NOW)
    second = await store.jobs.page(JobQuery(limit=2, after=first.next))
    third = await store.jobs.page(JobQuery(limit=2, after=second.next))
    assert [[job.id for job in page.items] for page in (first, second, third)] == [[5, 4], [3, 2], [1]]
    assert third.next is None


async def test_a_full_last_page_has_no_next(store: Store) -> None:
    await store.jobs.submit_many([new_job(f"n{n}") for n in range(4)], now=NOW)
    page = await store.jobs.page(JobQuery(limit=4))
    assert (len(page.items), page.next) == (4, None)
    assert (await store.jobs.page(JobQuery(limit=0))).next == "4"


async def test_a_foreign_cursor_is_refused(store: Store) -> None:
    for cursor in ("", "-1", "x", "9" * 30, "٣"):
        with pytest.raises(InvalidRequest):
            await store.jobs.page(JobQuery(after=cursor))
        with pytest.raises(InvalidRequest):
            await store.groups.page(after=cursor)


async def test_pages_are_filtered_by_all_that_can_be_asked(store: Store) -> None:
    a = await job_in(store, JobStatus.COMPLETED, "a", source="x", chat_id=5)
    b = await job_in(store, JobStatus.QUEUED, "b", source="y", chat_id=5)
    c = await job_in(store, JobStatus.FAILED, "c", source="x")
    group = await store.groups.create(c.id, "list", 0, NOW)
    final = frozenset({JobStatus.COMPLETED, JobStatus.FAILED})
    for query, ids in (
        ({}, [c.id, b.id, a.id]),
        ({"statuses": final}, [c.id, a.id]),
        ({"statuses": final, "limit": 1}, [c.id, a.id]),
        ({"source": "x"}, [c.id, a.id]),
        ({"chat_id": 5}, [b.id, a.id]),
        ({"group_id": group}, [c.id]),
        ({"source": "x", "chat_id": 5, "statuses": final, "text": "MEDIA"}, [a.id]),
    ):
        assert await all_pages(store, query) == ids, query


async def test_words_are_looked_for_in_title_and_link_and_mean_themselves(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Windows of three ids: the search has to go through several.
    monkeypatch.setattr(queries, "WINDOW", 3)
    for n, title in enumerate(("100% Live", "100 lives", "under_score", "underscore", "!bang", "x", "y")):
        job = await job_in(store, JobStatus.QUEUED, f"n{n}")
        await store.jobs.amend(job.id, now=NOW, title=title)
    for text, ids in (
        ("live 100", [2, 1]),
        ("100%", [1]),
        ("r_s", [3]),
        ("!b", [5]),
        ("media.test", [7, 6, 5, 4, 3, 2, 1]),
        ("nowhere", []),
    ):
        assert await all_pages(store, {"text": text, "limit": 2}) == ids, text


async def test_the_index_of_words_follows_titles_and_deletions(store: Store) -> None:
    async def found(text: str) -> list[int]:
        return await all_pages(store, {"text": text})

    job = await job_in(store, JobStatus.FAILED, "first")
    other = await job_in(store, JobStatus.FAILED, "second")
    assert await found("first") == [job.id]
    await store.jobs.amend(job.id, now=NOW, title="Ärger um das MÜSLI")
    assert await found("rger SLI") == [job.id]
    await store.jobs.amend(job.id, now=NOW, title="Calm")
    assert await found("SLI") == []
    assert await found("calm first") == [job.id]
    await store.jobs.delete(job.id)
    assert await found("calm") == []
    assert await found("media.test") == [other.id]
    await store.check()


async def test_words_are_looked_for_among_jobs_of_a_state_source_chat_or_group(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "WINDOW", 2)
    jobs = [
        await job_in(store, status, f"n{n}", source=source, chat_id=n % 2 or None)
        for n, (status, source) in enumerate(
            [(JobStatus.FAILED, "x"), (JobStatus.QUEUED, "x"), (JobStatus.FAILED, "y")] * 2
        )
    ]
    failed = frozenset({JobStatus.FAILED})
    for query, places in (
        ({"statuses": failed}, [5, 3, 2, 0]),
        ({"statuses": failed, "source": "x"}, [3, 0]),
        ({"chat_id": 1, "source": "y"}, [5]),
        ({"statuses": failed | {JobStatus.QUEUED}}, [5, 4, 3, 2, 1, 0]),
    ):
        for limit in (1, 100):
            asked = {**query, "text": "media.test", "limit": limit}
            assert await all_pages(store, asked) == [jobs[place].id for place in places], asked


async def test_ids_are_listed_by_state_and_group(store: Store) -> None:
    parent = await job_in(store, JobStatus.COMPLETED, "parent")
    group = await store.groups.create(parent.id, None, 1, NOW)
    other = await job_in(store, JobStatus.QUEUED, "other")
    both = frozenset({JobStatus.COMPLETED, JobStatus.QUEUED})
    assert await store.jobs.ids(both) == [parent.id, other.id]
    assert await store.jobs.ids(both, group_id=group) == [parent.id]
    assert await store.jobs.ids(frozenset()) == []


async def test_limits_count_by_user_chat_and_source(store: Store) -> None:
    await job_in(store, JobStatus.COMPLETED, "a", user_id=1, chat_id=5)
    await job_in(store, JobStatus.RUNNING, "b", user_id=1, source="x")
    await store.jobs.submit(new_job("c", user_id=2, chat_id=5), now=NOW - 100)
    jobs = store.jobs
    assert await jobs.created_since(user_id=1, since=NOW) == 2
    assert await jobs.created_since(chat_id=5, since=NOW) == 1
    assert await jobs.created_since(chat_id=5, since=NOW - 100) == 2
    assert await jobs.created_since(user_id=1, chat_id=5, since=0) == 1
    assert await jobs.created_since(since=NOW) == 2
    assert await jobs.unfinished_of(1) == 1
    assert await jobs.counts_by_source() == {
        "x": {JobStatus.RUNNING: 1},
        "direct": {JobStatus.QUEUED: 1},
    }


async def test_a_group_is_made_once_and_knows_how_far_its_jobs_are(store: Store) -> None:
    parent = await job_in(store, JobStatus.RUNNING, "parent")
    group_id = await store.groups.create(parent.id, "first", 3, NOW)
    assert await store.groups.create(parent.id, "again", 2, NOW + 1) == group_id
    assert (await store.jobs.get(parent.id)).group_id == group_id
    child = await job_in(store, JobStatus.QUEUED, "child")
    running = await claim_one(store, child.id)
    await store.jobs.record(child.id, attempt=running.attempt, now=NOW, group_id=group_id)
    group = await store.groups.get(group_id)
    assert group is not None
    assert (group.job_id, group.title, group.total, group.created) == (parent.id, "again", 2, NOW)
    assert {status: n for status, n in group.counts.items() if n} == {JobStatus.RUNNING: 1}
    assert await store.groups.get(99) is None
    with pytest.raises(NoSuchJob):
        await store.groups.create(99, None, 0, NOW)


async def test_groups_are_paged_and_outlive_their_job(store: Store) -> None:
    for name in "abc":
        job = await job_in(store, JobStatus.COMPLETED, name)
        await store.groups.create(job.id, name, 1, NOW)
    await store.jobs.delete(3)
    first = await store.groups.page(limit=2)
    second = await store.groups.page(limit=2, after=first.next)
    assert [(g.title, g.job_id) for g in (*first.items, *second.items)] == [("c", None), ("b", 2), ("a", 1)]
    assert second.next is None


async def test_of_a_long_timeline_the_last_events_are_told(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = await job_in(store, JobStatus.RUNNING)
    monkeypatch.setattr("core.store.events.TIMELINE", 2)
    assert [event.seq for event in await store.events.of(job.id)] == [3, 4]


async def test_events_are_replayed_from_any_number(store: Store) -> None:
    job = await job_in(store, JobStatus.RUNNING)
    every = await store.events.after(0, limit=100)
    assert [event.seq for event in every] == [1, 2, 3, 4]
    assert await store.events.of(job.id) == every
    assert await store.events.after(1, limit=2) == every[1:3]
    assert await store.events.last_seq() == 4
    assert await store.events.after(4, limit=2) == []


async def test_numbers_of_events_that_went_with_their_job_are_never_given_again(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        job = await job_in(store, JobStatus.COMPLETED)
        last = await store.events.last_seq()
        await store.jobs.delete(job.id)
        assert await store.events.after(0, limit=9) == []
    async with opened(tmp_path) as store:
        assert await store.events.last_seq() == last
        await store.jobs.note(None, now=NOW, events=[(EventType.DISK_LOW, {})])
        assert [event.seq for event in await store.events.after(0, limit=9)] == [last + 1]


async def test_switches_keep_json_and_outlive_the_engine(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        assert await store.switches.get("maintenance") is None
        assert await store.switches.get("maintenance", default=False) is False
        await store.switches.set("maintenance", True)
        await store.switches.set("limits", {"user": [1, None]})
        await store.switches.set("maintenance", False)
    async with opened(tmp_path) as store:
        assert await store.switches.get("limits") == {"user": [1, None]}
        assert await store.switches.get("maintenance") is False


class Explainer:
    """Asks SQLite how it finds the answer, then asks for the answer."""

    def __init__(self, reader: Any) -> None:
        self._ask = reader.rows
        self.plan = ""

    async def rows(self, sql: str, *values: Any) -> Sequence[Row]:
        self.plan += "".join(
            f"{row['detail']}\n" for row in await self._ask(f"EXPLAIN QUERY PLAN {sql}", *values)
        )
        return await self._ask(sql, *values)


async def test_questions_asked_all_the_time_are_answered_by_an_index(store: Store) -> None:
    client: StoreClient = store._client
    await store.jobs.submit(new_job(), now=NOW)

    async def plan(question: Any, *args: Any) -> str:
        explainer = Explainer(client)
        await question(explainer, *args)
        return explainer.plan

    history = JobQuery(statuses=frozenset({JobStatus.COMPLETED, JobStatus.FAILED}))
    for text, index in (
        (await plan(queries.next_due), "jobs_due"),
        (await plan(queries.is_waited_for, "disk"), "jobs_waiting"),
        (await plan(queries.parked, "auth:main", "x"), "jobs_source (source_type=? AND status=?"),
        (await plan(queries.upcoming, 5), "jobs_claim_order (status=?)"),
        (await plan(queries.page, history), "jobs_status (status=? AND id>?"),
        (await plan(queries.created_since, 1, None, 0.0), "jobs_user_created"),
        (await plan(queries.created_since, None, 1, 0.0), "jobs_chat_created"),
        (await plan(queries.claimed_by_others, "e", 1), "(status=?)"),
        (await plan(queries.counts), "COVERING INDEX"),
        (await plan(queries.page, JobQuery(source="x")), "jobs_source (source_type=? AND status=? AND id>?"),
        (await plan(queries.page, JobQuery(chat_id=1)), "jobs_chat (chat_id=? AND status=? AND id>?"),
        (await plan(queries.page, JobQuery(group_id=1)), "jobs_group (group_id=? AND status=? AND id>?"),
        (await plan(queries.page, JobQuery(text="word")), "SCAN jobs_text VIRTUAL TABLE INDEX"),
        (await plan(queries.keys, 1), "jobs_group (group_id=?"),
        # How often a link has failed costs nothing: that is not in this index.
        (await plan(submission.with_keys, ["a", "b"]), "jobs_joinable_key (job_key=?"),
        (await plan(submission.with_keys, ["a"]), "jobs_joinable_key (job_key=?"),
    ):
        assert index in text
        assert "SCAN jobs\n" not in text


async def test_what_comes_next_is_what_is_claimed_next_then_by_time_then_what_waits_for_an_event(
    store: Store,
) -> None:
    async def waiting(name: str, **facts: Any) -> int:
        job = await job_in(store, JobStatus.PENDING, name)
        await store.jobs.amend(job.id, now=NOW, **facts)
        return job.id

    parked = await waiting("parked", waiting_for="auth:main")
    late, soon = await waiting("late", not_before=NOW + 9), await waiting("soon", not_before=NOW + 5)
    plain = await job_in(store, JobStatus.QUEUED, "plain")
    first = await job_in(store, JobStatus.QUEUED, "first", priority=5)
    expected = [first.id, plain.id, soon, late, parked]
    assert [job.id for job in await store.jobs.upcoming(9)] == expected
    assert [job.id for job in await store.jobs.upcoming(3)] == expected[:3]
    assert await store.jobs.parked("auth:main", source="direct") == 1
    assert await store.jobs.parked("auth:main", source="x") == 0
    explainer = Explainer(store._client)
    await queries.upcoming(explainer, 5)
    assert "TEMP B-TREE" not in explainer.plan


async def test_a_page_of_one_source_chat_or_group_sorts_no_history(store: Store) -> None:
    for query in (JobQuery(source="x"), JobQuery(chat_id=1), JobQuery(group_id=1), JobQuery(text="word")):
        explainer = Explainer(store._client)
        await store.jobs.submit(new_job(source="x", chat_id=1), now=NOW)
        await queries.page(explainer, query)
        steps = explainer.plan.splitlines()
        # Only the few jobs that each state gave are sorted, never what an index is searched for.
        sorted_at_once = [
            step for step, then in itertools.pairwise(steps) if "jobs" in step and "TEMP B-TREE" in then
        ]
        assert not sorted_at_once, explainer.plan


async def test_claims_and_promotions_read_only_what_they_take(store: Store) -> None:
    commands = {
        "claim": partial(
            moves.claim,
            engine="e",
            epoch=1,
            now=NOW,
            limit=4,
            exclude_sources=frozenset({"x"}),
            exclude_hosts=frozenset({("y", "h")}),
            only=None,
        ),
        "promote": partial(moves.promote, now=NOW, limit=4),
        "unpark": partial(moves.unpark, waiting_for="disk", now=NOW, limit=4),
    }
    plans: dict[str, str] = {}

    async def explain(transaction: Transaction) -> None:
        for name, command in commands.items():
            explainer = Explainer(transaction)
            transaction.rows = explainer.rows  # type: ignore[method-assign]
            await command(transaction)
            plans[name] = explainer.plan
            del transaction.rows

    await store._writer.run(explain)
    assert "COVERING INDEX jobs_claim_order (status=?)" in plans["claim"]
    assert "TEMP B-TREE" not in plans["claim"]
    assert "jobs_due (status=? AND not_before<?)" in plans["promote"]
    assert "jobs_waiting" in plans["promote"]
    assert "jobs_waiting" in plans["unpark"]
    assert "SCAN jobs\n" not in "".join(plans.values())
