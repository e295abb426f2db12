"""How the links of a message stand, and the words for it. Pure but for the clock.

Titles and errors come from strangers: what leaves here is safe to show, in one line each.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from core.domain.delivery import Delivery, DeliveryState
from core.domain.errors import ERRORS, Forbidden, NotFound, UnsupportedSource
from core.domain.events import Event, EventType
from core.domain.figures import percent_text, span_text
from core.domain.job import Job, JobStatus
from core.domain.wording import problem_of, standing_facts, title_of
from userbot.guests import guest_hint
from userbot.replies import DONE, FAILED, WORKING
from userbot.texts import remote

#: Of so many jobs the status message tells each; of the rest only how many there are.
MAX_TOLD = 5
_TITLE_CELLS = 120
_DETAIL_CELLS = 240
#: Of Forbidden where it is Telegram that does not allow it; its own words are for callers of the API.
_NOT_SENT = "It may not be sent here"

#: Events after which deliveries may stand otherwise.
_TELLING = {
    EventType.JOB_CREATED,
    EventType.JOB_JOINED,
    EventType.TELEGRAM_SEND_STARTED,
    EventType.TELEGRAM_SEND_FINISHED,
    EventType.TELEGRAM_SEND_FAILED,
    EventType.FLOOD_WAIT,
}


class Meaning(StrEnum):
    """What there is to tell of a message as a whole."""

    TAKEN = "taken"
    """Something is still to come."""
    DONE = "done"
    FAILED = "failed"
    SILENT = "silent"
    """Its links lead to no media, and nobody asked for any."""


@dataclass(frozen=True, slots=True)
class Standing:
    """The deliveries that answer one message.

    Args:
        deliveries: At least one.
        minds_pages: Somebody is to hear of links that lead to no media.
        tells_owner: Only owners read it, who can do more about a failure than other people.
    """

    deliveries: Sequence[Delivery]
    minds_pages: bool
    tells_owner: bool = True

    @property
    def open(self) -> list[Delivery]:
        """Those of which something is still to come."""
        return [each for each in self.deliveries if not each.state.is_final]

    @property
    def failed(self) -> list[Delivery]:
        """Those whose failure somebody is to hear of."""
        return [
            each
            for each in self.deliveries
            if each.state is DeliveryState.FAILED
            and (self.minds_pages or each.error_type != UnsupportedSource.code)
        ]

    @property
    def has_sent(self) -> bool:
        """Whether a file was sent."""
        return any(each.state is DeliveryState.SENT for each in self.deliveries)

    @property
    def meaning(self) -> Meaning:
        """All of them in one word."""
        if self.open:
            return Meaning.TAKEN
        if self.failed:
            return Meaning.FAILED
        is_done = any(each.state is not DeliveryState.FAILED for each in self.deliveries)
        return Meaning.DONE if is_done else Meaning.SILENT

    def told_jobs(self) -> list[int]:
        """The jobs that the text tells one by one: what is open first, then what failed, then the rest."""
        ordered = [*self.open, *self.failed, *self.deliveries]
        return list(dict.fromkeys(each.job_id for each in ordered))[:MAX_TOLD]


def concerns(event: Event) -> bool:
    """Whether deliveries may have changed."""
    if event.type is EventType.STATUS_CHANGED:
        moved = {str(event.data.get("from")), str(event.data.get("to"))}
        return any(status in moved for status in JobStatus if status.is_final)
    return event.type in _TELLING


def status_text(standing: Standing, jobs: Mapping[int, Job], *, held: str = "") -> str:
    """The text of a status message.

    Args:
        standing: How its links stand.
        jobs: Those of `told_jobs` that still exist.
        held: Why nothing that is queued begins; empty where it does.
    """
    by_job: dict[int, list[Delivery]] = {}
    for each in standing.deliveries:
        by_job.setdefault(each.job_id, []).append(each)
    told = standing.told_jobs()
    lines = [_block(by_job[job_id], jobs.get(job_id), standing, held) for job_id in told]
    rest = [each for job_id, each in by_job.items() if job_id not in told]
    return "\n".join([*lines, *_counted(rest)])


def failure_text(standing: Standing, jobs: Mapping[int, Job]) -> str:
    """Why a message's links failed, each in a few words with what to do."""
    failed = {each.job_id: each for each in standing.failed}
    told = [job_id for job_id in standing.told_jobs() if job_id in failed]
    lines = [_failure(failed[job_id], jobs.get(job_id), standing) for job_id in told]
    left = len(failed) - len(told)
    return "\n".join([*lines, *([f"{FAILED} {left} more failed"] if left else [])])


def refusal_text(sentences: Iterable[str]) -> str:
    """Why links of a message were not taken."""
    shown = dict.fromkeys(remote(each, _DETAIL_CELLS * 2) for each in dict.fromkeys(sentences))
    return "\n".join(f"{FAILED} {sentence}" for sentence in list(shown)[:MAX_TOLD])


def held_text(status: Mapping[str, Any]) -> str:
    """Why the engine, as its *status* says, begins nothing now; empty where it does."""
    if status.get("quiet_until"):
        return "quiet hours, it begins by itself later"
    if status["engine"]["state"] != "running":
        return "no room on the disk, it begins by itself once there is"
    return ""


def _block(deliveries: Sequence[Delivery], job: Job | None, standing: Standing, held: str) -> str:
    failed = next((each for each in deliveries if each.state is DeliveryState.FAILED), None)
    if failed is not None:
        return _failure(failed, job, standing)
    name = _name(job)
    if all(each.state.is_final for each in deliveries):
        return f"{DONE} {name}"
    if job is None or job.status is JobStatus.COMPLETED:
        facts = _sending(deliveries)
    else:
        facts = standing_facts(job, time.time(), of_size=True)
        facts += [held] if job.status is JobStatus.QUEUED else []
    return f"{WORKING} {name}\n{' · '.join(fact for fact in facts if fact)}"


def _sending(deliveries: Sequence[Delivery]) -> list[str]:
    done = sum(each.upload_parts_done for each in deliveries)
    total = sum(each.upload_parts_total or 0 for each in deliveries)
    pause_s = max((each.not_before or 0.0 for each in deliveries), default=0.0) - time.time()
    if pause_s > 0:
        return ["waits to be sent", span_text(pause_s)]
    return ["sending", percent_text(done / total) if total else ""]


def _failure(delivery: Delivery, job: Job | None, standing: Standing) -> str:
    """The failure in one line, then what it is about, then what to do."""
    kind = ERRORS.get(delivery.error_type or "")
    summary = kind.summary if kind else (delivery.error_message or (problem_of(job) if job else "failed"))
    is_jobs_own = job is not None and job.error_type == delivery.error_type
    default = kind.default_hint if kind else ""
    hint = (job.error_hint if job and is_jobs_own else None) or default
    if kind is Forbidden and not is_jobs_own:
        told = (delivery.error_message or "").removeprefix(f"{summary}: ").removeprefix(summary)
        summary, hint = _NOT_SENT, told or "See what the chat allows in a Telegram app."
    elif kind is NotFound and not is_jobs_own and not standing.tells_owner:
        summary, hint = "The file is not kept any more", "Post the link again."
    elif not standing.tells_owner:
        hint = guest_hint(delivery.error_type, hint, default=default)
    lines = [f"{FAILED} {remote(summary, _DETAIL_CELLS)}", _name(job)]
    return "\n".join([*lines, remote(hint, _DETAIL_CELLS)] if hint else lines)


def _counted(rest: Sequence[Sequence[Delivery]]) -> list[str]:
    """How many others there are, by how they stand."""
    waiting = sum(any(not one.state.is_final for one in each) for each in rest)
    failed = sum(any(one.state is DeliveryState.FAILED for one in each) for each in rest)
    counts = {"waiting": waiting, "failed": failed, "done": len(rest) - waiting - failed}
    words = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
    return [f"and {words}"] if words else []


def _name(job: Job | None) -> str:
    return remote(title_of(job), _TITLE_CELLS) if job else "its record was deleted"
