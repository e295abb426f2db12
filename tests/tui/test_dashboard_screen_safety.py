"""What reaches the terminal: no foreign escape, no colour where none is wanted, no byte too many."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate
from textual.strip import Strip

from core.domain.delivery import DeliveryState
from core.domain.events import EventType
from core.domain.job import JobStatus, Stage
from core.domain.profile import ProfileReason, ProfileStatus
from tests.tui.conftest import Dashboard
from tests.unit.test_tui_present import HOSTILE
from tui import terminal, theme
from tui.app import ReeldeckApp
from tui.theme import DARK, LIGHT, THEMES, next_theme
from tui.thrift import ThriftyCompositor, ThriftyUpdate
from tui.widgets.lines import difference


def controls(text: str) -> list[str]:
    return [char for char in text if (ord(char) < 32 and char != "\n") or 0x7F <= ord(char) < 0xA0]


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_hostile_titles_and_errors_put_no_control_character_on_any_screen(dashboard, engine, size):
    for text in HOSTILE:
        job = engine.add(
            f"https://example.org/{text}", title=text, source_type=text[:9] or "x", status=JobStatus.FAILED,
            error_type=text, error_message=text, error_hint=text, file_path=f"/{text}",
        )  # fmt: skip
        engine.emit(EventType.JOB_FAILED, job.id, message=text, error_type=text)
    async with dashboard(size) as shown:
        await shown.until(lambda: len(shown.index) == len(HOSTILE))
        for _ in HOSTILE:
            assert controls(shown.text) == []
            await shown.press("enter")
            await shown.shows("q Close")
            assert controls(shown.text) == []
            await shown.press("y", "y")
            await shown.shows("to be copied by hand")
            assert controls(shown.text) == []
            await shown.press("escape", "escape")
            await shown.shows("PROGRESS")
            await shown.press("j")


async def test_markup_in_a_title_is_shown_as_it_is(dashboard, engine):
    engine.add(title="[bold red]not markup[/] [/")
    async with dashboard((100, 24)) as shown:
        await shown.shows("[bold red]not markup[/] [/")


@pytest.mark.parametrize("theme", ["dark", "light", "terminal"])
async def test_every_theme_shows_every_screen(dashboard, engine, theme):
    job = engine.add(title="A talk", status=JobStatus.RUNNING, group_id=engine.add_group("A series"))
    engine.add_login(reason=ProfileReason.ROTATED, status=ProfileStatus.DISABLED)
    engine.watch(-100, "A chat")
    engine.add_delivery(job.id)
    screens = {
        "enter": "q Close", "question_mark": "JOBS", "a": "Add links", "P": "A series", "2": "YouTube",
        "3": "youtube/main", "4": "A chat",
    }  # fmt: skip
    async with dashboard((120, 30), theme=theme) as shown:
        await shown.shows("A talk")
        for key, text in screens.items():
            await shown.press(key)
            await shown.shows(text)
            await shown.press("escape")
        for key, text in {"a": "Add a login", "h": "HOW TO", "D": "Forget the login"}.items():
            await shown.press("3", key)
            await shown.shows(text)
            await shown.press("escape")
        for key, text in {"a": "Telegram is off", "e": "told by", "d": "Files of", "D": "Forget the"}.items():
            await shown.press("4", key)
            await shown.shows(text)
            await shown.press("escape")


def styles(shown: Dashboard) -> list[Style]:
    strips = shown.app.screen._compositor.render_strips()
    filtered = [
        strip.apply_filter(shown.app._filters[-1], shown.app.screen.background_colors[0]) for strip in strips
    ]
    return [segment.style for strip in filtered for segment in strip if segment.style]


async def test_without_colour_the_selection_is_reversed_and_no_colour_is_sent(dashboard, engine, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    engine.add_many(3)
    app = ReeldeckApp(engine, repaints_hz=50)
    async with app.run_test() as pilot:
        shown = Dashboard(app, pilot)
        await shown.shows("Title 2")
        await shown.press("j", "t")
        assert all(style.color is None or style.color.is_default for style in styles(shown))
        assert all(style.bgcolor is None or style.bgcolor.is_default for style in styles(shown))
        row = app.screen.view.table.render_line(1)
        assert all(segment.style.reverse for segment in row if segment.text.strip())
        await shown.press("2")
        await shown.shows("YouTube")
        assert all(style.color is None or style.color.is_default for style in styles(shown))
        row = app.screen.roster.render_line(0)
        assert all(segment.style.reverse for segment in row if segment.text.strip())


async def test_ascii_draws_with_ascii_only(dashboard, engine):
    facts = {"stage": Stage.DOWNLOAD, "size_bytes": 10, "bytes_done": 5, "group_id": engine.add_group()}
    engine.add(title="plain", status=JobStatus.RUNNING, **facts)
    engine.add_login()
    engine.watch(-100, "A chat")
    for state in DeliveryState:
        engine.add_delivery(1, topic_id=5, state=state, upload_parts_done=1, upload_parts_total=3)
    engine.source_facts["youtube"] = {"breaker": {"state": "half_open", "reason": "TIMEOUT"}}
    async with dashboard((120, 30), is_ascii=True) as shown:
        await shown.shows("###", "plain")
        pages = (["escape", "2"], ["j"], ["3"], ["c"], ["a"], ["escape", "h"], ["escape", "4"], ["d"],
                 ["escape", "e"], ["escape", "a"])  # fmt: skip
        dialogs = (["escape", "question_mark"], ["escape", "a"], ["escape", "P"], ["escape", "x"])
        for keys in (["enter"], *dialogs, *pages):
            await shown.press(*keys)
            await shown.pilot.pause()
            assert not [line for line in shown.lines if not line.isascii()]


def test_themes_follow_one_another_round():
    names = [THEMES[0].name]
    while (name := next_theme(names[-1])) not in names:
        names.append(name)
    assert sorted(names) == sorted(theme.name for theme in THEMES)


def luminance(colour: str) -> float:
    def linear(part: str) -> float:
        value = int(part, 16) / 255
        return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4

    red, green, blue = (linear(colour[at : at + 2]) for at in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("name", [DARK, LIGHT])
def test_text_can_be_read_on_every_ground(name):
    """WCAG's 4.5 for all of it; what is faint stands on no row under a cursor."""
    colours = theme._DARK if name == DARK else theme._LIGHT
    roles = (
        "text",
        "strong",
        "dim",
        "accent",
        "run",
        "wait",
        "retry",
        "hold",
        "pause",
        "done",
        "fail",
        "cancel",
    )
    pairs = [(role, ground, 4.5) for role in roles for ground in ("ground", "bar", "cursor", "cursor-idle")]
    pairs += [("faint", ground, 4.5) for ground in ("ground", "bar", "cursor-idle")]
    too_weak = []
    for role, ground, least in pairs:
        low, high = sorted((luminance(colours[role]), luminance(colours[ground])))
        ratio = (high + 0.05) / (low + 0.05)
        if ratio < least:
            too_weak.append((role, ground, round(ratio, 2)))
    assert too_weak == []


# Few bytes


@pytest.mark.parametrize("page", ["1", "2", "3", "4"])
async def test_nothing_is_painted_while_nothing_changes(dashboard, engine, monkeypatch, page):
    engine.add_many(30, status=JobStatus.COMPLETED)
    engine.add_login(last_success=1.0)
    engine.watch(-100, "A chat")
    engine.add_delivery(30, state=DeliveryState.SENT)
    engine.add_delivery(29, state=DeliveryState.READY)
    async with dashboard() as shown:
        await shown.until(lambda: shown.app.deck.has_timeline(shown.index.cursor_id))
        await shown.press(page)
        await shown.until(lambda: shown.app.deck.sync.chats)
        await shown.pilot.pause(0.3)
        await shown.pilot.pause()
        painted = []
        monkeypatch.setattr(shown.app, "_display", lambda *arguments: painted.append(arguments))
        for _ in range(5):
            shown.app.ask_paint()
            await shown.pilot.pause(0.05)
        assert painted == []


async def test_progress_repaints_only_the_end_of_its_row(dashboard, engine, monkeypatch):
    job = engine.add(title="A talk", status=JobStatus.RUNNING, stage=Stage.DOWNLOAD)
    engine.add_many(10)
    async with dashboard((80, 24)) as shown:
        engine.progress(job.id, 10 * 2**20, 1000 * 2**20, 2**20)
        await shown.shows("1.0M/s")
        await shown.press("j")
        updates = []
        display = shown.app._display
        monkeypatch.setattr(
            shown.app, "_display", lambda screen, update: (updates.append(update), display(screen, update))
        )
        engine.progress(job.id, 20 * 2**20, 1000 * 2**20, 2**20)
        await shown.shows("2%")
        await shown.until(lambda: _spans_of_row(updates, 3))
        assert min(start for start, _ in _spans_of_row(updates, 3)) >= 48


def _spans_of_row(updates, row):
    """Where repaints began and ended in a row."""
    spans = [span for update in updates if isinstance(update, ChopsUpdate) for span in update.spans]
    return [(start, end) for y, start, end in spans if y == row]


def test_a_partial_repaint_is_cut_on_both_sides():
    plain = Style()
    chops = [{0: Strip([Segment("0123456789", plain)]), 10: Strip([Segment("abcdef", plain)])}]
    console = Console(color_system=None, force_terminal=True)
    update = ThriftyUpdate(chops, [(0, 4, 12)], [[10, 16]])
    assert update.render_segments(console) == "\x1b[1;5H456789ab"
    assert ThriftyUpdate(chops, [(0, 0, 16)], [[10, 16]]).render_segments(console).count("0123456789") == 1
    assert ThriftyUpdate(chops, [(0, 30, 31)], [[10, 16]]).render_segments(console) == ""


async def test_screens_use_the_thrifty_compositor(dashboard):
    async with dashboard() as shown:
        assert isinstance(shown.app.screen._compositor, ThriftyCompositor)


@pytest.mark.parametrize(
    ("old", "new", "cells"),
    [("abc|def|ghi", "abc|def|ghi", None), ("abc|def|ghi", "abc|xyz|ghi", (3, 6)), ("ab|cd", "xy|cd", (0, 2)),
     ("ab|cd", "ab|xy", (2, 4)), ("字|b|c", "字|x|c", (2, 3)), ("a|a|a", "a|b|a", (1, 2))],
)  # fmt: skip
def test_the_difference_of_two_lines_is_found(old, new, cells):
    def drawn(text: str) -> Strip:
        return Strip([Segment(part, Style(bold=bool(at % 2))) for at, part in enumerate(text.split("|"))])

    assert difference(drawn(old), drawn(new)) == cells


# The terminal


def test_the_environment_is_prepared_without_textual():
    code = (
        "import sys, tui.terminal; tui.terminal.prepare_environment(); "
        "assert not [name for name in sys.modules if name.startswith('textual')]"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env=dict(os.environ))


def test_over_ssh_fewer_frames_are_asked_for_and_own_choices_stay():
    far, near = {"SSH_CONNECTION": "a"}, {"TEXTUAL_FPS": "60"}
    terminal.prepare_environment(far)
    terminal.prepare_environment(near)
    assert int(far["TEXTUAL_FPS"]) < 60
    assert near["TEXTUAL_FPS"] == "60"
    assert far["TEXTUAL_ANIMATIONS"] == near["TEXTUAL_ANIMATIONS"] == "none"


@pytest.mark.parametrize(
    ("environ", "is_wanted"),
    [({"LANG": "C"}, True), ({"LC_ALL": "POSIX", "LANG": "de_DE.UTF-8"}, True), ({"LANG": "C.UTF-8"}, False),
     ({}, False), ({"TERM": "dumb", "LANG": "de_DE.UTF-8"}, True)],
)  # fmt: skip
def test_ascii_is_wanted_where_the_locale_knows_nothing_else(environ, is_wanted):
    assert terminal.wants_ascii(environ, is_coerced=False) is is_wanted


def test_what_python_put_into_the_environment_says_nothing_of_the_terminal():
    coerced = {"LANG": "C", "LC_CTYPE": "C.UTF-8"}
    assert terminal.wants_ascii(coerced, is_coerced=True)
    assert not terminal.wants_ascii(coerced, is_coerced=False)
    assert not terminal.wants_ascii({"LC_CTYPE": "C.UTF-8"}, is_coerced=True)


def test_a_closed_terminal_is_noticed(monkeypatch):
    monkeypatch.setattr(sys, "__stdin__", None)
    assert terminal.is_terminal_gone()


async def test_the_dashboard_ends_when_its_terminal_is_gone(dashboard, monkeypatch):
    async with dashboard() as shown:
        monkeypatch.setattr("tui.app.is_terminal_gone", lambda: True)
        shown.app._check_terminal()
        await shown.until(lambda: shown.app._exit)
