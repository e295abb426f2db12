"""`reeldeck web` in a real Chromium: what its users see and do."""

from __future__ import annotations

import re

import pytest

from tests.acceptance.browser import CHROMIUM, open_browser
from tests.acceptance.program import children_of
from tests.acceptance.web import serve_web
from tests.fakes.media import made_once, video_mp4

pytestmark = [
    pytest.mark.needs_chromium,
    pytest.mark.skipif(CHROMIUM is None, reason="nobody looks at the page: apt-get install chromium"),
]


async def test_a_link_is_pasted_fetched_and_the_page_is_found_again_after_every_end(
    reeldeck, origin, tmp_path
):
    origin.put("/a-film.mp4", made_once(video_mp4, "clip.mp4").read_bytes())
    async with reeldeck.serve(), open_browser(tmp_path / "profile") as page:
        async with serve_web(reeldeck) as web:
            await page.open(web.url)
            await page.shows("1 Jobs", "No jobs yet", "Leave, jobs go on")
            assert re.fullmatch(
                rf"http://127\.0\.0\.1:{web.port}/[0-9a-f]{{24}}/", await page.run("location.href")
            )
            assert await page.run("document.cookie") == "", "no script sees the cookie"
            # Text on a clipboard may come from anywhere: it must stay a paste, whatever it holds.
            await page.paste(f"{origin.url('/a-film.mp4')}\n\x1b[201~q")
            await page.shows("Add")
            await page.type("\r")
            await page.shows("done", "a-film")
            await page.allow_clipboard()
            await page.type("y")
            await page.shows("Sent the")
            assert await page.run("navigator.clipboard.readText()") == origin.url("/a-film.mp4")
            picture = await page.picture()
            assert len(picture) > 20_000, "a page of one colour is smaller"

            await page.resize(390, 844, is_phone=True)
            await page.loses("Leave, jobs go on")
            narrow = await page.shows("Esc", "q Leave")
            columns = max(map(len, narrow.splitlines()))
            assert columns >= 80, "letters get smaller before columns get fewer"
            assert columns < 100, "nothing is left of the wider picture"
            await page.press("?")
            await page.shows("keys of the jobs page")
            await page.press("Esc")
            await page.loses("keys of the jobs page")
            await page.resize(1280, 800)
            await page.shows("Leave, jobs go on")

            await page.type("q")
            await page.shows("You left the dashboard. Jobs go on.", "Open it again (Enter)")
            await page.type("\r")
            await page.shows("a-film", "Leave, jobs go on")
            strangers = [url for url in page.requested if f"//127.0.0.1:{web.port}/" not in url]
            assert not strangers, "everything comes from the program itself"
            assert not page.complaints
            [dashboard] = children_of(web.process)
            assert await web.end() == 0
            assert not dashboard.is_running(), "it ends with the program"
        await page.shows("reeldeck web does not answer", "Try now (Enter)", "a-film")
        async with serve_web(reeldeck, web.port):
            await page.type("\r")
            await page.loses("does not answer")
            await page.shows("a-film", "Leave, jobs go on")
        await reeldeck.run("web", "--url", "--new-token")
        async with serve_web(reeldeck, web.port):
            await page.type("\r")
            await page.shows("not known any more", "reeldeck web --url")
            await page.open(f"http://127.0.0.1:{web.port}/?token=wrong")
            await page.shows("The dashboard is locked", "no longer", f"reeldeck web --url --port {web.port}")
