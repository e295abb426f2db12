"""Files to Telegram: parts in flight at once, resumable by whoever keeps the state
(core.telegram.org/api/files#uploading-files).
"""

from __future__ import annotations

import hashlib
import os
import secrets
import zlib
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path

from telethon import TelegramClient, errors
from telethon.tl.functions.upload import SaveBigFilePartRequest, SaveFilePartRequest
from telethon.tl.types import InputFile, InputFileBig

from core.domain.errors import MediaFailure, SizeLimit, Unknown
from core.media.front_index import FrontIndex
from core.net.transfer import disk
from core.net.transfer.blocking import run_blocking
from userbot.faults import telegram_errors
from userbot.transfer.ordered import ordered
from userbot.transfer.plain import send_parts_plain
from userbot.transfer.route import Route, route_to
from userbot.transfer.window import Window

#: The largest part that Telegram takes; all but the last are of one size.
PART_BYTES = 512 * 1024
#: Files above this are sent by another method, without a checksum.
_BIG_BYTES = 10 * 1024**2


@dataclass(frozen=True, slots=True)
class UploadState:
    """How far an upload is: `parts_done` from the front are surely there. Telegram keeps them for some hours.

    To send a part again that Telegram has lost (FILE_PART_X_MISSING), set `parts_done` to its number.
    """

    #: Telegram's name for it, given by us. Its lower half tells the version of the file.
    upload_id: int
    parts_done: int
    parts_total: int


async def upload_file(
    client: TelegramClient,
    path: Path,
    *,
    file_name: str,
    window: Window,
    front: FrontIndex | None = None,
    state: UploadState | None = None,
    on_part: Callable[[UploadState], None] = lambda _: None,
) -> InputFile | InputFileBig:
    """Send a file's bytes and return what a message names them by; it is good for some hours.

    Args:
        client: Connected and logged in.
        path: Must not be changed meanwhile.
        file_name: What the file is called in the chat.
        window: Shared by all uploads.
        front: Sends the file with its index in front.
        state: Where an earlier call stopped. One of another file, or of another version, is not gone on with.
        on_part: Told whenever `parts_done` has grown; must return at once.

    Raises:
        FloodWait: Longer than the window sleeps; go on later from the last state.
        MediaFailure: The file is empty, or was changed meanwhile.
        SizeLimit: It has more parts than the account may send.
        Stalled, NetworkFailure, SessionLost, Unknown: As they say; go on from the last state.
    """
    source = await run_blocking(_Source, path, front)
    try:
        reached = source.state(state)
        with telegram_errors():
            async with route_to(client, window) as route:
                for sender in route.senders:
                    send_parts_plain(sender)
                saving = _Saving(route, source, reached)
                left = range(reached.parts_done, reached.parts_total)
                async with aclosing(ordered(left, saving.save, ahead=window.most)) as saved:
                    async for index in saved:
                        on_part(replace(reached, parts_done=index + 1))
        md5 = await run_blocking(source.check)
    finally:
        source.close()
    if source.is_big:
        return InputFileBig(reached.upload_id, reached.parts_total, file_name)
    return InputFile(reached.upload_id, reached.parts_total, file_name, md5)


class _Saving:
    """The parts of one file on their way."""

    def __init__(self, route: Route, source: _Source, state: UploadState) -> None:
        self._route, self._source, self._state = route, source, state

    async def save(self, index: int) -> int:
        """Send one part; its number again."""
        data = await run_blocking(self._source.read, index)
        upload_id, total = self._state.upload_id, self._state.parts_total
        if self._source.is_big:
            request = SaveBigFilePartRequest(upload_id, index, total, data)
        else:
            request = SaveFilePartRequest(upload_id, index, data)
        try:
            is_saved = await self._route.ask(request)
        except errors.FilePartInvalidError as error:
            raise SizeLimit("Telegram takes no file of this size from this account") from error
        if not is_saved:
            raise Unknown(f"Telegram did not take part {index} of the file")
        return index


class _Source:
    """The file that is sent, in one version of it. All but `state` and `close` belong in a thread.

    Raises:
        MediaFailure: It is empty; or, from the methods, it is not what it was.
        Unknown: It cannot be read.
    """

    def __init__(self, path: Path, front: FrontIndex | None) -> None:
        with disk.errors("cannot read the file"):
            self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            self._version = self._look()
        self._front = front
        self._size = self._version[0]
        if not self._size or (front is not None and front.version != self._version):
            self.close()
            raise MediaFailure(
                "the file was changed while it was sent" if self._size else "the file is empty"
            )
        self.is_big = self._size > _BIG_BYTES

    def close(self) -> None:
        os.close(self._fd)

    def state(self, known: UploadState | None) -> UploadState:
        """Where to go on, from the front if *known* is not of this version of this file."""
        total = -(-self._size // PART_BYTES)
        stamp = zlib.crc32(repr((*self._version, self._front is not None)).encode())
        if (
            known is not None
            and known.upload_id & 0xFFFFFFFF == stamp
            and known.parts_total == total >= known.parts_done >= 0
        ):
            return known
        return UploadState(secrets.randbits(31) << 32 | stamp, 0, total)

    def read(self, index: int) -> bytes:
        """A part."""
        offset = index * PART_BYTES
        wanted = min(PART_BYTES, self._size - offset)
        with disk.errors("cannot read the file"):
            data = self._read(offset, wanted)
        if len(data) < wanted:
            raise MediaFailure("the file was changed while it was sent")
        return data

    def check(self) -> str:
        """See that it is still the same; the MD5 of a small file, which Telegram compares."""
        md5 = hashlib.md5(usedforsecurity=False)
        with disk.errors("cannot read the file"):
            if not self.is_big:
                md5.update(self._read(0, self._size))
            if self._look() != self._version:
                raise MediaFailure("the file was changed while it was sent")
        return md5.hexdigest()

    def _read(self, offset: int, length: int) -> bytes:
        if self._front is not None:
            return self._front.read(self._fd, offset, length)
        return os.pread(self._fd, length, offset)

    def _look(self) -> tuple[int, int]:
        seen = os.fstat(self._fd)
        return seen.st_size, seen.st_mtime_ns
