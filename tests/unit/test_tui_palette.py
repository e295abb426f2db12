from __future__ import annotations

import pytest
from rich.cells import cell_len

from tests.fakes.engine import FakeEngine
from tests.unit.test_tui_present import text_of
from tui.actions import ACTIONS, actions_of
from tui.fuzzy import fit_of
from tui.screens.palette import entries_for, entry_line
from tui.situation import Situation, situation_of

JOB = situation_of([FakeEngine().add()], shown=1)


@pytest.mark.parametrize(
    ("typed", "better", "worse"),
    [
        ("pa", "Pause", "Copy path"),
        ("cp", "Copy path", "Scope"),
        ("its", "Its job", "Visits"),
        ("log", "Log", "Logins"),
        ("PRI", "Priority", "Copy a right"),
    ],
)
def test_beginnings_of_words_and_runs_of_letters_fit_better(typed, better, worse):
    assert (fit_of(typed, better) or 0) > (fit_of(typed, worse) or 0)


def test_letters_that_are_missing_or_in_another_order_fit_nothing():
    assert fit_of("xp", "Pause") is None
    assert fit_of("esuap", "Pause") is None
    assert fit_of("", "Pause") is not None
    assert fit_of("c p", "Copy path") == fit_of("cp", "Copy path")


def names(page: str, now: Situation, typed: str = "") -> list[str]:
    return [entry.action.id for entry in entries_for(page, now, typed)]


def test_every_action_of_the_page_can_be_found_by_its_title():
    for page in ("jobs", "chats", "library", "log"):
        for action in actions_of(page):
            if action.group != "Move" and action.id not in {"palette", "back"}:
                assert action.id in names(page, Situation(), action.title)[:6], (page, action.id)


def test_what_works_here_comes_before_what_does_not_and_what_is_elsewhere():
    entries = entries_for("jobs", JOB, "")
    works = [not entry.reason for entry in entries]
    assert works == sorted(works, reverse=True)
    assert {entry.action.id for entry in entries} >= {"pause", "add_chat", "send_item", "follow"}


def test_what_cannot_be_used_says_why():
    reasons = {entry.action.id: entry.reason for entry in entries_for("jobs", Situation(), "")}
    assert reasons["pause"] == "No job is selected"
    assert reasons["add_chat"] == "On the chats page"
    assert reasons["theme"] == ""


def test_words_of_the_help_are_found_too_after_titles():
    found = names("jobs", JOB, "priority")
    assert set(found) >= {"raise_priority", "lower_priority"}


def test_an_action_with_other_keys_shows_those():
    entries = entries_for("jobs", JOB, "pause", {"pause": ("f5",)})
    assert "F5" in text_of(entry_line(entries[0], JOB, 70))


@pytest.mark.parametrize("cells", [20, 50, 76])
def test_lines_are_as_wide_as_they_must_be(cells):
    for entry in entries_for("jobs", Situation(), ""):
        assert cell_len(text_of(entry_line(entry, Situation(), cells))) == cells


def test_the_palette_lists_each_name_once():
    listed = names("jobs", JOB)
    assert len(listed) == len(set(listed))
    assert set(listed) <= {action.id for action in ACTIONS}
