"""What is known of deliveries: asked for when somebody looks, and again when there is news."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.domain.delivery import Delivery, DeliveryState
from core.domain.events import Event, EventType
from core.domain.interface import EngineInterface
from tui.deliveries import is_moving

#: While an upload runs it is asked for this often; news are waited for as long.
POLL_S = 1.0
#: The newest deliveries of a chat or job that are looked at.
MOST = 100
#: What was asked for is kept for so many chats and jobs.
KEPT = 16
#: After these a delivery may be another than it was.
NEWS = frozenset(
    {
        EventType.TELEGRAM_SEND_STARTED, EventType.TELEGRAM_SEND_FINISHED, EventType.TELEGRAM_SEND_FAILED,
        EventType.FLOOD_WAIT, EventType.JOB_CREATED, EventType.JOB_JOINED, EventType.JOB_COMPLETED,
        EventType.JOB_FAILED, EventType.JOB_CANCELLED, EventType.STATUS_CHANGED,
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class About:
    """Whose deliveries: a job's, or a chat's."""

    job_id: int | None = None
    chat_id: int | None = None


@dataclass(slots=True)
class _Known:
    deliveries: Sequence[Delivery]
    asked: float
    is_stale: bool = False


class Outbox:
    """Deliveries as the engine last told of them. Times are seconds since the epoch.

    Args:
        client: The engine.
    """

    def __init__(self, client: EngineInterface) -> None:
        self._client = client
        self._known: dict[About, _Known] = {}
        self._asking: set[About] = set()
        self._looked_at: tuple[About, float] | None = None

    def look(self, about: About, now: float) -> Sequence[Delivery]:
        """What is known, the newest first; nothing before it was asked for."""
        self._looked_at = about, now
        known = self._known.get(about)
        return known.deliveries if known else ()

    def is_loaded(self, about: About) -> bool:
        """It was asked for, and the engine has answered."""
        return about in self._known

    def wants(self, about: About, now: float) -> bool:
        """It is to be asked for now."""
        known = self._known.get(about)
        if about in self._asking:
            return False
        return known is None or (self._is_old(known) and now - known.asked >= POLL_S)

    async def load(self, about: About, now: float) -> Sequence[Delivery]:
        """Ask the engine. Raises the engine's errors; what was known stays."""
        self._asking.add(about)
        known = self._known.pop(about, None) or _Known((), now)
        known.asked, known.is_stale = now, False
        self._known[about] = known
        while len(self._known) > KEPT:
            del self._known[next(iter(self._known))]
        try:
            page = await self._client.deliveries(job_id=about.job_id, chat_id=about.chat_id, limit=MOST)
        finally:
            self._asking.discard(about)
        known.deliveries = page.items
        return page.items

    def adopt(self, delivery: Delivery) -> None:
        """Take over the answer to a command."""
        for about in (About(job_id=delivery.job_id), About(chat_id=delivery.chat_id)):
            if known := self._known.get(about):
                known.deliveries = [delivery if each.id == delivery.id else each for each in known.deliveries]

    def hear(self, event: Event) -> None:
        """What an event says something new about is asked for again when it is looked at."""
        if event.type in NEWS:
            for about, known in self._known.items():
                if about.job_id in {None, event.job_id}:
                    known.is_stale = True

    def forget(self) -> None:
        """The connection was lost: all may be another."""
        self._known.clear()

    def next_change_s(self, now: float) -> float | None:
        """Seconds until what is looked at changes by itself, None when it does not."""
        about, looked = self._looked_at or (None, 0.0)
        known = self._known.get(about) if about and now - looked < 2 * POLL_S else None
        if known is None:
            return None
        moves = self._is_old(known) or any(is_moving(each, now) for each in known.deliveries)
        return POLL_S if moves else None

    @staticmethod
    def _is_old(known: _Known) -> bool:
        return known.is_stale or any(each.state is DeliveryState.SENDING for each in known.deliveries)
