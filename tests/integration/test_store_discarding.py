"""A file is let go of only where nobody, who may have asked for it in any way, wants it kept."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.domain.chat import ChatMode, ChatRules
from core.domain.delivery import DeliveryState
from core.domain.events import EventType
from core.domain.job import Job, JobStatus, ReplyTo
from core.domain.library import LibraryQuery
from core.store.store import Store
from tests.fakes.stored import NOW, job_in, new_job, opened

CHAT = -1001
ASKED = ReplyTo(CHAT, 7)
FILE = "/archive/a.mp3"


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with opened(tmp_path / "data") as running:
        await running.chats.put(ChatRules(chat_id=CHAT, mode=ChatMode.AUTO, archive=False))
        yield running


async def fetched(store: Store, name: str = "a", *, path: str = FILE, **request: Any) -> Job:
    """A job with a file, asked for in the chat unless something else is said."""
    job = await job_in(store, JobStatus.RUNNING, name, **({"chat_id": CHAT, "reply": ASKED} | request))
    return await store.jobs.transition(
        job.id, JobStatus.RUNNING, JobStatus.COMPLETED, attempt=job.attempt, now=NOW,
        file_path=path, sha256="5e",
    )  # fmt: skip


async def sent(store: Store, job: Job, *, message_id: int | None = 1) -> None:
    """Everybody who asked has the file, or nothing at all."""
    for delivery in await store.deliveries.of(job_id=job.id):
        if delivery.state is DeliveryState.READY:
            await store.deliveries.begin(delivery.id, now=NOW)
            await store.deliveries.end(delivery.id, message_id=message_id, document_id=None, now=NOW)


async def discarded(store: Store, job: Job, *, by_default: bool = True) -> str | None:
    return await store.deliveries.discard(job.id, is_kept_by_default=by_default, now=NOW)


async def test_what_was_delivered_to_a_chat_that_keeps_nothing_is_let_go_of(store: Store) -> None:
    job = await fetched(store)
    await sent(store, job)
    assert (await store.library.search(LibraryQuery())).items
    assert await store.deliveries.jobs_sent_since(NOW) == [job.id]
    assert await discarded(store, job) == FILE
    left = await store.jobs.get(job.id)
    assert (left.file_path, left.sha256, left.is_list) == (None, "5e", False)
    assert not (await store.library.search(LibraryQuery())).items
    assert await discarded(store, job) is None
    assert await store.deliveries.jobs_sent_since(NOW) == []


async def test_it_is_kept_while_somebody_waits_for_it(store: Store) -> None:
    job = await fetched(store)
    assert await discarded(store, job) is None
    await sent(store, job)
    await store.jobs.submit(new_job(chat_id=CHAT, reply=ReplyTo(CHAT, 8)), now=NOW)
    assert await discarded(store, job) is None


async def test_it_is_kept_when_it_could_not_be_sent_or_was_not(store: Store) -> None:
    job = await fetched(store)
    (delivery,) = await store.deliveries.of(job_id=job.id)
    await store.deliveries.begin(delivery.id, now=NOW)
    event = (EventType.TELEGRAM_SEND_FAILED, {})
    await store.deliveries.fail(
        delivery.id, error_type="X", error_message="", retry_at=None, event=event, now=NOW
    )
    assert await discarded(store, job) is None
    await store.deliveries.retry(delivery.id, now=NOW)
    await sent(store, job, message_id=None)
    assert await discarded(store, job) is None


@pytest.mark.parametrize(
    "request_",
    [{"chat_id": None}, {"chat_id": None, "user_id": 5}, {"chat_id": -2}, {"out_dir": "/media"}],
    ids=["by command", "by a person", "in another chat", "into a folder"],
)
async def test_it_is_kept_for_whoever_asked_first(store: Store, request_) -> None:
    job = await fetched(store, **request_)
    await sent(store, job)
    assert await discarded(store, job) is None


async def test_it_is_kept_for_whoever_joined_without_a_chat(store: Store) -> None:
    job = await fetched(store)
    await sent(store, job)
    await store.jobs.submit(new_job(), now=NOW)
    assert await discarded(store, job) is None


async def test_it_is_kept_for_a_chat_that_keeps_files(store: Store) -> None:
    job = await fetched(store)
    await store.chats.put(ChatRules(chat_id=-2, mode=ChatMode.AUTO))
    await store.jobs.submit(new_job(chat_id=-2, reply=ReplyTo(-2, 1)), now=NOW)
    await sent(store, job)
    assert await discarded(store, job) is None


@pytest.mark.parametrize(("rules", "is_kept"), [(None, False), (True, True), (False, False)])
async def test_a_topic_follows_its_own_rules_or_its_chats(store: Store, rules, is_kept) -> None:
    if rules is not None:
        await store.chats.put(ChatRules(chat_id=CHAT, topic_id=3, archive=rules))
    job = await fetched(store, reply=ReplyTo(CHAT, 7, 3))
    await sent(store, job)
    assert (await discarded(store, job) is None) is is_kept


@pytest.mark.parametrize("by_default", [True, False])
async def test_a_chat_without_rules_follows_the_configuration(store: Store, by_default) -> None:
    job = await fetched(store, chat_id=-3, reply=ReplyTo(-3, 7))
    await sent(store, job)
    assert (await discarded(store, job, by_default=by_default) is None) is by_default


async def test_a_file_is_kept_while_a_job_that_shares_it_needs_it(store: Store) -> None:
    job = await fetched(store)
    twin = await fetched(store, "b", reply=ReplyTo(CHAT, 8))
    elsewhere = await fetched(store, "c", path="/archive/c.mp3", chat_id=None, reply=None)
    await sent(store, job)
    assert await discarded(store, job) is None
    await sent(store, twin)
    assert await discarded(store, job) == FILE
    assert (await store.jobs.get(twin.id)).file_path is None
    assert (await store.jobs.get(elsewhere.id)).file_path == "/archive/c.mp3"


async def test_a_file_that_a_message_got_by_one_of_its_links_is_let_go_of(store: Store) -> None:
    first, second = await fetched(store), await fetched(store, "b")
    await sent(store, first)
    assert await discarded(store, second) == FILE


@pytest.mark.parametrize(
    ("ask", "is_kept"),
    [({"chat_id": CHAT, "reply": ReplyTo(CHAT, 8)}, False), ({}, True)],
    ids=["in the chat", "by command"],
)
async def test_an_item_is_kept_for_whoever_asked_for_its_list(
    store: Store, ask: dict[str, Any], is_kept: bool
) -> None:
    parent = await job_in(store, JobStatus.RUNNING, "list", chat_id=CHAT, reply=ASKED)
    item = replace(new_job("a", chat_id=CHAT), list_id=parent.id)
    await store.jobs.submit(item, now=NOW)
    await store.jobs.submit(new_job("list", **ask), now=NOW)
    await store.jobs.transition(
        parent.id, JobStatus.RUNNING, JobStatus.COMPLETED, attempt=parent.attempt, now=NOW
    )
    (running,) = await store.jobs.claim(engine="e", epoch=1, now=NOW, limit=1)
    done = await store.jobs.transition(
        running.id, JobStatus.RUNNING, JobStatus.COMPLETED, attempt=running.attempt, now=NOW,
        file_path=FILE, sha256="5e",
    )  # fmt: skip
    await sent(store, done)
    assert (await discarded(store, done) is None) is is_kept


async def test_it_is_kept_when_nobody_knows_any_more_who_asked(store: Store) -> None:
    job = await fetched(store)
    await sent(store, job)
    with closing(sqlite3.connect(store.path)) as database, database:
        database.execute("DELETE FROM job_events")
    assert await discarded(store, job) is None
