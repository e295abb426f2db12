"""What the demo says without a dashboard: a line for each thing that happens, and a table at the end."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from datetime import datetime

from core.domain.events import Event, EventType
from core.domain.job import Job, JobStatus
from core.domain.text import for_terminal

_SAID = {
    EventType.JOB_CREATED: "accepted",
    EventType.METADATA_FETCH_FINISHED: "found",
    EventType.DOWNLOAD_STARTED: "download starts",
    EventType.DOWNLOAD_RESUMED: "download goes on",
    EventType.DOWNLOAD_FINISHED: "download complete",
    EventType.POSTPROCESS_FINISHED: "ready to play",
    EventType.OUTPUT_VALIDATED: "checked",
    EventType.RETRY_SCHEDULED: "will be tried again",
    EventType.JOB_COMPLETED: "done",
    EventType.JOB_FAILED: "FAILED",
}
#: Progress is said at each of these shares.
_STEPS = (0.25, 0.5, 0.75)


class Narrator:
    """Turns events and progress into lines; says nothing twice."""

    def __init__(self) -> None:
        self._said: dict[int, float] = {}

    def event(self, event: Event) -> str | None:
        """The line for *event*, None when it is not worth one."""
        word = _SAID.get(event.type)
        if word is None:
            return None
        detail = event.data.get("title") or event.data.get("message") or ""
        if event.type is EventType.RETRY_SCHEDULED:
            detail = f"in {event.data.get('wait_s') or 0:.0f} s: {detail}"
        return _line(event.created, event.job_id, word, str(detail))

    def progress(self, job: Job) -> str | None:
        """A line when *job* has passed the next quarter."""
        share = job.progress if job.status is JobStatus.RUNNING else None
        if share is None:
            return None
        passed = max((step for step in _STEPS if share >= step), default=0.0)
        if passed <= self._said.get(job.id, 0.0):
            return None
        self._said[job.id] = passed
        return _line(time.time(), job.id, f"{passed:.0%}", f"{(job.rate or 0) / 1024**2:.1f} MiB/s")


def table(jobs: Sequence[Job]) -> Iterator[str]:
    """The outcome of every job."""
    yield f"{'':>2}  {'STATE':<10} {'TITLE':<24} {'SIZE':>9} {'LENGTH':>7}  SHA256 / REASON"
    for job in jobs:
        title = for_terminal(job.title or job.url.rsplit("/", 1)[-1], cells=24)
        size = f"{(job.size_bytes or 0) / 1024**2:.1f} MiB" if job.size_bytes else "-"
        length = f"{int(job.duration_s) // 60}:{int(job.duration_s) % 60:02}" if job.duration_s else "-"
        last = job.sha256 if job.status is JobStatus.COMPLETED else for_terminal(job.error_message or "")
        yield f"{job.id:>2}  {job.status.value:<10} {title:<24} {size:>9} {length:>7}  {last}"
        if job.error_hint and job.status is JobStatus.FAILED:
            yield f"{'':>14} {for_terminal(job.error_hint)}"


def _line(when: float, job_id: int | None, word: str, detail: str) -> str:
    clock = datetime.fromtimestamp(when).astimezone().strftime("%H:%M:%S")
    return f"{clock}  job {job_id}  {word:<20} {for_terminal(detail)}".rstrip()
