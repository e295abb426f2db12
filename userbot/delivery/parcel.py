"""A file put with Telegram, ready for a message: its bytes, its picture, and what is to be said of it."""

from __future__ import annotations

import asyncio
import logging
import tempfile
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from telethon import TelegramClient
from telethon.tl import types

from core.domain.delivery import Delivery
from core.domain.errors import MediaFailure, ReeldeckError
from core.domain.media import Picture
from core.domain.messenger import MessengerInterface
from core.media.faststart import read_layout
from core.media.front_index import FrontIndex, front_index
from core.net.transfer import disk
from core.net.transfer.blocking import run_blocking
from userbot.delivery.attributes import describe
from userbot.transfer.upload import UploadState, upload_file
from userbot.transfer.window import Window

log = logging.getLogger("reeldeck.telegram")

#: https://core.telegram.org/api/files#uploading-files: what a thumbnail may be.
THUMB_PIXELS, THUMB_BYTES = 320, 200 * 1024
#: How often the progress of an upload is stored, at most: a crash costs what was sent since.
NOTE_EVERY_S = 0.25


class Parcel:
    """A file of a delivery on its way to Telegram's servers.

    Args:
        client: Connected and logged in.
        engine: Knows the file, and keeps how far the upload is.
        window: Shared by all uploads.
        delivery: What the upload is for; an earlier try may have begun it.
        path: The file.
        file_name: What it is to be called in the chat.
    """

    def __init__(
        self,
        client: TelegramClient,
        engine: MessengerInterface,
        window: Window,
        *,
        delivery: Delivery,
        path: str,
        file_name: str,
    ) -> None:
        self._client = client
        self._engine = engine
        self._window = window
        self._delivery_id = delivery.id
        self._path = path
        self._file_name = file_name
        self._state: UploadState | None = None
        if delivery.upload_id is not None and delivery.upload_parts_total is not None:
            self._state = UploadState(
                delivery.upload_id, delivery.upload_parts_done, delivery.upload_parts_total
            )

    def forget(self, lost_part: int) -> None:
        """Telegram has lost a part: the upload goes on there."""
        if self._state is None or lost_part >= self._state.parts_done:
            self._state = None  # It is not as we thought at all.
        else:
            self._state = replace(self._state, parts_done=lost_part)

    async def upload(self, *, title: str, performer: str) -> types.InputMediaUploadedDocument:
        """Bring to Telegram what is not there yet.

        Args:
            title: Shown with sound.
            performer: Shown with sound.

        Raises:
            FloodWait, NetworkFailure, Stalled, SessionLost: As `upload_file`.
            MediaFailure, SizeLimit, Unknown: As `upload_file`.
        """
        path = Path(self._path)
        front, is_streamable = await run_blocking(_arranged_blocking, path)
        async with _Notes(self._engine, self._delivery_id) as notes:

            def on_part(state: UploadState) -> None:
                self._state = state
                notes.put(state)

            file = await upload_file(
                self._client,
                path,
                file_name=self._file_name,
                window=self._window,
                front=front,
                state=self._state,
                on_part=on_part,
            )
        try:
            info = await self._engine.probe(self._path)
        except MediaFailure:
            info = None  # No media; it is sent as it is.
        picture = await self._picture() if info is not None else None
        said = describe(
            self._file_name, info, picture, is_streamable=is_streamable, title=title, performer=performer
        )
        return types.InputMediaUploadedDocument(
            file,
            said.mime_type,
            list(said.attributes),
            nosound_video=said.is_silent or None,
            force_file=said.is_plain or None,
            thumb=await self._thumb(picture) if picture is not None else None,
        )

    async def _picture(self) -> Picture | None:
        return await self._engine.picture(self._path, max_side=THUMB_PIXELS, max_bytes=THUMB_BYTES)

    async def _thumb(self, picture: Picture) -> Any:
        # From a file like everything else, so that the same window and the same waits hold for it.
        with tempfile.NamedTemporaryFile(suffix=".jpg") as file:
            file.write(picture.jpeg)
            file.flush()
            return await upload_file(
                self._client, Path(file.name), file_name="thumb.jpg", window=self._window
            )


def _arranged_blocking(path: Path) -> tuple[FrontIndex | None, bool]:
    """How a file is put into the order in which it can be played while it comes; and whether it can be."""
    with disk.errors("cannot read the file"):
        front = front_index(path)
        return front, front is not None or read_layout(path).is_faststart


class _Notes:
    """Stores how far an upload is, now and then and at its end, however it ends."""

    def __init__(self, engine: MessengerInterface, delivery_id: int) -> None:
        self._engine = engine
        self._delivery_id = delivery_id
        self._latest: UploadState | None = None
        self._came = asyncio.Event()
        self._writing: asyncio.Task[None]

    def put(self, state: UploadState) -> None:
        """This is the newest."""
        self._latest = state
        self._came.set()

    async def __aenter__(self) -> Self:
        self._writing = asyncio.create_task(self._write_now_and_then())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writing.cancel()
        await asyncio.wait([self._writing])
        del self._writing  # where it was stopped leads back here: a circle
        await self._write()

    async def _write_now_and_then(self) -> None:
        while True:
            await self._came.wait()
            self._came.clear()
            await self._write()
            await asyncio.sleep(NOTE_EVERY_S)

    async def _write(self) -> None:
        state, self._latest = self._latest, None
        if state is None:
            return
        try:
            await self._engine.note_upload(
                self._delivery_id,
                upload_id=state.upload_id,
                parts_done=state.parts_done,
                parts_total=state.parts_total,
            )
        except ReeldeckError as error:
            # The upload itself is none the worse; only a crash would cost more.
            log.warning("an upload's progress was not stored", extra={"detail": str(error)})
