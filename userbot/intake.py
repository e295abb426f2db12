"""From messages to jobs: what is posted in watched chats becomes requests, each link of a message once."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from telethon import TelegramClient
from telethon.tl import types

from core.config.settings import Settings
from core.domain.chat import ChatMode, ChatRules, Feedback
from core.domain.delivery import DeliveryState
from core.domain.errors import (
    Forbidden,
    InvalidRequest,
    NotFound,
    ReeldeckError,
    Unknown,
    UnsupportedSource,
)
from core.domain.job import Kind, ReplyTo, Request
from core.domain.messenger import MessengerInterface
from core.domain.snapshot import Submitted
from core.links.identify import identify
from core.links.normalise import url_hash
from userbot.catch_up import POLL_S, Histories
from userbot.faults import telegram_errors
from userbot.feedback import FeedbackDesk
from userbot.links import has_list, links_in_file, links_of, usable
from userbot.permission import typed_by
from userbot.replies import INFO, MARKS
from userbot.rules import Rules, place_of

log = logging.getLogger("reeldeck.telegram.intake")

#: Messages whose links are remembered, so that reading them again in the history asks for nothing twice.
REMEMBERED = 10_000
#: So many deliveries are looked at for one that answers a message which is gone.
LATEST = 100
_ON_ITS_WAY = frozenset({DeliveryState.READY, DeliveryState.SENDING})


class SourceNotTaken(UnsupportedSource):
    """The rules of the chat leave the link's source out."""


@dataclass(slots=True)
class _Wanted:
    """What a message asks for, and what of it cannot be asked for."""

    place: ReplyTo
    rules: ChatRules
    requests: list[Request] = field(default_factory=list)
    refusals: list[tuple[str, ReeldeckError]] = field(default_factory=list)

    def outspoken(self) -> list[str]:
        """The refusals that people are told of, where nobody commanded.

        Pages without media and links of sites that the chat does not take are posted in groups all day;
        what is told of these is only that media of a known site were left out.
        """
        if self.rules.feedback is Feedback.NONE:
            return []
        return [
            _sentence(error)
            for url, error in self.refusals
            if self.place.chat_id > 0
            or not isinstance(error, UnsupportedSource)
            or (isinstance(error, SourceNotTaken) and identify(url))
        ]


class Intake:
    """Reads watched chats, and takes the links in them.

    Args:
        client: Connected and logged in.
        engine: Where links become jobs.
        settings: How a command looks, and how long a list may be.
        me: The account.
        feedback: Tells of links that were refused; without it nobody is told.
        poll_s: Seconds between two looks at a chat's history.
    """

    def __init__(
        self,
        *,
        client: TelegramClient,
        engine: MessengerInterface,
        settings: Settings,
        me: types.User,
        feedback: FeedbackDesk | None = None,
        poll_s: float = POLL_S,
    ) -> None:
        self._client = client
        self._engine = engine
        self._settings = settings
        self._me = me
        self._feedback = feedback
        self._rules = Rules(engine)
        self._histories = Histories(
            client=client, engine=engine, rules=self._rules, me=me, take=self._take_lot, poll_s=poll_s
        )
        #: Links that were dealt with, by message.
        self._dealt: OrderedDict[tuple[int, int], set[str]] = OrderedDict()

    async def run(self) -> None:
        """Read what was missed, then look again now and then, until cancelled."""
        await self._histories.run()

    def look_again(self) -> None:
        """The account is back after an absence: read all watched chats now."""
        self._histories.look_again()

    async def on_message(self, message: types.Message, *, is_edit: bool) -> None:
        """Take the links of a message that just came. What fails here is found again in the history."""
        del is_edit  # New links count whenever they appear.
        try:
            await self._take_lot([message], {})
        except ReeldeckError as error:
            log.warning("a message waits to be read again", extra={"error": str(error)})
            self._histories.look_again(message.chat_id)

    async def take(self, message: types.Message, *, commanded_by: int) -> int:
        """Take the links of a message whatever its chat's mode is; how many were taken.

        Args:
            message: The message that the files answer.
            commanded_by: Number of the person who asked.

        Raises:
            InvalidRequest: It holds no link.
            ReeldeckError: None was taken; why the first was not.
        """
        place = await place_of(message)
        links = await self._links(message)
        if not links:
            raise InvalidRequest(
                "there is no link in it", hint="Send the link, or answer a message with one."
            )
        wanted = self._asked(links, place, await self._rules.of(place), user_id=commanded_by)
        taken = await self._submit([wanted], {})
        if not taken:
            raise wanted.refusals[0][1]
        if wanted.refusals and self._feedback is not None:
            await self._feedback.refused(place, [_sentence(error) for _, error in wanted.refusals])
        return taken

    async def _take_lot(self, messages: Sequence[Any], cursor: Mapping[int, int]) -> None:
        """Deal with messages of one chat that nobody commanded, in their order."""
        lot = [wanted for message in messages if (wanted := await self._wanted_by(message))]
        await self._submit(lot, cursor)
        if self._feedback is not None:
            for wanted in lot:
                if told := wanted.outspoken():
                    await self._feedback.refused(wanted.place, told)

    async def _wanted_by(self, message: Any) -> _Wanted | None:
        """What a message asks for that was not dealt with before; None for nothing."""
        if not isinstance(message, types.Message) or self._is_command(message.message or ""):
            return None
        if message.chat_id not in await self._rules.watched():
            return None
        place = await place_of(message)
        rules = await self._rules.of(place)
        if rules.mode is not ChatMode.AUTO or await self._is_ours(message):
            return None
        dealt = self._dealt.get((place.chat_id, place.message_id), set())
        links = [link for link in await self._links(message) if link not in dealt]
        if not links:
            return None
        return self._asked(links, place, rules, user_id=typed_by(message, self._me.id))

    def _asked(
        self, links: Iterable[str], place: ReplyTo, rules: ChatRules, *, user_id: int | None
    ) -> _Wanted:
        """*links* as requests by the rules of their place."""
        wanted = _Wanted(place, rules)
        for url in links:
            try:
                self._check_source(url, rules)
            except ReeldeckError as error:
                wanted.refusals.append((url, error))
                continue
            request = Request(
                url=url,
                kind=rules.kind or Kind.AUTO,
                quality=rules.quality or "best",
                user_id=user_id,
                chat_id=place.chat_id,
                reply=place,
                # The link and not its place in the message: an edit may move it.
                idempotency_key=f"tg:{place.chat_id}:{place.message_id}:{url_hash(url)}",
            )
            wanted.requests.append(request)
        return wanted

    def _check_source(self, url: str, rules: ChatRules) -> None:
        """Raises UnsupportedSource for links whose source does not exist or is not taken here."""
        if rules.sources is None:
            return
        name = self._engine.source_of(url)
        if name not in rules.sources:
            allowed = ", ".join(rules.sources) or "nothing"
            raise SourceNotTaken(
                f"this chat takes {allowed}, and this is {name}",
                hint="Its rules say so; the owner can change them.",
            )

    async def _submit(self, lot: Sequence[_Wanted], cursor: Mapping[int, int]) -> int:
        """Ask for everything at once, and store the cursor with it; how many links were taken."""
        pairs = [(wanted, request) for wanted in lot for request in wanted.requests]
        if not pairs and not cursor:
            self._remember(lot)
            return 0
        answers = await self._engine.take_links([request for _, request in pairs], cursor=cursor)
        taken: dict[ReplyTo, int] = {}
        for (wanted, request), answer in zip(pairs, answers, strict=True):
            if isinstance(answer, Submitted):
                taken[wanted.place] = taken.get(wanted.place, 0) + 1
            else:
                wanted.refusals.append((request.url, answer))
        self._remember(lot)
        if self._feedback is not None:
            for place in taken:
                await self._feedback.wake(place)
        return sum(taken.values())

    def _remember(self, lot: Iterable[_Wanted]) -> None:
        for wanted in lot:
            key = (wanted.place.chat_id, wanted.place.message_id)
            dealt = self._dealt.setdefault(key, set())
            dealt.update(request.url for request in wanted.requests)
            dealt.update(url for url, _ in wanted.refusals)
            self._dealt.move_to_end(key)
        while len(self._dealt) > REMEMBERED:
            self._dealt.popitem(last=False)

    async def _links(self, message: types.Message) -> list[str]:
        """All links of a message, and those in a text file that it carries."""
        links = links_of(message)
        if not has_list(message):
            return links
        try:
            with telegram_errors():
                content = await self._client.download_media(message, file=bytes)
        except (NotFound, Forbidden, Unknown) as error:
            # Waiting for it would keep all that follows in the chat waiting too.
            log.warning("a list of links could not be read", extra={"error": str(error)})
            return links
        listed = await asyncio.to_thread(links_in_file, content or b"")
        return usable([*links, *listed[: self._settings.limits.max_playlist_items]])

    def _is_command(self, text: str) -> bool:
        """Whether a text is one for the commands, ours or those of other bots: its links are arguments."""
        prefix = self._settings.telegram.command_prefix
        return text.startswith(prefix) and text[len(prefix) :][:1].isalpha()

    async def _is_ours(self, message: types.Message) -> bool:
        """Whether Reeldeck itself sent a message: the account's owner types messages too, and these count."""
        if not message.out:
            return False
        asked = message.reply_to_msg_id
        if (message.message or "").startswith(MARKS if asked else INFO):
            return True
        if message.file is None:
            return False
        answers = await self._engine.deliveries_of(reply_to=ReplyTo(message.chat_id, asked)) if asked else ()
        # One that is on its way may have been sent just before the engine was killed.
        if any(each.message_id == message.id or each.state in _ON_ITS_WAY for each in answers):
            return True
        # What answers a message that was deleted answers none any more.
        latest = await self._engine.deliveries(chat_id=message.chat_id, limit=LATEST)
        return any(each.message_id == message.id for each in latest.items)


def _sentence(error: ReeldeckError) -> str:
    """Why something was refused, and what to do, in one line."""
    return f"{error}. {error.hint}"
