"""The parts that work for an account while it is connected."""

from __future__ import annotations

import logging

from telethon import TelegramClient
from telethon.tl import types

from core.config.settings import Settings
from core.domain.errors import ReeldeckError, SessionLost
from core.domain.messenger import Messenger, MessengerInterface
from userbot.chats import AddressBook
from userbot.collect import Collector
from userbot.commands.desk import Commands
from userbot.delivery.loop import Deliveries
from userbot.faults import telegram_errors
from userbot.feedback import FeedbackDesk
from userbot.intake import Intake
from userbot.migration import MigrationDesk
from userbot.patience import OnRest
from userbot.permission import owners_chats
from userbot.source import TelegramSource
from userbot.supervision import supervise, until_one_ends

log = logging.getLogger("reeldeck.telegram")


class Crew:
    """All parts, around one connected client.

    Args:
        client: Logged in.
        me: Whose client it is.
        engine: Takes links and gives files.
        settings: The configuration.
        messenger: What commands know of the account as a whole.
        source: Gets messages that a collection has read already.
        on_rest: Hears of long waits that Telegram wants of what it does beside.
    """

    def __init__(
        self,
        *,
        client: TelegramClient,
        me: types.User,
        engine: MessengerInterface,
        settings: Settings,
        messenger: Messenger,
        source: TelegramSource,
        on_rest: OnRest,
    ) -> None:
        self.book = AddressBook(client, me)
        self.collector = Collector(
            client=client,
            engine=engine,
            keep=source.keep,
            allow_protected=settings.telegram.allow_protected,
        )
        self._engine = engine
        owners = owners_chats(me, settings)
        self._feedback = FeedbackDesk(client=client, engine=engine, on_rest=on_rest, owners=owners)
        self._intake = Intake(client=client, engine=engine, settings=settings, me=me, feedback=self._feedback)
        self._deliveries = Deliveries(client=client, engine=engine, settings=settings, me=me, on_rest=on_rest)
        self._commands = Commands(
            client=client, engine=engine, settings=settings, me=me, intake=self._intake, messenger=messenger
        )
        self._migrations = MigrationDesk(client=client, engine=engine, book=self.book)

    async def run(self) -> None:
        """Work for ever. Raises SessionLost."""
        watched = [rules.chat_id for rules in await self._engine.chat_rules()]
        try:
            await self.book.learn(watched)
        except SessionLost:
            raise
        except ReeldeckError as error:
            log.warning("the list of chats could not be read", extra={"error": str(error)})
        await until_one_ends(
            {
                "migrations": supervise("migrations", self._migrations.run),
                "intake": supervise("intake", self._intake.run),
                "feedback": supervise("feedback", self._feedback.run),
                "deliveries": supervise("deliveries", self._deliveries.run),
            }
        )

    def look_again(self, chat_id: int | None = None) -> None:
        """Updates were missed, of one chat or of all: what was posted meanwhile is in the histories."""
        self._intake.look_again(chat_id)

    async def hear(self, message: types.Message, *, is_edit: bool) -> None:
        """Take a message: a command, or for its links, which the histories still hold if this fails."""
        try:
            with telegram_errors():
                if not await self._commands.on_message(message, is_edit=is_edit):
                    await self._intake.on_message(message, is_edit=is_edit)
        except ReeldeckError as error:
            log.warning("a message was not dealt with", extra={"error": str(error)})
