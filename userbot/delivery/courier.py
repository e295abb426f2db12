"""One delivery from the archive to its chat."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path, PurePath

from telethon import TelegramClient
from telethon.tl.types import User

from core.config.settings import Settings
from core.domain.delivery import Delivery
from core.domain.errors import NetworkFailure, NotFound, SizeLimit, Unknown
from core.domain.job import Job, ReplyTo
from core.domain.library import MediaItem
from core.domain.messenger import MessengerInterface
from core.media.words import folded
from userbot.delivery.captions import Caption, caption
from userbot.delivery.parcel import Parcel
from userbot.delivery.repeat import Repeats, parts_with
from userbot.delivery.send import AlreadyThereError, DocumentRefusedError, PartLostError, Sender, Sent
from userbot.rules import Rules
from userbot.transfer.limits import Limits, forget_limits, limits_of
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

    async def deliver(self, delivery: Delivery, *, begins_upload: Callable[[], None]) -> Sent | None:
        """Send a delivery that has begun; None when its chat wants no files, or has it for sure.

        Args:
            delivery: As `begin_delivery` gave it.
            begins_upload: Called when it turns out not to go without.

        Raises:
            ReeldeckError: It could not be sent now, or at all.
        """
        if not await self._is_wanted(delivery):
            return None
        job = await self._engine.job(delivery.job_id)
        item = await self._engine.item_of(job)
        limits = await limits_of(self._client)
        parts = await self._parts(delivery, job, limits)
        text = caption(
            self._settings.caption_template,
            job,
            item,
            part=_part(delivery, parts),
            limit_units=limits.caption_units,
        )
        # An earlier try may have sent it without our hearing of it.
        if delivery.attempt > 1 and (sent := await self._sent_unheard(delivery, job, text, parts)):
            return sent
        try:
            async for document in self._repeats.documents(job, delivery.part_index, parts=parts):
                try:
                    return await self._sender.send(delivery, document, text)
                except DocumentRefusedError:
                    continue
            begins_upload()
            async with self._uploading:
                return await self._upload(delivery, job, item, text, parts)
        except AlreadyThereError as error:
            sent = await self._sent_unheard(delivery, job, text, parts)
            if sent is None and not self._me.bot:
                raise Unknown("Telegram has this message already, but it is not in the chat") from error
            return sent

    async def _is_wanted(self, delivery: Delivery) -> bool:
        if delivery.reply_to is None:
            return True  # It answers nothing: somebody chose the chat.
        place = ReplyTo(delivery.chat_id, delivery.reply_to, delivery.topic_id)
        return (await self._rules.of(place)).reply

    async def _parts(self, delivery: Delivery, job: Job, limits: Limits) -> int:
        """In how many messages the file goes out; the further ones have deliveries of their own then."""
        known = parts_with(delivery, await self._engine.deliveries_of(job_id=job.id))
        if len(known) > 1 or not job.size_bytes:
            return len(known)
        if job.size_bytes <= limits.file_bytes:
            return 1
        parts = await self._repeats.parts_of_old(job)
        if parts is None:
            parts = len(await self._engine.parts_of(job, max_bytes=limits.file_bytes))
        if parts > 1:
            await self._engine.split_delivery(delivery.id, parts)
        return parts

    async def _sent_unheard(self, delivery: Delivery, job: Job, text: Caption, parts: int) -> Sent | None:
        if delivery.reply_to is None:
            beside = await self._engine.deliveries_of(job_id=job.id)
        else:
            asked = ReplyTo(delivery.chat_id, delivery.reply_to)
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
        told = {
            "title": f"{title} ({part})" if part else title,
            "performer": folded((item.artist if item else None) or ""),
        }
        try:
            return await self._put(delivery, parcel, text, told)
        except SizeLimit as error:
            if await self._is_too_large_now(job, parts):
                raise Unknown("Telegram takes less at once now; the next try sends parts") from error
            raise

    async def _put(self, delivery: Delivery, parcel: Parcel, text: Caption, told: Mapping[str, str]) -> Sent:
        is_refused = False
        for _ in range(_UPLOADS):
            media = await parcel.upload(**told)
            try:
                return await self._sender.send(delivery, media, text)
            except PartLostError as error:
                parcel.forget(error.index)
                is_refused = error.is_all
        if is_refused:
            raise SizeLimit("Telegram takes no file of this size from this account")
        raise NetworkFailure("Telegram loses parts of the upload")

    async def _is_too_large_now(self, job: Job, parts: int) -> bool:
        """Whether Premium has ended since the limits were last asked for."""
        forget_limits(self._client)
        limits = await limits_of(self._client)
        return parts == 1 and (job.size_bytes or 0) > limits.file_bytes

    async def _path(self, delivery: Delivery, job: Job, parts: int) -> str:
        path = job.file_path
        if path is None or not await asyncio.to_thread(Path(path).is_file):
            # Hints are not stored with deliveries, so it is said here; without the link, which may be secret.
            raise NotFound("the file is gone; fetch it again: reeldeck add --force LINK")
        if parts == 1:
            return path
        made = await self._engine.parts_of(job, max_bytes=(await limits_of(self._client)).file_bytes)
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
