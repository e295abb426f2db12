"""`deliveries`: finished files on their way back to the chats that asked for them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import click

from core.domain.delivery import Delivery, DeliveryState
from core.domain.interface import EngineInterface
from core.domain.text import for_terminal
from tui.console.connect import engine, run_async
from tui.console.options import JOB
from tui.console.output import json_line, table
from tui.deliveries import Names, chat_names, note_of_delivery

_HEADER = ("ID", "STATE", "JOB", "CHAT", "NOTE")
_STATES = {state.value.lower(): state for state in DeliveryState}
#: As many as the engine gives at once.
_PAGE = 100


@click.command()
@click.option("--state", type=click.Choice(list(_STATES), case_sensitive=False), help="Only these.")
@click.option("--job", "job_id", metavar="ID", type=JOB, help="Only of this job.")
@click.option("--chat", "chat_id", metavar="ID", type=int, help="Only to this chat, by its number.")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="How many at most.")
@click.option("--again", is_flag=True, help="Send those that failed once more.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def deliveries(
    *,
    state: str | None,
    job_id: int | None,
    chat_id: int | None,
    limit: int,
    again: bool,
    as_json: bool,
) -> None:
    """List files on their way back to Telegram's chats, the newest first."""
    chosen = DeliveryState.FAILED if again else _STATES[state] if state else None
    wanted = {"state": chosen, "job_id": job_id, "chat_id": chat_id}
    run_async(_deliveries(wanted, limit, again=again, as_json=as_json))


async def _deliveries(wanted: Mapping[str, Any], limit: int, *, again: bool, as_json: bool) -> None:
    async with engine() as running:
        found = await _pages(running, wanted, limit)
        if again:
            found = [await running.retry_delivery(each.id) for each in found]
        names = chat_names(() if as_json else (await running.chats()).rules)
    if as_json:
        for each in found:
            json_line(each.to_json())
    elif found:
        table(_HEADER, [_row(each, names) for each in found], flexible=3)
    else:
        click.echo("No files failed to be sent." if again else "There are no deliveries.", err=True)


async def _pages(running: EngineInterface, wanted: Mapping[str, Any], limit: int) -> list[Delivery]:
    found: list[Delivery] = []
    after: str | None = None
    while len(found) < limit:
        page = await running.deliveries(**wanted, limit=min(_PAGE, limit - len(found)), after=after)
        found += page.items
        after = page.next
        if after is None:
            break
    return found


def _row(delivery: Delivery, names: Names) -> tuple[str, ...]:
    return (
        str(delivery.id),
        delivery.state.value,
        str(delivery.job_id),
        names(delivery.chat_id, delivery.topic_id),
        note_of_delivery(delivery, time.time()),
    )


def told(delivery: Delivery, names: Names) -> str:
    """A delivery in one line: where it goes, how it stands, and why. Safe to print."""
    words = [names(delivery.chat_id, delivery.topic_id), delivery.state.value.lower()]
    note = note_of_delivery(delivery, time.time())
    if delivery.state is DeliveryState.FAILED:
        note = delivery.error_message or note
    return for_terminal(", ".join(word for word in (*words, note) if word))
