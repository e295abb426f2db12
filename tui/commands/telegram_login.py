"""`telegram login`, `logout` and `status`: the account. Its secrets are asked for, never shown or logged."""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Iterator
from typing import Any

import click

from core.config.load import load_settings
from core.config.settings import Settings
from core.domain.errors import EngineUnreachable, SessionLost
from tui.console.connect import engine, run_async
from tui.console.exits import Terminated
from tui.console.output import has_colours, json_line, line
from tui.console.questions import ask_secret

#: The light border that a QR code needs, in modules (ISO/IEC 18004).
_QUIET_ZONE = 4
_BLACK_ON_WHITE = "\x1b[30;107m"
_USUAL = "\x1b[0m"


@click.command()
@click.option("--qr/--phone", "by_qr", help="Scan a code with a Telegram app, or get a code by phone number.")
def login(*, by_qr: bool) -> None:
    """Log the account in. A running engine goes on with it within seconds.

    The account's number, code and password are asked for; they are neither stored nor logged. The login
    itself is kept in telegram.session_file: whoever can read that file is the account.
    """
    run_async(_login(load_settings(), by_qr=by_qr))


async def _login(settings: Settings, *, by_qr: bool) -> None:
    # Telethon takes a while to import.
    from userbot.login import log_in, logged_in_as  # noqa: PLC0415

    if (known := await logged_in_as(settings)) is not None:
        line(f"Already logged in as {name_of(known)}. To change the account: reeldeck telegram logout")
        return
    user = await log_in(settings, Terminal(), by_qr=by_qr)
    line(f"Logged in as {name_of(user)}.")
    if not settings.telegram.enabled:
        line("The engine uses it once the configuration says [telegram] enabled = true.")


@click.command()
def logout() -> None:
    """End the login at Telegram and delete it here."""
    run_async(_logout(load_settings()))


async def _logout(settings: Settings) -> None:
    from userbot.login import log_out  # noqa: PLC0415

    line("Logged out." if await log_out(settings) else "There was no login.")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def status(*, as_json: bool) -> int:
    """Show how the account stands with Telegram. Ends with 31 when it is not logged in."""
    told = run_async(_status(load_settings()))
    if as_json:
        json_line(told)
    else:
        account, detail = told.get("account"), told.get("detail")
        line(f"{told['state']}{f' as {account}' if account else ''}{f': {detail}' if detail else ''}")
        if told.get("wait_until"):
            line(f"Telegram wants nothing to be asked before {told['wait_until']}.")
        if told["state"] == "login_needed":
            line(SessionLost.default_hint)
        if told["state"] == "off":
            line("Switch it on: reeldeck setup")
    return SessionLost.exit_code if told["state"] == "login_needed" else 0


async def _status(settings: Settings) -> dict[str, Any]:
    """The running engine's answer; where none runs, Telegram's."""
    with contextlib.suppress(EngineUnreachable):
        async with engine(settings) as running:
            return dict((await running.status()).get("telegram") or {"state": "off"})
    from userbot.login import logged_in_as  # noqa: PLC0415

    user = await logged_in_as(settings)
    return {
        "state": "login_needed" if user is None else "offline",
        "account": user and name_of(user),
        "wait_until": None,
        "detail": "" if user is None else "logged in, no engine is running",
    }


class Terminal:
    """The person who logs in, at this terminal."""

    def phone(self) -> str:
        """The number of the account, with its country code."""
        return _ask("Phone number with country code (+…)")

    def code(self, *, sent_by: str) -> str:
        """The login code; empty asks for another one."""
        return _ask(
            f"Code, sent {sent_by} (Enter alone asks for another one)", default="", show_default=False
        )

    def password(self, *, hint: str) -> str:
        """The password of two-step verification."""
        with _interruptible():
            while not (given := ask_secret(f"Password{f' (hint: {hint})' if hint else ''}")):
                pass
        return given

    def wrong(self, what: str) -> None:
        """An answer was wrong, or came too late; the question comes again."""
        click.echo(what, err=True)

    def scan(self, url: str, *, valid_s: float) -> None:
        """Show a link as a QR code."""
        click.echo(qr_text(url, colours=has_colours(sys.stdout)), color=has_colours(sys.stdout))
        click.echo(
            "In a Telegram app: Settings, Devices, Link Desktop Device. "
            f"This code is valid for {valid_s:.0f} s; then comes another one."
        )


def qr_text(text: str, *, colours: bool) -> str:
    """A QR code of half blocks, two modules high each.

    Without colours it is drawn for a terminal with a dark background.
    """
    import segno  # noqa: PLC0415 -- for this alone

    rows = [list(row) for row in segno.make(text, error="l", micro=False).matrix_iter(border=_QUIET_ZONE)]
    rows += [[0] * len(rows[0])] * (len(rows) % 2)
    # By upper and lower module: ink is dark where there are colours, else light.
    blocks = (" ", "▄", "▀", "█") if colours else ("█", "▀", "▄", " ")
    lines = [
        "".join(blocks[2 * bool(upper) + bool(lower)] for upper, lower in zip(*pair, strict=True))
        for pair in zip(rows[::2], rows[1::2], strict=True)
    ]
    return "\n".join(f"{_BLACK_ON_WHITE}{each}{_USUAL}" if colours else each for each in lines)


def _ask(question: str, **options: Any) -> str:
    with _interruptible():
        return str(click.prompt(question, err=True, **options))


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """Let Ctrl-C and SIGTERM end a question: the event loop, which usually has them, stands still then."""

    def terminate(_number: int, _frame: Any) -> None:
        raise Terminated

    handlers = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: terminate}
    usual = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in usual.items():
            signal.signal(number, handler)


def name_of(user: Any) -> str:
    """A Telegram account as people know it."""
    name = " ".join(part for part in (user.first_name, user.last_name) if part) or str(user.id)
    return f"{name} (@{user.username})" if user.username else name
