"""Lists of a loopback archive.org, through the real engine: how many items, and which are taken."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import parse_qs

import pytest

from core.domain.errors import ParserFailure, RateLimited, UnsupportedSource
from core.domain.job import JobStatus, Kind, Request
from core.domain.snapshot import JobQuery
from core.sources.archive_org.collection import Member, parse_members
from tests.fakes.archive_org import SCRAPE, ArchiveOrg, upload
from tests.fakes.origin import Fault
from tests.integration.conftest import finish


@pytest.fixture
async def archive() -> AsyncIterator[ArchiveOrg]:
    async with ArchiveOrg() as running:
        yield running


@pytest.fixture
def run(run_engine, archive):
    """`async with run(limit) as engine` against the replica."""
    return lambda limit=300: run_engine(
        sources={"archive_org": {"base": archive.base}}, limits={"max_playlist_items": limit}
    )


def items(count, mediatype="audio"):
    return [(f"{mediatype}-{number}", f"Number {number}", mediatype) for number in range(count)]


def asked(archive):
    """The questions about members: how many were wanted, and from where."""
    queries = [parse_qs(seen.query) for seen in archive.front.asked(SCRAPE)]
    return [(int(query["count"][0]), query.get("cursor", ["0"])[0]) for query in queries]


async def test_a_collection_is_previewed_with_its_size_and_what_of_it_is_taken(archive, run):
    archive.add_collection("talks", items(1200), title="All talks")
    async with run() as engine:
        seen = await engine.preview(Request(url=f"{archive.base}/details/talks"))
    assert (seen.title, seen.entries, seen.taken) == ("All talks", 1200, 300)
    assert list(seen.sample[:2]) == ["Number 0", "Number 1"]
    assert asked(archive) == [(300, "0")]


async def test_a_collection_becomes_a_job_for_each_item_up_to_the_limit(archive, run):
    archive.add_collection("talks", items(150), title="All talks")
    async with run(120) as engine:
        parent = await finish(engine, f"{archive.base}/details/talks")
        assert parent.status is JobStatus.COMPLETED, parent.error_message
        group = await engine.group(parent.group_id)
        assert (group["total"], group["title"]) == (120, "All talks")
        children = (await engine.jobs(JobQuery(group_id=parent.group_id, limit=500))).items
        assert sum(job.id != parent.id for job in children) == 120
        assert {job.source_type for job in children} == {"archive_org"}


async def test_a_collection_is_read_page_by_page_and_no_further_than_needed(archive, run):
    archive.add_collection("talks", items(5000))
    async with run(1100) as engine:
        seen = await engine.preview(Request(url=f"{archive.base}/details/talks"))
    assert (seen.entries, seen.taken) == (5000, 1100)
    assert asked(archive) == [(1000, "0"), (100, "1000")]


@pytest.mark.parametrize(
    ("kind", "found"), [(Kind.AUDIO, 2), (Kind.VIDEO, 3), (Kind.AUTO, 5)], ids=["audio", "video", "auto"]
)
async def test_only_items_with_what_is_wanted_are_taken(archive, run, kind, found):
    archive.add_collection("mixed", [*items(1), *items(1, "etree"), *items(3, "movies"), *items(4, "texts")])
    async with run() as engine:
        seen = await engine.preview(Request(url=f"{archive.base}/details/mixed", kind=kind))
    assert (seen.entries, seen.taken) == (found, found)


async def test_a_collection_without_media_is_unsupported_and_a_busy_site_says_when(archive, run):
    archive.add_collection("books", items(3, "texts"))
    archive.add_collection("films", items(3, "movies"))
    async with run() as engine:
        with pytest.raises(UnsupportedSource, match="in the collection books"):
            await engine.preview(Request(url=f"{archive.base}/details/books"))
        with pytest.raises(UnsupportedSource, match="nothing to hear"):
            await engine.preview(Request(url=f"{archive.base}/details/films", kind=Kind.AUDIO))
        archive.front.resource(SCRAPE).fail(Fault(status=429, retry_after="7"))
        with pytest.raises(RateLimited) as refused:
            await engine.preview(Request(url=f"{archive.base}/details/films"))
    assert refused.value.retry_after_s == 7


async def test_an_item_of_thousands_of_files_is_capped_and_says_how_many_it_has(archive, run):
    archive.add("many", [upload(f"{number:04}.mp3", track=str(number)) for number in range(3000)])
    async with run() as engine:
        seen = await engine.preview(Request(url=f"{archive.base}/details/many"))
    assert (seen.entries, seen.taken, seen.sample[0]) == (3000, 300, "0000")


async def test_the_files_of_an_item_can_be_chosen_from(archive, run):
    archive.add("talk", [upload("talk.flac", b"x" * 30, length="10"), upload("talk.mp3", b"x" * 10)])
    async with run() as engine:
        seen = await engine.preview(Request(url=f"{archive.base}/details/talk"))
        assert [(each.id, each.size_bytes, each.is_chosen) for each in seen.formats] == [
            ("talk.flac", 30, True),
            ("talk.mp3", 10, False),
        ]
        again = await engine.preview(Request(url=f"{archive.base}/details/talk", format="talk.mp3"))
    assert [each.is_chosen for each in again.formats] == [False, True]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<html>", "no JSON"),
        ('{"error": "bad query"}', "no list of `items`"),
        ("[]", "no list of `items`"),
        ('{"items": [{"title": "x"}, 5]}', "has an `identifier`"),
    ],
)
def test_an_answer_of_another_shape_says_what_is_missing(text, words):
    with pytest.raises(ParserFailure, match=words):
        parse_members(text)


def test_entries_that_cannot_be_part_of_a_link_are_left_out():
    found = parse_members(
        '{"items": [{"identifier": "../x"}, {"identifier": "a-b.c", "title": ["T"]}], "total": "9"}'
    )
    assert found.items == (Member("a-b.c", "T"),)
    assert (found.total, found.cursor) == (9, None)
