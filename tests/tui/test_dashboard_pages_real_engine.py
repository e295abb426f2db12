"""The pages of logins and sources, previews and playlists on a real engine, through its socket."""

from __future__ import annotations

import pytest

from core.auth import watch
from core.domain.figures import size_text
from core.domain.job import JobStatus, Request
from core.sources import registry
from core.sources.direct import Direct
from tests.fakes.media import audio_mp3, made_once, video_mp4
from tests.fakes.members import MembersOrigin, cookie_file
from tests.fakes.origin import Fault
from tests.fakes.playlists import Playlists


@pytest.fixture
async def site():
    async with MembersOrigin() as running:
        running.put("/members/a.mp3", made_once(audio_mp3, "tone.mp3").read_bytes())
        yield running


@pytest.mark.parametrize("size", [(80, 24), (140, 40)])
async def test_a_refused_login_is_seen_and_mended_on_its_page(on_engine, site, tmp_path, monkeypatch, size):
    monkeypatch.setattr(watch, "LOOK_S", 0.1)
    file = cookie_file(tmp_path / "c.txt", "dead")
    async with on_engine(size) as (engine, dashboard):
        await dashboard.press("3")
        await dashboard.shows("No logins yet")
        await dashboard.press("a", *"direct", "tab", *str(file), "enter")
        await dashboard.shows("Added direct/main")
        await engine.submit(Request(url=site.url("/members/a.mp3")))
        await dashboard.shows("! refused", "1 job waits for it", "3 Auth !1", "Log in again")
        await dashboard.press("enter")
        await dashboard.shows("waits for main", "state:login")
        site.accepted = {"alive"}
        cookie_file(tmp_path / "new.txt", "alive").replace(file)
        await dashboard.press("3")
        await dashboard.until(lambda: engine._store.counts[JobStatus.COMPLETED] == 1)
        await dashboard.shows("● works")
        await dashboard.until(lambda: "!1" not in dashboard.text)


async def test_a_check_asks_the_site_and_names_the_account(on_engine, site, tmp_path):
    site.accepted = {"alive"}
    file = cookie_file(tmp_path / "c.txt", "alive")
    sources = {"vimeo": {"check_url": site.url("/account"), "check_signed_in": "Sign out"}}
    async with on_engine(sources=sources) as (engine, dashboard):
        await engine.add_profile("vimeo", str(file))
        await dashboard.press("3")
        await dashboard.shows("○ not tried", "vimeo/main")
        await dashboard.press("c")
        await dashboard.shows("vimeo/main: works", "just now")
        site.accepted = set()
        await dashboard.press("c")
        await dashboard.shows("! ", "Log in again")
        await dashboard.press("D", "y")
        await dashboard.shows("No logins yet")


async def test_a_login_that_is_no_cookie_file_is_refused_with_the_engines_words(on_engine, tmp_path):
    (tmp_path / "c.txt").write_text("{}")
    async with on_engine() as (engine, dashboard):
        await dashboard.press("3", "a", *"youtube", "tab", *str(tmp_path / "c.txt"), "enter")
        await dashboard.shows("this is JSON, not a cookie file", "Choose the Netscape")
        await dashboard.press("escape", "1")
        assert await engine.profiles() == []


async def test_a_host_that_fails_again_and_again_is_told_with_its_reason(on_engine, origin):
    for number in range(5):
        origin.put(f"/{number}.mp4").always = Fault(status=500)
    origin.put("/well.mp4", made_once(video_mp4, "clip.mp4").read_bytes())
    async with on_engine((100, 30)) as (engine, dashboard):
        for number in range(5):
            await engine.submit(Request(url=origin.url(f"/{number}.mp4")))
        await dashboard.press("2")
        await dashboard.shows("! 1 host", "1 in trouble")
        await dashboard.press("g")
        await dashboard.shows("127.0.0.1", "The server answered", "Jobs of this host wait")
        await engine.submit(Request(url=origin.url("/well.mp4")))
        await dashboard.press("enter", "slash", *" well", "enter")
        await dashboard.shows("well.mp4", "1 of 6")


async def test_a_pasted_link_is_shown_with_its_size_before_it_is_added(on_engine, origin):
    film = made_once(video_mp4, "clip.mp4").read_bytes()
    origin.put("/a-film.mp4", film)
    async with on_engine((80, 24)) as (engine, dashboard):
        await dashboard.paste(origin.url("/a-film.mp4"))
        await dashboard.shows("a-film", f"Media files and HLS playlists · {size_text(len(film))}")
        await dashboard.press("enter")
        await dashboard.until(lambda: engine._store.counts[JobStatus.COMPLETED] == 1)


async def test_a_playlist_is_previewed_added_and_cancelled_as_one(on_engine, origin, monkeypatch):
    origin.put("/list", b"page", content_type="text/html")
    origin.put("/held.mp3", made_once(audio_mp3, "tone.mp3").read_bytes()).always = Fault(hold_after=100)
    origin.put("/tone.mp3").always = Fault(hold_after=10)
    monkeypatch.setattr(registry, "known_sources", lambda *_: [Direct(), Playlists(origin, 40)])
    async with on_engine(limits={"max_playlist_items": 30, "min_free_disk_bytes": 1}) as (engine, dashboard):
        await dashboard.paste(origin.url("/list"))
        await dashboard.shows("40 items, the first 30 are taken")
        await dashboard.press("enter")
        await dashboard.until(lambda: len(dashboard.index.known) == 31)
        await dashboard.press("g", "P")
        await dashboard.shows("All of it", "cancel  30")
        await dashboard.press("x")
        await dashboard.shows("Cancel 30 jobs of this playlist", "type 30 and Enter")
        await dashboard.press(*"30", "enter")
        await dashboard.shows("Cancelled 30 jobs of the playlist")
        await dashboard.until(lambda: engine._store.counts[JobStatus.CANCELLED] == 30)
