"""`reeldeck status` against an engine in memory: what keeps jobs from starting, and what to do about it."""

from __future__ import annotations

import json
import time

from core.domain.errors import ERRORS
from core.domain.job import JobStatus, iso
from core.domain.profile import ProfileReason, ProfileStatus
from tests.unit.conftest import invoke


def status(*arguments: str) -> str:
    return invoke("status", *arguments).stdout


def test_all_well_means_no_line_about_trouble(engine):
    engine.add_login()
    shown = status()
    assert "limits    4 jobs at a time" in shown
    assert not [
        line for line in shown.splitlines() if line.startswith(("resting", "login", "network", "quiet"))
    ]


def test_breakers_that_are_not_closed_are_told_with_their_reason(engine):
    opened = {"since": iso(time.time()), "retry_at": iso(time.time() + 60), "reason": "NETWORK_ERROR"}
    engine.source_facts["youtube"] = {"breaker": {"state": "open", **opened}}
    engine.source_facts["direct"] = {
        "hosts": [{"host": "dead\x1b[2J.example", **opened, "state": "half_open", "retry_at": None}]
    }
    shown = status()
    assert f"resting   youtube: {ERRORS['NETWORK_ERROR'].summary}; one job tries at 20" in shown
    assert "example: The network connection failed; one job tries now" in shown
    assert "\x1b" not in shown


def test_a_login_that_needs_its_owner_is_told_with_what_to_do(engine):
    engine.add_login(status=ProfileStatus.DISABLED, reason=ProfileReason.EXPIRED)
    engine.add_login("vimeo", status=ProfileStatus.DEGRADED, reason=ProfileReason.REFUSED)
    for _ in range(2):
        engine.add(source_type="vimeo", status=JobStatus.PENDING, waiting_for="auth:main")
    shown = status()
    assert (
        "login     youtube/main: expired. Log in again and export the cookies to /cookies/youtube.txt"
        in shown
    )
    assert "login     vimeo/main: refused; 2 jobs wait for it. Log in again" in shown


def test_an_unreachable_internet_and_quiet_hours_are_told(engine, monkeypatch):
    plain = engine.status

    async def odd():
        return await plain() | {"network": {"is_away": True}, "quiet_until": iso(time.time() + 60)}

    monkeypatch.setattr(engine, "status", odd)
    assert "network   this machine does not reach the internet" in status()
    assert "quiet     no downloads until 20" in status()


def test_limits_that_are_set_are_told(engine, monkeypatch):
    plain = engine.status
    limits = {
        "max_parallel_jobs": 4, "max_parallel_jobs_per_source": 3, "bandwidth_bps": 2**20,
        "max_file_size_bytes": 2**30, "quiet_hours": "01:00-07:30",
    }  # fmt: skip

    async def limited():
        return await plain() | {"limits": limits}

    monkeypatch.setattr(engine, "status", limited)
    assert (
        "limits    4 jobs at a time, 3 of one source, 1.0 MiB/s, files up to 1.0 GiB, quiet hours 01:00-07:30"
        in status()
    )


def test_json_is_the_engines_own_answer(engine):
    assert json.loads(status("--json"))["limits"] == {"max_parallel_jobs": 4, "maintenance": False}


def test_maintenance_is_told(engine):
    assert "closed" not in status()
    engine.is_in_maintenance = True
    assert "closed    maintenance: nothing new is taken" in status()


def test_a_receiver_of_webhooks_that_takes_nothing_is_told_with_what_waits(engine):
    trouble = {
        "failing_since": iso(1.0),
        "retry_at": iso(time.time() + 60),
        "error_message": "it\x1b[2J is down",
    }
    well = {"host": "well.example", "waiting": 3, "failing_since": None}
    engine.receivers = [{"host": "hooks.example", "waiting": 2, **trouble}, well]
    shown = status()
    assert "webhooks  2 messages wait for hooks.example: it" in shown
    assert "is down; next try at 20" in shown
    assert "\x1b" not in shown
    assert "well.example" not in shown
