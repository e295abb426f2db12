"""Takes messages, obeys those that are commands of somebody who may command, and answers."""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from difflib import get_close_matches
from typing import Any

from telethon import TelegramClient
from telethon.tl import types
from telethon.utils import get_display_name

from core.config.settings import Settings
from core.domain.chat import ChatMode
from core.domain.errors import InvalidRequest, ReeldeckError
from core.domain.job import ReplyTo
from core.domain.messenger import Messenger, MessengerInterface
from userbot.commands.arguments import Typed, typed
from userbot.commands.call import Call, Command, LinkTaker, Tools
from userbot.commands.past import Past, write_down
from userbot.commands.refusals import Refusals
from userbot.commands.table import COMMANDS
from userbot.faults import telegram_errors
from userbot.owner import Owner
from userbot.permission import Refusal, typed_by, why_refused
from userbot.replies import FAILED, INFO, Replies
from userbot.rules import Rules, place_of
from userbot.texts import Row, Text, bold, code, compose, problem, remote

log = logging.getLogger("reeldeck.telegram.commands")

#: Messages that are remembered, so that one which comes twice is obeyed once.
_REMEMBERED = 1000
_LIKENESS = 0.7


class Commands:
    """What admins type.

    Args:
        client: Logged in as *me*.
        engine: What commands act upon.
        settings: Who may command, and what commands begin with.
        me: The account.
        intake: Takes links that are to be fetched.
        messenger: Finds chats, and collects from them.
    """

    def __init__(
        self,
        *,
        client: TelegramClient,
        engine: MessengerInterface,
        settings: Settings,
        me: types.User,
        intake: LinkTaker,
        messenger: Messenger,
    ) -> None:
        self._admin_ids = frozenset(settings.telegram.admin_ids)
        self._owner = Owner(client, me, prefix=settings.telegram.command_prefix)
        self._refusals = Refusals(engine)
        self._past = Past(engine)
        self._obeyed: OrderedDict[tuple[int, int], None] = OrderedDict()
        self._tools = Tools(
            engine=engine,
            messenger=messenger,
            intake=intake,
            replies=Replies(client),
            rules=Rules(engine),
            me=me,
            prefix=settings.telegram.command_prefix,
            keeps_files=settings.archive.default_on,
            table=COMMANDS,
        )

    async def on_message(self, message: Any, *, is_edit: bool) -> bool:
        """Obey *message* if it is a command; False if it is none, and others may look at it."""
        tools = self._tools
        found = typed(getattr(message, "message", None) or "", tools.prefix, tools.me.username)
        if found is None:
            return False
        with telegram_errors():
            place = await place_of(message)
        is_watched = (await tools.rules.of(place)).mode is not ChatMode.OFF
        # A bot learns of a chat by what is said to it there, and has nowhere else to be told of it.
        is_watched = is_watched or bool(tools.me.bot and found.name == "watch")
        refusal = why_refused(
            message,
            me=tools.me,
            admin_ids=self._admin_ids,
            is_watched=is_watched,
            is_edit=is_edit,
            now=time.time(),
        )
        command = tools.table.get(found.name)
        if command is None:
            return refusal is None and await self._suggest(found, place)
        if refusal is not None:
            return await self._refuse(command, refusal, message, place, is_watched=is_watched)
        user_id = typed_by(message, tools.me.id)
        assert user_id is not None
        call = Call(tools, command, found.arguments, message, place, user_id)
        if self._is_new(place) and not await self._past.holds(call):
            await self._obey(call)
        return True

    def _is_new(self, place: ReplyTo) -> bool:
        """Whether a message was not obeyed before; it is from now on."""
        key = (place.chat_id, place.message_id)
        if key in self._obeyed:
            return False
        self._obeyed[key] = None
        if len(self._obeyed) > _REMEMBERED:
            self._obeyed.popitem(last=False)
        return True

    async def _refuse(
        self, command: Command, why: Refusal, message: Any, place: ReplyTo, *, is_watched: bool
    ) -> bool:
        """Write the attempt down; False where it is none, but said to others."""
        who = typed_by(message, self._tools.me.id)
        is_owner = who == self._tools.me.id or who in self._admin_ids
        if not (is_watched or is_owner or isinstance(message.peer_id, types.PeerUser)):
            return False
        # A command that was obeyed changes when its preview comes, and when it is edited afterwards; and
        # Telegram may tell of it once more, long after.
        is_obeyed = (place.chat_id, place.message_id) in self._obeyed
        if not (why in {Refusal.EDIT, Refusal.OLD} and (is_obeyed or message.edit_hide)):
            await self._refusals.note(command.name, why, place, who)
        if why is Refusal.PLACE and who == self._tools.me.id and command.name == "watch":
            await self._tell_how(place, get_display_name(message.chat) or str(place.chat_id))
        return True

    async def _tell_how(self, place: ReplyTo, chat: str) -> None:
        """Say in Saved Messages how a chat is opened for commands: nothing is said in one that is shut."""
        topic = f" topic={place.topic_id}" if place.topic_id else ""
        rows: list[Row] = [
            [bold(remote(chat)), " is not watched: commands do nothing there."],
            ["To watch it: ", self._owner.command(f"watch {place.chat_id}{topic}")],
        ]
        await self._owner.tell(f"shut {place.chat_id} {place.message_id}", rows)

    async def _suggest(self, found: Typed, place: ReplyTo) -> bool:
        """Name the command that may have been meant. Elsewhere than in Saved Messages others have theirs."""
        near = get_close_matches(found.name, self._tools.table, n=1, cutoff=_LIKENESS)
        is_own = place.chat_id == self._tools.me.id
        if not (near or is_own) or not self._is_new(place):
            return False
        prefix = self._tools.prefix
        meant: Row = ["Did you mean ", code(f"{prefix}{near[0]}"), "?"] if near else f"All: {prefix}help"
        text = compose(INFO, [f"There is no {prefix}{remote(found.name)}.", meant])
        await self._send(text, place)
        return True

    async def _obey(self, call: Call) -> None:
        command = call.command
        if command.changes:
            # Before it acts: what may be done already when the process ends is not done again.
            await write_down(call)
        try:
            with telegram_errors():
                text = await command.run(call)
        except InvalidRequest as error:
            text = compose(FAILED, self._wrong(command, error))
        except ReeldeckError as error:
            text = compose(FAILED, problem(error))
        if text is not None:
            await self._send(text, call.place)

    def _wrong(self, command: Command, error: InvalidRequest) -> list[Row]:
        """What is wrong with how a command was typed, and what to do, or how it is typed."""
        # Of its kinds the name says something; of itself only that a person mistyped.
        told = error.detail if type(error) is InvalidRequest and error.detail else str(error)
        if told.partition(" ")[0].isalpha():
            told = f"{told[:1].upper()}{told[1:]}"
        rows: list[Row] = [remote(told, cells=200)]
        if error.hint != error.default_hint:
            return [*rows, remote(error.hint, cells=200)]
        return [*rows, [code(command.usage(self._tools.prefix))]]

    async def _send(self, text: Text, place: ReplyTo) -> None:
        try:
            await self._tools.replies.send(
                place, text.plain, purpose="command:answer", entities=text.entities
            )
        except ReeldeckError as error:
            # What was commanded is done; that it is not told must not undo it.
            log.warning("a command could not be answered", extra={"error_type": error.code})
