from __future__ import annotations

from collections import Counter

import pytest

from core.domain.job import JobStatus
from tests.fakes.engine import FakeEngine
from tui.actions import ACTIONS, actions_of, bindings_of, key_name
from tui.app import PAGES
from tui.screens.administration import AuditScreen, CheckupScreen, TokensScreen, WebhooksScreen
from tui.screens.auth import AuthScreen
from tui.screens.chats import ChatsScreen
from tui.screens.deliveries import DeliveriesScreen
from tui.screens.detail import DetailScreen
from tui.screens.duplicates import DuplicatesScreen
from tui.screens.help import HelpScreen
from tui.screens.jobs import JobsScreen
from tui.screens.library import LibraryScreen
from tui.screens.log import LogScreen
from tui.screens.operations import OperationsScreen
from tui.screens.settings import SettingsScreen
from tui.screens.sources import SourcesScreen
from tui.situation import Situation, situation_of

SCREENS = {
    screen.PAGE: screen
    for screen in (
        JobsScreen, DetailScreen, SourcesScreen, AuthScreen, ChatsScreen, DeliveriesScreen, LibraryScreen,
        LogScreen, SettingsScreen, HelpScreen, OperationsScreen, DuplicatesScreen, WebhooksScreen,
        TokensScreen, AuditScreen, CheckupScreen,
    )
}  # fmt: skip
#: tmux and screen take these for themselves.
TAKEN = {"ctrl+a", "ctrl+b"}


@pytest.mark.parametrize("screen", SCREENS)
def test_no_key_means_two_things_on_one_screen(screen):
    keys = Counter(key for action in actions_of(screen) for key in action.keys)
    assert [key for key, count in keys.items() if count > 1] == []


@pytest.mark.parametrize("screen", SCREENS)
def test_every_action_has_its_method(screen):
    missing = [action.id for action in actions_of(screen) if not hasattr(SCREENS[screen], f"do_{action.id}")]
    assert missing == []


def test_every_action_is_on_a_screen_that_exists():
    assert {screen for action in ACTIONS for screen in action.screens} == set(SCREENS)


def test_every_page_has_a_digit_that_shows_it_from_every_other_page():
    for page in PAGES:
        shows = {action.id: action.keys for action in actions_of(page) if action.group == "Pages"}
        assert set(shows) == {f"show_{name}" for name in PAGES}
        assert all(keys[0].isdecimal() for keys in shows.values())


def test_no_action_needs_alt_a_function_key_or_a_key_of_the_multiplexer():
    keys = {key for action in ACTIONS for key in action.keys}
    assert not keys & TAKEN
    assert not [key for key in keys if key.startswith(("alt+", "f1", "f2", "f3", "f4"))]


@pytest.mark.parametrize("screen", SCREENS)
def test_bindings_carry_ids_so_that_people_can_change_them(screen):
    ids = [binding.id for binding in bindings_of(screen)]
    assert len(set(ids)) == len(ids) == len(actions_of(screen))


def test_every_action_can_be_found_on_the_help_page_by_a_readable_key():
    for action in ACTIONS:
        assert action.help
        assert all(len(key_name(key)) <= 6 for key in action.keys)


ALLOWED = {
    "pause": {"PENDING", "QUEUED", "RUNNING", "PAUSED"},
    "retry": {"FAILED", "CANCELLED", "PENDING", "QUEUED"},
    "cancel": {"PENDING", "QUEUED", "RUNNING", "PAUSED"},
    "delete": {"COMPLETED", "FAILED", "CANCELLED"},
    "raise_priority": {"PENDING", "QUEUED", "RUNNING", "PAUSED"},
    "open": set(JobStatus),
    "copy_url": set(JobStatus),
}


@pytest.mark.parametrize("action_id", ALLOWED)
@pytest.mark.parametrize("status", JobStatus)
def test_actions_are_offered_where_they_can_work_and_say_why_not_elsewhere(action_id, status):
    action = next(action for action in ACTIONS if action.id == action_id)
    reason = action.reason(situation_of([FakeEngine().add(status=status)]))
    assert bool(reason) == (status not in ALLOWED[action_id])


def test_without_a_job_or_an_engine_the_reason_says_so():
    pause = next(action for action in ACTIONS if action.id == "pause")
    job = FakeEngine().add()
    assert pause.reason(Situation()) == "No job is selected"
    assert pause.reason(situation_of([job], is_connected=False)) == "The engine is not connected"
    done = [FakeEngine().add(status=JobStatus.COMPLETED) for _ in range(2)]
    assert pause.reason(situation_of(done)) == "Nothing to pause: all are completed"


def test_a_path_can_be_copied_once_there_is_a_file():
    copy = next(action for action in ACTIONS if action.id == "copy_path")
    assert copy.reason(situation_of([FakeEngine().add()])) == "There is no file yet"
    assert not copy.reason(situation_of([FakeEngine().add(file_path="/a")]))
