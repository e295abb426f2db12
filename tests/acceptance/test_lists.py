"""Links that hold many, through the shipped program: looked at, expanded, killed, taken up again."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
from collections.abc import AsyncIterator

import pytest

from tests.acceptance.program import Program
from tests.fakes.archive_org import SCRAPE, ArchiveOrg, upload
from tests.fakes.media import audio_mp3, made_once

ITEMS = 1500


@pytest.fixture
async def archive() -> AsyncIterator[ArchiveOrg]:
    async with ArchiveOrg() as running:
        yield running


@pytest.fixture
def collection(archive: ArchiveOrg, reeldeck: Program) -> str:
    """The link of a collection, none of whose items is there."""
    reeldeck.env["REELDECK_SOURCES__ARCHIVE_ORG__BASE"] = archive.base
    reeldeck.env["REELDECK_LIMITS__MAX_PLAYLIST_ITEMS"] = str(ITEMS)
    archive.add_collection(
        "talks", [(f"talk-{number}", f"Talk {number}", "audio") for number in range(2000)], title="All talks"
    )
    return f"{archive.base}/details/talks"


async def test_info_shows_a_link_without_an_engine_and_downloads_nothing(reeldeck, archive):
    reeldeck.env["REELDECK_SOURCES__ARCHIVE_ORG__BASE"] = archive.base
    tone = made_once(audio_mp3, "tone.mp3").read_bytes()
    archive.add("talk", [upload("talk.mp3", tone, length="2.0", format="VBR MP3")], title="A talk")
    answer = await reeldeck.run("info", f"{archive.base}/details/talk")
    assert answer.code == 0, answer.err
    lines = answer.out.splitlines()
    assert lines[:2] == ["title    A talk", "source   archive_org"]
    assert lines[-1].split() == ["*", "talk.mp3", "sound", "mp3", *lines[-1].split()[4:]]
    assert not archive.front.asked("/download/talk/talk.mp3")
    (row,) = (await reeldeck.run("info", f"{archive.base}/details/talk", "--json")).rows
    assert (row["title"], row["formats"][0]["note"]) == ("A talk", "VBR MP3")


async def test_info_tells_how_many_items_a_link_holds_and_how_many_are_taken(reeldeck, collection):
    answer = await reeldeck.run("info", collection)
    assert f"items    2000; the first {ITEMS} would become jobs" in answer.out
    assert answer.out.splitlines()[-1].endswith("and 1980 more")


async def test_get_asks_for_many_links_together(reeldeck, origin):
    tone = made_once(audio_mp3, "tone.mp3").read_bytes()
    for number in range(6):
        origin.put(f"/{number}.mp3", tone)
    answer = await reeldeck.run("get", *(origin.url(f"/{number}.mp3") for number in range(6)))
    assert answer.code == 0, answer.err
    assert len(answer.out.splitlines()) == 6


@pytest.mark.timeout(120)
async def test_an_expansion_survives_kill_9_and_doubles_nothing(reeldeck, archive, collection):
    def items() -> list[str]:
        with sqlite3.connect(reeldeck.database) as database:
            rows = database.execute("SELECT url FROM jobs WHERE url LIKE '%/details/talk-%'").fetchall()
        database.close()
        return [url for (url,) in rows]

    async with reeldeck.serve() as engine:
        (added,) = (await reeldeck.run("add", collection, "--json")).rows
        await archive.front.wait_for_requests(SCRAPE, 2)
        async with asyncio.timeout(20):
            while not items():
                await asyncio.to_thread(lambda: None)
        engine.send_signal(signal.SIGKILL)
        await engine.wait()
    before = len(items())
    assert 0 < before < ITEMS
    async with reeldeck.serve():
        await reeldeck.until(added["job"]["id"], status="COMPLETED")
    assert len(items()) == len(set(items())) == ITEMS
    assert len(archive.front.asked(SCRAPE)) == 2, "the collection was read once"
