"""Files that were kept long enough: they go, what is known of them stays."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from core.domain.errors import NotFound
from core.domain.events import EventType
from core.domain.job import JobStatus, ReplyTo, Request
from core.engine.engine import Engine
from core.engine.retention import DAY_S, Retention
from tests.fakes.media import audio_mp3, made_once
from tests.integration.conftest import finish, until

TONE = made_once(audio_mp3, "tone.mp3").read_bytes()
TEMPLATE = {"template": "{source}/{title}"}


@pytest.fixture
def tone(origin) -> str:
    origin.put("/tone.mp3", TONE)
    return origin.url("/tone.mp3")


def in_days(engine: Engine, days: float, *, kept: float = 30) -> Retention:
    """The engine's own, so many days from now."""
    clock = lambda: time.time() + days * DAY_S  # noqa: E731 -- as short as it is
    return Retention(engine._store, engine.settings.paths.archive, kept, clock=clock)


async def test_an_old_file_is_deleted_and_its_record_says_so(run_engine, tone):
    async with run_engine(archive=TEMPLATE) as engine:
        job = await finish(engine, tone)
        path = Path(job.file_path)
        assert await in_days(engine, 29).sweep() == 0
        assert path.exists()
        assert await in_days(engine, 31).sweep() == 1
        assert not path.exists()
        assert engine.settings.paths.archive.exists()
        assert not path.parent.exists()
        (item,) = (await engine.library("tone")).items
        assert (item.file_path, item.sha256) == (str(path), job.sha256)
        assert item.removed == pytest.approx(time.time() + 31 * DAY_S, abs=60)
        left = await engine.job(job.id)
        assert (left.status, left.file_path, left.is_list) == (JobStatus.COMPLETED, None, False)
        last = (await engine.events(job.id))[-1]
        assert (last.type, last.data) == (EventType.FILE_REMOVED, {"after_days": 30})
        with pytest.raises(NotFound, match="kept long enough"):
            await engine.send_item(item.id, "me")
        assert await in_days(engine, 60).sweep() == 0


async def test_what_was_deleted_is_fetched_again_and_is_there_again(run_engine, tone):
    async with run_engine(archive=TEMPLATE) as engine:
        first = await finish(engine, tone)
        await in_days(engine, 31).sweep()
        second = await finish(engine, tone)
        assert second.id != first.id
        assert second.file_path == first.file_path
        (item,) = (await engine.library("tone")).items
        assert (item.removed, item.job_id) == (None, second.id)


async def test_what_is_on_its_way_to_a_chat_or_lies_elsewhere_stays(run_engine, origin, tone, tmp_path):
    origin.put("/other.mp3", TONE + b"\0")
    async with run_engine(archive=TEMPLATE) as engine:
        request = Request(url=tone, chat_id=5, reply=ReplyTo(5, 7))
        (answer,) = await engine.take_links([request])
        awaited = await until(engine, answer.job.id, JobStatus.COMPLETED)
        elsewhere = await finish(engine, origin.url("/other.mp3"), out_dir=str(tmp_path / "mine"))
        assert await in_days(engine, 31).sweep() == 0
        (delivery,) = await engine.due_deliveries()
        await engine.begin_delivery(delivery.id)
        await engine.end_delivery(delivery.id, message_id=1, document_id=2)
        assert await in_days(engine, 31).sweep() == 1
        assert not Path(awaited.file_path).exists()
        assert Path(elsewhere.file_path).exists()


async def test_a_disk_that_is_away_loses_no_file_and_no_record(run_engine, tone):
    async with run_engine(archive=TEMPLATE) as engine:
        job = await finish(engine, tone)
        archive = engine.settings.paths.archive
        away = archive.rename(archive.with_name("away"))
        archive.mkdir()
        assert await in_days(engine, 31).sweep() == 0
        archive.rmdir()
        assert await in_days(engine, 31).sweep() == 0
        away.rename(archive)
        assert (await engine.job(job.id)).file_path == job.file_path
        assert await in_days(engine, 31).sweep() == 1


async def test_a_link_out_of_the_archive_is_not_followed(run_engine, tone, tmp_path):
    async with run_engine(archive=TEMPLATE) as engine:
        path = Path((await finish(engine, tone)).file_path)
        outside = path.parent.rename(tmp_path / "outside")
        path.parent.symlink_to(outside)
        assert await in_days(engine, 31).sweep() == 0
        assert (outside / path.name).exists()


async def test_nothing_is_deleted_unless_it_is_asked_for(run_engine, tone):
    async with run_engine(archive=TEMPLATE) as engine:
        job = await finish(engine, tone)
        assert await in_days(engine, 9_999, kept=0).sweep() == 0
        assert Path(job.file_path).exists()
