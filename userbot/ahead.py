"""What is asked of Telegram before the jobs that need it come: messages that follow one another, small files.

A collection's jobs run in the order of its messages. One call brings a hundred messages, and small files take
little more than the way there and back: whoever asked for each when its turn has come would mostly wait.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice

from telethon import TelegramClient
from telethon.tl.custom import Message

from core.domain.errors import JobError, ProtectedContent
from userbot.media import SentMedia, media_of
from userbot.messages import MessageLink, peer_of, read_message, reading
from userbot.transfer.download import CHUNK_BYTES, ReferenceExpired, download_small
from userbot.transfer.window import Window

#: Messages that are kept.
_MAX_KEPT = 1_000
#: A message whose job has not come after so long makes room for others.
_STALE_S = 600.0
#: The most that Telegram gives in one call; jobs whose messages are further apart do not follow one another.
_PAGE = 100
#: Small files that are held, or on their way, before their jobs come: 4 MiB at most.
_FILES = 8

Album = Sequence[Message]


@dataclass(frozen=True, slots=True)
class _Kept:
    message: Message
    album: Album
    #: The file, where it comes in one call.
    small: SentMedia | None
    kept_at: float


class Ahead:
    """Messages and files of one account, for jobs to come."""

    def __init__(self) -> None:
        self._kept: OrderedDict[MessageLink, _Kept] = OrderedDict()
        self._files: dict[MessageLink, asyncio.Task[bytes]] = {}
        #: What was read last because it was not kept.
        self._missed: MessageLink | None = None
        self._reading = asyncio.Lock()

    def keep(self, link: MessageLink, message: Message, album: Album, *, is_next: bool = False) -> None:
        """Keep a message that was read, with its album as far as known, for the job that fetches it.

        Where there is no more room the first ones stay, as their jobs come first; unless it *is_next*.
        """
        now = time.monotonic()
        if link not in self._kept and len(self._kept) >= _MAX_KEPT:
            oldest = next(iter(self._kept.values()))
            if not is_next and now - oldest.kept_at < _STALE_S:
                return
            self._kept.popitem(last=is_next and now - oldest.kept_at < _STALE_S)
        self._kept[link] = _Kept(message, album, _small(message), now)

    def take(self, link: MessageLink) -> Message | None:
        """The message, which is kept no longer; None where it was not."""
        kept = self._kept.pop(link, None)
        return kept.message if kept else None

    async def read(self, client: TelegramClient, link: MessageLink) -> tuple[Message, Album]:
        """The message, and its album if that is known; else nothing in its place.

        Where it lies near the one that was asked for before, those that follow are read with it.

        Raises:
            NotFound: It is gone, or the account may not see it.
            JobError: Telegram did not say.
        """
        if (kept := self._kept.get(link)) is not None:
            return kept.message, kept.album
        async with self._reading:
            if (kept := self._kept.get(link)) is not None:
                return kept.message, kept.album
            before, self._missed = self._missed, link
            step = _step(before, link)
            if step:
                await self._read_page(client, link, step)
                if (kept := self._kept.get(link)) is not None:
                    return kept.message, kept.album
            return await read_message(client, link), ()

    async def _read_page(self, client: TelegramClient, link: MessageLink, step: int) -> None:
        ids = [
            number for number in range(link.message_id, link.message_id + step * _PAGE, step) if number > 0
        ]
        with reading():
            chat = await peer_of(client, link.chat)
            answer = await client.get_messages(chat, ids=ids)
        found = [message for message in answer if isinstance(message, Message)]
        for message in found:
            if message.id == link.message_id or media_of(message) is not None:
                self.keep(
                    replace(link, message_id=message.id),
                    message,
                    _album(message, found, {ids[0], ids[-1]}),
                    is_next=message.id == link.message_id,
                )

    async def file(
        self, client: TelegramClient, window: Window, link: MessageLink, media: SentMedia
    ) -> bytes | None:
        """A file that comes in one call; None for larger ones. Those of the next jobs are begun with it.

        Raises:
            ReferenceExpired: The message has to be read again.
            JobError: It did not come.
        """
        begun = self._files.pop(link, None)
        self._begin(client, window)
        if not _is_small(media):
            return None
        if begun is not None:
            with contextlib.suppress(JobError, ReferenceExpired):
                data = await begun
                if len(data) == media.size_bytes:
                    return data
        return await download_small(client, media.document, size_bytes=media.size_bytes, window=window)

    def forget(self) -> None:
        """Let go of everything: the account is another one from now on."""
        self._kept.clear()
        self._missed = None
        for begun in self._files.values():
            begun.cancel()
        self._files.clear()

    def _begin(self, client: TelegramClient, window: Window) -> None:
        """Fetch the next small files, and let go of those that are no longer next."""
        following = ((link, kept.small) for link, kept in self._kept.items() if kept.small is not None)
        wanted = dict(islice(following, _FILES))
        for link in self._files.keys() - wanted.keys():
            self._files.pop(link).cancel()
        for link, media in wanted.items():
            if link not in self._files and not window.wait_s:
                fetching = download_small(client, media.document, size_bytes=media.size_bytes, window=window)
                self._files[link] = task = asyncio.create_task(fetching, name="telegram-ahead")
                task.add_done_callback(_see)


def is_protected(message: Message) -> bool:
    """Whether its chat forbids to take files out of it."""
    return bool(message.noforwards or getattr(message.chat, "noforwards", False))


def protected() -> ProtectedContent:
    """The refusal to do so all the same."""
    return ProtectedContent(
        "the chat forbids to save what is sent there",
        hint="If you may keep it all the same: telegram.allow_protected = true",
    )


def _see(task: asyncio.Task[bytes]) -> None:
    if not task.cancelled():
        task.exception()  # whoever needs the file finds out for itself


def _small(message: Message) -> SentMedia | None:
    media = media_of(message)
    return media if media and _is_small(media) and not is_protected(message) else None


def _is_small(media: SentMedia) -> bool:
    return 0 < media.size_bytes <= CHUNK_BYTES


def _step(before: MessageLink | None, link: MessageLink) -> int:
    """In which direction the jobs go through a chat: 1, -1, or 0 where these two do not say."""
    if before is None or before.comment_id is not None or replace(before, message_id=link.message_id) != link:
        return 0
    distance = link.message_id - before.message_id
    return (distance > 0) - (distance < 0) if abs(distance) < _PAGE else 0


def _album(message: Message, found: Sequence[Message], ends: set[int]) -> Album:
    """The album of a message; nothing where it may go on beyond the *ends* of what was found."""
    if message.grouped_id is None:
        return [message]
    album = sorted(
        (each for each in found if each.grouped_id == message.grouped_id), key=lambda each: each.id
    )
    return [] if ends & {each.id for each in album} else album
