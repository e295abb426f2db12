"""`reeldeck collect` as people use it: the shipped program, a real login, a chat full of films."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from telethon.tl import types

from tests.acceptance.telegram import lead_to, log_in
from tests.fakes.media import audio_mp3, made_once, video_mp4
from tests.fakes.telegram import FakeTelegram


@pytest.fixture
async def telegram(tmp_path):
    async with FakeTelegram(tmp_path / "telegram") as running:
        yield running


@pytest.mark.timeout(120)
async def test_a_chats_media_are_fetched_once_and_the_next_run_goes_on(reeldeck, telegram):
    alice, bob = telegram.add_user("Alice"), telegram.add_user("Bob")
    channel = telegram.add_channel("Lectures", bob, alice, username="lectures")
    film = made_once(video_mp4, "clip.mp4").read_bytes()
    song = made_once(audio_mp3, "clip.mp3").read_bytes()

    def send(number):
        telegram.post(
            bob, channel, f"Lecture {number}", file=film + bytes(number), mime_type="video/mp4",
            attributes=[types.DocumentAttributeVideo(2, 320, 180)],
        )  # fmt: skip

    for number in range(5):
        send(number)
    music = [types.DocumentAttributeAudio(2, title="Tone", performer="Sine")]
    telegram.post(bob, channel, file=song, mime_type="audio/mpeg", attributes=music)
    lead_to(reeldeck, telegram)

    await log_in(reeldeck, telegram, alice)

    async with reeldeck.serve():
        async with asyncio.timeout(30):
            async with reeldeck.client() as client:
                while ((await client.status())["telegram"] or {}).get("state") != "online":
                    pass
        assert (await reeldeck.run("telegram", "status")).out == "online as Alice\n"

        dry = await reeldeck.run("collect", "@lectures", "--dry-run", "--type", "video", "--limit", "2")
        assert dry.out.splitlines()[:2] == ["Lecture 4", "Lecture 3"], dry.err
        assert not (await reeldeck.run("jobs", "--json")).rows

        first = await reeldeck.run("collect", "https://t.me/lectures", "--limit", "3", "--wait")
        assert first.code == 0, first.err
        assert first.out.endswith("3 new jobs, 0 known\n")
        files = {Path(row["file_path"]).name for row in (await reeldeck.run("jobs", "--json")).rows}
        assert files == {"Sine – Tone.mp3", "Lecture 4.mp4", "Lecture 3.mp4"}

        send(5)
        rest = await reeldeck.run("collect", "@lectures", "--wait", "--json")
        assert rest.rows[0]["seen"] == 0
        ended = [row["job"] for row in rest.rows if "job" in row]
        assert sorted(job["title"] for job in ended) == [f"Lecture {n}" for n in (0, 1, 2, 5)]
        assert {job["status"] for job in ended} == {"COMPLETED"}

        nobody = await reeldeck.run("collect", "@nobody_is_this")
        assert (nobody.code, nobody.out) == (2, "")
        # A link of one message, by hand.
        one = await reeldeck.run("add", "https://t.me/lectures/2", "--wait", "--json")
        assert one.rows[0]["job"]["title"] == "Lecture 0"
        assert one.rows[0]["job"]["file_path"] in {job["file_path"] for job in ended}


async def test_without_an_account_it_says_how_to_get_one(reeldeck, telegram):
    async with reeldeck.serve():
        off = await reeldeck.run("collect", "@lectures")
    assert off.code == 2
    assert "reeldeck setup" in off.err
    lead_to(reeldeck, telegram)
    async with reeldeck.serve():
        logged_out = await reeldeck.run("collect", "@lectures")
    assert logged_out.code != 0
    assert "reeldeck telegram" in logged_out.err


@pytest.mark.timeout(120)
async def test_a_killed_engine_goes_on_where_it_was(reeldeck, telegram):
    alice, bob = telegram.add_user("Alice"), telegram.add_user("Bob")
    channel = telegram.add_channel("Lectures", bob, alice, username="lectures")
    film = made_once(video_mp4, "clip.mp4").read_bytes() + bytes(16 * 2**20)
    sent = [types.DocumentAttributeVideo(2, 320, 180)]
    post = telegram.post(bob, channel, "Long", file=film, mime_type="video/mp4", attributes=sent)
    lead_to(reeldeck, telegram)
    await log_in(reeldeck, telegram, alice)
    telegram.latency_s = 0.05
    link = f"https://t.me/lectures/{post.numbers[0]}"
    async with reeldeck.serve() as engine:
        job_id = (await reeldeck.run("add", link, "--json")).rows[0]["job"]["id"]
        part = reeldeck.home / "data" / "tmp" / str(job_id) / "0-muxed.part"
        await telegram.until(lambda: part.exists() and part.stat().st_size > 0, within_s=60)
        engine.kill()
        await engine.wait()
    there, asked = part.stat().st_size, telegram.counts["upload.getFile"]
    assert 0 < there < len(film)
    async with reeldeck.serve():
        ended = await reeldeck.run("add", link, "--wait", "--json")
    assert ended.rows[0]["job"]["status"] == "COMPLETED", ended.rows
    assert telegram.counts["upload.getFile"] - asked == -(-(len(film) - there) // (512 * 1024))
