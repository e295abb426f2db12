"""The engine's side that a messenger in its process sees: `core.domain.messenger.MessengerInterface`."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from core.config.settings import Settings
from core.domain.chat import ChatRules
from core.domain.delivery import Delivery, DeliveryState
from core.domain.errors import ReeldeckError
from core.domain.job import Job, ReplyTo, Request
from core.domain.library import MediaItem
from core.domain.media import MediaInfo, Picture
from core.domain.messenger import Acknowledgement, Chats, Collect, Collected, Messenger
from core.domain.snapshot import Page, Submitted
from core.domain.token import AuditEntry
from core.engine.adjusting import DEBUG_LOG, LimitDesk
from core.engine.intake import Intake
from core.engine.telegram.chats import ChatDesk
from core.engine.telegram.files import FileDesk
from core.engine.telegram.outbox import Outbox
from core.store.store import Store


class TelegramFace:
    """Hands on what a messenger asks for. `Engine` makes what it hands it on to."""

    settings: Settings
    _store: Store
    _intake: Intake
    _chats: ChatDesk
    _outbox: Outbox
    _files: FileDesk
    _limits: LimitDesk

    async def _take(self, requests: Sequence[Request]) -> Sequence[Submitted | ReeldeckError]:
        raise NotImplementedError

    def attach(self, messenger: Messenger | None) -> None:
        """Somebody speaks for the account from now on, or nobody does."""
        self._chats.attach(messenger)

    # Intake

    async def take_links(self, requests: Sequence[Request]) -> Sequence[Submitted | ReeldeckError]:
        """`submit_many` of what messages ask for."""
        return await self._take(requests)

    async def note_read(
        self, cursors: Mapping[int, int], refused: Mapping[ReplyTo, str] = MappingProxyType({})
    ) -> None:
        """How far chats were read, and which messages are to be told that links were not taken."""
        await self._store.acknowledgements.note_read(cursors, refused)

    def source_of(self, url: str) -> str:
        """The name of the source that is asked first for a link."""
        return self._chats.source_of(url)

    async def chat_rules(self) -> Sequence[ChatRules]:
        """All rules, chats before their topics."""
        return await self._chats.rules()

    def on_rules(self, changed: Callable[[], None]) -> None:
        """Call *changed*, a method, whenever rules were changed, by whomever, while its object lives."""
        self._chats.on_rules(changed)

    async def chats(self) -> Chats:
        """The rules of all chats that have some, and what waits to be sent."""
        return await self._chats.all()

    async def known_chats(self) -> Sequence[ChatRules]:
        """The messenger's chats and topics, watched or not."""
        return await self._chats.known()

    async def find_chat(self, name: str) -> ChatRules:
        """A chat by its marked id, @name or link."""
        return await self._chats.find(name)

    async def set_chat(self, rules: ChatRules) -> ChatRules:
        """Watch a chat or topic by these rules."""
        return await self._chats.set(rules)

    async def forget_chat(self, chat_id: int, topic_id: int = 0) -> None:
        """Forget the rules of a chat, with those of its topics, or of a topic."""
        await self._chats.forget(chat_id, topic_id)

    def collect(self, wanted: Collect) -> AsyncIterator[Collected]:
        """Fetch media of a chat."""
        return self._chats.collect(wanted)

    # The outbox

    async def deliveries(
        self,
        *,
        state: DeliveryState | None = None,
        job_id: int | None = None,
        chat_id: int | None = None,
        limit: int = 100,
        after: str | None = None,
    ) -> Page[Delivery]:
        """A page of deliveries, newest first."""
        return await self._store.deliveries.page(
            state=state, job_id=job_id, chat_id=chat_id, limit=limit, after=after
        )

    async def retry_delivery(self, delivery_id: int) -> Delivery:
        """Send again what could not be sent."""
        return await self._outbox.retry(delivery_id)

    async def due_deliveries(self, *, limit: int = 50, is_quick: bool | None = None) -> Sequence[Delivery]:
        """READY deliveries whose time has come, the oldest first."""
        return await self._outbox.due(limit=limit, is_quick=is_quick)

    async def wait_for_due(self) -> None:
        """Return when `due_deliveries` may have something new."""
        await self._outbox.wait()

    async def begin_delivery(self, delivery_id: int) -> Delivery:
        """READY to SENDING."""
        return await self._outbox.begin(delivery_id)

    async def note_upload(
        self, delivery_id: int, *, upload_id: int, parts_done: int, parts_total: int
    ) -> None:
        """How far an upload is."""
        await self._store.deliveries.note_upload(
            delivery_id, upload_id=upload_id, parts_done=parts_done, parts_total=parts_total
        )

    async def split_delivery(self, delivery_id: int, parts: int) -> Sequence[Delivery]:
        """Make it the first of so many parts."""
        return await self._outbox.split(delivery_id, parts)

    async def end_delivery(
        self, delivery_id: int, *, message_id: int | None = None, document_id: int | None = None
    ) -> Delivery:
        """SENDING to SENT, or without a message to SKIPPED."""
        return await self._outbox.end(delivery_id, message_id=message_id, document_id=document_id)

    async def fail_delivery(
        self, delivery_id: int, error: ReeldeckError, *, retry_at: float | None
    ) -> Delivery:
        """SENDING to READY at *retry_at*, or to FAILED for good."""
        return await self._outbox.fail(delivery_id, error, retry_at=retry_at)

    async def sent_before(self, job: Job, part_index: int) -> Sequence[Delivery]:
        """SENT deliveries of the same content, the newest first."""
        return await self._store.deliveries.sent_before(job, part_index)

    async def item_of(self, job: Job) -> MediaItem | None:
        """The library's record of a job's file."""
        return await self._store.library.item_of(job)

    async def deliveries_of(
        self, *, job_id: int | None = None, reply_to: ReplyTo | None = None
    ) -> Sequence[Delivery]:
        """Deliveries of a job, or those that answer a message, oldest first."""
        return await self._store.deliveries.of(job_id=job_id, reply_to=reply_to)

    # What messages were told

    async def acknowledgement(self, reply_to: ReplyTo) -> Acknowledgement | None:
        """What a message was last told."""
        return await self._store.acknowledgements.get(reply_to)

    async def acknowledge(self, told: Acknowledgement) -> None:
        """Store what a message was told."""
        await self._store.acknowledgements.put(told)

    async def unsettled_messages(self) -> Sequence[ReplyTo]:
        """Messages that were not yet told how their last delivery ended, oldest first."""
        return await self._store.acknowledgements.unsettled()

    # Files

    async def probe(self, path: str) -> MediaInfo:
        """Streams, durations and sizes of a file."""
        return await self._files.probe(path)

    async def picture(self, path: str, *, max_side: int, max_bytes: int) -> Picture | None:
        """A JPEG of a video, or the cover of a sound file, no larger than asked."""
        return await self._files.picture(path, max_side=max_side, max_bytes=max_bytes)

    async def parts_of(self, job: Job, *, max_bytes: int) -> Sequence[str]:
        """Paths of the parts of a job's file, none larger, each of which plays."""
        return await self._files.parts_of(job, max_bytes=max_bytes)

    # Collecting

    async def collect_cursor(self, name: str) -> tuple[int, int] | None:
        """Between which message numbers a collection has dealt with everything."""
        stored = await self._store.switches.get(f"collect:{name}")
        return (stored[0], stored[1]) if stored else None

    async def set_collect_cursor(self, name: str, oldest: int, newest: int) -> None:
        """Store what `collect_cursor` tells."""
        await self._store.switches.set(f"collect:{name}", [oldest, newest])

    # Waiting

    async def upcoming(self, *, limit: int) -> Sequence[Job]:
        """Waiting jobs in the order in which they begin."""
        return await self._store.jobs.upcoming(limit)

    async def parked(self, waiting_for: str, *, source: str) -> int:
        """How many PENDING jobs of *source* have this `waiting_for`."""
        return await self._store.jobs.parked(waiting_for, source=source)

    # Switches

    async def set_maintenance(self, *, is_on: bool) -> None:
        """Take nothing new, or take it again."""
        await self._intake.close(is_closed=is_on)

    async def is_in_maintenance(self) -> bool:
        """Whether nothing new is taken."""
        return self._intake.is_closed

    async def set_debug(self, *, is_on: bool) -> None:
        """Log at DEBUG, or as configured."""
        await self._limits.set(DEBUG_LOG, int(is_on))

    async def audit_command(
        self, *, actor: str, action: str, target: str | None, data: Mapping[str, Any]
    ) -> None:
        """Write down what somebody commanded, or tried to."""
        await self._store.audit.add(
            AuditEntry(actor=actor, action=action, target=target or "", data=data, created=time.time())
        )
