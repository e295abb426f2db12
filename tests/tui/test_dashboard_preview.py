"""What the dialog that adds links shows of a link before it is added."""

from __future__ import annotations

import pytest

from core.domain.errors import AuthRequired, EngineUnreachable
from core.domain.job import Kind, Request
from core.domain.media import FormatInfo, Role
from core.domain.snapshot import MetadataPreview
from tests.tui.conftest import calls
from tests.tui.test_dashboard_screen_safety import controls
from tests.unit.test_tui_present import HOSTILE

FILM, LIST = "https://example.org/film", "https://example.org/list"


def formats() -> tuple[FormatInfo, ...]:
    return tuple(
        FormatInfo(
            id=f"f{height}", role=Role.MUXED, container="mp4", height=height, size_bytes=height * 2**20
        )
        for height in (2160, 1080, 720)
    )


def film(**facts) -> MetadataPreview:
    values = {
        "url": FILM, "source": "youtube", "title": "A concert", "kind": Kind.VIDEO, "duration_s": 754.0,
        "size_bytes": 2**30, "formats": formats(),
    }  # fmt: skip
    return MetadataPreview(**values | facts)


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr("tui.widgets.preview_pane.DEBOUNCE_S", 0.01)


def asked(engine) -> list[Request]:
    return [request for requests in calls(engine, "submit_many") for request in requests]


def looked_at(engine) -> list[str]:
    return [request.url for (request,) in calls(engine, "preview")]


async def test_a_pasted_link_is_shown_with_title_source_length_and_formats(dashboard, engine):
    engine.previews[FILM] = film()
    async with dashboard() as shown:
        await shown.paste(FILM)
        await shown.shows("A concert", "YouTube · video · 12:34 · 1.00 GiB", "2160p", "1080p", "720p")


async def test_a_typed_link_is_looked_at_once_it_stays(dashboard, engine, monkeypatch):
    monkeypatch.setattr("tui.widgets.preview_pane.DEBOUNCE_S", 0.3)
    engine.previews[FILM] = film()
    async with dashboard() as shown:
        await shown.press("a", *FILM)
        await shown.shows("A concert")
        assert looked_at(engine)[-1] == FILM
        assert len(looked_at(engine)) < len(FILM) / 2


@pytest.mark.parametrize(("downs", "wanted"), [(0, None), (1, "f2160"), (3, "f720")])
async def test_a_format_is_chosen_with_the_arrow_keys_and_goes_with_the_request(
    dashboard, engine, downs, wanted
):
    engine.previews[FILM] = film()
    async with dashboard((100, 34)) as shown:
        await shown.paste(FILM)
        await shown.shows("as the quality says")
        await shown.press(*["down"] * downs, "enter")
        await shown.until(lambda: asked(engine))
        assert asked(engine)[0].format == wanted


async def test_a_format_without_an_id_is_asked_for_by_its_quality(dashboard, engine):
    engine.previews[FILM] = film(
        formats=(
            FormatInfo(id=None, role=Role.AUDIO, bitrate_bps=128_000),
            FormatInfo(id=None, role=Role.MUXED),
        )
    )
    async with dashboard((100, 34)) as shown:
        await shown.paste(FILM)
        await shown.shows("128 kbit")
        await shown.press("down", "enter")
        await shown.until(lambda: asked(engine))
        request = asked(engine)[0]
        assert (request.kind, request.quality, request.format) == (Kind.AUDIO, "audio_128", None)


async def test_a_playlist_shows_its_count_what_will_be_taken_and_its_first_titles(dashboard, engine):
    engine.previews[LIST] = film(
        url=LIST, entries=5000, taken=300, formats=(), sample=[f"Part {number}" for number in range(20)]
    )
    async with dashboard() as shown:
        await shown.paste(LIST)
        await shown.shows("5000 items, the first 300 are taken", "Part 0", "more")


async def test_a_link_that_cannot_be_looked_at_says_why_and_can_be_added_all_the_same(dashboard, engine):
    engine.previews[FILM] = AuthRequired("members only", hint="Add a login.")
    async with dashboard() as shown:
        await shown.paste(FILM)
        await shown.shows("The site wants a login: members only", "→ Add a login.", "Enter add 1")
        await shown.press("enter")
        await shown.shows("Added 1 job")


async def test_enter_does_not_wait_for_a_slow_site(dashboard, engine):
    engine.site_answers.clear()
    async with dashboard() as shown:
        await shown.paste(FILM)
        await shown.until(lambda: looked_at(engine))
        await shown.shows("looking at the link")
        await shown.press("enter")
        await shown.shows("Added 1 job")
        assert asked(engine)[0].url == FILM


async def test_what_is_under_way_is_given_up_when_the_link_changes(dashboard, engine):
    engine.previews[FILM], engine.previews[LIST] = film(title="The first"), film(url=LIST, title="The second")
    engine.site_answers.clear()
    async with dashboard() as shown:
        await shown.paste(FILM)
        await shown.until(lambda: looked_at(engine) == [FILM])
        await shown.press("backspace")
        await shown.until(lambda: "looking" not in shown.text)
        await shown.paste(LIST)
        await shown.until(lambda: looked_at(engine) == [FILM, LIST])
        engine.site_answers.set()
        await shown.shows("The second")
        assert "The first" not in shown.text


async def test_another_quality_is_looked_at_anew(dashboard, engine):
    async with dashboard() as shown:
        await shown.paste(FILM)
        await shown.shows("A title")
        await shown.press("tab", "tab", "right")
        await shown.until(lambda: len(looked_at(engine)) == 2)
        assert calls(engine, "preview")[-1][0].quality == "2160p"
        await shown.press("tab", "right")
        await shown.shows("[download again]", "A title")
        assert len(looked_at(engine)) == 2, "the same file either way"


async def test_several_links_are_not_looked_at(dashboard, engine):
    async with dashboard() as shown:
        await shown.paste(f"{FILM} {LIST}")
        await shown.shows("2 links")
        assert not shown.app.screen.query_one("#preview").display
        assert shown.app.screen.query_one("#preview")._timer is None


async def test_an_engine_that_goes_meanwhile_is_told_in_place(dashboard, engine):
    engine.fail_next("preview", EngineUnreachable())
    async with dashboard() as shown:
        await shown.paste(FILM)
        await shown.shows("No engine is running", "reeldeck serve")


@pytest.mark.parametrize("size", [(80, 24), (140, 40), (60, 15), (20, 5)])
async def test_hostile_titles_and_formats_put_no_control_character_on_the_screen(dashboard, engine, size):
    async with dashboard(size) as shown:
        for number, text in enumerate(HOSTILE):
            url = f"https://example.org/{number}"
            info = FormatInfo(
                id=text, role=Role.MUXED, container=text, codecs=text, note=text, is_chosen=True
            )
            engine.previews[url] = film(
                url=url, title=text, source=text, formats=(info,), sample=[text], entries=3, taken=2
            )
            await shown.paste(url)
            await shown.until(lambda url=url: url in looked_at(engine))
            await shown.pilot.pause()
            assert controls(shown.text) == []
            strips = shown.app.screen._compositor.render_strips()
            assert [strip.cell_length for strip in strips] == [size[0]] * size[1]
            await shown.press("escape")
