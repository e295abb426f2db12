"""One delivery from the archive to its chat."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path, PurePath

from telethon import TelegramClient
from telethon.tl.types import User

from core.config.settings import Settings
from core.domain.delivery import Delivery
from core.domain.errors import NetworkFailure, NoSuchJob, NotFound, SizeLimit
from core.domain.job import Job, ReplyTo
from core.domain.library import MediaItem
from core.domain.messenger import MessengerInterface
from core.media.words import folded
from userbot.delivery.captions import MAX_UNITS, MAX_UNITS_PREMIUM, Caption, caption
from userbot.delivery.parcel import Parcel
from userbot.delivery.repeat import Repeats, parts_with
from userbot.delivery.send import DocumentRefusedError, PartLostError, Sender, Sent
from userbot.rules import Rules
from userbot.transfer.limits import most_bytes
from userbot.transfer.window import Window

#: Telegram may lose parts of an upload; more often than this it has another trouble.
_UPLOADS = 3


class Courier:
    """Takes deliveries to their chats; uploads one at a time, as is gentle with the account.

    Args:
        client: Connected and logged in.
        engine: Keeps the deliveries and the files.
        settings: Say what captions tell.
        me: Whose account it is.
    """

    def __init__(
        self, *, client: TelegramClient, engine: MessengerInterface, settings: Settings, me: User
    ) -> None:
        self._client = client
        self._engine = engine
        self._settings = settings.telegram
        self._me = me
        self._rules = Rules(engine)
        self._repeats = Repeats(client, engine)
        self._sender = Sender(client, is_bot=bool(me.bot))
        self._window = Window(
            flood_sleep_s=self._settings.flood_sleep_s, connections=self._settings.upload_connections
        )
        self._uploading = asyncio.Lock()

    @property
    def wait_s(self) -> float:
        """Seconds until Telegram lets the account send anything."""
        return self._sender.wait_s

    @property
    def upload_wait_s(self) -> float:
        """Seconds until Telegram lets the account upload; 0 for waits that an upload just sleeps through."""
        wait_s = self._window.wait_s
        return wait_s if wait_s > self._settings.flood_sleep_s else 0.0

    async def is_quick(self, delivery: Delivery) -> bool:
        """Whether it goes without an upload, as far as one can know."""
        try:
            return await self._repeats.is_known(delivery) or not await self._is_wanted(delivery)
        except NoSuchJob:
            return True  # Deleted just now, and the delivery with it.

    async def deliver(
        self, delivery: Delivery, *, is_unsure: bool, begins_upload: Callable[[], None]
    ) -> Sent | None:
        """Send a delivery that has begun; None when its chat wants no files.

        Args:
            delivery: As `begin_delivery` gave it.
            is_unsure: An earlier try may have sent it without our hearing of it.
            begins_upload: Called when it turns out not to go without.

        Raises:
            ReeldeckError: It could not be sent now, or at all.
        """
        if not await self._is_wanted(delivery):
            return None
        job = await self._engine.job(delivery.job_id)
        item = await self._engine.item_of(job)
        parts = await self._parts(delivery, job)
        text = self._caption(delivery, job, item, parts)
        if is_unsure and (sent := await self._sent_unheard(delivery, job, text, parts)):
            return sent
        async for document in self._repeats.documents(job, delivery.part_index, parts=parts):
            try:
                return await self._sender.send(delivery, document, text)
            except DocumentRefusedError:
                continue
        begins_upload()
        async with self._uploading:
            return await self._upload(delivery, job, item, text, parts)

    async def _is_wanted(self, delivery: Delivery) -> bool:
        place = ReplyTo(delivery.chat_id, delivery.reply_to or 0, delivery.topic_id)
        return (await self._rules.of(place)).reply

    async def _parts(self, delivery: Delivery, job: Job) -> int:
        """In how many messages the file goes out; the further ones have deliveries of their own then."""
        known = parts_with(delivery, await self._engine.deliveries_of(job_id=job.id))
        if len(known) > 1 or not job.size_bytes:
            return len(known)
        limit = await most_bytes(self._client, self._me)
        if job.size_bytes <= limit:
            return 1
        parts = await self._repeats.parts_of_old(job)
        if parts is None:
            parts = len(await self._engine.parts_of(job, max_bytes=limit))
        if parts > 1:
            await self._engine.split_delivery(delivery.id, parts)
        return parts

    def _caption(self, delivery: Delivery, job: Job, item: MediaItem | None, parts: int) -> Caption:
        return caption(
            self._settings.caption_template,
            job,
            item,
            part=_part(delivery, parts),
            limit_units=MAX_UNITS_PREMIUM if self._me.premium else MAX_UNITS,
        )

    async def _sent_unheard(self, delivery: Delivery, job: Job, text: Caption, parts: int) -> Sent | None:
        asked = ReplyTo(delivery.chat_id, delivery.reply_to or 0)
        beside = await self._engine.deliveries_of(reply_to=asked)
        return await self._sender.find(
            delivery,
            text,
            size_bytes=job.size_bytes if parts == 1 else None,
            others={each.message_id for each in beside if each.message_id is not None},
        )

    async def _upload(
        self, delivery: Delivery, job: Job, item: MediaItem | None, text: Caption, parts: int
    ) -> Sent:
        path = await self._path(delivery, job, parts)
        part = _part(delivery, parts)
        title = folded((item.title if item else None) or job.title or PurePath(path).stem)
        parcel = Parcel(
            self._client,
            self._engine,
            self._window,
            delivery=delivery,
            path=path,
            file_name=_file_name(delivery, job, path, parts),
        )
        is_refused = False
        for _ in range(_UPLOADS):
            media = await parcel.upload(
                title=f"{title} ({part})" if part else title,
                performer=folded((item.artist if item else None) or ""),
            )
            try:
                return await self._sender.send(delivery, media, text)
            except PartLostError as error:
                parcel.forget(error.index)
                is_refused = error.is_all
        if is_refused:
            raise SizeLimit("Telegram takes no file of this size from this account")
        raise NetworkFailure("Telegram loses parts of the upload")

    async def _path(self, delivery: Delivery, job: Job, parts: int) -> str:
        path = job.file_path
        if path is None or not await asyncio.to_thread(Path(path).is_file):
            # Hints are not stored with deliveries, so it is said here; without the link, which may be secret.
            raise NotFound("the file is gone; fetch it again: reeldeck add --force LINK")
        if parts == 1:
            return path
        made = await self._engine.parts_of(job, max_bytes=await most_bytes(self._client, self._me))
        if len(made) != parts:
            raise NotFound("the file is cut in another way now; ask for it again")
        return made[delivery.part_index]


def _part(delivery: Delivery, parts: int) -> str:
    return f"{delivery.part_index + 1}/{parts}" if parts > 1 else ""


def _file_name(delivery: Delivery, job: Job, path: str, parts: int) -> str:
    name = PurePath(job.file_path or path)
    if parts == 1:
        return name.name
    return f"{name.stem} ({delivery.part_index + 1} of {parts}){PurePath(path).suffix}"
