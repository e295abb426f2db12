"""From messages to jobs: what is posted in watched chats becomes requests, each link of a message once."""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from telethon import TelegramClient
from telethon.tl import types

from core.config.settings import Settings
from core.domain.chat import ChatMode, ChatRules, Feedback
from core.domain.errors import (
    InvalidRequest,
    LimitReached,
    ReeldeckError,
    UnsupportedSource,
)
from core.domain.job import Kind, ReplyTo, Request
from core.domain.messenger import MessengerInterface
from core.domain.snapshot import Submitted
from core.links.identify import identify
from core.links.normalise import url_hash
from userbot.answers import Answers
from userbot.catch_up import POLL_S, Histories
from userbot.feedback import FeedbackDesk
from userbot.guests import refusal
from userbot.links import has_list, links_of, usable
from userbot.lists import Lists
from userbot.owner import Owner
from userbot.permission import owners_chats, typed_by
from userbot.rules import Rules, place_of
from userbot.standing import refusal_text

log = logging.getLogger("reeldeck.telegram.intake")

#: Messages whose links are remembered, so that reading them again in the history asks for nothing twice.
REMEMBERED = 2_000


class SourceNotTaken(UnsupportedSource):
    """The rules of the chat leave the link's source out."""


@dataclass(slots=True)
class _Wanted:
    """What a message asks for, and what of it cannot be asked for."""

    place: ReplyTo
    rules: ChatRules
    #: Only owners read what is told there.
    tells_owner: bool
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
            refusal(error, is_owner=self.tells_owner)
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
        feedback: Tells of links that were taken, and of those that were not.
        poll_s: Seconds between two looks at a chat's history.
    """

    def __init__(
        self,
        *,
        client: TelegramClient,
        engine: MessengerInterface,
        settings: Settings,
        me: types.User,
        feedback: FeedbackDesk,
        poll_s: float = POLL_S,
    ) -> None:
        self._client = client
        self._engine = engine
        self._settings = settings
        self._me = me
        self._owners = owners_chats(me, settings)
        self._feedback = feedback
        self._rules = Rules(engine)
        self._histories = Histories(
            client=client,
            engine=engine,
            rules=self._rules,
            me=me,
            owner=Owner(client, me, prefix=settings.telegram.command_prefix),
            take=self._take_lot,
            poll_s=poll_s,
        )
        #: Links that were dealt with, by message.
        self._dealt: OrderedDict[tuple[int, int], set[str]] = OrderedDict()
        self._lists = Lists(client)
        self._answers = Answers(engine)

    async def run(self) -> None:
        """Read what was missed, then look again now and then, until cancelled."""
        await self._histories.run()

    def look_again(self, chat_id: int | None = None) -> None:
        """The account is back after an absence, or was not told all: read a chat now, or all."""
        self._histories.look_again(chat_id)

    async def on_message(self, message: types.Message, *, is_edit: bool) -> None:
        """Take the links of a message that just came. What fails here is found again in the history."""
        del is_edit  # New links count whenever they appear.
        try:
            is_wanted = await self._take_lot([message], {})
        except ReeldeckError as error:
            log.warning("a message waits to be read again", extra={"error": str(error)})
            self._histories.look_again(message.chat_id)
        else:
            if is_wanted:
                self._histories.look_soon(message.chat_id)

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
        taken = await self._submit([wanted])
        if not taken:
            raise wanted.refusals[0][1]
        if wanted.refusals:
            # Owners ask for links by commands, wherever they stand.
            told = [refusal(error, is_owner=True) for _, error in wanted.refusals]
            await self._note({}, {place: refusal_text(told)})
        return taken

    async def _take_lot(self, messages: Sequence[Any], cursors: Mapping[int, int]) -> bool:
        """Deal with messages of one chat that nobody commanded, in their order; whether they held links.

        Cursors are stored last: whatever stops this, what is read again asks for nothing twice.
        """
        lot = [wanted for message in messages if (wanted := await self._wanted_by(message))]
        await self._submit(lot)
        refused = {wanted.place: refusal_text(told) for wanted in lot if (told := wanted.outspoken())}
        await self._note(cursors, refused)
        return bool(lot)

    async def _note(self, cursors: Mapping[int, int], refused: Mapping[ReplyTo, str]) -> None:
        if cursors or refused:
            await self._engine.note_read(cursors, refused)
        for place in refused:
            await self._feedback.wake(place)

    async def _wanted_by(self, message: Any) -> _Wanted | None:
        """What a message asks for that was not dealt with before; None for nothing."""
        if not isinstance(message, types.Message) or self._is_command(message.message or ""):
            return None
        if message.chat_id not in await self._rules.watched():
            return None
        place = await place_of(message)
        rules = await self._rules.of(place)
        if rules.mode is not ChatMode.AUTO or await self._answers.holds(message):
            return None
        dealt = self._dealt.get((place.chat_id, place.message_id), set())
        links = [link for link in await self._links(message) if link not in dealt]
        links = await self._answers.without_repeated(message, links)
        if not links:
            return None
        return self._asked(links, place, rules, user_id=typed_by(message, self._me.id))

    def _asked(
        self, links: Sequence[str], place: ReplyTo, rules: ChatRules, *, user_id: int | None
    ) -> _Wanted:
        """*links* as requests by the rules of their place."""
        wanted = _Wanted(place, rules, tells_owner=place.chat_id in self._owners)
        limit = self._settings.limits.max_playlist_items
        if len(links) > limit:
            error = LimitReached(
                f"only the first {limit} links of a message are taken (limits.max_playlist_items)",
                hint="Send the others in another message.",
            )
            wanted.refusals += [(url, error) for url in links[limit:]]
        for url in links[:limit]:
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

    async def _submit(self, lot: Sequence[_Wanted]) -> int:
        """Ask for everything at once; how many links were taken."""
        pairs = [(wanted, request) for wanted in lot for request in wanted.requests]
        began = time.time()
        answers = await self._engine.take_links([request for _, request in pairs]) if pairs else []
        taken: dict[ReplyTo, int] = {}
        for (wanted, request), answer in zip(pairs, answers, strict=True):
            if isinstance(answer, Submitted):
                taken[wanted.place] = taken.get(wanted.place, 0) + 1
            elif not (isinstance(answer, LimitReached) and await self._was_taken(wanted.place, began)):
                wanted.refusals.append((request.url, answer))
        self._remember(lot)
        for place in taken:
            await self._feedback.wake(place)
        return sum(taken.values())

    async def _was_taken(self, place: ReplyTo, before: float) -> bool:
        """Whether a message is only read again: limits that it has helped to reach are none to tell it of."""
        answers = await self._engine.deliveries_of(reply_to=place)
        return any(each.created < before for each in answers)

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
        try:
            links = links_of(message)
        except Exception:
            # Whatever a stranger has sent, it must not keep all that follows in the chat waiting.
            log.exception("a message could not be understood", extra={"chat_id": message.chat_id})
            return []
        return usable([*links, *await self._lists.of(message)]) if has_list(message) else links

    def _is_command(self, text: str) -> bool:
        """Whether a text is one for the commands, ours or those of other bots: its links are arguments."""
        prefix = self._settings.telegram.command_prefix
        return text.startswith(prefix) and text[len(prefix) :][:1].isalpha()
