"""`reeldeck webhooks`, against an engine in memory."""

from __future__ import annotations

import json

from core.domain.errors import HttpFailure
from tests.fakes.hooks import a_receiver
from tests.unit.conftest import run


def asked(engine, method):
    return [arguments for name, arguments in engine.calls if name == method]


def test_receivers_are_listed_with_what_waits_and_why(engine):
    assert "webhooks.urls" in run("webhooks", "list")[2]
    engine.receivers = [
        a_receiver(1, sent=7),
        a_receiver(
            2, waiting=3, failing_since="2026-01-02T03:04:05Z", retry_at="2026-01-02T03:09:05Z",
            error_message="503 \x1b[31m",
        ),
    ]  # fmt: skip
    code, out, _ = run("webhooks", "list")
    first, second = out.splitlines()[1:]
    assert (code, first.split()) == (0, ["1", "hooks1.example", "0", "7"])
    assert second.split()[:4] == ["2", "hooks2.example", "3", "0"]
    assert "503" in second
    assert "next try at" in second
    assert "\x1b" not in out
    assert [
        json.loads(line) for line in run("webhooks", "list", "--json")[1].splitlines()
    ] == engine.receivers


def test_without_receivers_nothing_is_tested_and_how_one_is_named_is_told(engine):
    for name in ("test", "send"):
        code, _, err = run("webhooks", name)
        assert (code, "webhooks.urls" in err) == (2, True)


def test_all_or_those_that_are_named_are_tested_and_refusals_told(engine):
    engine.receivers = [a_receiver(1), a_receiver(2)]
    assert run("webhooks", "test")[1] == "hooks1.example took it\nhooks2.example took it\n"
    engine.fail_next("test_webhook", HttpFailure("503"))
    code, out, err = run("webhooks", "test", "1", "hooks2.example")
    assert (code, out) == (HttpFailure.exit_code, "hooks2.example took it\n")
    assert "hooks1.example" in err
    assert len(asked(engine, "test_webhook")) == 4
    code, _, err = run("webhooks", "test", "3")
    assert (code, "webhooks list" in err) == (2, True)


def test_what_waits_is_tried_at_once(engine):
    engine.receivers = [a_receiver(1, waiting=2), a_receiver(2)]
    code, out, _ = run("webhooks", "send", "1")
    assert (code, out) == (0, "hooks1.example: 2 tried now (see: reeldeck webhooks list)\n")
    assert asked(engine, "send_webhooks") == [(engine.receivers[0]["id"],)]
