"""Fetch the media of a chat: each message becomes a job, and a later run goes on where this one ended."""

from __future__ import annotations

import hashlib
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from telethon import TelegramClient
from telethon.tl.custom import Message

from core.domain.errors import InvalidRequest, ReeldeckError
from core.domain.folding import words_of
from core.domain.job import Request
from core.domain.messenger import Collect, Collected, MessengerInterface
from core.domain.snapshot import Submitted
from userbot.ahead import protected
from userbot.chats import AddressBook
from userbot.describe import title_of
from userbot.faults import telegram_errors
from userbot.history import History, albums
from userbot.media import SentAs, SentMedia, media_of
from userbot.messages import MessageLink, link_of, read_album

#: Messages that become jobs together.
LOT = 50
#: … and after so many that do not fit it is noted how far the chat was read.
_LOOKED_AT = 1000
#: What people ask for one by one goes first.
PRIORITY = -10
#: Titles that are told.
SAMPLE = 20
#: Progress is told so often at least, as long as Telegram answers.
_TELL_S = 1.0
_USUAL: frozenset[SentAs] = frozenset({"audio", "video"})
_KNOWN: frozenset[SentAs] = _USUAL | {"voice", "document"}

Keep = Callable[[MessageLink, Message, Sequence[Message]], None]


class Collector:
    """Goes through chats.

    Args:
        client: Connected and logged in.
        engine: Takes the messages' links, and keeps how far chats were read.
        keep: Told each message that becomes a job, with its album, so that it need not be read again.
        allow_protected: Take files out of chats that forbid it.
    """

    def __init__(
        self,
        *,
        client: TelegramClient,
        engine: MessengerInterface,
        keep: Keep = lambda _link, _message, _album: None,
        allow_protected: bool = False,
    ) -> None:
        self._client = client
        self._engine = engine
        self._keep = keep
        self._allow_protected = allow_protected

    async def collect(self, wanted: Collect) -> AsyncIterator[Collected]:
        """Fetch what is *wanted*; figures now and then, and at the end.

        First what came since the last run for the same types and words, then what is older than all that was
        seen; a run that ends early loses nothing. With `until` each run begins there.

        Raises:
            InvalidRequest: There is no such chat, a bot cannot read it, or a type is not known.
            ProtectedContent: The chat forbids to take files out of it; looking at them is not forbidden.
            FloodWait: Telegram wants a long break; run it again later.
            LimitReached: The queue is full; run it again later.
            JobError, Forbidden: Telegram did not answer, or the account may not see the chat.
        """
        sent_as = _types(wanted)
        with telegram_errors():
            me = await self._client.get_me()
        if me.bot:
            hint = "Use the account of a person, or forward the messages to the bot."
            raise InvalidRequest("a bot cannot read the history of a chat", hint=hint)
        book = AddressBook(self._client, me)
        found = await book.find(wanted.chat)
        chat = await book.entity(found.chat_id)
        if getattr(chat, "noforwards", False) and not (self._allow_protected or wanted.dry_run):
            raise protected()
        topic_id = wanted.topic_id or found.topic_id or None
        history = History(self._client, chat, sent_as, topic_id=topic_id)
        name = _cursor_name(found.chat_id, topic_id, sent_as, wanted)
        run = _Run(self._client, self._engine, chat, wanted, name, self._keep)
        async with aclosing(run.through(history)) as figures:
            async for each in figures:
                yield each


class _Run:
    """One collection.

    Args:
        client: As the collector's.
        engine: As the collector's.
        chat: Whose messages.
        wanted: Which of them.
        name: What it is stored by how far this was read.
        keep: As the collector's.
    """

    def __init__(
        self,
        client: TelegramClient,
        engine: MessengerInterface,
        chat: Any,
        wanted: Collect,
        name: str,
        keep: Keep,
    ) -> None:
        self._client = client
        self._engine = engine
        self._chat = chat
        self._wanted = wanted
        self._name = name
        self._keep = keep
        self._words = words_of(wanted.grep or "")
        self._figures = Collected()
        self._lot: list[tuple[Request, MessageLink, Message, Sequence[Message]]] = []
        #: Between these two numbers all was dealt with, by this run or earlier ones.
        self._oldest = self._newest = 0
        #: The number of the last message that was looked at, and how many were since the last note.
        self._reached = self._unnoted = 0
        self._takes_notes = wanted.until is None and not wanted.dry_run
        self._has_come_to_since = False
        self._told_at = time.monotonic()

    async def through(self, history: History) -> AsyncGenerator[Collected, None]:
        """Go through the messages; figures at once, now and then, and at the end."""
        yield self._figures
        below = 0
        if self._wanted.until is not None:
            below = await history.number_at(self._wanted.until)
        elif (known := await self._engine.collect_cursor(self._name)) is not None:
            self._oldest, self._newest = known
            below = self._oldest
            async for each in self._pass(history.newer(self._newest), is_newer=True):
                yield each
        if not self._is_full:
            async for each in self._pass(history.older(below), is_newer=False):
                yield each
        if not self._is_full and not self._has_come_to_since and self._newest:
            self._oldest = 1  # the chat has no more
            await self._note()
        yield replace(self._figures, is_done=True)

    @property
    def _is_full(self) -> bool:
        return 0 < self._wanted.limit <= self._figures.found

    async def _pass(
        self, messages: AsyncGenerator[Message, None], *, is_newer: bool
    ) -> AsyncGenerator[Collected, None]:
        async with aclosing(albums(messages)) as found:
            async for album in found:
                await self._look_at(album, is_newer=is_newer)
                is_over = self._is_full or (self._has_come_to_since and not is_newer)
                is_lot = len(self._lot) >= LOT or self._unnoted >= _LOOKED_AT
                if is_lot or is_over:
                    await self._deal(is_newer=is_newer)
                if is_lot or time.monotonic() - self._told_at >= _TELL_S:
                    self._told_at = time.monotonic()
                    yield self._figures
                    self._figures = replace(self._figures, jobs=())
                if is_over:
                    return
        await self._deal(is_newer=is_newer)

    async def _look_at(self, album: Sequence[Message], *, is_newer: bool) -> None:
        """Take those messages of an album (or the one that is in none) that fit."""
        whole = list(album)
        if album[0].grouped_id is not None and not any(each.message for each in album):
            # The caption stands at a message of another kind.
            whole = await read_album(self._client, album[0]) or whole
        for message in album:
            if self._is_full:
                return
            if self._wanted.since is not None and message.date.timestamp() < self._wanted.since:
                self._has_come_to_since = True
                if not is_newer:
                    return
                # What is left out here is to be found by a run that goes further back.
                self._takes_notes = False
                continue
            if self._wanted.until is not None and message.date.timestamp() >= self._wanted.until:
                continue
            self._newest = self._newest or message.id
            self._reached = message.id
            self._unnoted += 1
            self._figures = replace(self._figures, seen=self._figures.seen + 1)
            media = media_of(message)
            if media is not None and self._fits(media, message, whole):
                self._take(media, message, sorted(whole, key=lambda each: each.id))

    def _fits(self, media: SentMedia, message: Message, album: Sequence[Message]) -> bool:
        captions = [message.message] if message.message else [each.message for each in album]
        texts = [*captions, media.file_name, media.title, media.performer]
        there = words_of(" ".join(filter(None, texts)))
        return all(any(word.startswith(asked) for word in there) for asked in self._words)

    def _take(self, media: SentMedia, message: Message, album: Sequence[Message]) -> None:
        figures = self._figures
        sample = figures.sample
        if len(sample) < SAMPLE:
            sample = (*sample, title_of(media, message, album))
        self._figures = replace(
            figures,
            found=figures.found + 1,
            size_bytes=figures.size_bytes + media.size_bytes,
            sample=sample,
        )
        if self._wanted.dry_run:
            return
        link = link_of(self._chat, message.id)
        key = f"collect:{message.chat_id}:{message.id}"
        request = Request(url=str(link), priority=PRIORITY, idempotency_key=key, media_id=media.media_id)
        self._lot.append((request, link, message, album))

    async def _deal(self, *, is_newer: bool) -> None:
        """Make jobs of what was taken, then note how far the chat was read."""
        lot, self._lot, self._unnoted = self._lot, [], 0
        answers = await self._engine.submit_many([request for request, *_ in lot]) if lot else []
        for (_, *read), answer in zip(lot, answers, strict=True):
            if isinstance(answer, Submitted) and not answer.joined:
                self._keep(*read)
        submitted = [answer for answer in answers if isinstance(answer, Submitted)]
        joined = sum(answer.joined for answer in submitted)
        figures = self._figures
        self._figures = replace(
            figures,
            added=figures.added + len(submitted) - joined,
            joined=figures.joined + joined,
            jobs=(*figures.jobs, *(answer.job.id for answer in submitted)),
        )
        for answer in answers:
            if isinstance(answer, ReeldeckError):
                raise answer
        if self._reached and is_newer:
            self._newest = max(self._newest, self._reached)
        elif self._reached:
            self._oldest = self._reached
        self._reached = 0
        if self._newest:
            await self._note()

    async def _note(self) -> None:
        if self._takes_notes:
            await self._engine.set_collect_cursor(self._name, self._oldest, self._newest)


def _types(wanted: Collect) -> frozenset[SentAs]:
    """Which media are meant. Raises InvalidRequest."""
    if unknown := wanted.types - _KNOWN:
        names = ", ".join(sorted(_KNOWN))
        words = "photos are not kept" if unknown == {"photo"} else f"there is no type {min(unknown)!r}"
        raise InvalidRequest(words, hint=f"Known are: {names}.")
    return frozenset(each for each in _KNOWN if each in wanted.types) or _USUAL


def _cursor_name(chat_id: int, topic_id: int | None, sent_as: frozenset[SentAs], wanted: Collect) -> str:
    """What the ends of a collection are stored by: one for each set of messages that are looked for."""
    words = " ".join([*sorted(sent_as), "/", *words_of(wanted.grep or "")])
    digest = hashlib.blake2b(words.encode(), digest_size=8).hexdigest()
    return f"{chat_id}/{topic_id or 0}/{digest}"
