"""The outbox is emptied here: a few deliveries at a time, those without an upload past those with one."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable

from telethon import TelegramClient
from telethon.tl.types import User

from core.config.settings import Settings
from core.domain.delivery import Delivery, DeliveryState
from core.domain.errors import (
    FloodWait,
    Forbidden,
    NetworkFailure,
    NoSuchEntry,
    ReeldeckError,
    SessionLost,
    StaleClaim,
    Stalled,
    Unknown,
)
from core.domain.messenger import MessengerInterface
from userbot.delivery.courier import Courier
from userbot.delivery.send import Sent, TakenForSpammer, TopicForbidden
from userbot.delivery.verdict import next_try_s
from userbot.faults import AccountRestricted, SlowMode
from userbot.owner import Owner
from userbot.patience import LONG_WAIT_S, OnRest
from userbot.texts import Row, bold, remote

log = logging.getLogger("reeldeck.telegram")

#: Deliveries at the same time that need no upload; and that need one.
QUICK, SLOW = 2, 1
#: After a look that found nothing to begin, the next one comes no sooner than this many times its duration.
_REST_FACTOR, _LONGEST_REST_S = 4, 0.5
#: When Telegram cannot be reached, nothing is begun for so long.
BREATH_S = 5.0
#: Waits that Telegram named end so much later, at random: other programs of the account come back then too.
JITTER_S = 0.5
#: Telegram is away, or the account.
_UNREACHABLE = (NetworkFailure, Stalled, SessionLost)
#: A delivery was taken from us, or deleted with its job.
_GONE = (StaleClaim, NoSuchEntry)


class Deliveries:
    """Sends what the engine has ready, for as long as it runs.

    Args:
        client: Connected and logged in.
        engine: Keeps the deliveries.
        settings: As the engine's.
        me: Whose account it is.
        on_rest: Hears of waits that last.
    """

    def __init__(
        self,
        *,
        client: TelegramClient,
        engine: MessengerInterface,
        settings: Settings,
        me: User,
        on_rest: OnRest = lambda _until, _why: None,
    ) -> None:
        self._engine = engine
        self._on_rest = on_rest
        self._backoff_s = settings.retries.backoff_s
        self._owner = Owner(client, me, prefix=settings.telegram.command_prefix)
        self._courier = Courier(client=client, engine=engine, settings=settings, me=me)
        #: Free places in the quick lane (True) and in the slow one, which may have more than its own.
        self._free = {True: QUICK, False: SLOW}
        self._freed = asyncio.Event()
        self._rest_until = 0.0
        #: How long the last look at what is due took.
        self._look_s = 0.0
        #: It left out what needs an upload, for a wait that was on.
        self._is_held = False

    async def run(self) -> None:
        """Send until cancelled. What is on its way then is taken up by the next run, and is one message.

        Raises:
            SessionLost: The account's login has ended.
        """
        await self._take_back()
        try:
            async with asyncio.TaskGroup() as sending:
                while True:
                    self._freed.clear()
                    if (wait_s := self._wait_s) > 0:
                        await asyncio.sleep(wait_s)
                    elif not await self._start_some(sending):
                        await self._change()
        except ExceptionGroup as faults:
            raise faults.exceptions[0] from faults

    async def _take_back(self) -> None:
        """What an earlier run was at when it ended."""
        page = await self._engine.deliveries(state=DeliveryState.SENDING)
        for delivery in page.items:
            interrupted = NetworkFailure("the sending was interrupted")
            await self._engine.fail_delivery(delivery.id, interrupted, retry_at=time.time())

    async def _start_some(self, sending: asyncio.TaskGroup) -> bool:
        """Begin what can begin; whether anything did."""
        is_begun, began = False, time.monotonic()
        self._is_held = False
        for is_quick, free in self._free.items():
            if free <= 0:
                continue
            if not is_quick and self._courier.upload_wait_s > 0:
                self._is_held = True
                continue
            for delivery in await self._engine.due_deliveries(limit=free, is_quick=is_quick):
                try:
                    begun = await self._engine.begin_delivery(delivery.id)
                except _GONE:
                    continue
                self._free[is_quick] -= 1
                sending.create_task(self._occupy(begun, is_quick=is_quick))
                is_begun = True
        self._look_s = time.monotonic() - began
        return is_begun

    def _has_room(self) -> bool:
        return any(free > 0 for free in self._free.values())

    @property
    def _wait_s(self) -> float:
        """Seconds in which nothing is begun."""
        return max(self._courier.wait_s, self._rest_until - time.monotonic(), 0.0)

    async def _change(self) -> None:
        """Until something may have become possible."""
        if not self._has_room():
            await self._freed.wait()
            return
        # The more there is, the longer a look takes, and the less often one looks.
        await asyncio.sleep(min(self._look_s * _REST_FACTOR, _LONGEST_REST_S))
        waits = [asyncio.create_task(self._engine.wait_for_due()), asyncio.create_task(self._freed.wait())]
        try:
            done, _ = await asyncio.wait(
                waits,
                # A wait that has ended since the look, which left uploads out, asks for another look at once.
                timeout=self._courier.upload_wait_s if self._is_held else None,
                return_when=asyncio.FIRST_COMPLETED,
            )
            for task in done:
                task.result()
        finally:
            for task in waits:
                task.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

    async def _occupy(self, delivery: Delivery, *, is_quick: bool) -> None:
        """A lane is taken while this delivery is on its way; another if it needs an upload after all."""
        lane = is_quick

        def begins_upload() -> None:
            nonlocal lane
            self._free[lane] += 1
            lane = False
            self._free[lane] -= 1
            self._freed.set()

        try:
            await self._deliver(delivery, begins_upload=begins_upload)
        finally:
            self._free[lane] += 1
            self._freed.set()

    async def _deliver(self, delivery: Delivery, *, begins_upload: Callable[[], None]) -> None:
        try:
            sent = await self._courier.deliver(delivery, begins_upload=begins_upload)
        except ReeldeckError as error:
            await self._failed(delivery, error)
            if isinstance(error, SessionLost):
                raise
        except Exception as error:  # one delivery that we cannot handle must not hold up all others
            log.exception("a delivery failed unexpectedly", extra={"delivery_id": delivery.id})
            await self._failed(delivery, Unknown(type(error).__name__))
        else:
            await self._ended(delivery, sent)

    async def _ended(self, delivery: Delivery, sent: Sent | None) -> None:
        try:
            if sent is None:
                await self._engine.end_delivery(delivery.id)
            else:
                await self._engine.end_delivery(
                    delivery.id, message_id=sent.message_id, document_id=sent.document_id
                )
        except _GONE as error:
            log.warning("a delivery ended that is not ours any more", extra={"detail": str(error)})

    async def _failed(self, delivery: Delivery, error: ReeldeckError) -> None:
        now = time.time()
        wait_s = next_try_s(
            error, attempt=delivery.attempt, age_s=now - delivery.created, backoff_s=self._backoff_s
        )
        if wait_s is not None and isinstance(error, FloodWait):
            wait_s += random.uniform(0, JITTER_S)  # noqa: S311 -- no secret
        elif wait_s is not None and isinstance(error, _UNREACHABLE):
            self._rest_until = time.monotonic() + min(BREATH_S, wait_s)
        self._tell(error, now=now)
        log.warning(
            "a delivery failed",
            extra={"delivery_id": delivery.id, "error_type": error.code, "detail": error.detail},
        )
        try:
            await self._engine.fail_delivery(
                delivery.id, error, retry_at=None if wait_s is None else now + wait_s
            )
        except _GONE as gone:
            log.warning("a delivery failed that is not ours any more", extra={"detail": str(gone)})
        if isinstance(error, Forbidden) and not isinstance(error, TakenForSpammer):
            await self._tell_closed(delivery, error)

    async def _tell_closed(self, delivery: Delivery, error: Forbidden) -> None:
        """Tell the owner of a chat or topic that takes no files, or of an account that may send none."""
        if isinstance(error, AccountRestricted):
            rows: list[Row] = [f"I cannot send files: {error.detail}", error.hint]
            await self._owner.tell("restricted", rows)
            return
        chat_id, topic = delivery.chat_id, ""
        if isinstance(error, TopicForbidden):
            topic = f" topic={delivery.topic_id}"
        titles = [each.title for each in await self._engine.chat_rules() if each.chat_id == chat_id]
        title = next(filter(None, titles), None)
        rows = [
            ["I cannot send files to ", bold(remote(title) if title else str(chat_id)), f": {error.detail}"],
            ["To keep them without sending: ", self._owner.command(f"watch {chat_id}{topic} reply=off")],
        ]
        await self._owner.tell(f"closed {chat_id}{topic}", rows)

    def _tell(self, error: ReeldeckError, *, now: float) -> None:
        """Let the owner see a long wait of the whole account; what one chat asks for is its own affair."""
        wait_s = max(self._courier.wait_s, self._courier.upload_wait_s)
        is_of_all = isinstance(error, FloodWait | TakenForSpammer) and not isinstance(error, SlowMode)
        if is_of_all and wait_s >= LONG_WAIT_S:
            is_named = isinstance(error, TakenForSpammer)
            why = error.detail if is_named else f"{error.summary}: deliveries, {error.detail}"
            self._on_rest(now + wait_s, why)
