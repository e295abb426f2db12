"""The table of what can be done by which door names what there is, and leaves nothing out."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import httpx
import pytest

from core.api.app import create_app
from core.api.doorkeeper import Door
from tests.fakes.engine import FakeEngine
from tui.actions import ACTIONS
from tui.cli import reeldeck
from userbot.commands.table import COMMANDS

GROUPS = tomllib.loads((Path(__file__).parents[2] / "docs" / "doors.toml").read_text())
ROWS = [row for rows in GROUPS.values() for row in rows]
DOORS = ("dashboard", "cli", "chat", "api")
#: What a face needs to be one: moving about in it, showing it, explaining it.
OWN = {
    "dashboard": {
        "sort", "reverse", "columns", "mark", "mark_all", "source_jobs", "login_jobs", "chat_jobs",
        "open_job", "how_to", "copy_url", "copy_line", "level", "follow", "run", "operations", "theme",
        "reconnect", "palette", "help", "back", "leave", "close", "down", "up", "page_down", "page_up",
        "top", "bottom",
    },
    "cli": {"web", "demo"},
    "chat": {"start", "help"},
    "api": set(),
}  # fmt: skip


def commands_of(command: click.Command, name: str = "") -> Iterator[str]:
    """Names of commands that do something: `auth add`."""
    if not isinstance(command, click.Group):
        yield name
        return
    context = click.Context(command)
    for each in command.list_commands(context):
        below = command.get_command(context, each)
        assert below is not None
        yield from commands_of(below, f"{name} {each}".strip())


async def routes() -> set[str]:
    """Methods and paths of the API, as its own description has them."""
    app = create_app(FakeEngine())

    async def by_socket(scope: Any, receive: Any, send: Any) -> None:
        await app({**scope, "state": {"door": Door.SOCKET}}, receive, send)

    transport = httpx.ASGITransport(app=by_socket)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as asking:
        paths = (await asking.get("/api/v1/openapi.json")).json()["paths"]
    return {
        f"{method.upper()} {path.removeprefix('/api/v1')}"
        for path, methods in paths.items()
        for method in methods
    }


async def known(door: str) -> set[str]:
    """What there is behind a door."""
    match door:
        case "dashboard":
            return {action.id for action in ACTIONS}
        case "cli":
            return set(commands_of(reeldeck))
        case "chat":
            return set(COMMANDS)
    return await routes()


@pytest.mark.parametrize("door", DOORS)
async def test_every_name_of_the_table_is_there_and_the_table_names_all(door):
    named = {name for row in ROWS for name in row[door]}
    there = await known(door)
    assert named - there == set(), "the table names what there is not"
    assert there - named - OWN[door] == set(), "the table leaves something out"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["does"])
def test_a_door_is_closed_only_with_a_reason(row):
    assert all(row[door] for door in DOORS) or row.get("why")
