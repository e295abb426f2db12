"""Collections of a chat's media, with the real engine that takes them."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from telethon import TelegramClient
from telethon.tl import types

from core.config.settings import Settings
from core.domain.errors import FloodWait, InvalidRequest, LimitReached, ProtectedContent
from core.domain.job import JobStatus
from core.domain.messenger import Collect, Collected
from core.domain.snapshot import JobQuery
from core.engine.engine import Engine
from core.links.identify import TELEGRAM_DOCUMENT
from tests.fakes import media
from tests.fakes.telegram import FakeTelegram
from tests.fakes.telegram.state import Account, Chat, Post
from userbot import collect, history
from userbot.collect import Collector
from userbot.source import TelegramSource


@pytest.fixture
def chat(telegram: FakeTelegram, account: Account, friend: Account) -> Chat:
    return telegram.add_supergroup("Lectures", friend, account, username="lectures")


@pytest.fixture
async def engine(make_settings: Callable[..., Settings], client: TelegramClient) -> AsyncIterator[Engine]:
    """An engine that knows Telegram and begins nothing: collections are looked at, not their files."""
    source = TelegramSource()
    made = Engine(make_settings(sources={"telegram": {"quiet_hours": "00:00-23:59"}}), more_sources=[source])
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
def run(client: TelegramClient, engine: Engine) -> Any:
    """`await run(limit=…)`: a collection's last figures."""

    async def collected(chat: str = "@lectures", **wanted: Any) -> Collected:
        *_, last = [each async for each in Collector(client=client, engine=engine).collect(
            Collect(chat=chat, **wanted)
        )]  # fmt: skip
        assert last.is_done
        return last

    return collected


@pytest.fixture
def post(telegram: FakeTelegram, friend: Account, chat: Chat) -> Callable[..., Post]:
    """`post("film", "caption")`: a message with a tiny file that says that it is one."""
    kinds: dict[str, tuple[str, list[Any]]] = {
        "film": ("video/mp4", [types.DocumentAttributeVideo(5, 320, 180)]),
        "song": ("audio/mpeg", [types.DocumentAttributeAudio(5)]),
        "voice": ("audio/ogg", [types.DocumentAttributeAudio(5, voice=True)]),
        "file": ("video/x-matroska", []),
        "paper": ("application/pdf", []),
    }

    def send(kind: str = "film", text: str = "", *, name: str = "", **fields: Any) -> Post:
        mime_type, attributes = kinds[kind]
        if name:
            attributes = [*attributes, types.DocumentAttributeFilename(name)]
        return telegram.post(
            friend, chat, text, file=b"x" * 100, mime_type=mime_type, attributes=attributes, **fields
        )

    return send


async def links(engine: Engine) -> set[int]:
    """The numbers of the messages that became jobs."""
    found = set()
    after = None
    while True:
        page = await engine.jobs(JobQuery(limit=500, after=after))
        found |= {int(job.url.partition("?")[0].rpartition("/")[2]) for job in page.items}
        if (after := page.next) is None:
            return found


def number(sent: Post) -> int:
    return sent.numbers[0]


async def test_films_and_music_become_jobs_that_let_others_go_first(
    telegram, friend, chat, post, run, engine
):
    wanted = [post("film", "one"), post("song", "two")]
    post("voice"), post("file"), post("paper")
    telegram.post(friend, chat, "words")
    done = await run()
    assert (done.seen, done.found, done.added, done.joined) == (2, 2, 2, 0)
    assert done.size_bytes == 200
    assert set(done.sample) == {"one", "two"}
    assert await links(engine) == {number(each) for each in wanted}
    job = (await engine.jobs(JobQuery())).items[0]
    assert job.url.startswith("https://t.me/lectures/")
    assert (job.source_type, job.priority) == ("telegram", collect.PRIORITY)


async def test_only_the_types_that_are_asked_for_are_looked_at(post, run, engine):
    kinds = {kind: number(post(kind)) for kind in ("film", "song", "voice", "file", "paper")}
    await run(types=frozenset({"voice", "document"}))
    assert await links(engine) == {kinds["voice"], kinds["file"]}


@pytest.mark.parametrize(("name", "hint"), [("photo", "audio"), ("poem", "audio")])
async def test_other_types_are_refused(run, engine, chat, name, hint):
    with pytest.raises(InvalidRequest) as refused:
        await run(types=frozenset({name}))
    assert hint in refused.value.hint


async def test_the_newest_come_first_and_the_next_run_goes_on_both_ways(post, run, engine):
    old = [number(post()) for _ in range(7)]
    first = await run(limit=3)
    assert (first.found, first.added) == (3, 3)
    assert await links(engine) == set(old[4:])
    new = [number(post()) for _ in range(2)]
    # What came meanwhile, and then what is older.
    second = await run(limit=4)
    assert (second.seen, second.added) == (4, 4)
    assert await links(engine) == {*old[2:], *new}
    third = await run()
    assert (third.seen, third.added) == (2, 2)
    assert (await run()).seen == 0
    assert await links(engine) == {*old, *new}


async def test_it_goes_on_after_a_run_that_was_broken_off(post, run, engine, client, monkeypatch):
    monkeypatch.setattr(collect, "LOT", 4)
    numbers = {number(post()) for _ in range(20)}
    figures = Collector(client=client, engine=engine).collect(Collect(chat="@lectures"))
    async for each in figures:
        if each.added:
            break
    await figures.aclose()
    assert len(await links(engine)) == 4
    more = {number(post()) for _ in range(6)}
    done = await run()
    assert (done.seen, done.joined) == (22, 0)
    assert await links(engine) == numbers | more


async def test_a_message_becomes_one_job_whatever_is_asked_for(post, run, engine):
    for _ in range(3):
        post("film", "the same words")
    assert (await run()).added == 3
    again = await run(grep="same")
    assert (again.found, again.added, again.joined) == (3, 0, 3)


async def test_long_chats_are_read_page_by_page(telegram, post, run, engine, monkeypatch):
    monkeypatch.setattr(history, "PAGE", 10)
    films = {number(post("film" if n % 3 else "song")) for n in range(45)}
    assert (await run(limit=20)).found == 20
    films |= {number(post("film" if n % 2 else "song")) for n in range(25)}
    assert (await run()).found == 50
    assert await links(engine) == films


async def test_dates_bound_a_collection(telegram, post, run, engine):
    posts = []
    for each in telegram.state.posts.values():
        each.date -= 86_400 * 30  # the chat was made before
    for day in range(6):
        posts.append(post())
        posts[-1].date = int(time.time()) - 86_400 * (6 - day)
    since, until = posts[2].date, posts[4].date
    between = await run(since=float(since), until=float(until))
    assert between.found == 2
    assert await links(engine) == {number(each) for each in posts[2:4]}
    assert (await run(since=float(since))).found == 4
    # Nothing that was left out is forgotten.
    assert (await run()).found == 2
    assert await links(engine) == set(map(number, posts))


async def test_what_a_date_leaves_out_is_found_by_the_next_run(post, run, engine):
    first = post()
    await run()
    posts = [post() for _ in range(4)]
    for hours, each in enumerate(reversed(posts)):
        each.date -= hours * 3600
    assert (await run(since=float(posts[2].date))).found == 2
    assert (await run()).found == 4
    assert await links(engine) == {number(each) for each in (first, *posts)}


@pytest.mark.parametrize(
    ("words", "found"),
    [("patience", {0, 2}), ("on PATIENCE", {0}), ("الصبر", {1}), ("lesson", {2, 3}), ("nothing here", set())],
)
async def test_words_are_found_in_captions_and_names(post, run, engine, words, found):
    posts = [
        post("film", "On Patience"),
        post("song", "شَرْحُ الصَّبْرِ"),
        post("film", "patience, part 2", name="lesson2.mp4"),
        post("file", "", name="Lesson-3.mkv"),
    ]
    await run(grep=words, types=frozenset({"audio", "video", "document"}))
    assert await links(engine) == {number(posts[each]) for each in found}


async def test_an_albums_caption_holds_for_all_of_it(telegram, friend, chat, post, run, engine):
    telegram.post(friend, chat, "The journey", album=5)  # where a picture would be
    album = [post("film", album=5) for _ in range(3)]
    captioned = [post("film", "Another journey", album=6), post("film", album=6)]
    post("film", "no")
    done = await run(grep="journey")
    assert done.found == 5
    assert await links(engine) == {number(each) for each in (*album, *captioned)}
    assert set(done.sample) == {
        *(f"The journey ({n})" for n in (1, 2, 3)), "Another journey", "Another journey (2)",
    }  # fmt: skip


async def test_a_topic_is_collected_alone(telegram, account, friend, client, engine, run):
    forum = telegram.add_supergroup("Forum", friend, account, username="theforum", topics=["Films"])
    topic = next(each for each in forum.topics if each != 1)
    film = [types.DocumentAttributeVideo(5, 320, 180)]
    inside = telegram.post(friend, forum, file=b"x", mime_type="video/mp4", attributes=film, topic=topic)
    telegram.post(friend, forum, file=b"x", mime_type="video/mp4", attributes=film)
    assert (await run("@theforum", topic_id=topic)).found == 1
    assert await links(engine) == {number(inside)}
    # The whole forum is a collection of its own.
    whole = await run("@theforum")
    assert (whole.added, whole.joined) == (1, 1)


async def test_a_dry_run_changes_nothing(post, run, engine):
    for n in range(5):
        post("film", f"film {n}")
    dry = await run(dry_run=True)
    assert (dry.found, dry.size_bytes, dry.added) == (5, 500, 0)
    assert list(dry.sample) == [f"film {n}" for n in (4, 3, 2, 1, 0)]
    assert await links(engine) == set()
    assert (await run()).added == 5
    assert (await run(dry_run=True)).found == 0


async def test_chats_without_links_of_their_own_are_collected_too(
    telegram, account, friend, client, engine, run
):
    group = telegram.add_group("Family", friend, account)
    film = [types.DocumentAttributeVideo(5, 320, 180)]
    for where in (group, account):
        telegram.post(friend, where, file=b"x", mime_type="video/mp4", attributes=film)
    await client.get_dialogs()
    await run(str(-group.id))
    await run(str(friend.id))
    urls = {job.url.rpartition("/")[0] for job in (await engine.jobs(JobQuery())).items}
    assert urls == {f"https://t.me/c/g{group.id}", f"https://t.me/c/u{friend.id}"}


@pytest.mark.parametrize("name", ["@nobody_is_this", "-1009999999", "https://example.org/x"])
async def test_a_chat_that_there_is_not_is_refused(run, engine, chat, name):
    with pytest.raises(InvalidRequest):
        await run(name)


async def test_a_chat_that_forbids_saving_is_refused_as_a_whole(post, chat, client, engine, run):
    post()
    chat.noforwards = True
    with pytest.raises(ProtectedContent) as refused:
        await run()
    assert "telegram.allow_protected" in str(refused.value.hint)
    assert (await run(dry_run=True)).found == 1
    assert await links(engine) == set()
    allowed = Collector(client=client, engine=engine, allow_protected=True)
    *_, last = [each async for each in allowed.collect(Collect(chat="@lectures"))]
    assert last.added == 1


async def test_a_bot_is_told_that_it_cannot(telegram, engine, tmp_path):
    bot = telegram.add_bot("Robot")
    client = telegram.client(tmp_path / "bot.session")
    await telegram.log_in(client, bot)
    with pytest.raises(InvalidRequest, match="bot"):
        await anext(Collector(client=client, engine=engine).collect(Collect(chat="@lectures")))
    await client.disconnect()


async def test_short_waits_are_waited_for(telegram, post, run):
    post()
    telegram.fail("messages.search", "FLOOD_WAIT_1")
    assert (await run()).found == 1


async def test_a_long_wait_ends_the_run_and_loses_nothing(
    telegram, account, post, run, engine, client, tmp_path
):
    numbers = {number(post()) for _ in range(6)}
    await run(limit=2)
    telegram.fail("messages.search", "FLOOD_WAIT_3000")
    with pytest.raises(FloodWait) as told:
        await run()
    assert told.value.retry_after_s == 3000
    # Telethon keeps to the wait by itself as well; another login of the account does not know of it.
    other = telegram.client(tmp_path / "other.session")
    await telegram.log_in(other, account)
    *_, last = [
        each async for each in Collector(client=other, engine=engine).collect(Collect(chat="@lectures"))
    ]
    await other.disconnect()
    assert (last.added, last.joined) == (4, 0)
    assert await links(engine) == numbers


async def test_a_full_queue_ends_the_run_and_loses_nothing(post, client, make_settings, monkeypatch):
    monkeypatch.setattr(collect, "LOT", 2)
    numbers = {number(post()) for _ in range(6)}
    sections = {"sources": {"telegram": {"quiet_hours": "00:00-23:59"}}}
    for most in (3, 100):
        engine = Engine(
            make_settings(limits={"max_queue_length": most}, **sections), more_sources=[TelegramSource()]
        )
        await engine.start()
        collector = Collector(client=client, engine=engine)
        if most == 3:
            with pytest.raises(LimitReached):
                [each async for each in collector.collect(Collect(chat="@lectures"))]
            assert len(await links(engine)) == 3
        else:
            *_, last = [each async for each in collector.collect(Collect(chat="@lectures"))]
            assert (last.added, last.joined) == (3, 1)
            assert await links(engine) == numbers
        await engine.stop()


async def test_what_was_collected_is_fetched_without_asking_again(
    telegram, chat, friend, client, make_settings
):
    film = media.made_once(media.video_mp4, "clip.mp4").read_bytes()
    for n in range(5):
        telegram.post(
            friend, chat, f"film {n}", file=film + bytes(n), mime_type="video/mp4",
            attributes=[types.DocumentAttributeVideo(2, 320, 180)],
        )  # fmt: skip
    source = TelegramSource()
    source.client = client
    engine = Engine(make_settings(), more_sources=[source])
    await engine.start()
    collector = Collector(client=client, engine=engine, keep=source.keep)
    *_, last = [each async for each in collector.collect(Collect(chat="@lectures"))]
    assert len(last.jobs) == 5
    # They are known by their documents from the start: a document that is in two messages is one job.
    known = {(await engine.job(job_id)).media_id for job_id in last.jobs}
    assert len(known) == 5
    assert all(str(each).startswith(f"telegram:{TELEGRAM_DOCUMENT}") for each in known)
    async for _frame in engine.stream():
        jobs = [await engine.job(job_id) for job_id in last.jobs]
        if all(job.status.is_final for job in jobs):
            break
    await engine.stop()
    assert {(job.status, job.title) for job in jobs} == {(JobStatus.COMPLETED, f"film {n}") for n in range(5)}
    assert telegram.counts["channels.getMessages"] == 0
