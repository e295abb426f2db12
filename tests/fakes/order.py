"""The part of the engine in memory that keeps the order of the queue."""

from __future__ import annotations

from collections.abc import Sequence

from core.domain.errors import IllegalTransition
from core.domain.interface import QueueMove
from core.domain.job import Job, JobStatus


class FakeOrder:
    """Moves queued jobs, as the store does."""

    async def reorder(self, job_ids: Sequence[int], to: QueueMove) -> Sequence[Job]:
        self._called("reorder", *job_ids, to)
        queue = sorted(
            (job for job in self._jobs.values() if job.status is JobStatus.QUEUED),
            key=lambda job: (-job.priority, job.position, job.id),
        )
        places = [(job.priority, number) for number, job in enumerate(queue)]
        chosen = [job for job in queue if job.id in job_ids]
        if not chosen:
            raise IllegalTransition("only what is queued has a place in the queue")
        others = [job for job in queue if job not in chosen]
        if to == "top":
            queue = chosen + others
        elif to == "bottom":
            queue = others + chosen
        else:
            step = -1 if to == "up" else 1
            for job in chosen[::-step]:
                at = queue.index(job)
                if 0 <= at + step < len(queue) and queue[at + step] not in chosen:
                    queue[at], queue[at + step] = queue[at + step], queue[at]
        return [
            self.set(job.id, priority=priority, position=float(position))
            for job, (priority, position) in zip(queue, places, strict=True)
            if (job.priority, job.position) != (priority, float(position))
        ]
