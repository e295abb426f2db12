"""Every screen as it looks, at two sizes and in three looks, beside pictures of it that are kept.

The pictures are plain text, in `snapshots/`. After a change that is meant, run this file with
`SNAPSHOTS=write` and look at the difference.
"""

from __future__ import annotations

import difflib
import os
from itertools import chain, product
from pathlib import Path

import pytest
from textual.strip import Strip

from tests.fakes import scene
from tests.tui.conftest import Dashboard
from tests.tui.test_dashboard_screen_safety import luminance
from tests.tui.walk import walk
from tui import theme
from tui.screens.dialog import Dialog

FOLDER = Path(__file__).parent / "snapshots"
SIZES = {"80x24": (80, 24), "140x40": (140, 40)}
LOOKS = ("dark", "light", "no-colour")
#: The look changes no layout: what else there is to see in the others is for the long form.
SHORT = {("80x24", "dark"), ("140x40", "light"), ("80x24", "no-colour")}
COMBINATIONS = [
    pair for pair in product(SIZES, LOOKS) if pair in SHORT or os.environ.get("CAMPAIGN") == "long"
]
#: WCAG's least for text.
CONTRAST = 4.5
#: Drawn, not read: borders, rules, the rest of a bar.
DRAWN = set("─━│╭╮╰╯╌ ")
#: So long after one screen the next one is looked at: notices have gone by then.
PAUSE_S = 60.0


def drawn(shown: Dashboard) -> list[Strip]:
    """The screen; of what lies under a dialog nothing: it is not to be read then."""
    screen = shown.app.screen
    strips = screen._compositor.render_strips()
    if isinstance(screen, Dialog):
        box = screen.query(".box, #text-box").first().region
        strips = [strip.crop(box.x, box.right) for strip in strips[box.y : box.bottom]]
    for each in shown.app._filters:
        strips = [strip.apply_filter(each, screen.background_colors[0]) for strip in strips]
    return strips


def colours(shown: Dashboard) -> set[tuple[str, str]]:
    """Colours of text with those that they stand on."""
    found = set()
    for segment in chain.from_iterable(drawn(shown)):
        style = segment.style
        if style is None or not set(segment.text) - DRAWN:
            continue
        pair = [each.triplet.hex if each and each.triplet else "" for each in (style.color, style.bgcolor)]
        found.add((pair[0], pair[1]))
    return found


def contrast(pair: tuple[str, str]) -> float:
    low, high = sorted(map(luminance, pair))
    return (high + 0.05) / (low + 0.05)


def compare(name: str, shown: str) -> None:
    """*shown* is as it was kept; or it is kept from now on."""
    file = FOLDER / name
    if os.environ.get("SNAPSHOTS") == "write":
        FOLDER.mkdir(exist_ok=True)
        file.write_text(shown)
    kept = file.read_text() if file.exists() else ""
    if kept != shown:
        lines = difflib.unified_diff(kept.splitlines(), shown.splitlines(), "kept", "now", lineterm="")
        pytest.fail("\n".join([f"{name} looks otherwise; meant? SNAPSHOTS=write keeps it", *lines]))


@pytest.mark.parametrize(("size", "look"), COMBINATIONS)
async def test_every_screen_looks_as_it_did(size, look, clock, monkeypatch, tmp_path, dashboard_on):
    if look == "no-colour":
        monkeypatch.setenv("NO_COLOR", "1")
    engine = scene.a_day(tmp_path / "log.jsonl")
    scene.previews(engine)
    pictures: list[str] = []
    used: set[tuple[str, str]] = set()
    options = {"theme": look if look in {"dark", "light"} else "dark", "log_file": tmp_path / "log.jsonl"}
    async with dashboard_on(engine, SIZES[size], **options) as shown:
        await shown.until(lambda: shown.app.deck.sync.chats)
        async for stop in walk(shown):
            pictures.append(f"=== {stop.name}\n" + "\n".join(strip.text.rstrip() for strip in drawn(shown)))
            used |= colours(shown)
            clock[0] += PAUSE_S
    compare(f"{size}.txt", "\n".join(pictures) + "\n")
    if look == "no-colour":
        assert used == {("", "")}
        return
    weak = sorted((pair, round(contrast(pair), 2)) for pair in used if contrast(pair) < CONTRAST)
    assert not weak, "text that can hardly be read, on its ground, with its contrast"
    own = set((theme._DARK if look == "dark" else theme._LIGHT).values())
    assert {on for on, _ in used} <= own
