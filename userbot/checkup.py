"""What `reeldeck doctor` says of Telegram."""

from __future__ import annotations

import asyncio
import contextlib
import stat
from collections.abc import Mapping
from typing import Any

from telethon.client.telegrambaseclient import DEFAULT_IPV4_IP

from core.config.settings import Settings
from core.domain.errors import ConfigError, SessionLost
from core.ops.doctor import Finding, Level
from userbot.client import check_settings, has_fast_crypto
from userbot.server import USUAL_PORT
from userbot.session import SessionFile

CONNECT_S = 5.0
_NAME = "Telegram"


async def check_up(settings: Settings, status: Mapping[str, Any] | None) -> Finding:
    """The one thing about Telegram that is most in need of mending.

    Args:
        settings: The configuration.
        status: `telegram` of a running engine's status; None when none runs.
    """
    return _by_itself(settings) or (await _reached(settings) if status is None else _as_seen(status))


def _by_itself(settings: Settings) -> Finding | None:
    """What is wrong on this machine."""
    try:
        check_settings(settings)
    except ConfigError as error:
        return Finding(_NAME, Level.FAIL, error.detail, error.hint)
    if not has_fast_crypto():
        return Finding(
            _NAME, Level.FAIL, "cryptg is missing: transfers are ten times slower", "pip install cryptg"
        )
    file = SessionFile(settings).path
    if file.exists() and stat.S_IMODE(file.stat().st_mode) & 0o077:
        return Finding(
            _NAME,
            Level.FAIL,
            f"others can read {file}, and whoever does is the account",
            f"chmod 600 {file}; end other sessions in a Telegram app, under Devices",
        )
    if not file.exists() and settings.telegram.bot_token is None:
        return Finding(_NAME, Level.WARN, "nobody has logged in", SessionLost.default_hint)
    return None


def _as_seen(status: Mapping[str, Any]) -> Finding:
    """What the running engine says."""
    state, detail = str(status.get("state") or "off"), str(status.get("detail") or "")
    shown = f"{state}: {detail}" if detail else state
    match state:
        case "online":
            return Finding(_NAME, Level.OK, f"online as {status.get('account')}")
        case "login_needed":
            return Finding(_NAME, Level.FAIL, shown, SessionLost.default_hint)
        case "failed":
            return Finding(_NAME, Level.FAIL, shown, "Mend the configuration; see: reeldeck logs")
        case "off":
            return Finding(_NAME, Level.WARN, "the engine runs without it", "Start the engine anew.")
        case _:
            return Finding(_NAME, Level.WARN, shown, "It goes on by itself.")


async def _reached(settings: Settings) -> Finding:
    """Whether the server answers at all; no engine runs that would know."""
    if settings.network.proxy is not None:
        return Finding(_NAME, Level.OK, "logged in; reached through network.proxy")
    server = settings.telegram.server
    host, port = server.host or DEFAULT_IPV4_IP, server.port or USUAL_PORT
    try:
        async with asyncio.timeout(CONNECT_S):
            _, writer = await asyncio.open_connection(host, port)
    except OSError as error:
        reason = error.strerror or "no answer"
        return Finding(
            _NAME,
            Level.WARN,
            f"{host}:{port} is not reached: {reason}",
            "Check the network, or set network.proxy.",
        )
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return Finding(_NAME, Level.OK, f"logged in; {host}:{port} is reached")
