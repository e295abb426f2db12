"""Single files of the library: all about one, sent to a chat, rid of their copies."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.client.http import HttpEngineClient
from core.domain.delivery import DeliveryState
from core.domain.errors import InvalidRequest, NoSuchEntry, NotFound
from core.domain.job import JobStatus, ReplyTo, Request
from core.domain.snapshot import JobQuery
from core.store import copies
from tests.fakes.api import serving
from tests.fakes.media import audio_mp3, made_once
from tests.fakes.stored import NOW, opened
from tests.integration.conftest import finish, until
from tests.integration.test_library_search import done

TELEGRAM = {"telegram": {"enabled": True}}


@pytest.fixture
def tone(origin):
    """One content behind two links."""
    content = made_once(audio_mp3, "tone.mp3").read_bytes()
    for name in ("one", "two"):
        origin.put(f"/{name}.mp3", content)
    return [origin.url(f"/{name}.mp3") for name in ("one", "two")]


async def item_of(engine, job):
    item = await engine.item_of(job)
    assert item is not None
    return item


async def test_an_item_is_sent_to_a_chat_once_until_it_is_there(run_engine, tone, tmp_path) -> None:
    async with run_engine(**TELEGRAM) as engine, serving(engine, tmp_path) as server:
        job = await finish(engine, tone[0])
        item = await item_of(engine, job)
        client = HttpEngineClient(server.path)
        try:
            sent = await client.send_item(item.id, "-100", topic_id=7)
            assert (sent.job_id, sent.chat_id, sent.topic_id) == (job.id, -100, 7)
            assert (sent.reply_to, sent.state) == (None, DeliveryState.READY)
            assert (await client.send_item(item.id, "-100", topic_id=7)).id == sent.id
            await engine.begin_delivery(sent.id)
            await engine.end_delivery(sent.id, message_id=5)
            assert (await client.send_item(item.id, "-100", topic_id=7)).id != sent.id
            with pytest.raises(NoSuchEntry):
                await client.send_item(99, "-100")
            Path(item.file_path).unlink()
            assert not (await client.library_entry(item.id)).is_there
            with pytest.raises(NotFound):
                await client.send_item(item.id, "-100")
        finally:
            await client.close()


async def test_without_telegram_nothing_is_put_into_the_outbox(run_engine, tone) -> None:
    async with run_engine() as engine:
        item = await item_of(engine, await finish(engine, tone[0]))
        with pytest.raises(InvalidRequest):
            await engine.send_item(item.id, "-100")
        assert not (await engine.deliveries()).items


async def test_a_file_whose_job_is_forgotten_gets_one_that_is_done(run_engine, tone) -> None:
    async with run_engine(**TELEGRAM) as engine:
        job = await finish(engine, tone[0])
        item = await item_of(engine, job)
        await engine.delete(job.id)
        sent = await engine.send_item(item.id, "-100")
        (made,) = (await engine.jobs(JobQuery())).items
        assert (made.id, made.status, made.title) == (sent.job_id, JobStatus.COMPLETED, item.title)
        assert (made.file_path, made.sha256) == (item.file_path, item.sha256)
        assert (await engine.library_entry(item.id)).item.job_id == made.id
        assert (await engine.send_item(item.id, "-200")).job_id == made.id
        assert (await engine.status())["counts"]["COMPLETED"] == 1


async def test_the_message_that_asked_stands_in_the_record(run_engine, tone) -> None:
    async with run_engine() as engine:
        (taken,) = await engine.take_links(
            [Request(url=tone[0], chat_id=-100, user_id=5, reply=ReplyTo(-100, 12, 3))]
        )
        item = await item_of(engine, await until(engine, taken.job.id, JobStatus.COMPLETED))
        assert (item.chat_id, item.message_id, item.topic_id, item.user_id) == (-100, 12, 3, 5)


async def test_a_copy_is_deleted_and_its_jobs_have_the_other_file(run_engine, tone, tmp_path) -> None:
    async with run_engine() as engine, serving(engine, tmp_path) as server:
        jobs = [await finish(engine, link) for link in tone]
        first, second = [await item_of(engine, job) for job in jobs]
        client = HttpEngineClient(server.path)
        try:
            (found,) = (await client.copies()).items
            assert [item.id for item in found.items] == [first.id, second.id]
            assert found.spare_bytes == first.size_bytes
            assert [each.id for each in (await client.library_entry(first.id)).copies] == [second.id]
            assert (await client.delete_copy(second.id)).id == first.id
            assert not Path(second.file_path).exists()
            assert (await engine.job(jobs[1].id)).file_path == first.file_path
            assert not (await client.copies()).items
            with pytest.raises(InvalidRequest):
                await client.delete_copy(first.id)
        finally:
            await client.close()
        assert Path(first.file_path).exists()


async def test_no_copy_is_deleted_when_the_other_file_has_changed(run_engine, tone) -> None:
    async with run_engine() as engine:
        first, second = [await item_of(engine, await finish(engine, link)) for link in tone]
        Path(first.file_path).write_bytes(b"overwritten")
        with pytest.raises(InvalidRequest):
            await engine.delete_copy(second.id)
        assert Path(second.file_path).exists()


async def test_copies_are_found_page_by_page(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copies, "WINDOW", 3)
    async with opened(tmp_path / "data") as store:
        for number in range(12):
            for copy in range(1 + number % 3):
                await done(store, f"talk {number}", name=f"n{number}.{copy}", sha256=f"{number:064x}")
        for limit in (1, 3, 50):
            found, after = [], None
            while True:
                page = await store.copies.page(limit=limit, after=after)
                found += page.items
                if (after := page.next) is None:
                    break
            assert [(int(each.sha256, 16), len(each.items)) for each in found] == [
                (number, 1 + number % 3) for number in range(12) if number % 3
            ]
        with pytest.raises(InvalidRequest):
            await store.copies.page(limit=5, after="x")
        item = found[0].items[0]
        with pytest.raises(NoSuchEntry):
            await store.copies.merge(99, into=item, now=NOW)
