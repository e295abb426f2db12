"""Links of Telegram's messages become files, through the real engine."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from telethon import TelegramClient
from telethon.tl import types

from core.config.settings import Settings
from core.domain.job import Job, JobStatus, Kind, Request
from core.domain.snapshot import JobQuery
from core.engine.engine import Engine
from tests.fakes import media
from tests.fakes.telegram import FakeTelegram
from tests.fakes.telegram.api_files import kept_media
from tests.fakes.telegram.state import Account, Chat, Post
from tests.integration.conftest import finish, until
from userbot import source as source_module
from userbot.source import TelegramSource


@pytest.fixture
async def telegram(tmp_path: Path) -> AsyncIterator[FakeTelegram]:
    """Two data centres."""
    async with FakeTelegram(tmp_path / "telegram", dcs=(2, 4)) as running:
        yield running


@pytest.fixture
async def chat(telegram: FakeTelegram, account: Account, friend: Account, client: TelegramClient) -> Chat:
    """A supergroup that the account knows."""
    group = telegram.add_supergroup("Lectures", friend, account)
    await client.get_dialogs()
    return group


@pytest.fixture
def source(client: TelegramClient) -> TelegramSource:
    made = TelegramSource()
    made.client = client
    return made


@pytest.fixture
def run(make_settings: Callable[..., Settings], source: TelegramSource) -> Any:
    """`async with run() as engine`: an engine that knows Telegram."""

    @asynccontextmanager
    async def running(**sections: dict[str, Any]) -> AsyncIterator[Engine]:
        engine = Engine(make_settings(**sections), more_sources=[source])
        await engine.start()
        try:
            yield engine
        finally:
            await engine.stop()

    return running


def film() -> bytes:
    return media.made_once(media.video_mp4, "clip.mp4").read_bytes()


def song() -> bytes:
    return media.made_once(media.audio_mp3, "clip.mp3").read_bytes()


def as_film(duration_s: float = 2.0) -> list[Any]:
    return [types.DocumentAttributeVideo(duration_s, 320, 180, supports_streaming=True)]


def as_song(title: str | None = "Tone", performer: str | None = "Sine") -> list[Any]:
    return [
        types.DocumentAttributeAudio(2, title=title, performer=performer),
        types.DocumentAttributeFilename("tone.mp3"),
    ]


def link(chat: Chat, post: Post, more: str = "") -> str:
    return f"https://t.me/c/{chat.id}/{post.numbers[0]}{more}"


async def settled(engine: Engine, url: str, **options: Any) -> Job:
    """The job, once it has ended or waits for something."""
    submitted = await engine.submit(Request(url=url, **options))
    async for _frame in engine.stream():
        job = await engine.job(submitted.job.id)
        if job.status.is_final or job.waiting_for is not None:
            return job
    raise AssertionError("the stream ended")


async def test_a_film_becomes_a_file_named_by_its_caption(telegram, friend, chat, run):
    post = telegram.post(
        friend,
        chat,
        "\n★\nOn patience\nsecond line",
        file=film(),
        mime_type="video/mp4",
        attributes=as_film(),
    )
    async with run() as engine:
        seen = await engine.preview(Request(url=link(chat, post)))
        job = await finish(engine, link(chat, post))
    assert (seen.title, seen.duration_s, seen.size_bytes) == ("On patience", 2.0, len(film()))
    assert job.status is JobStatus.COMPLETED, job.error_message
    assert (job.title, job.source_type) == ("On patience", "telegram")
    file = Path(job.file_path)
    assert file.parts[-3:] == ("telegram", "Lectures", "On patience.mp4")
    # A message is read once, for preview and download together.
    assert telegram.counts["channels.getMessages"] == 1
    assert telegram.counts["upload.getFile"] == 1


async def test_music_is_named_as_players_show_it(telegram, friend, chat, run):
    post = telegram.post(friend, chat, "listen", file=song(), mime_type="audio/mpeg", attributes=as_song())
    async with run() as engine:
        job = await finish(engine, link(chat, post))
        (item,) = (await engine.library("by:Sine")).items
    assert job.status is JobStatus.COMPLETED, job.error_message
    assert job.title == "Sine – Tone"
    assert item.artist == "Sine"


@pytest.mark.parametrize(
    ("make", "name", "mime_type", "attribute"),
    [
        (media.audio_mp3, "clip.mp3", "audio/mpeg", types.DocumentAttributeAudio(2, title="Tone")),
        (media.audio_m4a, "clip.m4a", "audio/mp4", types.DocumentAttributeAudio(2, performer="Sine")),
        (media.audio_opus, "clip.opus", "audio/ogg", types.DocumentAttributeAudio(2, voice=True)),
        (media.video_mp4, "clip.mp4", "video/mp4", types.DocumentAttributeVideo(2, 320, 180)),
    ],
)
async def test_what_plays_is_kept_as_it_was_sent(
    telegram, friend, chat, run, make, name, mime_type, attribute
):
    data = media.made_once(make, name).read_bytes()
    post = telegram.post(friend, chat, "one", file=data, mime_type=mime_type, attributes=[attribute])
    async with run() as engine:
        job = await finish(engine, link(chat, post))
    assert job.status is JobStatus.COMPLETED, job.error_message
    assert Path(str(job.file_path)).read_bytes() == data
    assert job.sha256 == hashlib.sha256(data).hexdigest()


async def test_a_preview_and_a_job_of_plain_files_are_named_by_the_file(telegram, friend, chat, run):
    named = [types.DocumentAttributeFilename("My lecture.mp3")]
    post = telegram.post(friend, chat, file=song(), mime_type="audio/mpeg", attributes=named)
    async with run() as engine:
        job = await finish(engine, link(chat, post))
    assert (job.status, job.title) == (JobStatus.COMPLETED, "My lecture")


async def test_a_length_that_its_sender_made_up_does_no_harm(telegram, friend, chat, run):
    post = telegram.post(friend, chat, "x", file=film(), mime_type="video/mp4", attributes=as_film(3600.0))
    async with run() as engine:
        job = await finish(engine, link(chat, post))
    assert job.status is JobStatus.COMPLETED, job.error_message
    assert job.duration_s == pytest.approx(2, abs=0.5)


async def test_chats_of_every_kind_can_be_read(telegram, account, friend, chat, client, run):
    channel = telegram.add_channel("News", friend, account, username="newsroom")
    group = telegram.add_group("Family", friend, account)
    links = []
    for number, where in enumerate((channel, group, friend)):
        post = telegram.post(
            friend,
            account if where is friend else where,
            f"part {number}",
            file=film() + bytes(number),
            mime_type="video/mp4",
            attributes=as_film(),
        )
        links.append(post)
    await client.get_dialogs()
    async with run() as engine:
        named = await finish(engine, f"https://t.me/newsroom/{links[0].numbers[0]}")
        grouped = await finish(engine, f"https://t.me/c/g{group.id}/{links[1].numbers[account.id]}")
        private = await finish(engine, f"https://t.me/c/u{friend.id}/{links[2].numbers[account.id]}")
    assert [job.title for job in (named, grouped, private)] == ["part 0", "part 1", "part 2"]
    folders = [Path(job.file_path).parts[-2] for job in (named, grouped, private)]
    assert folders == ["News", "Family", "Bob"]


async def test_an_album_is_a_list_and_its_caption_is_for_all(telegram, friend, chat, run):
    picture = telegram.files.keep(media.made_once(media.picture_jpeg, "p.jpg").read_bytes())
    picture.is_photo = True
    telegram.stamp(picture, "image/jpeg")
    first = telegram.post(friend, chat, "The journey", media=kept_media(picture), album=77)
    films = [
        telegram.post(
            friend, chat, file=film() + bytes(n), mime_type="video/mp4", attributes=as_film(), album=77
        )
        for n in range(2)
    ]
    telegram.post(friend, chat, "another", file=song(), mime_type="audio/mpeg", attributes=as_song())
    async with run() as engine:
        job = await finish(engine, link(chat, first))
        assert job.status is JobStatus.COMPLETED, job.error_message
        items = [
            await until(engine, each.id, JobStatus.COMPLETED, JobStatus.FAILED)
            for each in (await engine.jobs(JobQuery(group_id=job.group_id))).items
            if each.id != job.id
        ]
        assert [item.status for item in items] == [JobStatus.COMPLETED] * 2, items
        # The album was read by the list; its items had not to be.
        assert telegram.counts["channels.getMessages"] == 2
        # Only the film that the link is of.
        one = await finish(engine, link(chat, films[1], "?single"))
    assert job.title == "The journey"
    assert sorted(item.title for item in items) == ["The journey (1)", "The journey (2)"]
    assert one.title == "The journey (2)"


async def test_a_film_beside_a_picture_is_fetched_by_the_link_of_the_picture(telegram, friend, chat, run):
    picture = telegram.files.keep(media.made_once(media.picture_jpeg, "p.jpg").read_bytes())
    picture.is_photo = True
    telegram.stamp(picture, "image/jpeg")
    first = telegram.post(friend, chat, "Both", media=kept_media(picture), album=78)
    telegram.post(friend, chat, file=film(), mime_type="video/mp4", attributes=as_film(), album=78)
    async with run() as engine:
        job = await finish(engine, link(chat, first))
    assert (job.status, job.title) == (JobStatus.COMPLETED, "Both"), job.error_message


async def test_a_file_that_was_sent_twice_is_fetched_once(telegram, account, friend, chat, client, run):
    first = telegram.post(friend, chat, "here", file=film(), mime_type="video/mp4", attributes=as_film())
    again = telegram.post(friend, chat, "and again", media=first.media)
    async with run() as engine:
        one = await finish(engine, link(chat, first))
        other = await finish(engine, link(chat, again))
    assert telegram.counts["upload.getFile"] == 1
    assert one.id != other.id
    assert one.file_path == other.file_path
    assert other.status is JobStatus.COMPLETED


async def test_a_comment_is_found_in_the_group_of_its_channel(telegram, account, friend, client, run):
    channel = telegram.add_channel("News", friend, account, username="newsroom")
    group = telegram.add_supergroup("Talk", friend, account)
    channel.linked = group.id
    post = telegram.post(friend, channel, "what do you say?")
    source = types.PeerChannel(channel.id)
    head = types.MessageFwdHeader(post.date, from_id=source, channel_post=post.numbers[0])
    telegram.post(friend, group, "what do you say?", forwarded=head)
    said = telegram.post(friend, group, "this", file=film(), mime_type="video/mp4", attributes=as_film())
    url = f"https://t.me/newsroom/{post.numbers[0]}?comment={said.numbers[0]}"
    async with run() as engine:
        job = await finish(engine, url)
        lost = await finish(engine, "https://t.me/newsroom/1?comment=5")
    assert (job.status, job.title) == (JobStatus.COMPLETED, "this"), job.error_message
    assert lost.error_type == "NOT_FOUND"


REFUSED = {
    "https://t.me/+AbCdEf123": ("UNSUPPORTED_SOURCE", "Join it"),
    "https://t.me/joinchat/AbCdEf123": ("UNSUPPORTED_SOURCE", "Join it"),
    "https://t.me/newsroom": ("UNSUPPORTED_SOURCE", "reeldeck collect @newsroom"),
    "https://t.me/nobody_is_this/5": ("NOT_FOUND", "Check the name"),
    "https://t.me/c/424242/5": ("NOT_FOUND", "this account"),
}


@pytest.mark.parametrize("url", REFUSED)
async def test_what_cannot_be_read_says_what_to_do(chat, run, url):
    code, hint = REFUSED[url]
    async with run() as engine:
        job = await settled(engine, url)
    assert job.error_type == code, job.error_message
    assert hint in job.error_hint


async def test_messages_without_media_are_refused(telegram, friend, chat, run):
    text = telegram.post(friend, chat, "only words")
    paper = telegram.post(friend, chat, file=b"%PDF-1.4 words", mime_type="application/pdf")
    gone = telegram.post(friend, chat, "soon gone")
    telegram.delete(gone)
    async with run() as engine:
        jobs = [await settled(engine, link(chat, post)) for post in (text, paper, gone)]
    assert [job.error_type for job in jobs] == ["UNSUPPORTED_SOURCE", "UNSUPPORTED_SOURCE", "NOT_FOUND"]


async def test_a_chat_that_forbids_saving_is_obeyed_unless_its_owner_says_otherwise(
    telegram, friend, chat, client, run
):
    chat.noforwards = True
    await client.get_dialogs()
    post = telegram.post(friend, chat, "mine", file=film(), mime_type="video/mp4", attributes=as_film())
    async with run() as engine:
        refused = await settled(engine, link(chat, post))
    assert refused.error_type == "PROTECTED_CONTENT"
    assert "telegram.allow_protected" in refused.error_hint
    async with run(telegram={"allow_protected": True}) as engine:
        job = await finish(engine, link(chat, post))
    assert job.status is JobStatus.COMPLETED


async def test_without_an_account_a_job_waits(chat, run, source, monkeypatch):
    monkeypatch.setattr(source_module, "PATIENCE_S", 0.05)
    source.client = None
    async with run() as engine:
        job = await settled(engine, "https://t.me/newsroom/5")
    assert job.status is JobStatus.PENDING
    assert "reeldeck telegram login" in job.error_hint


async def test_a_job_has_patience_with_an_account_that_is_just_coming(
    telegram, friend, chat, client, run, source
):
    post = telegram.post(friend, chat, "x", file=film(), mime_type="video/mp4", attributes=as_film())
    source.client = None
    async with run() as engine:
        submitted = await engine.submit(Request(url=link(chat, post)))
        await until(engine, submitted.job.id, JobStatus.RUNNING)
        source.client = client
        job = await until(engine, submitted.job.id, JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.PENDING)
    assert (job.status, job.attempt) == (JobStatus.COMPLETED, 1)


async def test_an_old_reference_is_renewed_where_the_file_was_left(telegram, friend, chat, run):
    data = film() + bytes(3 * 2**20)
    post = telegram.post(friend, chat, "long", file=data, mime_type="video/mp4", attributes=as_film())
    async with run() as engine:
        await engine.preview(Request(url=link(chat, post)))
        telegram.expire_references()
        job = await finish(engine, link(chat, post))
    assert job.status is JobStatus.COMPLETED, job.error_message
    assert telegram.counts["channels.getMessages"] == 2


async def test_a_long_flood_parks_the_job_and_nobody_can_hurry_it(telegram, friend, chat, run):
    post = telegram.post(friend, chat, "x", file=film(), mime_type="video/mp4", attributes=as_film())
    async with run() as engine:
        telegram.flood("upload.getFile", 300)
        job = await settled(engine, link(chat, post))
        assert (job.status, job.error_type) == (JobStatus.PENDING, "FLOOD_WAIT")
        assert job.not_before > job.updated + 250
        await engine.retry(job.id)
        async for _frame in engine.stream():
            job = await engine.job(job.id)
            if job.attempt == 2 and job.waiting_for is not None:
                break
        assert job.error_type == "FLOOD_WAIT"
    assert telegram.counts["upload.getFile"] == 1
    assert telegram.script.impatient["upload.getFile"] == 0


async def test_a_short_flood_is_slept_through(telegram, friend, chat, run):
    post = telegram.post(friend, chat, "x", file=film(), mime_type="video/mp4", attributes=as_film())
    async with run(telegram={"flood_sleep_s": 5}) as engine:
        telegram.fail("upload.getFile", "FLOOD_WAIT_1")
        job = await finish(engine, link(chat, post))
    assert job.status is JobStatus.COMPLETED, job.error_message
    assert job.attempt == 1


async def test_a_download_goes_on_where_the_last_engine_left_it(telegram, friend, chat, run):
    data = film() + bytes(12 * 2**20)
    post = telegram.post(friend, chat, "long", file=data, mime_type="video/mp4", attributes=as_film())
    async with run() as engine:
        submitted = await engine.submit(Request(url=link(chat, post)))
        part = engine.settings.paths.tmp / str(submitted.job.id) / "0-muxed.part"
        await telegram.until(lambda: part.exists() and part.stat().st_size > 0)
    there = part.stat().st_size
    assert 0 < there < len(data)
    before = telegram.counts["upload.getFile"]
    async with run() as engine:
        job = await until(engine, submitted.job.id, JobStatus.COMPLETED, JobStatus.FAILED)
        events = {event.type: event.data for event in await engine.events(job.id)}
    assert job.status is JobStatus.COMPLETED, job.error_message
    assert events["DOWNLOAD_FINISHED"]["resumed_bytes"] == there
    parts = -(-(len(data) - there) // (512 * 1024))
    assert telegram.counts["upload.getFile"] - before == parts


async def test_a_cancelled_job_leaves_nothing(telegram, friend, chat, run):
    data = film() + bytes(12 * 2**20)
    post = telegram.post(friend, chat, "long", file=data, mime_type="video/mp4", attributes=as_film())
    async with run() as engine:
        submitted = await engine.submit(Request(url=link(chat, post)))
        folder = engine.settings.paths.tmp / str(submitted.job.id)
        await telegram.until(lambda: any(folder.glob("*.part")))
        await engine.cancel(submitted.job.id)
        await until(engine, submitted.job.id, JobStatus.CANCELLED)
        assert not folder.exists()
        assert not [each for each in engine.settings.paths.archive.rglob("*") if each.is_file()]


async def test_a_paused_job_goes_on_where_it_was(telegram, friend, chat, run):
    data = film() + bytes(12 * 2**20)
    post = telegram.post(friend, chat, "long", file=data, mime_type="video/mp4", attributes=as_film())
    async with run() as engine:
        submitted = await engine.submit(Request(url=link(chat, post)))
        part = engine.settings.paths.tmp / str(submitted.job.id) / "0-muxed.part"
        await telegram.until(lambda: part.exists() and part.stat().st_size > 0)
        await engine.pause(submitted.job.id)
        await until(engine, submitted.job.id, JobStatus.PAUSED)
        there = part.stat().st_size
        await engine.resume(submitted.job.id)
        job = await until(engine, submitted.job.id, JobStatus.COMPLETED, JobStatus.FAILED)
        finished = [each.data for each in await engine.events(job.id) if each.type == "DOWNLOAD_FINISHED"]
    assert job.status is JobStatus.COMPLETED, job.error_message
    assert finished[0]["resumed_bytes"] == there > 0


async def test_a_file_of_another_data_centre_comes_whole(tmp_path, telegram, friend, chat, run):
    telegram.files_dc = 4
    data = film() + bytes(2**20)
    post = telegram.post(friend, chat, "far", file=data, mime_type="video/mp4", attributes=as_film())
    async with run() as engine:
        job = await finish(engine, link(chat, post), out_dir=str(tmp_path))
    assert job.status is JobStatus.COMPLETED, job.error_message
    assert telegram.counts["auth.importAuthorization"] == 1


async def test_another_file_in_the_place_of_the_first_is_fetched_from_the_start(telegram, friend, chat, run):
    post = telegram.post(friend, chat, "one", file=film(), mime_type="video/mp4", attributes=as_film())
    async with run() as engine:
        await engine.preview(Request(url=link(chat, post)))
        telegram.expire_references()
        other = telegram.stamp(telegram.files.keep(song()), "audio/mpeg")
        other.attributes = as_song()
        telegram.edit(post, "two", media=kept_media(other))
        job = await finish(engine, link(chat, post))
    assert job.status is JobStatus.COMPLETED, job.error_message
    assert job.size_bytes < len(film())


@pytest.mark.parametrize("wanted", [Kind.AUDIO, Kind.VIDEO])
async def test_a_film_can_be_had_as_sound(telegram, friend, chat, run, wanted):
    post = telegram.post(friend, chat, "both", file=film(), mime_type="video/mp4", attributes=as_film())
    async with run() as engine:
        job = await finish(engine, link(chat, post), kind=wanted)
    assert job.status is JobStatus.COMPLETED, job.error_message
    assert Path(job.file_path).suffix == {Kind.AUDIO: ".m4a", Kind.VIDEO: ".mp4"}[wanted]


@pytest.mark.parametrize(
    "name", ["../../../etc/passwd", "\x1b]0;x\x07red", "\u202egpj.mp4", "[bold]x[/bold]", " . "]
)
async def test_hostile_captions_and_names_harm_nothing(telegram, friend, chat, run, name):
    attributes = [*as_film(), types.DocumentAttributeFilename(name)]
    post = telegram.post(friend, chat, name, file=film(), mime_type="video/mp4", attributes=attributes)
    async with run() as engine:
        job = await finish(engine, link(chat, post))
        root = engine.settings.paths.archive.resolve()
    assert job.status is JobStatus.COMPLETED, job.error_message
    file = Path(job.file_path)
    assert file.resolve() == file
    assert file.is_relative_to(root)
    assert file.parts[-3:-1] == ("telegram", "Lectures")
