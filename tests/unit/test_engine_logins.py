"""What may be stored of what was found with a login, and where a job waits that none lets in."""

from __future__ import annotations

from core.config.settings import Retries
from core.domain.errors import AuthRequired
from core.domain.events import EventType
from core.engine.logins import LoginWanted, without_secrets
from core.engine.retry import decide


def test_cookies_and_tokens_are_taken_out_however_deep_they_are():
    found = {
        "tracks": [{"url": "u", "headers": {"Cookie": "c4n4ry", "Referer": "r", "Authorization": "c4n4ry"}}],
        "private": {
            "info": {"formats": ({"cookies": "c4n4ry", "cookie_header": "c4n4ry", "x-csrf-token": "c4n4ry"},)}
        },
        "title": "Cookie",
        "size_bytes": None,
    }
    assert without_secrets(found) == {
        "tracks": [{"url": "u", "headers": {"Referer": "r"}}],
        "private": {"info": {"formats": [{}]}},
        "title": "Cookie",
        "size_bytes": None,
    }


def test_a_job_that_no_login_lets_in_waits_for_a_file_and_for_no_clock():
    error = LoginWanted("refused", hint="h", source="x", waiting_for="auth:main")
    decision = decide(error, retry_count=3, settings=Retries(), chance=0.5)
    assert (decision.event, decision.waiting_for) == (EventType.PARKED, "auth:main")
    assert (decision.wait_s, decision.counts, decision.from_clean) == (None, False, False)


def test_a_job_whose_source_has_no_login_fails():
    assert decide(AuthRequired(), retry_count=0, settings=Retries(), chance=0.5).is_final
