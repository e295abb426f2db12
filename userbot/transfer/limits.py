"""What the account may send, as Telegram says at the time (core.telegram.org/api/config)."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from telethon import TelegramClient
from telethon.tl.functions.help import GetAppConfigRequest
from telethon.tl.types import JsonNumber, JsonObject

from core.domain.errors import ReeldeckError, SessionLost
from userbot.faults import answered
from userbot.transfer.upload import PART_BYTES

log = logging.getLogger("reeldeck.telegram")

_PARTS, _CAPTION = "upload_max_fileparts", "caption_length_limit"
#: What Telegram said for years, should it not say it now: without Premium, and with it.
_KNOWN = {
    f"{_PARTS}_default": 4000,
    f"{_PARTS}_premium": 8000,
    f"{_CAPTION}_default": 1024,
    f"{_CAPTION}_premium": 4096,
}
_KEPT_S = 3600.0


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one account."""

    #: Of a file: about 2 GB, or 4 with Premium.
    file_bytes: int
    #: Of the text below a file, in UTF-16 units.
    caption_units: int


#: When it was last asked for, and what came of it.
_Read = tuple[float, Limits]
_read: WeakKeyDictionary[TelegramClient, _Read] = WeakKeyDictionary()


async def limits_of(client: TelegramClient) -> Limits:
    """What the account may send. Asked for once an hour: Premium begins and ends while a server runs.

    Where Telegram does not tell, what it told last holds, or what everybody may.

    Raises:
        SessionLost: The login has ended.
    """
    asked_at, limits = _read.get(client, (-_KEPT_S, _limits({}, is_premium=False)))
    if time.monotonic() - asked_at < _KEPT_S:
        return limits
    try:
        async with answered():
            answer = await client(GetAppConfigRequest(hash=0))
            me = await client.get_me()
    except SessionLost:
        raise
    except ReeldeckError as error:
        log.info("Telegram did not tell what may be sent", extra={"detail": str(error)})
    else:
        limits = _limits(_numbers(getattr(answer, "config", None)), is_premium=bool(me and me.premium))
    _read[client] = time.monotonic(), limits
    return limits


def forget_limits(client: TelegramClient) -> None:
    """What was told is not true any more."""
    _read.pop(client, None)


def _limits(told: dict[str, int], *, is_premium: bool) -> Limits:
    kind = "premium" if is_premium else "default"
    parts, units = (told.get(name, _KNOWN[name]) for name in (f"{_PARTS}_{kind}", f"{_CAPTION}_{kind}"))
    return Limits(parts * PART_BYTES, units)


def _numbers(config: object) -> dict[str, int]:
    if not isinstance(config, JsonObject):
        return {}
    return {
        entry.key: int(entry.value.value) for entry in config.value if isinstance(entry.value, JsonNumber)
    }
