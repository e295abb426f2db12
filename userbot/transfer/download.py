"""Files from Telegram: parts in flight at once, written in order, from any offset on
(core.telegram.org/api/files#downloading-files).
"""

from __future__ import annotations

import os
import time
from contextlib import aclosing
from pathlib import Path
from typing import TypeAlias

from telethon import TelegramClient, errors
from telethon.tl import types
from telethon.tl.functions.upload import GetFileRequest

from core.domain.errors import NetworkFailure, Unknown
from core.net.progress import Progress
from core.net.transfer import disk
from core.net.transfer.blocking import run_blocking
from userbot.faults import telegram_errors
from userbot.transfer.ordered import ordered
from userbot.transfer.route import Route, route_to
from userbot.transfer.window import Window

#: Of 1 MiB, the most that Telegram gives at once, a half: more in flight are better than larger ones.
CHUNK_BYTES = 512 * 1024
#: Chunks that wait for an earlier one while the window is full: so one that is late holds up no others.
_WAITING_FACTOR = 2
#: A file lies in one place; so often it may be said to have moved.
_MAX_MOVES = 2
#: A chunk goes into the page cache in less than a millisecond; longer, and the cache is full for a while.
_SLOW_WRITE_S = 0.02
_SLOW_FOR_S = 5.0
_ENDLESS = "Telegram sends us from one data centre to the next for this file"
_STALE = (
    errors.FileReferenceExpiredError,
    errors.FileReferenceInvalidError,
    errors.FileReferenceEmptyError,
    errors.FilerefUpgradeNeededError,
)

Location: TypeAlias = types.InputDocumentFileLocation | types.InputPhotoFileLocation


class ReferenceExpired(Exception):
    """The file's reference is too old: read the message again, and go on at the same offset.

    Args:
        done_bytes: How much of the file is there.
    """

    def __init__(self, done_bytes: int) -> None:
        super().__init__()
        self.done_bytes = done_bytes


async def download_file(
    client: TelegramClient,
    what: types.Document | Location,
    *,
    size_bytes: int,
    path: Path,
    start: int = 0,
    window: Window,
    progress: Progress,
    dc_id: int | None = None,
) -> None:
    """Fetch a file's bytes to *path*, which grows from the front and never holds what has not come.

    So, whatever ends the call, *path*'s length is where the next one goes on. Flushing it is the caller's.

    Args:
        client: Connected and logged in.
        what: A document, or the location of one or of a photo in one of its sizes.
        size_bytes: How large it is, as the message says.
        path: Is made if it is not there.
        start: So many of its bytes are there already.
        window: Shared by all downloads.
        progress: Told what is written.
        dc_id: The data centre, where *what* does not tell it; found out by asking otherwise.

    Raises:
        ReferenceExpired: See there.
        FloodWait: Longer than the window sleeps.
        DiskFull: No room.
        Stalled, NetworkFailure, SessionLost, Unknown: As they say; what came stays in *path*.
    """
    if isinstance(what, types.Document):
        dc_id = what.dc_id
        what = types.InputDocumentFileLocation(what.id, what.access_hash, what.file_reference, "")
    target = await run_blocking(_Target, path, start, size_bytes)
    progress(target.done, size_bytes)
    try:
        for _ in range(_MAX_MOVES + 1):
            if target.done == size_bytes:
                return
            with telegram_errors():
                try:
                    async with route_to(client, window, dc_id=dc_id) as route:
                        await _fetch(route, what, target, progress, ahead=window.most * _WAITING_FACTOR)
                except errors.FileMigrateError as error:
                    dc_id = error.new_dc
                except _STALE as error:
                    raise ReferenceExpired(target.done) from error
        if target.done < size_bytes:
            raise Unknown(_ENDLESS)
    finally:
        target.close()


async def download_small(
    client: TelegramClient, document: types.Document, *, size_bytes: int, window: Window
) -> bytes:
    """A file of no more than `CHUNK_BYTES`, in one call. Raises what `download_file` does, but DiskFull."""
    dc_id = document.dc_id
    what = types.InputDocumentFileLocation(document.id, document.access_hash, document.file_reference, "")
    for _ in range(_MAX_MOVES + 1):
        with telegram_errors():
            try:
                async with route_to(client, window, dc_id=dc_id) as route:
                    return await _chunk(route, what, 0, size_bytes)
            except errors.FileMigrateError as error:
                dc_id = error.new_dc
            except _STALE as error:
                raise ReferenceExpired(0) from error
    raise Unknown(_ENDLESS)


async def _chunk(route: Route, what: Location, offset: int, size_bytes: int) -> bytes:
    answer = await route.ask(GetFileRequest(what, offset=offset, limit=CHUNK_BYTES))
    if not isinstance(answer, types.upload.File):
        # Only clients that say they can are meant to be sent there.
        raise Unknown("Telegram wants this file to be fetched from servers of others")
    if len(answer.bytes) != min(CHUNK_BYTES, size_bytes - offset):
        raise NetworkFailure("the file is not as large as its message says")
    return bytes(answer.bytes)


async def _fetch(route: Route, what: Location, target: _Target, progress: Progress, *, ahead: int) -> None:
    size_bytes = target.size_bytes

    async def fetch(offset: int) -> bytes:
        return await _chunk(route, what, offset, size_bytes)

    offsets = range(target.done, size_bytes, CHUNK_BYTES)
    async with aclosing(ordered(offsets, fetch, ahead=ahead)) as chunks:
        async for chunk in chunks:
            # Into the page cache it goes at once; a thread costs more than that, and is for when it is full.
            if target.is_slow:
                await run_blocking(target.append, chunk)
            else:
                target.append(chunk)
            progress(target.done, size_bytes)


class _Target:
    """The growing file. The making of it belongs in a thread, `append` when the file is slow.

    Raises:
        DiskFull, Unknown: It cannot be opened or written.
    """

    def __init__(self, path: Path, start: int, size_bytes: int) -> None:
        self.size_bytes = size_bytes
        with disk.errors("cannot open the file"):
            self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
            there = min(start, os.fstat(self._fd).st_size)
            #: Chunks begin at multiples of their size, so that none reaches over a border of 1 MiB.
            self.done = size_bytes if there >= size_bytes else there - there % CHUNK_BYTES
            os.ftruncate(self._fd, self.done)
        self._slow_until = 0.0

    def close(self) -> None:
        os.close(self._fd)

    @property
    def is_slow(self) -> bool:
        """Whether the disk made a write wait lately."""
        return time.monotonic() < self._slow_until

    def append(self, chunk: bytes) -> None:
        """Write what comes next."""
        began, left = time.monotonic(), memoryview(chunk)
        with disk.errors("cannot write"):
            while left:  # a full disk may take a part first
                written = os.pwrite(self._fd, left, self.done + len(chunk) - len(left))
                left = left[written:]
        self.done += len(chunk)
        if time.monotonic() - began > _SLOW_WRITE_S:
            self._slow_until = time.monotonic() + _SLOW_FOR_S
