"""Tags of the library's files: given, found, counted, over the socket."""

from __future__ import annotations

import pytest

from core.client.http import HttpEngineClient
from core.domain.errors import InvalidRequest, NoSuchEntry
from core.domain.library import TagCount
from core.domain.tags import MAX_TAG_CHARS, MAX_TAGS, checked_tag, tag_key
from core.engine.library import LibraryDesk
from tests.fakes.api import plain_client, serving
from tests.fakes.engine import FakeEngine
from tests.fakes.media import audio_mp3, made_once
from tests.fakes.stored import opened
from tests.integration.conftest import finish
from tests.integration.test_library_search import done, titles


@pytest.fixture
async def store(tmp_path):
    async with opened(tmp_path / "data") as running:
        yield running


def test_spellings_of_one_tag_have_one_key() -> None:
    for same in (("Live  Session", "#live-session", "LIVE session"), ("مُحَاضَرَة", "محاضره")):
        assert len(set(map(tag_key, same))) == 1
    assert checked_tag("  #Café  noir ") == "Café noir"


@pytest.mark.parametrize(
    "name", ["", " ", "#", "&", "a,b", "a\x1b[31m", "a\u202eb", "a\x00", "x" * (MAX_TAG_CHARS + 1), "ﷺ" * 9]
)
def test_what_cannot_be_a_tag_is_refused(name: str) -> None:
    with pytest.raises(InvalidRequest):
        checked_tag(name)


async def test_items_are_found_by_their_tags_and_no_longer_once_these_are_taken(store) -> None:
    desk = LibraryDesk(store)
    for title in ("One", "Two", "Three"):
        await done(store, title)
    item = await store.tags.change(1, add=["Live Session", "محاضرة"], remove=[])
    assert item.tags == ("Live Session", "محاضرة")
    await store.tags.change(2, add=["live session", "quiet"], remove=["nothing"])
    assert (await store.library.get(2)).tags == ("Live Session", "quiet"), "as it was first written"
    for query, found in (
        ('tag:"LIVE session"', ["Two", "One"]),
        ("tag:live-session one", ["One"]),
        ("tag:quiet,محاضره", ["Two", "One"]),
        ("-tag:live-session", ["Three"]),
        ("quiet", ["Two"]),
        ("tag:live", []),
    ):
        assert await titles(desk, query) == found, query
    assert await store.tags.all() == [
        TagCount("Live Session", 2),
        TagCount("quiet", 1),
        TagCount("محاضرة", 1),
    ]
    await store.tags.change(1, add=[], remove=["Live-Session"])
    await store.tags.change(2, add=["Quiet"], remove=["live session"])
    assert await titles(desk, "tag:live-session") == []
    assert [tag.name for tag in await store.tags.all()] == ["quiet", "محاضرة"]
    await store.check()


async def test_tags_outlive_a_new_title_and_a_new_content_and_go_with_the_file(store) -> None:
    desk = LibraryDesk(store)
    job = await done(store, "Old", file_path="/archive/a.mp4")
    await store.tags.change(1, add=["kept"], remove=[])
    await store.jobs.amend(job.id, now=1.0, title="New")
    await done(store, "Newer", name="again", file_path="/archive/a.mp4", sha256="other")
    assert await titles(desk, "newer tag:kept") == ["Newer"]
    await done(store, "Copy", name="copy", sha256="other")
    (copy,) = (await desk.search("copy", limit=5, after=None)).items
    await store.tags.change(copy.id, add=["extra"], remove=[])
    await store.copies.merge(copy.id, into=await store.library.get(1), now=1.0)
    assert (await store.library.get(1)).tags == ("extra", "kept"), "one file stands for both"
    assert await store.tags.all() == [TagCount("extra", 1), TagCount("kept", 1)]


async def test_what_a_search_finds_is_counted_by_its_properties(store, monkeypatch) -> None:
    desk = LibraryDesk(store)
    for number in range(4):
        await done(store, f"Talk {number}", duration_s=float(60 * number))
        await store.tags.change(number + 1, add=["even" if number % 2 == 0 else "odd", "all"], remove=[])
    found = await desk.facets("talk duration>=1m")
    assert (found.counted, found.is_all) == (3, True)
    assert (found.tag, found.kind) == ({"all": 3, "odd": 2, "even": 1}, {"video": 3})
    assert (await desk.facets("tag:odd -talk")).counted == 0
    assert (await desk.facets("duration>2h duration<1h")).counted == 0
    monkeypatch.setattr("core.store.library.FACETED", 2)
    found = await desk.facets("")
    assert (found.counted, found.is_all, found.tag["all"]) == (2, False, 2)


async def test_too_many_tags_are_refused_and_nothing_changes(store) -> None:
    await done(store, "One")
    await store.tags.change(1, add=[f"t{number}" for number in range(MAX_TAGS)], remove=[])
    with pytest.raises(InvalidRequest, match="at most"):
        await store.tags.change(1, add=["more"], remove=[])
    assert (await store.tags.change(1, add=["more"], remove=["t0"])).tags[0] == "more"
    with pytest.raises(NoSuchEntry):
        await store.tags.change(9, add=["a"], remove=[])


async def test_a_file_is_tagged_over_the_socket(origin, run_engine, tmp_path) -> None:
    origin.put("/talk.mp3", made_once(audio_mp3, "tone.mp3").read_bytes())
    async with run_engine() as engine, serving(engine, tmp_path) as server:
        await finish(engine, origin.url("/talk.mp3"))
        client = HttpEngineClient(server.path)
        try:
            item = await client.tag_item(1, add=["To hear"])
            assert [each.tags for each in (await client.library("tag:to-hear")).items] == [item.tags]
            assert await client.tags() == [TagCount("To hear", 1)]
            assert (await client.tag_item(1, remove=["to hear"])).tags == ()
            with pytest.raises(InvalidRequest):
                await client.tag_item(1, add=["a,b"])
            facets = await client.facets("kind:audio")
            assert (facets.counted, facets.kind, facets.source) == (1, {"audio": 1}, {"direct": 1})
        finally:
            await client.close()


async def test_bodies_with_other_things_are_refused(tmp_path) -> None:
    async with serving(FakeEngine(), tmp_path) as server, plain_client(server.path) as http:
        for body in ({"tags": ["a"]}, {"add_tags": "a"}, {"add_tags": [""]}, {"add_tags": ["a"] * 99}):
            answer = await http.patch("/api/v1/library/1", json=body)
            assert (answer.status_code, answer.json()["type"]) == (422, "INVALID_REQUEST")
