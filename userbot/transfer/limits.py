"""How large a file may be, as Telegram says at the time."""

from __future__ import annotations

import time
from weakref import WeakKeyDictionary

from telethon import TelegramClient
from telethon.tl.functions.help import GetAppConfigRequest
from telethon.tl.types import JsonNumber, JsonObject, User

from userbot.faults import telegram_errors
from userbot.transfer.upload import PART_BYTES

#: What Telegram said for years, should it not say it any more: about 2 GB, and 4 with Premium.
_KNOWN_PARTS = {"upload_max_fileparts_default": 4000, "upload_max_fileparts_premium": 8000}
_KEPT_S = 3600.0
#: When it was read, and what was said.
_Read = tuple[float, dict[str, int]]
_read: WeakKeyDictionary[TelegramClient, _Read] = WeakKeyDictionary()


async def most_bytes(client: TelegramClient, me: User) -> int:
    """Size of the largest file that the account may send. Asked at most once an hour.

    Raises:
        FloodWait, NetworkFailure, SessionLost, Unknown: Telegram did not say it.
    """
    read_at, parts = _read.get(client, (-_KEPT_S, {}))
    if time.monotonic() - read_at >= _KEPT_S:
        with telegram_errors():
            # https://core.telegram.org/api/config#client-configuration
            answer = await client(GetAppConfigRequest(hash=0))
        parts = _numbers(getattr(answer, "config", None))
        _read[client] = time.monotonic(), parts
    name = "upload_max_fileparts_premium" if me.premium else "upload_max_fileparts_default"
    return parts.get(name, _KNOWN_PARTS[name]) * PART_BYTES


def _numbers(config: object) -> dict[str, int]:
    if not isinstance(config, JsonObject):
        return {}
    return {
        entry.key: int(entry.value.value) for entry in config.value if isinstance(entry.value, JsonNumber)
    }
