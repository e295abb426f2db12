from __future__ import annotations

import pytest
from rich.cells import cell_len

from core.domain.profile import ProfileReason, ProfileStatus
from tests.fakes.engine import FakeEngine
from tests.unit.test_tui_present import HOSTILE, NOW, assert_is_safe, text_of
from tui.logins import (
    health_of,
    how_to_lines,
    login_detail,
    login_heads,
    login_row,
    needs_owner,
    next_step,
    no_logins,
)

HOUR = 3600.0
S, R = ProfileStatus, ProfileReason


def login(**facts):
    return FakeEngine().add_login(**{"created": NOW} | facts)


def shown(lines) -> str:
    return " ".join(" ".join(text_of(line) for line in lines).split())


@pytest.mark.parametrize("width", [20, 42, 53, 57, 60, 79, 97, 139])
@pytest.mark.parametrize("text", HOSTILE)
def test_every_line_fills_its_width_whatever_a_login_is_called(width, text):
    for reason in (None, *R):
        profile = login(
            source=text or "x", name=text, account=text, cookie_file_path=f"/{text}", reason=reason,
            status=S.DISABLED, last_success=NOW - HOUR, last_failure=0.0, expires=NOW + 1, checked=NOW,
            failure_count_recent=10**6,
        )  # fmt: skip
        lines = [login_row(profile, 10**6, NOW, width), *login_detail(profile, 10**6, NOW, width)]
        for line in lines:
            assert cell_len(text_of(line)) == width
            assert_is_safe(text_of(line))


@pytest.mark.parametrize("reason", R)
def test_every_reason_has_a_word_that_fits_its_column_and_a_next_step(reason):
    profile = login(reason=reason, status=S.DISABLED)
    word, style = health_of(profile)
    assert len(word) <= 11
    assert style in {"bad", "warn"}
    assert "/cookies/youtube.txt" in next_step(profile)
    assert next_step(profile) in shown(login_detail(profile, 0, NOW, 120))


def test_health_is_a_sign_a_word_and_a_colour():
    assert health_of(login()) == ("○ not tried", "dim")
    assert health_of(login(last_success=NOW)) == ("● works", "good")
    assert health_of(login(), is_checking=True) == ("▸ checking", "state.run")
    assert health_of(login(status=S.DEGRADED, reason=R.EXPIRING)) == ("● ends soon", "warn")
    assert health_of(login(status=S.DEGRADED, reason=R.REFUSED)) == ("! refused", "warn")
    assert health_of(login(status=S.DEGRADED, reason=R.REFUSED), 1) == ("! refused", "bad")
    assert health_of(login(status=S.DISABLED, reason=R.ROTATED)) == ("! replaced", "bad")
    assert health_of(login(status=S.DISABLED)) == ("! off", "bad")


def test_a_login_needs_its_owner_when_it_is_not_used_any_more_or_jobs_wait_for_it():
    assert needs_owner(login(status=S.DISABLED, reason=R.EXPIRED), 0)
    assert needs_owner(login(status=S.DEGRADED, reason=R.REFUSED), 1)
    assert not needs_owner(login(status=S.DEGRADED, reason=R.EXPIRING), 0)
    assert not needs_owner(login(), 0)


def test_a_row_tells_when_it_worked_failed_was_checked_and_ends():
    profile = login(last_success=NOW - 2 * HOUR, last_failure=NOW - 90, checked=NOW, expires=NOW + 50 * HOUR)
    text = text_of(login_row(profile, 3, NOW, 79))
    assert text.split() == ["●", "works", "youtube/main", "2", "h", "ago", "1", "min", "ago", "just", "now",
                            "in", "2", "d", "3"]  # fmt: skip
    assert "never" in text_of(login_row(login(), 0, NOW, 79))


@pytest.mark.parametrize("width", [57, 79, 97, 139])
def test_heads_stand_over_their_columns(width):
    heads, row = text_of(login_heads(width)), text_of(login_row(login(expires=NOW - 1), 12, NOW, width))
    assert cell_len(heads) == width
    assert heads.index("ENDS") == row.index("ended")
    assert heads.index("JOBS") + 4 == row.index("12") + 2


def test_a_wide_row_names_the_account():
    profile = login(account="Jane Doe")
    assert "Jane Doe" in text_of(login_row(profile, 0, NOW, 97))
    assert "Jane Doe" in shown(login_detail(profile, 0, NOW, 42))


def test_tokens_of_the_configuration_are_renewed_there():
    profile = login(source="x", name="config", cookie_file_path=None, status=S.DISABLED, reason=R.EXPIRED)
    assert "[sources.x]" in next_step(profile)
    assert "reeldeck auth add x FILE" in next_step(profile)
    assert "configuration" in shown(login_detail(profile, 0, NOW, 80))


def test_the_detail_counts_the_jobs_that_wait():
    assert "1 job waits for it." in shown(login_detail(login(), 1, NOW, 60))
    assert "3 jobs wait for it." in shown(login_detail(login(), 3, NOW, 60))
    assert "it." not in shown(login_detail(login(checked=NOW), 0, NOW, 60))


def test_without_logins_the_next_steps_are_told():
    assert "Loading" in shown(no_logins(is_loaded=False))
    assert "reeldeck auth add SOURCE FILE" in shown(no_logins(is_loaded=True))


@pytest.mark.parametrize("width", [30, 60, 78])
def test_how_to_export_cookies_fits_any_width(width):
    lines = how_to_lines(width)
    assert all(cell_len(text_of(line)) == width for line in lines)
    assert "private window" in shown(lines)
