"""Tells the account's owner, in Saved Messages, of what nobody else can mend."""

from __future__ import annotations

import logging
import time

from telethon import TelegramClient
from telethon.tl import types

from core.domain.errors import ReeldeckError
from core.domain.job import ReplyTo
from userbot.faults import answered
from userbot.replies import INFO, Replies
from userbot.texts import Piece, Row, code, compose

log = logging.getLogger("reeldeck.telegram")

#: What has not changed is said again after this.
AGAIN_S = 7 * 24 * 3600


class Owner:
    """Writes notes to *me*; a bot has nowhere to write them to, and its owner finds them in the log.

    Args:
        client: Logged in as *me*.
        me: The account.
        prefix: What commands begin with.
    """

    def __init__(self, client: TelegramClient, me: types.User, *, prefix: str) -> None:
        self._me = me
        self._prefix = prefix
        self._replies = Replies(client)
        self._told: dict[str, float] = {}

    def command(self, words: str) -> Piece:
        """A command as the owner types it."""
        return code(f"{self._prefix}{words}")

    async def tell(self, matter: str, rows: list[Row]) -> None:
        """Say *rows*, unless they were said of the same *matter* not long ago."""
        now = time.time()
        if self._me.bot or now - self._told.get(matter, 0.0) < AGAIN_S:
            return
        text = compose(INFO, rows)
        try:
            async with answered():
                # Telegram knows a repetition after a restart by its purpose.
                await self._replies.send(
                    ReplyTo(self._me.id, 0),
                    text.plain,
                    purpose=f"{matter} {now // AGAIN_S:.0f}",
                    entities=text.entities,
                )
        except ReeldeckError as error:
            log.warning("the owner could not be told", extra={"error": str(error)})
        else:
            self._told[matter] = now
