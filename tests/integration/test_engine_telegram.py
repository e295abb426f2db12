"""What the engine keeps for a messenger: rules, files in a form that can be sent, switches, its state."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from core.domain.chat import ChatMode, ChatRules
from core.domain.delivery import DeliveryState
from core.domain.errors import InvalidRequest, JobError, NoSuchEntry, NotFound, SessionLost, SizeLimit
from core.domain.job import Job, JobStatus, ReplyTo, Request
from core.domain.messenger import Acknowledgement, Collect, Collected
from core.engine.engine import Engine
from core.engine.telegram.leavings import Leavings
from tests.fakes.media import audio_mp3, made_once, video_mp4
from tests.fakes.stored import opened
from tests.integration.conftest import finish, until

CHAT = -1001
TONE = made_once(audio_mp3, "tone.mp3").read_bytes()
RULES = ChatRules(chat_id=CHAT, title="Lectures", mode=ChatMode.AUTO, archive=False)


class Account:
    """A messenger that knows two chats."""

    chats = (ChatRules(chat_id=CHAT, title="Lectures"), ChatRules(chat_id=5, title="Amal"))

    def __init__(self) -> None:
        self.trouble: JobError | None = None

    def status(self) -> Mapping[str, Any]:
        return {"state": "online", "account": "@reeldeck", "wait_until": None}

    async def dialogs(self) -> Sequence[ChatRules]:
        return self.chats

    async def find_chat(self, name: str) -> ChatRules:
        if self.trouble is not None:
            raise self.trouble
        for chat in self.chats:
            if name in {str(chat.chat_id), f"@{chat.title}"}:
                return chat
        raise InvalidRequest(f"there is no chat {name!r}")

    async def collect(self, wanted: Collect) -> AsyncIterator[Collected]:
        yield Collected(is_done=True, sample=(wanted.chat,))


class Listener:
    """Whoever follows the rules."""

    def __init__(self) -> None:
        self.heard = 0

    def hear(self) -> None:
        self.heard += 1


async def delivered(engine: Engine, url: str) -> Job:
    """The job of a link in the chat, once it was sent there."""
    request = Request(url=url, chat_id=CHAT, reply=ReplyTo(CHAT, 7))
    await engine.take_links([request])
    while not (due := await engine.due_deliveries()):
        await engine.wait_for_due()
    await engine.begin_delivery(due[0].id)
    await engine.end_delivery(due[0].id, message_id=1, document_id=2)
    return await engine.job(due[0].job_id)


async def test_without_a_messenger_the_engine_says_how_to_get_one(run_engine):
    async with run_engine() as engine:
        assert (await engine.status())["telegram"]["state"] == "off"
        for asked in (engine.known_chats(), engine.find_chat("@Amal")):
            with pytest.raises(InvalidRequest) as refused:
                await asked
            assert "reeldeck setup" in refused.value.hint
        # An id needs nobody to look it up.
        assert await engine.find_chat("-1001") == ChatRules(chat_id=CHAT)
    async with run_engine(telegram={"enabled": True}) as engine:
        assert (await engine.status())["telegram"]["state"] == "not_connected"


async def test_a_messenger_tells_of_the_account_and_its_chats(run_engine):
    async with run_engine(archive={"default_on": False}) as engine:
        engine.attach(Account())
        assert (await engine.status())["telegram"]["account"] == "@reeldeck"
        assert [(chat.title, chat.archive) for chat in await engine.known_chats()] == [
            ("Lectures", False),
            ("Amal", False),
        ]
        assert (await engine.find_chat("@Amal")).chat_id == 5
        assert [each.sample async for each in engine.collect(Collect(chat="@Amal"))] == [("@Amal",)]
        with pytest.raises(InvalidRequest):
            await engine.find_chat("@Nobody")
        engine.attach(None)
        assert (await engine.status())["telegram"]["state"] == "off"


async def test_ids_are_believed_while_the_account_is_away_and_known_ones_always(run_engine):
    async with run_engine() as engine:
        account = Account()
        engine.attach(account)
        await engine.set_chat(ChatRules(chat_id=-77, title="Left"))
        assert (await engine.find_chat("-77")).title == "Left"
        with pytest.raises(InvalidRequest):
            await engine.find_chat("-78")
        account.trouble = SessionLost()
        assert await engine.find_chat("-78") == ChatRules(chat_id=-78)
        with pytest.raises(SessionLost):
            await engine.find_chat("@Amal")


async def test_rules_are_kept_and_whoever_follows_them_is_told(run_engine):
    async with run_engine() as engine:
        engine.attach(Account())
        listener, gone = Listener(), Listener()
        engine.on_rules(listener.hear)
        engine.on_rules(gone.hear)
        del gone
        assert await engine.set_chat(RULES) == RULES
        assert (await engine.find_chat("@Lectures")).mode is ChatMode.AUTO
        with pytest.raises(InvalidRequest, match="no source 'tube'"):
            await engine.set_chat(ChatRules(chat_id=CHAT, sources=("tube",)))
        await engine.note_read({CHAT: 9})
        assert [chat.last_message_id for chat in await engine.chat_rules()] == [9]
        assert listener.heard == 1
        assert len(engine._chats._listeners) == 1
    async with run_engine() as engine:
        found = await engine.chats()
        assert ([chat.title for chat in found.rules], found.backlog) == (["Lectures"], {})
        await engine.forget_chat(CHAT)
        assert await engine.chat_rules() == []
        with pytest.raises(NoSuchEntry):
            await engine.forget_chat(CHAT)


async def test_a_file_that_nobody_keeps_goes_once_it_was_delivered(run_engine, origin):
    origin.put("/tone.mp3", TONE)
    url = origin.url("/tone.mp3")
    async with run_engine() as engine:
        await engine.set_chat(RULES)
        job = await delivered(engine, url)
        assert (job.status, job.file_path, job.is_list) == (JobStatus.COMPLETED, None, False)
        archive = engine.settings.paths.archive
        assert [path for path in archive.rglob("*") if path.is_file()] == []
        assert not (await engine.library()).items
        again = await finish(engine, url)
        assert (again.id != job.id, Path(again.file_path).is_file()) == (True, True)


async def test_a_crash_between_sending_and_deleting_is_made_up_for(run_engine, origin):
    origin.put("/tone.mp3", TONE)
    async with run_engine() as engine:
        job = await delivered(engine, origin.url("/tone.mp3"))
        await engine.set_chat(RULES)  # as if it had been so before
        paths = engine.settings.paths
    kept, parts = Path(job.file_path), paths.tmp / "deliveries" / str(job.id)
    parts.mkdir(parents=True)
    assert kept.is_file()
    async with opened(paths.data_dir) as store:
        await Leavings(store, paths.tmp, keeps_by_default=True).sweep()
    assert not kept.exists()
    assert not parts.exists()


async def test_a_large_file_comes_in_parts_that_stay_until_they_are_sent(run_engine, origin):
    film = made_once(lambda path: video_mp4(path, 8.0, size="640x360"), "eight.mp4").read_bytes()
    origin.put("/film.mp4", film)
    async with run_engine() as engine:
        request = Request(url=origin.url("/film.mp4"), chat_id=CHAT, reply=ReplyTo(CHAT, 7))
        (answer,) = await engine.take_links([request])
        job = await until(engine, answer.job.id, JobStatus.COMPLETED)
        assert await engine.parts_of(job, max_bytes=len(film) * 2) == [job.file_path]
        limit = len(film) * 2 // 3
        paths = await engine.parts_of(job, max_bytes=limit)
        stamps = [Path(path).stat().st_mtime_ns for path in paths]
        assert len(paths) >= 2
        assert all(Path(path).stat().st_size <= limit for path in paths)
        assert await engine.parts_of(job, max_bytes=limit) == paths
        assert [Path(path).stat().st_mtime_ns for path in paths] == stamps
        (first,) = await engine.due_deliveries()
        await engine.begin_delivery(first.id)
        parts = await engine.split_delivery(first.id, len(paths))
        for part in parts:
            if part.state is DeliveryState.READY:
                await engine.begin_delivery(part.id)
            assert all(Path(path).is_file() for path in paths)
            await engine.end_delivery(part.id, message_id=part.part_index + 1)
        assert not any(Path(path).exists() for path in paths)
        with pytest.raises(SizeLimit):
            await engine.parts_of(job, max_bytes=1000)
        Path(job.file_path).unlink()
        with pytest.raises(NotFound):
            await engine.parts_of(job, max_bytes=limit)


async def test_files_are_probed_and_shown_as_pictures(run_engine):
    async with run_engine() as engine:
        film = made_once(lambda path: video_mp4(path, size="640x360"), "film.mp4")
        info = await engine.probe(str(film))
        assert (info.video.width, info.video.height) == (640, 360)
        picture = await engine.picture(str(film), max_side=320, max_bytes=200_000)
        assert picture.jpeg.startswith(b"\xff\xd8")
        assert await engine.picture(str(made_once(audio_mp3, "a.mp3")), max_side=320, max_bytes=9) is None


async def test_what_a_message_was_told_outlives_the_engine(run_engine, origin):
    origin.put("/tone.mp3", TONE)
    told = Acknowledgement(reply_to=ReplyTo(CHAT, 7), shown="x")
    async with run_engine() as engine:
        await delivered(engine, origin.url("/tone.mp3"))
        assert await engine.unsettled_messages() == [told.reply_to]
        await engine.acknowledge(told)
    async with run_engine() as engine:
        assert await engine.acknowledgement(told.reply_to) == told
        assert await engine.unsettled_messages() == []


async def test_commands_are_written_down_and_debugging_is_switched(run_engine):
    root, before = logging.getLogger(), logging.getLogger().level
    async with run_engine() as engine:
        await engine.audit_command(actor="telegram:5", action="/pause", target=None, data={"jobs": [1]})
        (entry,) = (await engine.audit()).items
        assert (entry.actor, entry.action, entry.data) == ("telegram:5", "/pause", {"jobs": [1]})
        try:
            await engine.set_debug(is_on=True)
            assert root.level == logging.DEBUG
            await engine.set_debug(is_on=False)
            assert root.level == before
        finally:
            root.setLevel(before)
