"""What is sent when something changes: the right cells, at once where a key was pressed, and nothing more."""

from __future__ import annotations

import os
import random
import subprocess
import sys

from textual.geometry import Region
from textual.strip import Strip

from core.domain.job import JobStatus, Stage
from tests.tui.conftest import Dashboard
from tui.screens.confirm import ConfirmScreen
from tui.thrift import ThriftyUpdate
from tui.widgets.lines import LineBar

SIZE = (120, 30)
#: What the first screen can do without.
LATER = (
    "structlog",
    "pydantic_settings",
    "httpx._main",
    "pygments",
    "rich.progress",
    "core.links",
    "core.ops",
)


def cells(strip: Strip) -> list[tuple[str, str]]:
    """Every cell with its look."""
    return [(char, str(segment.style)) for segment in strip for char in segment.text]


def check(update: ThriftyUpdate, whole: list[Strip], dirty: list[Region]) -> None:
    """The update covers all that is dirty with what stands there on the whole screen."""
    spans = {(y, x) for y, x1, x2 in update.spans for x in range(x1, x2)}
    assert spans == {(y, x) for each in dirty for y in each.line_range for x in each.column_range}
    for y, x1, x2 in update.spans:
        drawn = [cell for strip in update.chops[y].values() if strip for cell in cells(strip)]
        lefts = [left for left, strip in update.chops[y].items() if strip]
        start = min(lefts)
        assert drawn[x1 - start : x2 - start] == cells(whole[y])[x1:x2]


async def has_come(shown: Dashboard) -> None:
    """Wait until what follows from a screen's coming was sent."""
    await shown.until(lambda: not shown.app.screen._is_coming)


async def test_a_partial_repaint_sends_what_stands_on_the_whole_screen(dashboard, engine):
    engine.add_many(40, status=JobStatus.COMPLETED)
    chance = random.Random(7)
    async with dashboard(SIZE) as shown:
        for is_dialog in (False, True):
            if is_dialog:
                await shown.app.push_screen(ConfirmScreen("Really?", "do it", count=1))
            await has_come(shown)
            compositor = shown.app.screen._compositor
            whole = compositor.render_strips()
            for _ in range(20):
                dirty = [
                    Region(
                        chance.randrange(100),
                        chance.randrange(28),
                        chance.randint(1, 20),
                        chance.randint(1, 2),
                    )
                    for _ in range(chance.randint(1, 4))
                ]
                compositor._dirty_regions.update(dirty)
                update = compositor.render_partial_update()
                assert isinstance(update, ThriftyUpdate)
                check(update, whole, dirty)
            assert compositor.render_partial_update() is None


async def test_only_widgets_that_show_something_dirty_are_rendered(dashboard, engine, monkeypatch):
    engine.add_many(40)
    async with dashboard(SIZE) as shown:
        await has_come(shown)
        rendered = []
        render = LineBar.render_lines
        monkeypatch.setattr(
            LineBar, "render_lines", lambda bar, crop: rendered.append(bar.id) or render(bar, crop)
        )
        compositor = shown.app.screen._compositor
        # The first and the last line of the screen: all that is between them stays as it is.
        compositor._dirty_regions.update({Region(0, 0, 5, 1), Region(0, SIZE[1] - 1, 5, 1)})
        compositor.render_partial_update()
        assert set(rendered) == {"header", "footer"}


async def test_the_cursor_moves_before_anything_else_is_drawn(dashboard, engine, monkeypatch):
    engine.add_many(5)
    async with dashboard(SIZE) as shown:
        sent = []
        table = shown.app.screen.view.table
        await has_come(shown)
        await shown.until(lambda: not table.screen._layout_required)
        table.screen.repaint_now(table)  # what is left of its coming
        monkeypatch.setattr(shown.app, "_display", lambda _screen, update: sent.append(update))
        top = table.region.y
        table.move(1)
        assert len(sent) == 1
        assert {y for y, _, _ in sent[0].spans} == {top, top + 1}
        await shown.until(lambda: len(sent) > 1)  # the detail follows


async def test_a_page_that_another_covers_is_painted_only_when_it_is_back(dashboard, engine, monkeypatch):
    job = engine.add(
        "https://example.org/a",
        title="A film",
        status=JobStatus.RUNNING,
        stage=Stage.DOWNLOAD,
        size_bytes=100,
    )
    async with dashboard((80, 24)) as shown:
        below = shown.app.screen
        await shown.press("enter")
        await shown.shows("STAGES")
        painted: list[object] = []
        paint = type(below).paint
        monkeypatch.setattr(type(below), "paint", lambda page: painted.append(page) or paint(page))
        engine.progress(job.id, 70, 100, 1.0)
        await shown.shows("70%")
        assert not painted
        await shown.press("escape")
        await shown.shows("70%", "all about it")
        assert painted


async def test_what_a_page_finds_while_it_comes_is_sent_as_one(dashboard, monkeypatch):
    async with dashboard(SIZE) as shown:
        sent: list[tuple[bool, bool]] = []

        def display(screen, update) -> None:
            if update is not None and screen is shown.app.screen:
                sent.append((screen.__class__.__name__ == "OperationsScreen", screen._is_coming))

        await has_come(shown)
        monkeypatch.setattr(shown.app, "_display", display)
        await shown.press("O")
        await shown.shows("Who changed what")
        await shown.until(lambda: any(is_new for is_new, _ in sent))
        assert not any(is_coming for _, is_coming in sent)


def test_the_first_screen_waits_for_nothing_that_it_does_not_need():
    code = (
        "import sys, tui.console.attach, tui.screens.jobs, core.config.load as config; "
        "config.load_settings(env={}); "
        f"print([name for name in {LATER} if sys.modules.get(name)])"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], check=True, env=dict(os.environ), capture_output=True
    )
    assert found.stdout.strip() == b"[]"


async def test_what_a_dialog_leaves_is_repainted_whatever_was_asked_of_its_map_meanwhile(dashboard, engine):
    async with dashboard(SIZE) as shown:
        await shown.press("a")
        await shown.shows("Add links")
        await has_come(shown)
        screen = shown.app.screen
        box = screen.query_one("#add")
        left, compositor = box.region, screen._compositor
        box.styles.height = 5
        screen._clear_arrangement_cache()
        # As for a widget that has come: Textual makes its map anew, from sizes that are yet to be laid out.
        compositor._full_map_invalidated = True
        assert compositor.full_map[box].region.height == 5
        compositor._dirty_regions.clear()
        compositor.reflow(screen, shown.app.size)
        assert any(region.contains_region(left) for region in compositor._dirty_regions)
