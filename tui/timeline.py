"""What a job's events tell: each in words, the tries so far, and how far its stages got. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.domain.events import Event, EventType
from core.domain.job import Job, JobStatus, Stage
from core.domain.wording import event_words
from tui.present import Span

_STAGE_ENDS = {
    EventType.METADATA_FETCH_FINISHED: Stage.RESOLVE,
    EventType.CAPABILITY_CHECKED: Stage.CHECK,
    EventType.DOWNLOAD_FINISHED: Stage.DOWNLOAD,
    EventType.POSTPROCESS_FINISHED: Stage.POSTPROCESS,
    EventType.OUTPUT_VALIDATED: Stage.VALIDATE,
    EventType.ARCHIVED: Stage.ARCHIVE,
}
_ATTEMPT_ENDS = frozenset(
    {
        EventType.RETRY_SCHEDULED, EventType.PARKED, EventType.JOB_FAILED, EventType.JOB_CANCELLED,
        EventType.JOB_COMPLETED, EventType.JOB_RECOVERED,
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at a job, as its events tell."""

    number: int
    started: float
    outcome: Span


def attempts_of(events: Sequence[Event]) -> list[Attempt]:
    """The tries so far, oldest first; the last one may be running."""
    found: list[Attempt] = []
    for event in events:
        if event.type is EventType.WORKER_ASSIGNED:
            number = event.data.get("attempt")
            found.append(
                Attempt(
                    number if isinstance(number, int) else len(found) + 1,
                    event.created,
                    ("running", "state.run"),
                )
            )
        elif found and event.type in _ATTEMPT_ENDS:
            found[-1] = Attempt(found[-1].number, found[-1].started, event_words(event))
        elif found and event.type is EventType.STATUS_CHANGED and event.data.get("from") == JobStatus.RUNNING:
            found[-1] = Attempt(
                found[-1].number, found[-1].started, (f"{event.data.get('to', '')}".lower(), "text")
            )
    return found


def stages_of(job: Job, events: Sequence[Event]) -> dict[Stage, str]:
    """For each stage: done, running, waiting, failed or held."""
    finished = {_STAGE_ENDS[event.type] for event in events if event.type in _STAGE_ENDS}
    if job.status is JobStatus.COMPLETED:
        finished = set(Stage)
    order = list(Stage)
    if job.status is JobStatus.RUNNING and job.stage:
        # Events may not be loaded yet; a stage is reached only when all before it are done.
        before = order[: order.index(job.stage)]
        return {
            stage: "running" if stage is job.stage else "done" if stage in before else "waiting"
            for stage in order
        }
    stopped = next((stage for stage in order if stage not in finished), None)
    word = {JobStatus.FAILED: "failed", JobStatus.PAUSED: "paused"}.get(job.status, "waiting")
    return {
        stage: "done" if stage in finished else word if stage is stopped else "waiting" for stage in order
    }
