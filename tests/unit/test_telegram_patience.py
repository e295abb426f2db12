"""What Telegram wants to wait, waits; nothing else does."""

from __future__ import annotations

import ast
import asyncio
from pathlib import Path

import pytest
from telethon import errors

import userbot
from core.domain.errors import FloodWait, Forbidden, NetworkFailure
from userbot.faults import PEER_FLOOD_S, SlowMode, translated
from userbot.patience import FORBIDDEN_S, Later, Patience
from userbot.presence import Presence, State


@pytest.fixture
def passes(monkeypatch):
    """`passes(300)`: so many seconds are over, at once."""
    ahead, real = [0.0], asyncio.BaseEventLoop.time
    monkeypatch.setattr(asyncio.BaseEventLoop, "time", lambda self: real(self) + ahead[0])

    def pass_by(seconds):
        ahead[0] += seconds

    return pass_by


class Calls:
    """Calls that Telegram answers by raising *answers* in turn, then with "done"."""

    def __init__(self, patience, *answers):
        self._patience = patience
        self._answers = list(answers)
        self.made = []

    async def __call__(self, kind, chat=-100):
        async def make():
            self.made.append((kind, chat))
            if self._answers:
                raise self._answers.pop(0)
            return "done"

        return await self._patience.call(kind, chat, make)


@pytest.mark.parametrize("wait_s", [5, 300])
async def test_no_call_of_a_kind_is_made_during_its_wait_and_the_other_kinds_go_on(passes, wait_s):
    call = Calls(Patience(gap_s=0), FloodWait("", retry_after_s=float(wait_s)))
    for seconds in (0, wait_s / 2, wait_s / 2 - 0.5):
        passes(seconds)
        with pytest.raises(Later):
            await call("edit", -100)
        with pytest.raises(Later):
            await call("edit", -200)
        assert await call("react") == "done"
    passes(0.6)
    assert await call("edit") == "done"
    assert [kind for kind, _ in call.made].count("edit") == 2


async def test_a_slow_chat_keeps_only_itself_waiting(passes):
    call = Calls(Patience(gap_s=0), SlowMode("", retry_after_s=30.0))
    with pytest.raises(Later):
        await call("send", -100)
    with pytest.raises(Later):
        await call("send", -100)
    assert await call("send", -200) == "done"
    passes(31)
    assert await call("send", -100) == "done"
    assert call.made == [("send", -100), ("send", -200), ("send", -100)]


async def test_what_a_chat_does_not_allow_is_tried_again_much_later(passes):
    call = Calls(Patience(gap_s=0), Forbidden("no"))
    assert await call("send") is None
    assert await call("send") is None
    assert len(call.made) == 1
    passes(FORBIDDEN_S + 1)
    assert await call("send") == "done"


async def test_an_answer_that_never_comes_is_a_network_failure(passes):
    async def never():
        asyncio.get_running_loop().call_soon(passes, 61)
        await asyncio.Event().wait()

    with pytest.raises(NetworkFailure):
        await Patience(gap_s=0).call("send", -100, never)


async def test_waits_that_last_are_shown_to_the_owner_until_they_are_over():
    presence = Presence()
    presence.set(State.ONLINE, account="Ann")
    limited = translated(errors.PeerFloodError(None))
    call = Calls(Patience(gap_s=0, on_rest=presence.rest), FloodWait("5 s", retry_after_s=5.0), limited)
    for kind in ("react", "send"):
        with pytest.raises(Later):
            await call(kind)
        if kind == "react":
            assert presence.to_json()["wait_until"] is None
    shown = presence.to_json()
    assert (shown["state"], shown["account"]) == ("online", "Ann")
    assert "limits what this account may send" in shown["detail"]
    assert shown["wait_until"] is not None
    assert limited.retry_after_s == PEER_FLOOD_S
    presence.set(State.CONNECTING)
    assert presence.to_json()["wait_until"] is None


def test_every_error_of_telethon_that_is_named_exists():
    named = [
        node.attr
        for file in Path(userbot.__file__).parent.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "errors"
    ]
    assert len(named) > 30
    assert [name for name in named if not hasattr(errors, name)] == []
