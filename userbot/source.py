"""Telegram as a place where media come from: links of messages, read and fetched by the account."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from telethon import TelegramClient
from telethon.tl.custom import Message

from core.config.settings import Settings
from core.domain.errors import (
    FormatNotFound,
    JobError,
    MediaFailure,
    NotYetAvailable,
    Unknown,
    UnsupportedSource,
)
from core.domain.job import Request
from core.domain.media import Resolution, Track
from core.net.progress import Fetched, Progress
from core.net.transfer import disk
from core.net.transfer.blocking import run_blocking
from core.net.transfer.part import PartFile
from core.net.transfer.sniff import SNIFF_BYTES, sniff_container
from core.sources.base import Matcher, NotHandled, Source, SourceContext
from userbot.ahead import Ahead, is_protected, protected
from userbot.describe import describe_album, describe_message
from userbot.media import SentMedia, media_of
from userbot.messages import (
    HOSTS,
    INVITED,
    MessageLink,
    is_invitation,
    names_chat,
    read_album,
    read_message,
    reading,
)
from userbot.transfer.download import ReferenceExpired, download_file
from userbot.transfer.window import Window

#: At an engine's start jobs are ready sooner than the account: they wait this long for it …
PATIENCE_S = 10.0
#: … and look again after this time.
LOOK_AGAIN_S = 60.0


class TelegramSource(Source):
    """Media in messages that the account may see."""

    name = "telegram"
    label = "Telegram"
    matchers = (Matcher(hosts=HOSTS),)

    def __init__(self) -> None:
        self._client: TelegramClient | None = None
        self._is_connected = asyncio.Event()
        self._ahead = Ahead()
        self._window: Window | None = None

    @property
    def client(self) -> TelegramClient | None:
        """The account's, connected and logged in; None while there is none."""
        return self._client

    @client.setter
    def client(self, client: TelegramClient | None) -> None:
        self._client = client
        if client is None:
            self._is_connected.clear()
            self._ahead.forget()
        else:
            self._is_connected.set()

    def keep(self, link: MessageLink, message: Message, album: Sequence[Message]) -> None:
        """Keep a message that was just read, with its album, for the job that fetches it."""
        self._ahead.keep(link, message, album)

    async def resolve(self, request: Request, context: SourceContext) -> Resolution:
        """Read the message; an album is a list of its messages, unless the link names only one.

        Raises:
            NotHandled: The link is of something else on Telegram's site.
            UnsupportedSource: It is an invitation or names a chat, or there is no sound or film.
            NotFound: The message is gone, or the account may not see it.
            ProtectedContent: The chat forbids to take files out of it.
            NotYetAvailable: The account is not connected.
            JobError: Telegram did not say.
        """
        link = MessageLink.parse(request.url)
        if link is None:
            raise _no_message(request.url)
        client = await self._connected()
        if request.format is not None:
            raise FormatNotFound("a message has no formats with ids", hint="Leave the format out.")
        message, album = await self._ahead.read(client, link)
        if is_protected(message) and not context.settings.telegram.allow_protected:
            raise protected()
        # Mostly only one message of an album has a caption, which is meant for all.
        is_enough = link.comment_id is not None or (link.is_single and bool(message.message))
        album = album or ([message] if is_enough else await read_album(client, message))
        films = [each for each in album if media_of(each)]
        if not link.is_single and len(album) > 1 and films:
            links = [replace(link, message_id=each.id, is_single=True) for each in films]
            for each, film in zip(links, films, strict=True):
                self._ahead.keep(each, film, album)
            if len(films) > 1:
                return describe_album(links, films, album)
            (link,), (message,) = links, films
        self._ahead.keep(link, message, album, is_next=True)
        return describe_message(link, _media(message), message, album)

    async def fetch(
        self,
        track: Track,
        resolution: Resolution,
        path: Path,
        context: SourceContext,
        progress: Progress,
    ) -> Fetched:
        """Fetch the file of a message, going on where an earlier call stopped.

        Raises:
            NotFound: The message is gone.
            MediaFailure: Another file is in its place, or it is empty.
            JobError: It failed.
        """
        link = MessageLink.parse(track.url)
        assert link is not None, "made by `resolve`"
        window = self._window = self._window or _window(context.settings)
        part = path.with_name(f"{path.name}.part")
        small, resumed_bytes = None, 0
        message, stale_at = self._ahead.take(link), -1
        while True:
            client = await self._connected()
            media = _same(message or await read_message(client, link), resolution)
            try:
                with reading():
                    if (small := await self._ahead.file(client, window, link, media)) is not None:
                        progress(media.size_bytes, media.size_bytes)
                        break
                    if stale_at < 0:
                        resumed_bytes = await run_blocking(_size_blocking, part)
                    await download_file(
                        client,
                        media.document,
                        size_bytes=media.size_bytes,
                        path=part,
                        start=media.size_bytes,  # as far as the part goes
                        window=window,
                        progress=progress,
                    )
                break
            except ReferenceExpired as expired:
                if expired.done_bytes == stale_at:
                    raise Unknown("Telegram refuses the file reference that it has just given") from expired
                # Long queues outlive references: the message has a fresh one.
                message, stale_at = None, expired.done_bytes
        if small is None:
            container, digest = await run_blocking(_publish_blocking, path), None
        else:
            container, digest = await run_blocking(_keep_blocking, path, small)
        return Fetched(
            path=path,
            size_bytes=media.size_bytes,
            sha256=digest,
            fetched_bytes=media.size_bytes - resumed_bytes,
            resumed_bytes=resumed_bytes,
            container=container or media.extension,
        )

    async def _connected(self) -> TelegramClient:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                await self._is_connected.wait()
        if self._client is None:
            raise NotYetAvailable(
                "the Telegram account is not connected",
                hint="It goes on by itself once it is. Without a login: reeldeck telegram login",
                retry_after_s=LOOK_AGAIN_S,
            )
        return self._client


def _window(settings: Settings) -> Window:
    telegram = settings.telegram
    return Window(flood_sleep_s=telegram.flood_sleep_s, connections=telegram.download_connections)


def _no_message(url: str) -> JobError | NotHandled:
    """What a link of Telegram's site that names no message is."""
    if is_invitation(url):
        return UnsupportedSource("the link is an invitation to a chat", hint=INVITED)
    if (name := names_chat(url)) is not None:
        hint = f"Give links of its messages, or fetch all its media: reeldeck collect @{name}"
        return UnsupportedSource("the link names a chat, not a message", hint=hint)
    return NotHandled()


def _media(message: Message) -> SentMedia:
    """The media of *message*. Raises UnsupportedSource: There is none."""
    if (media := media_of(message)) is not None:
        return media
    hint = "Give the link of a message with a film or sound."
    if message.photo:
        raise UnsupportedSource("there is only a photo in the message", hint=hint)
    raise UnsupportedSource("there is neither sound nor film in the message", hint=hint)


def _same(message: Message, resolution: Resolution) -> SentMedia:
    """The media of a message that was read anew, if it is still the one that was found."""
    media = _media(message)
    if resolution.media_id != media.media_id:
        raise MediaFailure("there is another file in the message now")
    if media.size_bytes <= 0:
        raise MediaFailure("the file is empty")
    return media


def _size_blocking(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _keep_blocking(path: Path, whole: bytes) -> tuple[str | None, str]:
    """Write a *whole* file: what its first bytes look like, and its SHA-256.

    Whatever has the name is whole, whenever the power goes. That the name itself may be lost then costs
    another call, and to wait for the disk once more costs each of a thousand files more than that.
    """
    draft = path.with_name(f"{path.name}.part")
    with disk.errors("cannot write"), draft.open("wb", buffering=0) as file:
        left = memoryview(whole)
        while left:  # a full disk may take a part first
            left = left[file.write(left) :]
        os.fsync(file.fileno())
        draft.replace(path)
    return sniff_container(whole[:SNIFF_BYTES]), hashlib.sha256(whole).hexdigest()


def _publish_blocking(path: Path) -> str | None:
    """Give the finished part its name; what its first bytes look like."""
    part = PartFile(path)
    part.open()
    try:
        container = sniff_container(part.read_at(SNIFF_BYTES, 0))
        part.publish_blocking()
    finally:
        part.close()
    return container
