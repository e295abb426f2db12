"""What there is to act on, and why something cannot be done with it now. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from core.domain.job import Job, JobStatus

_S = JobStatus
#: Jobs that are not held and have not ended.
ACTIVE = (_S.PENDING, _S.QUEUED, _S.RUNNING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What there is to act on."""

    #: How many of the marked jobs (else: the one under the cursor) are in each status.
    statuses: Mapping[JobStatus, int] = field(default_factory=dict)
    has_file: bool = False
    has_playlist: bool = False
    #: What is under the cursor is about a job.
    has_job: bool = False
    #: Telegram is on.
    has_chats: bool = False
    is_connected: bool = True
    shown: int = 0
    marked: int = 0
    #: The last change was made a moment ago.
    can_undo: bool = False
    #: Files that could not be sent, of what actions are for.
    unsent: int = 0

    def any_of(self, *statuses: JobStatus) -> bool:
        """At least one target is in one of these."""
        return any(self.statuses.get(status, 0) for status in statuses)


def situation_of(targets: Sequence[Job], **others: bool | int) -> Situation:
    """The situation in which an action is for *targets*."""
    return Situation(
        statuses=Counter(job.status for job in targets),
        has_file=any(job.file_path for job in targets),
        has_playlist=any(job.group_id is not None for job in targets),
        **others,  # type: ignore[arg-type] # the fields' own names and kinds
    )


#: Says why an action cannot be used now; empty when it can.
Reason = Callable[[Situation], str]


def always(_: Situation) -> str:
    """It can always be done."""
    return ""


def can_undo(now: Situation) -> str:
    """A change that was made a moment ago is needed."""
    return "" if now.can_undo else "There is nothing to take back, or no longer"


def connected(now: Situation) -> str:
    """The engine is needed."""
    return "" if now.is_connected else "The engine is not connected"


def on_job(what: str, *statuses: JobStatus, needs_engine: bool = True) -> Reason:
    """Usable when a target is in one of *statuses* (in any, when none is named)."""

    def reason(now: Situation) -> str:
        if needs_engine and not now.is_connected:
            return connected(now)
        if not now.statuses:
            return "No job is selected"
        if statuses and not now.any_of(*statuses):
            words = " or ".join(status.value.lower() for status in now.statuses)
            which = "this job is" if sum(now.statuses.values()) == 1 else "all are"
            return f"{what}: {which} {words}"
        return ""

    return reason


def has_file(now: Situation) -> str:
    """A file is needed."""
    return on_job("")(now) or ("" if now.has_file else "There is no file yet")


def has_playlist(now: Situation) -> str:
    """A playlist is needed."""
    return on_job("")(now) or ("" if now.has_playlist else "This job belongs to no playlist")


def has_login(now: Situation) -> str:
    """A login is needed."""
    return connected(now) or ("" if now.shown else "There is no login yet")


def has_chat(now: Situation) -> str:
    """A chat is needed."""
    return connected(now) or ("" if now.shown else "No chat is watched yet")


def has_unsent(now: Situation) -> str:
    """Something that could not be sent is needed."""
    return connected(now) or ("" if now.unsent else "Nothing failed to be sent")


def has_item(now: Situation) -> str:
    """A file of the library is needed."""
    return "" if now.shown else "There is no file here"


def can_send(now: Situation) -> str:
    """Something to send, and Telegram, are needed."""
    return connected(now) or has_item(now) or ("" if now.has_chats else "Telegram is off")


def can_tag(now: Situation) -> str:
    """A file of the library, and the engine, are needed."""
    return connected(now) or has_item(now)


def has_items_job(now: Situation) -> str:
    """The job that brought a file is needed."""
    return has_item(now) or ("" if now.has_job else "No job is known that brought it")


def has_copies(now: Situation) -> str:
    """Something that is there twice is needed."""
    return connected(now) or ("" if now.shown else "Nothing is there twice")


def has_receiver(now: Situation) -> str:
    """One who is told when jobs end is needed."""
    return connected(now) or ("" if now.shown else "Nobody is told when jobs end")


def has_token(now: Situation) -> str:
    """A token that still opens something is needed."""
    return connected(now) or ("" if now.shown else "There is no token that could be ended")


def has_line(now: Situation) -> str:
    """A line of the log is needed."""
    return "" if now.shown else "There is no line"


def is_of_job(now: Situation) -> str:
    """A line about a job is needed."""
    return "" if now.has_job else "This line is about no job"


def is_lost(now: Situation) -> str:
    """The engine must be lost."""
    return "The engine is connected" if now.is_connected else ""


def has_rows(now: Situation) -> str:
    """Jobs must be shown."""
    return "" if now.shown else "There are no jobs here"


def pause_title(now: Situation) -> str:
    """What the key for both does now."""
    return "Resume" if now.any_of(_S.PAUSED) and not now.any_of(*ACTIVE) else "Pause"
