"""`serve`: the engine and its API in the foreground, until somebody stops it."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import click

from core.api.server import ApiServer
from core.config.load import load_settings
from core.config.schema import secret_values
from core.config.settings import Settings
from core.domain.text import for_terminal
from core.engine.engine import Engine
from core.engine.heap import leave_out_what_stands
from core.ops.logs import configure, log_event
from core.ops.notify import Notifier, keep_alive
from tui.console.connect import run_async

if TYPE_CHECKING:
    from userbot.service import Userbot
    from userbot.source import TelegramSource

log = logging.getLogger("reeldeck.serve")

#: From the first signal to the end, at most; what is not put away by then is recovered at the next start.
STOP_WITHIN_S = 10.0


@click.command()
def serve() -> None:
    """Run the engine in the foreground.

    SIGTERM, Ctrl-C and `reeldeck stop` end it; running jobs go on at the next start. A second signal ends it
    at once.
    """
    run_async(_serve(load_settings()))


async def _serve(settings: Settings) -> None:
    configure(settings.logging, settings.paths.log, secrets=secret_values(settings))
    source = _telegram_source() if settings.telegram.enabled else None
    engine = Engine(settings, on_event=log_event, more_sources=[source] if source else [])
    api = ApiServer(engine, settings, token_check=engine.judge_token, record=engine.record)
    notifier = Notifier()
    _end_by_signals(engine.stop_requested)
    async with AsyncExitStack() as running:
        running.callback(notifier.close)
        await engine.start()
        running.push_async_callback(engine.stop)
        await api.start()
        running.push_async_callback(api.stop)
        if source is not None:
            # Connects on its own: the engine works without it.
            userbot = _userbot(engine, settings, source)
            engine.attach(userbot)
            await userbot.start()
            running.push_async_callback(userbot.stop)
        leave_out_what_stands()
        click.echo(f"reeldeck listens on {for_terminal(str(api.path))} (process {os.getpid()})")
        if sys.stdout.isatty():
            click.echo(
                "Look at it in another terminal: reeldeck. Ctrl-C stops it; jobs go on at its next start."
            )
        notifier.tell(READY="1", STATUS="ready")
        alive = asyncio.create_task(keep_alive(notifier, engine.beat, engine.status), name="signs of life")
        alive.add_done_callback(_say_why)
        running.callback(alive.cancel)
        await engine.stop_requested.wait()
        notifier.tell(STOPPING="1", STATUS="puts running jobs back")
        asyncio.get_running_loop().call_later(STOP_WITHIN_S, _abandon, 1)
    if engine.fault is not None:
        # Not a wish of anybody: whoever watches this process shall start it again.
        raise engine.fault


def _say_why(alive: asyncio.Task[None]) -> None:
    """Whoever watches this process will end it soon: the log shall say for what."""
    if not alive.cancelled() and (fault := alive.exception()) is not None:
        log.critical("there are no more signs of life", exc_info=fault)


def _telegram_source() -> TelegramSource:
    from userbot.source import TelegramSource  # noqa: PLC0415 -- Telethon comes with it

    return TelegramSource()


def _userbot(engine: Engine, settings: Settings, source: TelegramSource) -> Userbot:
    from userbot.service import Userbot  # noqa: PLC0415 -- as above

    return Userbot(engine, settings, source)


def _end_by_signals(stop: asyncio.Event) -> None:
    """Let the first signal set *stop*, and the second one end the process."""

    def on_signal(number: signal.Signals) -> None:
        if stop.is_set():
            _abandon(128 + number)
        log.info("asked to stop", extra={"signal": number.name})
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, on_signal, number)


def _abandon(code: int) -> None:
    """End without another word. The kernel ends the children; the next start recovers the jobs."""
    os._exit(code)
