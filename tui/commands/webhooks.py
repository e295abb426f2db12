"""`webhooks`: who is told when jobs end, whether they take it, and another try at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

from core.domain.errors import InvalidRequest, ReeldeckError
from core.domain.interface import EngineInterface
from core.domain.job import from_iso
from core.domain.text import for_terminal
from tui.console.connect import engine, run_async
from tui.console.exits import complain
from tui.console.output import json_line, line, table, when

_HEADER = ("NO", "HOST", "WAITING", "SENT", "NOTE")
_CONFIGURE = "Set webhooks.urls and webhooks.secret_file: docs/api.md"
_json = click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
_wanted = click.argument("wanted", metavar="[NO|HOST]...", nargs=-1)


@click.group()
def webhooks() -> None:
    """List, test and hurry those that are told when jobs end.

    `webhooks.urls` names them. What they are told is signed and in order; those that do not answer are tried
    again for days.
    """


@webhooks.command("list")
@_json
def list_(*, as_json: bool) -> None:
    """List the receivers, what waits for each, and what its last try met."""
    run_async(_list(as_json=as_json))


async def _list(*, as_json: bool) -> None:
    async with engine() as running:
        rows = await running.webhooks()
    if as_json:
        for row in rows:
            json_line(row)
    elif rows:
        table(_HEADER, [_row(number, row) for number, row in enumerate(rows, 1)], flexible=4)
    else:
        click.echo(f"Nobody is told. {_CONFIGURE}", err=True)


def _row(number: int, row: Mapping[str, Any]) -> tuple[str, ...]:
    note = ""
    if row["failing_since"] is not None:
        tries = f"; next try at {when(retry_at)}" if (retry_at := from_iso(row["retry_at"])) else ""
        note = f"{row['error_message']}, since {when(from_iso(row['failing_since']) or 0.0)}{tries}"
    return str(number), row["host"], str(row["waiting"]), str(row["sent"]), note


@webhooks.command()
@_wanted
@_json
def test(wanted: Sequence[str], *, as_json: bool) -> int:
    """Send receivers (all, when none is named) a signed message of the type `test`."""
    return run_async(_test(wanted, as_json=as_json))


async def _test(wanted: Sequence[str], *, as_json: bool) -> int:
    code = 0
    async with engine() as running:
        for row in await _chosen(running, wanted):
            try:
                taken = await running.test_webhook(row["id"])
            except ReeldeckError as error:
                complain(error, about=row["host"])
                code = code or error.exit_code
            else:
                if as_json:
                    json_line(taken)
                else:
                    line(f"{row['host']} took it")
    return code


@webhooks.command()
@_wanted
@_json
def send(wanted: Sequence[str], *, as_json: bool) -> None:
    """Try at once what waits for receivers (all, when none is named)."""
    run_async(_send(wanted, as_json=as_json))


async def _send(wanted: Sequence[str], *, as_json: bool) -> None:
    async with engine() as running:
        for row in await _chosen(running, wanted):
            hurried = await running.send_webhooks(row["id"])
            if as_json:
                json_line(hurried)
            else:
                line(f"{row['host']}: {row['waiting']} tried now (see: reeldeck webhooks list)")


async def _chosen(running: EngineInterface, wanted: Sequence[str]) -> list[Mapping[str, Any]]:
    """The receivers that are named by number, host or id; all when none is named."""
    rows = await running.webhooks()
    if not rows:
        raise InvalidRequest("there is no receiver", hint=_CONFIGURE)
    named = [{str(number), row["host"], row["id"]} for number, row in enumerate(rows, 1)]
    for each in wanted:
        if not any(each in names for names in named):
            raise InvalidRequest(
                f"there is no receiver {for_terminal(each)!r}", hint="See: reeldeck webhooks list"
            )
    return [row for row, names in zip(rows, named, strict=True) if not wanted or names & set(wanted)]
