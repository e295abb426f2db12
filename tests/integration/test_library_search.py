"""Searches of a real library: what is found, in which order, page by page."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.domain.chat import ChatMode, ChatRules
from core.domain.errors import InvalidRequest
from core.domain.folding import words_of
from core.domain.job import Job, JobStatus
from core.domain.library import MediaItem
from core.engine.library import LibraryDesk
from core.store import library
from core.store.store import Store
from tests.fakes.stored import NOW, claim_one, job_in, new_job, opened

RELEVANCE = Path(__file__).with_name("library_relevance.txt")


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with opened(tmp_path / "data") as running:
        yield running


@pytest.fixture
def desk(store: Store) -> LibraryDesk:
    return LibraryDesk(store)


async def done(store: Store, title: str, *, tags: dict[str, Any] | None = None, **facts: Any) -> Job:
    """A finished job with a file; *facts* are its columns, and options of the request."""
    name, host = facts.pop("name", title), facts.pop("host", "media.test")
    asked = {key: facts.pop(key) for key in ("chat_id", "user_id", "source") if key in facts}
    new = replace(new_job(name, **asked), url=f"https://{host}/watch")
    job = await claim_one(store, (await store.jobs.submit(new, now=NOW)).job.id)
    checkpoint = {"resolution": {"tags": tags or {}}, **facts.pop("checkpoint", {})}
    return await store.jobs.transition(
        job.id, job.status, JobStatus.COMPLETED, attempt=job.attempt, now=NOW,
        **{"title": title, "file_path": f"/archive/{name}.mp4", "sha256": name, **facts},
        checkpoint=checkpoint,
    )  # fmt: skip


async def titles(desk: LibraryDesk, query: str, *, limit: int = 50) -> list[str | None]:
    """All that is found, through all pages."""
    found: list[MediaItem] = []
    after = None
    while True:
        page = await desk.search(query, limit=limit, after=after)
        found += page.items
        if (after := page.next) is None:
            return [item.title for item in found]


def relevance() -> tuple[list[tuple[str, ...]], list[tuple[str, str]]]:
    """The items of the set, and its queries, each with the title that it must find."""
    items: list[tuple[str, ...]] = []
    queries: list[tuple[str, str]] = []
    for line in RELEVANCE.read_text().splitlines():
        if line.startswith("    "):
            queries.append((line.strip(), items[-1][0]))
        elif line and not line.startswith("#"):
            items.append(tuple(part.strip() for part in line.split(" | ")))
    return items, queries


async def test_the_relevance_set_is_found_among_the_first_five(store: Store, desk: LibraryDesk) -> None:
    items, queries = relevance()
    assert len(queries) >= 200
    for number, (title, artist, album, site) in enumerate(items):
        tags = {"artist": artist, "album": album}
        await done(store, title, tags=tags, host=site, name=f"item{number}")
    # Others made of the same words: a query has to tell them apart.
    chance = random.Random(5)
    words = [word for title, *_ in items for word in title.split() if len(words_of(word)) == 1]
    for number in range(300):
        await done(store, " ".join(chance.sample(words, 5)), name=f"other{number}")
    missed = []
    for query, title in queries:
        page = await desk.search(query, limit=5, after=None)
        if title not in [item.title for item in page.items]:
            missed.append((query, title, [item.title for item in page.items]))
    assert not missed, "\n".join(map(str, missed))


async def test_titles_that_begin_with_the_words_come_first_then_those_that_hold_them(
    store: Store, desk: LibraryDesk
) -> None:
    await done(store, "Bread for beginners")
    await done(store, "Elsewhere", tags={"album": "The slow bread"})
    await done(store, "Slow cooking, with bread")
    await done(store, "The slow bread")
    await done(store, "Slow bread in winter")
    assert await titles(desk, "slow bread") == [
        "Slow bread in winter", "The slow bread", "Slow cooking, with bread", "Elsewhere",
    ]  # fmt: skip


async def test_filters_narrow_words_and_stand_alone(store: Store, desk: LibraryDesk) -> None:
    film = {"info": {"streams": [{"type": "video", "width": 640, "height": 360}, {"type": "audio"}]}}
    sound = {"info": {"streams": [{"type": "audio"}, {"type": "video", "is_cover": True}]}}
    await done(store, "Talk one", duration_s=60.0, size_bytes=10**6, checkpoint=film, chat_id=-100, user_id=7)
    await done(
        store, "Talk two", duration_s=600.0, size_bytes=10**8, checkpoint=sound, host="www.youtube.com"
    )
    await done(store, "Walk", duration_s=None, size_bytes=None, tags={"date": "2019", "artist": "Ann"})
    for query, found in (
        ("talk duration>2m", ["Talk two"]),
        ("-duration>2m", ["Talk one"]),
        ("size<50MB talk", ["Talk one"]),
        ("kind:audio", ["Talk two"]),
        ("talk -kind:audio", ["Talk one"]),
        ("source:youtube", ["Talk two"]),
        ("source:youtube.com,nobody", ["Talk two"]),
        ("source:direct -source:youtube", ["Walk", "Talk one"]),
        ("chat:-100 user:7", ["Talk one"]),
        ("chat:100", []),
        ("date:2019 by:ann", ["Walk"]),
        ("title:ann", []),
        ("after:2023-11-14 before:2023-12", ["Talk two", "Talk one"]),
        ("-talk", ["Walk"]),
        ("", ["Walk", "Talk two", "Talk one"]),
    ):
        assert await titles(desk, query) == found, query


@pytest.mark.parametrize("rated", [0, 12, 1_000])
async def test_pages_hold_each_match_once(
    store: Store, desk: LibraryDesk, monkeypatch: pytest.MonkeyPatch, rated: int
) -> None:
    monkeypatch.setattr(library, "RATED", rated)
    for number in range(5):
        await done(store, f"talk {number}", duration_s=float(number))
        await done(store, f"a good talk {number}", duration_s=float(number))
        await done(store, f"other {number}", tags={"album": "talk"}, duration_s=float(number))
    for limit in (1, 2, 4, 50):
        found = await titles(desk, "talk", limit=limit)
        assert len(found) == len(set(found)) == 15
        assert [str(title)[0] for title in found] == ["t"] * 5 + ["a"] * 5 + ["o"] * 5
        assert len(await titles(desk, "talk duration>=3", limit=limit)) == 6
        assert len(await titles(desk, "tlak", limit=limit)) == 15
    first = await desk.search("talk", limit=7, after=None)
    await done(store, "talk about what is new")
    rest = await desk.search("talk", limit=50, after=first.next)
    assert len({item.id for item in (*first.items, *rest.items)}) == 15


async def test_what_nothing_has_is_looked_for_in_near_spellings(store: Store, desk: LibraryDesk) -> None:
    await done(store, "Sourdough for beginners", tags={"artist": "Lindqvist"})
    await done(store, "شرح العقيدة الواسطية")
    for query, meant in (
        ("sourdogh", "sourdough"),
        ("beginers soruduogh", "beginners sourdough"),
        ("by:lindkvist", "lindqvist"),
        ("العقييدة", "العقيده"),
    ):
        page = await desk.search(query, limit=5, after=None)
        assert (len(page.items), page.meant) == (1, meant), query
    for query in ('"sourdogh"', "zzzzzz", "-sourdough -شرح", "sq"):
        page = await desk.search(query, limit=5, after=None)
        assert (list(page.items), page.meant) == ([], None), query


async def test_an_entry_follows_its_job_and_outlives_it(store: Store, desk: LibraryDesk) -> None:
    job = await done(store, "First name", sha256="a")
    await store.jobs.amend(job.id, now=NOW, title="Second name")
    assert await titles(desk, "first") == []
    assert await titles(desk, "second") == ["Second name"]
    await store.jobs.delete(job.id)
    (item,) = (await desk.search("second", limit=5, after=None)).items
    assert (item.job_id, item.file_path) == (None, job.file_path)
    await store.check()


async def test_a_file_has_one_entry_whoever_asked_for_it(store: Store, desk: LibraryDesk) -> None:
    await done(store, "One", file_path="/archive/same.mp4", sha256="a")
    await done(store, "Two", file_path="/archive/same.mp4", sha256="a")
    assert await titles(desk, "") == ["One"]
    await done(store, "Three", file_path="/archive/same.mp4", sha256="b")
    assert await titles(desk, "") == ["Three"]
    assert await titles(desk, "one") == []


async def test_jobs_without_a_file_are_no_entries(store: Store, desk: LibraryDesk) -> None:
    await job_in(store, JobStatus.COMPLETED, "a-list")
    await job_in(store, JobStatus.FAILED, "failed", chat_id=1)
    assert await titles(desk, "") == []


async def test_the_library_is_filled_from_jobs_of_older_versions_and_goes_on_where_it_was_stopped(
    store: Store, desk: LibraryDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.engine.library.BATCH", 2)
    jobs = [await done(store, f"talk {number}") for number in range(5)]

    async def forget(transaction: Any) -> None:
        for table in ("media_items", "media_text", "library_words"):
            await transaction.execute(f"DELETE FROM {table}")

    await store._writer.run(forget)
    await store.switches.set("library_filled", jobs[1].id)
    await desk.fill()
    assert await titles(desk, "talk") == ["talk 4", "talk 3", "talk 2"]
    assert await store.switches.get("library_filled", 0) is None
    await desk.fill()


async def test_who_else_is_heard_is_found_as_the_lecturer_is(store: Store, desk: LibraryDesk) -> None:
    await done(store, "A Space", tags={"artist": "Hanna Host", "performers": "Gustav Gast, Noor"})
    await done(store, "Gustav alone")
    assert await titles(desk, "by:gustav") == await titles(desk, 'by:"Noor"') == ["A Space"]
    assert (await desk.search("by:nour", limit=5, after=None)).meant == "noor"


async def test_what_has_no_link_is_found_by_the_name_of_its_file(store: Store, desk: LibraryDesk) -> None:
    job = await done(store, "Track 3")
    assert await titles(desk, "watch") == ["Track 3"]
    facts = {"source_type": "import", "url": "", "kind": "audio", "modified": NOW, "created": NOW}
    await store.entries.enter({**facts, "file_path": "/mine/Garden walk.mp3", "title": "Spaziergang"})
    assert await titles(desk, "garden") == ["Spaziergang"]
    assert (await store.library.item_of(job)) is not None


async def test_a_watched_chat_may_be_named_by_its_title(store: Store, desk: LibraryDesk) -> None:
    await store.chats.put(ChatRules(chat_id=-100, title="Film Club", mode=ChatMode.AUTO))
    await done(store, "Asked there", chat_id=-100)
    await done(store, "Asked elsewhere", chat_id=-200)
    assert await titles(desk, "asked chat:club") == await titles(desk, "chat:-100") == ["Asked there"]
    with pytest.raises(InvalidRequest, match="column 6"):
        await titles(desk, "chat:elsewhere")


async def test_a_foreign_cursor_is_refused(desk: LibraryDesk) -> None:
    for cursor in ("x", "7", "3.0.1.0", "0.4.1.0", "", "0.0.1.0.0"):
        with pytest.raises(InvalidRequest):
            await desk.search("talk", limit=5, after=cursor)


async def test_titles_of_strangers_cannot_break_the_index(store: Store, desk: LibraryDesk) -> None:
    for number, title in enumerate(
        ('"', "=kind=audio", "a\x00b", "\udc80 x", "NEAR(a b)", "^$ * : {title}", "")
    ):
        await done(store, title, name=f"n{number}")
    assert len(await titles(desk, "")) == 7
    for query in (
        "NEAR",
        "near(a",
        "kind=audio",
        "{title}",
        "a*",
        "^",
        "'",
        "AND OR NOT",
        "a\x00b",
        "\udc80",
    ):
        await titles(desk, query)
    assert await titles(desk, "kind:audio") == []
