"""`limits` and `maintenance`: what may change while the engine runs."""

from __future__ import annotations

import click

from core.domain.errors import InvalidRequest
from core.domain.limit import RunningLimit, figure_text, range_text, typed_value
from tui.console.connect import engine, run_async
from tui.console.output import json_line, line, table
from tui.limits import MAINTENANCE

#: Brings the configured value back.
DEFAULT = "default"
_SWITCH = {"on": 1, "off": 0}


@click.command()
@click.argument("name", required=False)
@click.argument("value", required=False)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def limits(name: str | None, value: str | None, *, as_json: bool) -> None:
    """Show the limits that may change while the engine runs, or change one.

    With NAME and VALUE, NAME is VALUE from now on, also after a restart. A VALUE such as 2.5M counts
    in 1024; switches are on or off; "default" is what is configured.
    """
    run_async(_limits(name, value, as_json=as_json))


async def _limits(name: str | None, value: str | None, *, as_json: bool) -> None:
    async with engine() as running:
        found = [limit for limit in await running.limits() if name in {None, limit.name}]
        if name is not None and not found:
            raise InvalidRequest(f"there is no limit {name}", hint="See them all: reeldeck limits")
        if name is not None and value is not None:
            found = [await running.set_limit(name, _value(found[0], value))]
    if as_json:
        for limit in found:
            json_line(limit.to_json())
    else:
        rows = [
            (limit.name, figure_text(limit, limit.value), figure_text(limit, limit.configured), limit.about)
            for limit in found
        ]
        table(("LIMIT", "NOW", "CONFIGURED", "WHAT"), rows, flexible=3)


def _value(limit: RunningLimit, text: str) -> int | None:
    if text == DEFAULT:
        return None
    value = typed_value(limit, text)
    if value is None:
        known = range_text(limit) if limit.is_switch else f"from {range_text(limit)}"
        raise InvalidRequest(f"{limit.name} is {known}", hint=f'Or "{DEFAULT}", as it is configured.')
    return value


@click.command()
@click.argument("state", type=click.Choice(tuple(_SWITCH)), required=False)
def maintenance(state: str | None) -> None:
    """Take nothing new, or take it again; what was taken goes on. Without a word, say which."""
    run_async(_maintenance(state))


async def _maintenance(state: str | None) -> None:
    async with engine() as running:
        if state is not None:
            await running.set_maintenance(is_on=state == "on")
        is_on = (await running.status())["limits"][MAINTENANCE]
    line("on: nothing new is taken" if is_on else "off: links are taken")
