"""The messages of a chat that hold media, page by page from either end (core.telegram.org/api/search)."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncGenerator, Callable, Collection, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing
from datetime import UTC, datetime
from typing import Any

from telethon import TelegramClient, utils
from telethon.tl import functions, types
from telethon.tl.custom import Message

from core.domain.errors import FloodWait
from userbot.faults import telegram_errors
from userbot.media import SentAs

#: The most that Telegram gives at once.
PAGE = 100
#: From then on pages are asked for at the pace that Telegram is known to bear for long.
_QUICK_PAGES, _PACE_S = 30, 1.0
#: Waits up to this long are waited for.
MAX_WAIT_S = 300.0
_FILTERS: Mapping[SentAs, Callable[[], Any]] = {
    "audio": types.InputMessagesFilterMusic,
    "video": types.InputMessagesFilterVideo,
    "voice": types.InputMessagesFilterRoundVoice,
    "document": types.InputMessagesFilterDocument,
}


class History:
    """A chat's media messages.

    Args:
        client: Connected, a person's.
        chat: The chat, as Telethon has it.
        sent_as: Which media.
        topic_id: Only those of a forum topic.
    """

    def __init__(
        self, client: TelegramClient, chat: Any, sent_as: Collection[SentAs], *, topic_id: int | None = None
    ) -> None:
        self._client = client
        self._peer = utils.get_input_peer(chat)
        self._filters = [_FILTERS[each]() for each in sorted(sent_as)]
        self._topic_id = topic_id
        self._pages = 0

    async def older(self, below: int = 0) -> AsyncGenerator[Message, None]:
        """Messages with smaller numbers than *below* (0: all), the newest first.

        Raises:
            FloodWait: Telegram wants a longer wait than `MAX_WAIT_S`.
            JobError, Forbidden: It did not answer, or the account may not see the chat.
        """
        streams = [self._older(kind, below) for kind in self._filters]
        async with aclosing(_merged(streams, key=lambda each: -each.id)) as messages:
            async for message in messages:
                yield message

    async def newer(self, above: int) -> AsyncGenerator[Message, None]:
        """Messages with larger numbers than *above*, the oldest first. Raises what `older` does."""
        streams = [self._newer(kind, above) for kind in self._filters]
        async with aclosing(_merged(streams, key=lambda each: each.id)) as messages:
            async for message in messages:
                yield message

    async def number_at(self, moment: float) -> int:
        """What the numbers of all messages sent before *moment* (seconds since the epoch) are below."""
        before = datetime.fromtimestamp(moment, UTC)
        request = functions.messages.GetHistoryRequest(
            self._peer, offset_id=0, offset_date=before, add_offset=0, limit=1, max_id=0, min_id=0, hash=0
        )
        return max((each.id + 1 for each in (await self._ask(request)).messages), default=1)

    async def _older(self, kind: Any, below: int) -> AsyncGenerator[Message, None]:
        while below != 1 and (page := await self._page(kind, offset_id=below, add_offset=0)):
            for message in page:
                yield message
            below = page[-1].id

    async def _newer(self, kind: Any, above: int) -> AsyncGenerator[Message, None]:
        while page := await self._page(kind, offset_id=above + 1, add_offset=-PAGE):
            fresh = [message for message in reversed(page) if message.id > above]
            for message in fresh:
                yield message
            if not fresh:
                return
            above = fresh[-1].id

    async def _page(self, kind: Any, *, offset_id: int, add_offset: int) -> list[Message]:
        """Some messages, the newest first; none at the end."""
        answer = await self._ask(
            functions.messages.SearchRequest(
                self._peer,
                q="",
                filter=kind,
                min_date=None,
                max_date=None,
                offset_id=offset_id,
                add_offset=add_offset,
                limit=PAGE,
                max_id=0,
                min_id=0,
                hash=0,
                top_msg_id=self._topic_id,
            )
        )
        known = {utils.get_peer_id(each): each for each in itertools.chain(answer.users, answer.chats)}
        found = [message for message in answer.messages if isinstance(message, Message)]
        for message in found:
            # What Telethon does to the messages of its own iterators, which cannot search a topic.
            message._finish_init(self._client, known, self._peer)  # noqa: SLF001 -- there is no public way
        return found

    async def _ask(self, request: Any) -> Any:
        self._pages += 1
        if self._pages > _QUICK_PAGES:
            await asyncio.sleep(_PACE_S)
        while True:
            try:
                with telegram_errors():
                    return await self._client(request)
            except FloodWait as wait:
                if wait.retry_after_s is None or wait.retry_after_s > MAX_WAIT_S:
                    raise
                await asyncio.sleep(wait.retry_after_s)


async def albums(messages: AsyncGenerator[Message, None]) -> AsyncGenerator[Sequence[Message], None]:
    """*messages* with those of an album together."""
    held: list[Message] = []
    async with aclosing(messages):
        async for message in messages:
            if held and (message.grouped_id is None or message.grouped_id != held[0].grouped_id):
                yield held
                held = []
            held.append(message)
    if held:
        yield held


async def _merged(
    streams: Sequence[AsyncGenerator[Message, None]], *, key: Callable[[Message], int]
) -> AsyncGenerator[Message, None]:
    """Ordered streams as one, each message once."""
    async with AsyncExitStack() as stack:
        opened = [await stack.enter_async_context(aclosing(stream)) for stream in streams]
        heads = [(stream, await anext(stream, None)) for stream in opened]
        last = None
        while waiting := [(stream, head) for stream, head in heads if head is not None]:
            _, first = min(waiting, key=lambda each: key(each[1]))
            if first.id != last:
                yield first
            last = first.id
            heads = [
                (stream, await anext(stream, None) if head is first or head.id == first.id else head)
                for stream, head in waiting
            ]
