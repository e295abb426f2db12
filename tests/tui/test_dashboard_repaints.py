"""What is sent when something changes: the right cells, at once where a key was pressed, and nothing more."""

from __future__ import annotations

import os
import random
import subprocess
import sys

from textual.geometry import Region
from textual.strip import Strip

from core.domain.job import JobStatus
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


async def test_a_partial_repaint_sends_what_stands_on_the_whole_screen(dashboard, engine):
    engine.add_many(40, status=JobStatus.COMPLETED)
    chance = random.Random(7)
    async with dashboard(SIZE) as shown:
        for is_dialog in (False, True):
            if is_dialog:
                await shown.app.push_screen(ConfirmScreen("Really?", "do it", count=1))
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
        await shown.until(lambda: not (table.screen._layout_required or table._repaint_regions))
        monkeypatch.setattr(shown.app, "_display", lambda _screen, update: sent.append(update))
        top = table.region.y
        table.move(1)
        assert len(sent) == 1
        assert {y for y, _, _ in sent[0].spans} == {top, top + 1}
        await shown.until(lambda: len(sent) > 1)  # the detail follows


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
