"""Asks the engine to do something with each of several jobs, and says in one line what came of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from core.domain.errors import NoSuchJob, ReeldeckError
from core.domain.job import Job, JobStatus

#: Requests in flight at a time: a thousand marked jobs must not become a thousand connections.
AT_ONCE = 8
#: A person is asked before this many jobs are cancelled …
CONFIRM_COUNT = 5
#: … or a running one that has fetched this much.
CONFIRM_BYTES = 100 * 2**20


@dataclass(slots=True)
class Outcome:
    """What became of a request for several jobs."""

    #: As they are now; as they were, when they are no more.
    done: list[Job] = field(default_factory=list)
    gone: set[int] = field(default_factory=set)
    refused: list[tuple[Job, ReeldeckError]] = field(default_factory=list)

    def summary(self, verb: str, more: str = "") -> tuple[str, str]:
        """One line such as `Paused 12 jobs`, and the style that suits it. *more* follows if all went well."""
        count = len(self.done)
        words = f"{verb} {self.done[0].id if count == 1 else f'{count} jobs'}" if count else ""
        if not self.refused:
            return f"{words}{more}", "good"
        job, error = self.refused[0]
        others = f" and {len(self.refused) - 1} more" if len(self.refused) > 1 else ""
        problem = f"job {job.id}{others}: {error}. {error.hint}"
        return (f"{words} · {problem}" if words else f"J{problem[1:]}"), "bad"


async def for_each(jobs: Sequence[Job], ask: Callable[[int], Awaitable[Job | None]]) -> Outcome:
    """Call *ask* with each job's id, a few at a time; refusals are collected, not raised.

    *ask* answers the job as it is now, or None when it is no more.
    """
    outcome = Outcome()
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(job: Job) -> None:
        async with slots:
            try:
                answer = await ask(job.id)
            except ReeldeckError as error:
                outcome.refused.append((job, error))
                if isinstance(error, NoSuchJob):
                    outcome.gone.add(job.id)
            else:
                outcome.done.append(answer or job)
                if answer is None:
                    outcome.gone.add(job.id)

    async with asyncio.TaskGroup() as group:
        for job in jobs:
            group.create_task(one(job))
    return outcome


def needs_confirmation(jobs: Sequence[Job]) -> bool:
    """Cancelling *jobs* would lose enough to ask first."""
    running = (job for job in jobs if job.status is JobStatus.RUNNING)
    return len(jobs) >= CONFIRM_COUNT or any(job.bytes_done >= CONFIRM_BYTES for job in running)
