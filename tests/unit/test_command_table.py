"""The table of commands is what the mission names, and can be read on a phone."""

from __future__ import annotations

import re

import pytest

from userbot.commands.arguments import Typed, typed
from userbot.commands.table import COMMANDS

NAMED = [
    "start", "help", "queue", "status", "health", "job", "pause", "resume", "cancel", "retry", "clear",
    "archive_on", "archive_off", "watch", "unwatch", "search", "collect", "debug_on", "debug_off",
    "maintenance", "get",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMED)
def test_every_command_that_was_promised_is_there(name):
    assert COMMANDS[name].name == name


@pytest.mark.parametrize("command", COMMANDS.values(), ids=lambda command: command.name)
def test_a_command_can_be_typed_and_is_explained_in_a_line(command):
    assert typed(f"/{command.name} x", "/", None) == Typed(command.name, "x")
    assert re.fullmatch(r"[A-Z][^\n]{5,90}\.", command.summary)
    assert command.usage("!").startswith(f"!{command.name}")


def test_only_what_looks_is_left_out_of_the_record():
    silent = {name for name, command in COMMANDS.items() if not command.changes}
    assert silent == {
        "start", "help", "status", "health", "queue", "job", "search", "tags", "sources", "logins", "chats",
        "audit",
    }  # fmt: skip
