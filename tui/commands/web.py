"""`web`: the dashboard in a browser on this machine, behind a token."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import click

from core.config.load import load_settings
from tui.console.connect import run_async
from tui.web.key import FILE, Key

_PORT = 7335  # REEL on a telephone's keys


@click.command()
@click.option("--port", type=click.IntRange(0, 65_535), default=_PORT, show_default=True,
              help="Where to listen; 0 = any that is free.")  # fmt: skip
@click.option(
    "--url", "is_url_only", is_flag=True, help="Print the address with the token, and serve nothing."
)
@click.option("--new-token", is_flag=True, help="Make a new token first; the old one opens nothing any more.")
def web(port: int, *, is_url_only: bool, new_token: bool) -> None:
    """Show the dashboard in a browser on this machine.

    Prints the address that opens it, with a token. The browser is known by a cookie afterwards. From another
    machine: ssh -L 7335:127.0.0.1:7335 HOST, then the same address. SIGTERM and Ctrl-C end it.
    """
    if is_url_only and not port:
        raise click.UsageError("--url needs the --port at which it listens")
    settings = load_settings()
    file = settings.paths.data_dir / FILE
    key = Key.ensure(file, renew=new_token)
    if is_url_only:
        click.echo(_address(port, key.token))
    else:
        run_async(_web(file, key, port))


async def _web(file: Path, key: Key, port: int) -> None:
    # They bring a web server with them.
    from tui.web.server import WebServer  # noqa: PLC0415
    from tui.web.tabs import Tabs  # noqa: PLC0415

    ended = _end_by_signals()
    server = WebServer(file, Tabs())
    await server.start(port)
    try:
        _introduce(server.port, key.token)
        await ended.wait()
    finally:
        await server.stop()


def _introduce(port: int, token: str) -> None:
    if not sys.stdout.isatty():
        # A journal is read by more people than a terminal.
        click.echo(f"The dashboard is at http://127.0.0.1:{port}/ (process {os.getpid()})")
        click.echo(f"The address with the token: reeldeck web --url --port {port}")
        return
    click.echo(f"Open this in a browser on this machine:\n\n    {_address(port, token)}\n")
    click.echo(f"From another machine, first: ssh -L {port}:127.0.0.1:{port} HOST")
    click.echo("Ctrl-C ends it; jobs go on.")


def _address(port: int, token: str) -> str:
    return f"http://127.0.0.1:{port}/?token={token}"


def _end_by_signals() -> asyncio.Event:
    """An event that the first signal sets.

    The second one ends the process: as with any other end its terminals close, and their dashboards leave.
    """
    ended = asyncio.Event()

    def on_signal(number: signal.Signals) -> None:
        if ended.is_set():
            os._exit(128 + number)
        ended.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, on_signal, number)
    return ended
