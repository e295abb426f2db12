"""Deliveries are made with requests and follow their jobs, in the same transactions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from core.domain.chat import ChatRules
from core.domain.delivery import Delivery, DeliveryState
from core.domain.errors import IllegalTransition, InvalidRequest, NoSuchEntry, StaleClaim
from core.domain.events import EventType
from core.domain.job import Job, JobStatus, ReplyTo
from core.store.store import Committed, Store
from tests.fakes.stored import NOW, job_in, new_job

WAITING, READY, SENDING = DeliveryState.WAITING, DeliveryState.READY, DeliveryState.SENDING
SENT, SKIPPED, FAILED = DeliveryState.SENT, DeliveryState.SKIPPED, DeliveryState.FAILED
CHAT = -1001
ASKED = ReplyTo(CHAT, 7, 3)
PART = (EventType.TELEGRAM_SEND_FAILED, {"error_type": "UNKNOWN"})


async def ended(store: Store, job: Job, to: JobStatus = JobStatus.COMPLETED, **facts: object) -> Job:
    """*job*, brought from RUNNING to its end."""
    return await store.jobs.transition(
        job.id, JobStatus.RUNNING, to, attempt=job.attempt, now=NOW + 1, **facts
    )


async def done(store: Store, name: str = "a", *, reply: ReplyTo | None = ASKED, sha256: str = "5e") -> Job:
    """A job with a file."""
    job = await job_in(store, JobStatus.RUNNING, name, reply=reply)
    return await ended(store, job, file_path=f"/archive/{name}.mp3", sha256=sha256)


async def sending(store: Store, name: str = "a") -> Delivery:
    """A delivery that somebody sends."""
    job = await done(store, name)
    (delivery,) = await store.deliveries.of(job_id=job.id)
    return await store.deliveries.begin(delivery.id, now=NOW + 2)


def states(deliveries: Sequence[Delivery]) -> list[DeliveryState]:
    return [delivery.state for delivery in deliveries]


async def test_a_request_with_a_reply_is_stored_with_its_delivery(store: Store) -> None:
    job = (await store.jobs.submit(new_job(reply=ASKED), now=NOW)).job
    (delivery,) = await store.deliveries.of(job_id=job.id)
    assert (delivery.chat_id, delivery.reply_to, delivery.topic_id) == (CHAT, 7, 3)
    assert (delivery.state, delivery.attempt, delivery.part_index, delivery.created) == (WAITING, 0, 0, NOW)
    assert 0 < delivery.random_id < 2**63
    assert await store.deliveries.of(reply_to=ASKED) == [delivery]
    assert await store.deliveries.get(delivery.id) == delivery
    silent = (await store.jobs.submit(new_job("b"), now=NOW)).job
    assert await store.deliveries.of(job_id=silent.id) == []


async def test_a_message_asks_once_however_often_it_is_read(store: Store) -> None:
    for key in (None, "tg:1", "tg:1"):
        await store.jobs.submit(new_job(reply=ASKED, idempotency_key=key), now=NOW)
    assert len(await store.deliveries.of(reply_to=ASKED)) == 1
    await store.jobs.submit(new_job(reply=ReplyTo(CHAT, 8)), now=NOW)
    await store.jobs.submit(new_job(reply=ReplyTo(CHAT - 1, 7)), now=NOW)
    assert len((await store.deliveries.page()).items) == 3


async def test_a_request_that_was_heard_asks_for_nothing_more(store: Store) -> None:
    job = (await store.jobs.submit(new_job(idempotency_key="k"), now=NOW)).job
    await store.jobs.submit(new_job(idempotency_key="k", reply=ASKED), now=NOW)
    assert await store.deliveries.of(job_id=job.id) == []


@pytest.mark.parametrize(
    ("status", "state", "message"),
    [
        (JobStatus.COMPLETED, READY, None),
        (JobStatus.FAILED, FAILED, "gone"),
        (JobStatus.CANCELLED, FAILED, "The job was cancelled"),
    ],
)
async def test_a_delivery_ends_its_wait_with_its_job(store: Store, status, state, message) -> None:
    job = await job_in(store, JobStatus.RUNNING, reply=ASKED)
    failure = {"error_type": "NOT_FOUND", "error_message": "gone"} if status is JobStatus.FAILED else {}
    file = {"file_path": "/a.mp3", "sha256": "5e"} if status is JobStatus.COMPLETED else {}
    await ended(store, job, status, **failure, **file)
    (delivery,) = await store.deliveries.of(job_id=job.id)
    assert (delivery.state, delivery.error_message) == (state, message)
    assert delivery.error_type == failure.get("error_type")


@pytest.mark.parametrize("status", [JobStatus.PENDING, JobStatus.PAUSED])
async def test_a_delivery_waits_as_long_as_its_job_may_go_on(store: Store, status) -> None:
    job = await job_in(store, status, reply=ASKED)
    assert states(await store.deliveries.of(job_id=job.id)) == [WAITING]


@pytest.mark.parametrize("status", [JobStatus.FAILED, JobStatus.CANCELLED])
async def test_a_job_that_is_retried_has_its_delivery_wait_again(store: Store, status) -> None:
    job = await job_in(store, status, reply=ASKED)
    (failed,) = await store.deliveries.of(job_id=job.id)
    await store.jobs.transition(job.id, status, JobStatus.PENDING, attempt=job.attempt, now=NOW)
    (again,) = await store.deliveries.of(job_id=job.id)
    assert (failed.state, again.state, again.error_message) == (FAILED, WAITING, None)
    assert again.random_id == failed.random_id


async def test_who_joins_what_is_done_is_served_at_once(store: Store, told: list[Committed]) -> None:
    job = await done(store, reply=None)
    assert not told[-1].is_due
    answer = await store.jobs.submit(new_job(reply=ASKED), now=NOW)
    assert (answer.job.id, answer.joined) == (job.id, True)
    assert states(await store.deliveries.of(job_id=job.id)) == [READY]
    assert told[-1].is_due


async def test_a_job_whose_file_was_let_go_of_is_joined_no_more(store: Store) -> None:
    job = await job_in(store, JobStatus.RUNNING)
    await ended(store, job, file_path=None, sha256="5e")
    assert not (await store.jobs.submit(new_job(reply=ASKED), now=NOW)).joined


async def test_deleting_a_job_takes_its_deliveries_with_it(store: Store) -> None:
    job = await done(store)
    await store.jobs.delete(job.id)
    assert (await store.deliveries.page()).items == []


async def test_sending_goes_from_state_to_state_and_nowhere_else(store: Store) -> None:
    job = await done(store)
    (ready,) = await store.deliveries.due(now=NOW, limit=5)
    for too_early in (
        store.deliveries.end(ready.id, message_id=1, document_id=None, now=NOW),
        store.deliveries.fail(ready.id, error_type="X", error_message="", retry_at=None, event=PART, now=NOW),
    ):
        with pytest.raises(StaleClaim, match="READY, not SENDING"):
            await too_early
    begun = await store.deliveries.begin(ready.id, now=NOW + 2)
    assert (begun.state, begun.attempt, begun.updated) == (SENDING, 1, NOW + 2)
    with pytest.raises(StaleClaim):
        await store.deliveries.begin(ready.id, now=NOW)
    sent = await store.deliveries.end(ready.id, message_id=11, document_id=12, now=NOW + 3)
    assert (sent.state, sent.message_id, sent.document_id) == (SENT, 11, 12)
    started, finished = (await store.events.of(job.id))[-2:]
    assert (started.type, started.data["attempt"]) == (EventType.TELEGRAM_SEND_STARTED, 1)
    assert finished.type is EventType.TELEGRAM_SEND_FINISHED
    assert finished.data == {"delivery_id": sent.id, "chat_id": CHAT, "part_index": 0, "message_id": 11}
    with pytest.raises(NoSuchEntry):
        await store.deliveries.begin(99, now=NOW)


async def test_an_end_without_a_message_is_skipped(store: Store) -> None:
    delivery = await sending(store)
    skipped = await store.deliveries.end(delivery.id, message_id=None, document_id=None, now=NOW)
    assert (skipped.state, skipped.message_id) == (SKIPPED, None)


async def test_a_failure_waits_for_its_time_or_is_final(store: Store, told: list[Committed]) -> None:
    delivery = await sending(store)
    await store.deliveries.fail(
        delivery.id, error_type="FLOOD_WAIT", error_message="wait", retry_at=NOW + 60, event=PART, now=NOW
    )
    assert told[-1].is_due
    assert await store.deliveries.due(now=NOW + 59, limit=5) == []
    assert await store.deliveries.next_due(now=NOW + 59) == NOW + 60
    (again,) = await store.deliveries.due(now=NOW + 60, limit=5)
    assert await store.deliveries.next_due(now=NOW + 60) is None
    begun = await store.deliveries.begin(again.id, now=NOW + 60)
    assert (begun.attempt, begun.not_before, begun.error_type) == (2, None, None)
    final = await store.deliveries.fail(
        delivery.id, error_type="FORBIDDEN", error_message="no", retry_at=None, event=PART, now=NOW
    )
    assert (final.state, final.error_message) == (FAILED, "no")
    assert (await store.deliveries.retry(final.id, now=NOW)).state is READY
    with pytest.raises(IllegalTransition, match="cannot be retried"):
        await store.deliveries.retry(final.id, now=NOW)


async def test_what_was_never_fetched_is_not_sent_by_asking_again(store: Store) -> None:
    job = await job_in(store, JobStatus.FAILED, reply=ASKED)
    (delivery,) = await store.deliveries.of(job_id=job.id)
    with pytest.raises(IllegalTransition, match="no file to send"):
        await store.deliveries.retry(delivery.id, now=NOW)


async def test_an_upload_is_noted_while_it_is_sent(store: Store) -> None:
    delivery = await sending(store)
    await store.deliveries.note_upload(delivery.id, upload_id=2**62, parts_done=3, parts_total=8)
    noted = await store.deliveries.get(delivery.id)
    assert (noted.upload_id, noted.upload_parts_done, noted.upload_parts_total) == (2**62, 3, 8)
    await store.deliveries.end(delivery.id, message_id=1, document_id=None, now=NOW)
    await store.deliveries.note_upload(delivery.id, upload_id=5, parts_done=5, parts_total=5)
    assert (await store.deliveries.get(delivery.id)).upload_id == 2**62


async def test_a_crash_while_sending_is_ready_again_with_all_it_knew(store: Store) -> None:
    delivery = await sending(store)
    assert await store.deliveries.recover(now=NOW + 9) == 1
    again = await store.deliveries.get(delivery.id)
    assert again == replace(delivery, state=READY, updated=NOW + 9)
    assert await store.deliveries.recover(now=NOW) == 0


async def test_a_split_delivery_has_one_row_for_each_part_however_often(store: Store) -> None:
    delivery = await sending(store)
    parts = await store.deliveries.split(delivery.id, 3, now=NOW)
    assert [(part.part_index, part.state) for part in parts] == [(0, SENDING), (1, READY), (2, READY)]
    assert len({part.random_id for part in parts}) == 3
    assert {(part.reply_to, part.topic_id) for part in parts} == {(7, 3)}
    assert await store.deliveries.split(delivery.id, 3, now=NOW + 1) == parts


async def test_what_was_sent_before_is_found_by_its_content(store: Store) -> None:
    first = await sending(store)
    await store.deliveries.end(first.id, message_id=1, document_id=2, now=NOW)
    twin = await done(store, "b", sha256="5e")
    other = await done(store, "c", sha256="0f")
    assert [each.id for each in await store.deliveries.sent_before(twin, 0)] == [first.id]
    assert await store.deliveries.sent_before(twin, 1) == []
    assert await store.deliveries.sent_before(other, 0) == []
    assert await store.deliveries.sent_before(replace(other, sha256=None), 0) == []


async def test_pages_come_newest_first_and_by_state_job_and_chat(store: Store) -> None:
    for number in range(5):
        await done(store, f"a{number}", reply=ReplyTo(CHAT - number % 2, number))
    first = await store.deliveries.page(limit=2)
    assert [each.reply_to for each in first.items] == [4, 3]
    rest = await store.deliveries.page(limit=3, after=first.next)
    assert ([each.reply_to for each in rest.items], rest.next) == ([2, 1, 0], None)
    assert [each.reply_to for each in (await store.deliveries.page(chat_id=CHAT - 1)).items] == [3, 1]
    assert (await store.deliveries.page(state=SENT)).items == []
    (one,) = (await store.deliveries.page(state=READY, job_id=first.items[0].job_id)).items
    assert one == first.items[0]
    assert await store.deliveries.backlog() == {CHAT: 3, CHAT - 1: 2}
    with pytest.raises(InvalidRequest):
        await store.deliveries.page(after="x")


async def test_a_list_hands_its_deliveries_on_to_its_items(store: Store) -> None:
    parent = await job_in(store, JobStatus.RUNNING, "list", reply=ASKED)
    known = await done(store, "known", reply=None)
    items = await store.jobs.submit_many(
        [replace(new_job(name), list_id=parent.id) for name in ("known", "new")], now=NOW
    )
    assert items[0].job.id == known.id
    assert states(await store.deliveries.of(reply_to=ASKED)) == [WAITING, READY, WAITING]
    # Somebody joins between the items and the end.
    later = ReplyTo(CHAT, 8)
    await store.jobs.submit(new_job("list", reply=later), now=NOW)
    await ended(store, parent, group_id=1)
    assert states(await store.deliveries.of(reply_to=ASKED)) == [SKIPPED, READY, WAITING]
    assert states(await store.deliveries.of(reply_to=later)) == [SKIPPED, READY, WAITING]
    last = ReplyTo(CHAT, 9)
    await store.jobs.submit(new_job("list", reply=last), now=NOW)
    assert states(await store.deliveries.of(reply_to=last)) == [SKIPPED, READY, WAITING]


async def test_lists_of_lists_are_gone_through_even_in_a_circle(store: Store) -> None:
    outer = await job_in(store, JobStatus.RUNNING, "outer")
    inner = await job_in(store, JobStatus.RUNNING, "inner")
    item = await done(store, "item", reply=None)
    for parent, names in ((outer, ["inner"]), (inner, ["item", "outer"])):
        news = [replace(new_job(name), list_id=parent.id) for name in names]
        await store.jobs.submit_many(news, now=NOW)
        await ended(store, parent, group_id=1)
    await store.jobs.submit(new_job("outer", reply=ASKED), now=NOW)
    found = {each.job_id: each.state for each in await store.deliveries.of(reply_to=ASKED)}
    assert found == {outer.id: SKIPPED, inner.id: SKIPPED, item.id: READY}


async def test_a_list_has_the_items_of_its_twin(store: Store) -> None:
    twin = await job_in(store, JobStatus.RUNNING, "list")
    await store.jobs.submit(replace(new_job("item"), list_id=twin.id), now=NOW)
    await ended(store, twin, group_id=1)
    other = await job_in(store, JobStatus.RUNNING, "short", reply=ASKED)
    await store.jobs.inherit_items(other.id, twin.id)
    await ended(store, other, group_id=1)
    assert states(await store.deliveries.of(reply_to=ASKED)) == [SKIPPED, WAITING]


async def test_a_message_gets_no_file_twice_whichever_of_its_links_is_done_first(store: Store) -> None:
    jobs = [await job_in(store, JobStatus.RUNNING, name, reply=ASKED) for name in "abc"]
    file = {"file_path": "/archive/a.mp3", "sha256": "5e"}
    await ended(store, jobs[1], **file)
    (due,) = await store.deliveries.due(now=NOW + 9, limit=5)
    await store.deliveries.begin(due.id, now=NOW)
    await ended(store, jobs[0], **file)
    await ended(store, jobs[2], file_path="/archive/c.mp3", sha256="5e")
    assert states(await store.deliveries.of(reply_to=ASKED)) == [SKIPPED, SENDING, READY]
    later = ReplyTo(CHAT, 8)
    await store.jobs.submit_many([new_job(name, reply=later) for name in "ab"], now=NOW)
    assert states(await store.deliveries.of(reply_to=later)) == [READY, SKIPPED]


async def test_what_needs_no_upload_is_found_behind_whatever_does(store: Store) -> None:
    sent = await sending(store, "sent")
    await store.deliveries.end(sent.id, message_id=1, document_id=2, now=NOW)
    for number in range(5):
        await done(store, f"new{number}", reply=ReplyTo(CHAT, 20 + number), sha256=f"{number}")
    twin = await done(store, "twin", reply=ReplyTo(CHAT, 30))
    await store.chats.put(ChatRules(chat_id=CHAT - 1, reply=False))
    await store.chats.put(ChatRules(chat_id=CHAT - 1, topic_id=4))
    unwanted = await done(store, "unwanted", reply=ReplyTo(CHAT - 1, 31), sha256="8")
    wanted = await done(store, "wanted", reply=ReplyTo(CHAT - 1, 32, 4), sha256="9")
    quick = await store.deliveries.due(now=NOW + 9, limit=2, is_quick=True)
    slow = await store.deliveries.due(now=NOW + 9, limit=50, is_quick=False)
    assert [each.job_id for each in quick] == [twin.id, unwanted.id]
    assert len(slow) == 6
    assert slow[-1].job_id == wanted.id
    assert len(await store.deliveries.due(now=NOW + 9, limit=50)) == 8
