"""After a crash: every job that the last life of the engine was running goes on from its checkpoint."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any

from core.domain.errors import Unknown
from core.domain.events import EventType
from core.domain.job import WAITING_RETRY, Control, Job, JobStatus
from core.engine.attempt import EventWithData
from core.engine.checkpoint import CRASHES
from core.store.store import Store

log = logging.getLogger("reeldeck.engine")

#: A job that was running at this many crashes and got no further in between may be their cause: it waits.
SUSPICIOUS_CRASHES = 4
#: … and at this many it is given up.
MAX_CRASHES = 10
#: Wait of a suspicious job, times the crashes beyond the first suspicion.
SUSPICIOUS_WAIT_S = 60.0


async def recover(store: Store, *, engine: str, epoch: int) -> int:
    """Put back what older epochs left RUNNING or SENDING; returns how many jobs that were.

    The children of the old engine are gone: the kernel was told to end each of them with its parent.
    """
    await store.deliveries.recover(now=time.time())
    left = await store.jobs.claimed_by_older(engine=engine, epoch=epoch)
    for job in left:
        await _recover(store, job)
    if left:
        log.warning("jobs of an interrupted engine go on", extra={"count": len(left)})
    return len(left)


async def _recover(store: Store, job: Job) -> None:
    crashes = _crashes_of(job)
    count = crashes["count"]
    seen = {"attempt": job.attempt, "stage": job.stage, "crashes": count}
    events: list[EventWithData] = [(EventType.JOB_RECOVERED, seen)]
    facts: dict[str, Any] = {"checkpoint": {**job.checkpoint, CRASHES: crashes}}
    to = JobStatus.PENDING
    if job.control is Control.PAUSE:
        to = JobStatus.PAUSED
    elif job.control is Control.CANCEL:
        to, facts = JobStatus.CANCELLED, {"checkpoint": {}}
        events.append((EventType.JOB_CANCELLED, {}))
    elif count >= MAX_CRASHES:
        error = Unknown(f"the engine crashed {count} times while it ran this job")
        to = JobStatus.FAILED
        facts |= {"error_type": error.code, "error_message": str(error), "error_hint": error.hint}
        events.append((EventType.STALE_JOB_MARKED_FAILED, seen))
        events.append((EventType.JOB_FAILED, {"error_type": error.code, "message": str(error)}))
    elif count >= SUSPICIOUS_CRASHES:
        wait_s = SUSPICIOUS_WAIT_S * (count - SUSPICIOUS_CRASHES + 1)
        facts |= {"waiting_for": WAITING_RETRY, "not_before": time.time() + wait_s}
        events.append((EventType.PARKED, {"waiting_for": WAITING_RETRY, "wait_s": wait_s}))
    await store.jobs.transition(
        job.id, JobStatus.RUNNING, to, attempt=job.attempt, now=time.time(), events=events, **facts
    )


def _crashes_of(job: Job) -> Mapping[str, Any]:
    """Crashes that this job saw at the very same point; any progress starts the count anew."""
    here = {"stage": job.stage, "bytes_done": job.bytes_done}
    before = job.checkpoint.get(CRASHES, {})
    is_same_point = all(before.get(name) == value for name, value in here.items())
    return here | {"count": before["count"] + 1 if is_same_point else 1}
