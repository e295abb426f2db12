"""The messenger's account as text."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from core.domain.job import iso
from tests.unit.test_tui_chrome import LIVE, STATUS
from tests.unit.test_tui_present import HOSTILE, NOW, assert_is_safe, text_of
from tui import chrome
from tui.account import Account, account_span, header_variants


def account(state: str, **facts) -> Account:
    return Account.of({"telegram": {"state": state, **facts}})


def header(width: int, state: str, **facts) -> str:
    status = STATUS | {"telegram": {"state": state, **facts}}
    return text_of(chrome.header(LIVE, status, 0.0, [], width, now=NOW))


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"state": "off"}, ""),
        ({"state": "connecting"}, "connecting"),
        ({"state": "online"}, "online"),
        ({"state": "online", "account": "Ann"}, "online as Ann"),
        ({"state": "waiting", "wait_until": iso(NOW + 299)}, "waiting 4:59"),
        ({"state": "waiting", "wait_until": NOW + 299}, "waiting 4:59"),
        ({"state": "waiting", "wait_until": NOW - 1}, "waiting"),
        ({"state": "online", "account": "Ann", "wait_until": NOW + 299}, "online as Ann, limited 4:59"),
        ({"state": "login_needed"}, "login needed"),
        ({"state": "something_new"}, "something new"),
    ],
)
def test_every_state_has_words(told, words):
    assert Account.of({"telegram": told}).words(NOW) == words


def test_an_engine_that_tells_nothing_has_none():
    for status in ({}, {"telegram": None}, {"telegram": {"state": None, "wait_until": "soon"}}):
        assert not Account.of(status).is_on
        assert Account.of(status).wait_s(NOW) is None


def test_the_owner_is_called_only_for_what_nobody_else_can_mend():
    assert [state for state in ("off", "connecting", "online", "waiting", "login_needed", "failed")
            if account(state).needs_owner] == ["login_needed", "failed"]  # fmt: skip
    assert account("login_needed").next_step() == "Log in again: reeldeck telegram login"
    assert not account("online").next_step()


def test_the_header_hides_what_is_off_and_shortens_what_has_no_room():
    assert "telegram" not in header(200, "off")
    assert "● telegram online as Ann" in header(140, "online", account="Ann")
    narrow = header(124, "online", account="A name that is much too long for it")
    assert "● telegram online  " in narrow
    assert "○ telegram login needed: reeldeck telegram login" in header(160, "login_needed")
    assert "○ telegram login needed  " in header(132, "login_needed")
    assert "telegram" not in header(80, "login_needed")
    assert "○ telegram waiting 4:59" in header(132, "waiting", wait_until=iso(NOW + 299.5))


@pytest.mark.parametrize("text", HOSTILE)
def test_names_of_strangers_are_safe_in_the_header_and_on_the_page(text):
    hostile = account("online", account=text, detail=text)
    for line in header_variants(hostile, NOW):
        assert_is_safe(text_of(line))
        assert cell_len(text_of(line)) < 70
    for state in ("online", "failed"):
        assert_is_safe(account_span(account(state, account=text, detail=text), NOW)[0])


def test_what_failed_says_why_in_the_pages_top_line():
    assert account_span(account("failed", detail="no route"), NOW) == ("telegram failed: no route", "bad")
    assert account_span(account("off"), NOW) == ("telegram is off", "dim")
