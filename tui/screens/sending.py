"""What screens that show deliveries have in common: they ask for them, and send again what failed."""

from __future__ import annotations

import time
from collections.abc import Sequence

from core.domain.delivery import Delivery, DeliveryState
from core.domain.errors import ReeldeckError
from core.domain.job import JobStatus
from tui.outbox import About
from tui.screens.page import PageScreen


def unsent(deliveries: Sequence[Delivery]) -> list[Delivery]:
    """Those that could not be sent."""
    return [delivery for delivery in deliveries if delivery.state is DeliveryState.FAILED]


class SendingScreen(PageScreen):
    """A screen that shows deliveries. Requests run as workers, so that a slow engine never holds a key."""

    def look(self, about: About) -> Sequence[Delivery]:
        """What is known of deliveries; what is missing or old is asked for, and painted when it is there."""
        now = time.time()
        if self.deck.wants_deliveries(about, now):
            self.run_worker(self.deck.load_deliveries(about), group="deliveries")
        return self.deck.outbox.look(about, now)

    def send_again(self, deliveries: Sequence[Delivery]) -> None:
        """Send what failed among *deliveries* once more; a job that failed is started again, once."""
        failed = unsent(deliveries)

        async def work() -> None:
            started: set[int] = set()
            refused: list[ReeldeckError] = []
            for delivery in failed:
                try:
                    await self._again(delivery, started)
                except ReeldeckError as error:
                    refused.append(error)
            if refused:
                self.deck.say_error(refused[0])
            else:
                count = len(failed)
                self.deck.say(f"Sends {count} file{'s' * (count != 1)} again", "good")

        self.run_worker(work(), group="command")

    async def _again(self, delivery: Delivery, started: set[int]) -> None:
        job = self.deck.index.known.get(delivery.job_id)
        if job is None or job.status not in {JobStatus.FAILED, JobStatus.CANCELLED}:
            if delivery.job_id not in started:
                self.deck.outbox.adopt(await self.deck.client.retry_delivery(delivery.id))
        else:
            started.add(job.id)
            self.deck.index.adopt(await self.deck.client.retry(job.id))
