"""Text files in messages that list links. Each is fetched once, although its message comes again."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from typing import Any

from telethon import TelegramClient

from core.domain.errors import Forbidden, NotFound, Unknown
from userbot.faults import telegram_errors
from userbot.links import links_in_file

log = logging.getLogger("reeldeck.telegram.intake")

REMEMBERED = 20


class Lists:
    """Reads them with *client*."""

    def __init__(self, client: TelegramClient) -> None:
        self._client = client
        #: By the ids of the files.
        self._read: OrderedDict[int, list[str]] = OrderedDict()

    async def of(self, message: Any) -> list[str]:
        """The links in the file of a message that `has_list`; none where it cannot be had.

        Raises:
            JobError: Telegram does not answer, or wants to be asked later.
        """
        number = message.media.document.id
        if number not in self._read:
            try:
                with telegram_errors():
                    content = await self._client.download_media(message, file=bytes)
            except (NotFound, Forbidden, Unknown) as error:
                # Waiting for it would keep all that follows in the chat waiting too.
                log.warning("a list of links could not be read", extra={"error": str(error)})
                return []
            self._read[number] = await asyncio.to_thread(links_in_file, content or b"")
            if len(self._read) > REMEMBERED:
                self._read.popitem(last=False)
        return self._read[number]
