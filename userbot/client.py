"""Telethon's client as this program wants it. Nothing else builds one."""

from __future__ import annotations

import asyncio
import importlib.util
import logging
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

from telethon import TelegramClient
from telethon.crypto import aes
from telethon.sessions import SQLiteSession
from telethon.tl import types
from telethon.utils import get_peer_id

from core.config.settings import Settings
from core.domain.errors import ConfigError
from core.net.http.proxies import parse_proxy
from userbot.faults import WHERE_FROM, is_lost
from userbot.link import Link

log = logging.getLogger("reeldeck.telegram")

#: People and chats whose keys are kept in memory; a client in large groups hears of many.
ENTITIES = 20_000
CONNECT_S = 15


class Client(TelegramClient):  # type: ignore[misc]  # Telethon has no types
    """Telethon's client, which also notices what its calls were told beside their answers.

    Attributes:
        login_doubted: Set by calls that were refused for want of a login.
        on_skipped: Hears of the chat (None: of all) of which Telethon leaves out what came, as that was too
            much to be told; the message that showed it the gap is among it.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.login_doubted = asyncio.Event()
        self.on_skipped: Callable[[int | None], None] = lambda _: None

    async def __call__(self, request: Any, *arguments: Any, **options: Any) -> Any:
        """Make a call; all of Telethon's own go this way too."""
        try:
            answer = await super().__call__(request, *arguments, **options)
        except Exception as error:
            if is_lost(error):
                self.login_doubted.set()
            raise
        if isinstance(answer, types.updates.ChannelDifferenceTooLong):
            self.on_skipped(get_peer_id(types.PeerChannel(request.channel.channel_id)))
        elif isinstance(answer, types.updates.DifferenceTooLong):
            self.on_skipped(None)
        return answer


def check_settings(settings: Settings) -> None:
    """Raise ConfigError when nobody could connect with these settings."""
    telegram = settings.telegram
    if not telegram.api_id or not telegram.api_hash:
        raise ConfigError(
            "telegram.api_id and telegram.api_hash are missing",
            hint=WHERE_FROM,
        )
    _proxy(settings)


def has_fast_crypto() -> bool:
    """Whether Telethon has found cryptg; without it transfers are ten times slower."""
    return aes.cryptg is not None


def make_client(settings: Settings, session: SQLiteSession, link: Link) -> Client:
    """A client on *session* that is not connected yet. Raises ConfigError."""
    check_settings(settings)
    if not has_fast_crypto():
        log.error(
            "cryptg is missing: Telegram transfers are ten times slower. Install it: pip install cryptg"
        )
    telegram = settings.telegram
    assert telegram.api_hash is not None
    return Client(
        session,
        telegram.api_id,
        telegram.api_hash.get_secret_value(),
        connection=link.connections,
        proxy=_proxy(settings),
        timeout=CONNECT_S,
        # For ever; the pace is the link's, but for a server that does not prove who it is.
        connection_retries=None,
        retry_delay=1,
        flood_sleep_threshold=telegram.flood_sleep_s,
        raise_last_call_error=True,
        # People's accounts find what they missed in the histories, which bots cannot read.
        catch_up=telegram.bot_token is not None,
        device_model="Reeldeck",
        app_version=version("reeldeck"),
        entity_cache_limit=ENTITIES,
    )


async def let_go(client: TelegramClient) -> None:
    """Disconnect, and save what the session has to keep."""
    await client.disconnect()
    # Holds the reason once more where connecting failed, and complains when nobody looks.
    await asyncio.gather(client.disconnected, return_exceptions=True)


def _proxy(settings: Settings) -> dict[str, Any] | None:
    """The owner's proxy as Telethon takes it; one that it cannot use is never left out in silence."""
    if settings.network.proxy is None:
        return None
    proxy = parse_proxy(settings.network.proxy)
    if proxy.scheme == "https" or importlib.util.find_spec("python_socks") is None:
        raise ConfigError(
            "Telegram cannot be reached through network.proxy as things are",
            hint="Use an http:// or socks5:// proxy, and install: pip install 'python-socks[asyncio]'",
        )
    return {
        "proxy_type": "socks5" if proxy.is_socks else "http",
        "addr": proxy.host,
        "port": proxy.port,
        "username": proxy.user or None,
        "password": proxy.password or None,
        "rdns": proxy.resolves,
    }
