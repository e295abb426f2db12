from __future__ import annotations

import pytest

from core.api.callers import BURST_S, LOCAL, Caller, Callers, UnknownToken, needed_scope
from core.api.metrics import Traffic, render
from core.domain.errors import Forbidden, LimitReached
from core.domain.token import AuditEntry, Scope, audit_entry_from_json, token_from_json
from tests.fakes.api import a_token


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


async def any_token(secret: str):
    return a_token(Scope.READ, token_id=int(secret)) if secret.isdigit() else None


async def test_a_token_may_save_up_some_seconds_and_then_keeps_its_rate():
    clock = Clock()
    callers = Callers(any_token, rate_per_s=10, clock=clock)
    for _ in range(int(10 * BURST_S)):
        await callers.admit("1", Scope.READ)
    with pytest.raises(LimitReached) as refused:
        await callers.admit("1", Scope.READ)
    assert refused.value.retry_after_s == pytest.approx(0.1)
    await callers.admit("2", Scope.READ)  # another token has its own
    clock.now += 0.1
    await callers.admit("1", Scope.READ)
    with pytest.raises(LimitReached):
        await callers.admit("1", Scope.READ)
    clock.now += 1000
    for _ in range(int(10 * BURST_S)):
        await callers.admit("1", Scope.READ)
    with pytest.raises(LimitReached):
        await callers.admit("1", Scope.READ)


async def test_without_a_rate_any_number_is_taken():
    callers = Callers(any_token, clock=Clock())
    for _ in range(1000):
        await callers.admit("1", Scope.READ)


@pytest.mark.parametrize("secret", ["", "x", "9" * 600])
async def test_what_is_no_token_is_unknown(secret):
    with pytest.raises(UnknownToken) as refused:
        await Callers(any_token).admit(secret, Scope.READ)
    assert refused.value.http_status == 401
    with pytest.raises(UnknownToken):
        await Callers(None).admit("1", Scope.READ)


async def test_a_good_token_without_the_scope_is_forbidden():
    with pytest.raises(Forbidden) as refused:
        await Callers(any_token).admit("1", Scope.CONTROL)
    assert refused.value.http_status == 403


def test_people_on_this_machine_may_do_everything():
    for scope in Scope:
        LOCAL.require(scope)
    assert (LOCAL.actor, Caller(a_token(name="phone")).actor) == ("socket", "token:phone")


@pytest.mark.parametrize("path", ["/", "", "/api/v1", "/api/v1/new", "/api/v1/jobsx", "//api/v1/jobs"])
def test_what_no_rule_names_is_changed_by_administrators_only(path):
    assert needed_scope("POST", path) is Scope.ADMIN


def test_tokens_and_entries_travel_as_json():
    token = a_token(Scope.READ, Scope.CONTROL)
    assert token_from_json(token.to_json()) == token
    entry = AuditEntry(actor="socket", action="a", target="t", data={"jobs": [1]}, created=2.5, id=7)
    assert audit_entry_from_json(entry.to_json()) == entry


def test_what_stands_in_a_label_cannot_end_it():
    traffic = Traffic()
    traffic.count("GET", 200)
    traffic.count('"} 1\n', 200)
    source = {"name": 'a"b\\\n', "in_flight": 1, "queued": 2, "waiting": 3}
    status = {
        "engine": {"version": "1", "uptime_s": 1.5},
        "counts": {"QUEUED": 2},
        "speed_bps": 0.0,
        "disk": {"free_bytes": None, "min_free_bytes": 1},
        "memory_bytes": 1,
        "cpu_percent": 0.5,
        "webhooks": [],
        "sources": [source | {"breaker": {"state": "open"}}, source | {"name": "b", "breaker": None}],
    }
    lines = render(status, traffic, streams=4, tasks=30).splitlines()
    assert 'reeldeck_source_jobs_queued{source="a\\"b\\\\\\n"} 2' in lines
    assert 'reeldeck_source_breaker{source="a\\"b\\\\\\n",state="open"} 1.0' in lines
    assert 'reeldeck_api_answers_total{method="other",status="200"} 1' in lines
    assert {"reeldeck_api_streams 4", "reeldeck_tasks 30"} <= set(lines)
    assert not [line for line in lines if line.startswith("reeldeck_disk_free_bytes")]
