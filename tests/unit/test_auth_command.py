"""`reeldeck auth` against an engine in memory."""

from __future__ import annotations

import json
import time
from dataclasses import replace

import pytest

from core.domain.errors import AuthRequired, InvalidRequest, NetworkFailure
from core.domain.profile import ProfileReason, ProfileStatus
from tests.unit.conftest import run


@pytest.fixture
def engine(engine, home):
    (home / "c.txt").touch()
    return engine


def test_a_login_is_added_by_the_absolute_path_of_its_file(engine, tmp_path):
    code, out, _ = run("auth", "add", "youtube", "c.txt", "--name", "alt")
    assert code == 0
    assert ("add_profile", ("youtube", str(tmp_path / "c.txt"), "alt")) in engine.calls
    assert "youtube/alt" in out
    assert "ACTIVE" in out


def test_a_refused_file_ends_with_the_engines_words(engine):
    engine.fail_next("add_profile", InvalidRequest("line 3 of the cookie file has 1 fields instead of 7"))
    code, _, err = run("auth", "add", "youtube", "c.txt")
    assert code == InvalidRequest.exit_code
    assert "line 3" in err
    assert run("auth", "add", "youtube", "none.txt")[0] == 2


def test_the_list_is_a_table_or_json_and_says_when_it_is_empty(engine):
    code, out, err = run("auth", "list")
    assert (code, out) == (0, "")
    assert "reeldeck auth add" in err
    run("auth", "add", "x", "c.txt")
    assert "x/main" in run("auth", "list")[1]
    shown = json.loads(run("auth", "list", "--json")[1])
    assert (shown["source_type"], shown["name"], shown["status"]) == ("x", "main", "ACTIVE")


def test_a_check_of_a_login_that_is_not_used_any_more_fails(engine):
    run("auth", "add", "x", "c.txt")
    assert run("auth", "check")[0] == 0
    ((number, profile),) = engine.logins.items()
    engine.logins[number] = replace(
        profile, status=ProfileStatus.DISABLED, reason=ProfileReason.REFUSED, expires=1.0
    )
    code, out, _ = run("auth", "check", "x/main")
    assert code == AuthRequired.exit_code
    assert "refused" in out
    assert "has ended" in out


def test_a_login_that_the_site_cannot_be_asked_about_is_added_all_the_same(engine):
    engine.fail_next("check_profile", NetworkFailure("no route"))
    code, out, err = run("auth", "add", "youtube", "c.txt")
    assert code == 0
    assert "youtube/main" in out
    assert "is added; its site could not be asked: " in err


def test_whoever_may_read_a_cookie_file_is_told_of(engine, tmp_path):
    (tmp_path / "c.txt").chmod(0o600)
    assert "chmod" not in run("auth", "add", "youtube", "c.txt")[2]
    (tmp_path / "c.txt").chmod(0o640)
    assert "chmod 600" in run("auth", "add", "youtube", "c.txt")[2]


def test_a_check_goes_on_behind_a_site_that_does_not_answer_and_ends_with_its_error(engine):
    run("auth", "add", "x", "c.txt")
    run("auth", "add", "youtube", "c.txt")
    engine.fail_next("check_profile", NetworkFailure("no route"))
    code, out, err = run("auth", "check", "--afresh")
    assert code == NetworkFailure.exit_code
    assert "youtube/main" in out
    assert "x/main" not in out
    assert "x/main: error: " in err
    assert engine.calls[-1][1][1] is True, "afresh"


def test_an_account_is_shown_beside_the_login_and_cannot_harm_the_terminal(engine):
    run("auth", "add", "x", "c.txt")
    ((number, profile),) = engine.logins.items()
    engine.logins[number] = replace(profile, account="a\x1b[2Jmal", checked=time.time())
    _, out, _ = run("auth", "list")
    assert "x/main (a" in out
    assert "\x1b" not in out
    assert "0 s ago" in out


def test_a_login_is_removed_by_its_name_or_number(engine):
    run("auth", "add", "x", "c.txt")
    run("auth", "add", "youtube", "c.txt")
    assert run("auth", "remove", "x/main")[0] == 0
    (number,) = engine.logins
    assert run("auth", "remove", str(number))[0] == 0
    code, _, err = run("auth", "remove", "x/main")
    assert code == InvalidRequest.exit_code
    assert "auth list" in err
