"""What it is all for: somebody posts a link, and the film is there."""

from __future__ import annotations

import asyncio
import stat
import time
from pathlib import Path

import pytest
from telethon.tl import types

from core.media.faststart import read_layout
from tests.acceptance.telegram import lead_to, log_in
from tests.fakes.media import made_once, packets, video_mp4
from tests.fakes.telegram import FakeTelegram
from tests.fakes.telegram.fake import API_HASH

#: Seconds from a repeated link to the film.
AT_ONCE_S = 1.0


@pytest.fixture
async def telegram(tmp_path):
    async with FakeTelegram(tmp_path / "telegram") as running:
        yield running


def attribute(sent, kind):
    return next(each for each in sent.attributes if isinstance(each, kind))


@pytest.mark.timeout(120)
async def test_a_link_in_a_watched_topic_is_answered_with_its_film(reeldeck, origin, telegram, tmp_path):
    alice = telegram.add_user("Alice", username="alice", password="correct horse")
    bob = telegram.add_user("Bob", username="bob")
    forum = telegram.add_supergroup("Films", alice, bob, topics=["Trailers", "Chat"])
    trailers = next(number for number, title in forum.topics.items() if title == "Trailers")
    chat = next(number for number, title in forum.topics.items() if title == "Chat")
    origin.put("/film.mp4", made_once(video_mp4, "clip.mp4").read_bytes(), etag='"film"')
    link = origin.url("/film.mp4")

    lead_to(reeldeck, telegram)
    typist = await log_in(reeldeck, telegram, alice)
    assert "correct horse" not in typist.transcript
    assert stat.S_IMODE((reeldeck.home / "data" / "telegram.session").stat().st_mode) == 0o600

    async with reeldeck.serve():
        await telegram.until(lambda: telegram.counts["updates.getState"] > 0)
        watched = await reeldeck.run("telegram", "watch", f"t.me/c/{forum.id}/{trailers}")
        assert watched.code == 0, watched.err
        status = await reeldeck.run("telegram", "status")
        assert status.out == "online as Alice\n"

        ignored = telegram.post(bob, forum, f"nobody watches here: {link}", topic=chat)
        asked = telegram.post(bob, forum, f"this one, please: {link}", topic=trailers)
        await telegram.until(lambda: answers(telegram, alice, forum, asked), within_s=30)
        (answer,) = answers(telegram, alice, forum, asked)
        assert (answer.sender, answer.topic) == (alice.id, trailers)
        job = (await reeldeck.run("jobs", "--json")).rows[0]
        film = Path(job["file_path"])
        copy = tmp_path / "copy.mp4"
        copy.write_bytes(telegram.bytes_of(answer))
        assert packets(copy) == packets(film)
        assert read_layout(copy).is_faststart
        sent = telegram.state.files[telegram.file_id(answer)]
        video = attribute(sent, types.DocumentAttributeVideo)
        assert (round(video.duration), video.w, video.h) == (2, 320, 180)
        assert video.supports_streaming
        assert attribute(sent, types.DocumentAttributeFilename).file_name.endswith(".mp4")
        assert sent.mime_type == "video/mp4"
        assert sent.thumb
        # Taken, then done.
        await telegram.until(lambda: reacted(telegram, alice, asked) == ["👍"])
        assert not reacted(telegram, alice, ignored)

        uploads = telegram.counts["upload.saveFilePart"]
        began = time.monotonic()
        again = telegram.post(bob, forum, f"and again: {link}", topic=trailers)
        await telegram.until(lambda: answers(telegram, alice, forum, again))
        assert time.monotonic() - began < AT_ONCE_S
        (repeat,) = answers(telegram, alice, forum, again)
        assert telegram.file_id(repeat) == telegram.file_id(answer)
        assert telegram.counts["upload.saveFilePart"] == uploads

    log = (reeldeck.home / "data" / "logs" / "reeldeck.jsonl").read_text()
    for secret in ("correct horse", alice.phone, API_HASH):
        assert secret not in log
    assert len(answers(telegram, alice, forum, asked)) == 1


def answers(telegram, account, where, post):
    """The messages that answer another one."""
    return [each for each in telegram.posts(account, where) if each.reply_to == post.uid]


def reacted(telegram, account, post):
    """An account's reactions to a message."""
    chosen = telegram.state.posts[post.uid].reactions
    return [emoji for emoji, accounts in chosen.items() if account.id in accounts]


async def test_without_a_login_the_engine_works_and_says_what_is_missing(reeldeck, origin, telegram):
    lead_to(reeldeck, telegram)
    origin.put("/film.mp4", made_once(video_mp4, "clip.mp4").read_bytes())
    async with reeldeck.serve():
        got = await reeldeck.run("add", origin.url("/film.mp4"), "--wait")
        assert got.code == 0, got.err
        status = await reeldeck.run("telegram", "status")
        assert (status.code, status.out.splitlines()[0]) == (31, "login_needed: nobody has logged in yet")
        assert "reeldeck telegram login" in status.out
        async with asyncio.timeout(30):
            await log_in(reeldeck, telegram, telegram.add_user("Alice"))
            await telegram.until(lambda: telegram.counts["updates.getState"] > 1)
        refused = await reeldeck.run("telegram", "login")
        assert refused.code == 2
        assert "reeldeck stop" in refused.err
