"""From requests to jobs: new ones are inserted, known ones joined."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.domain.events import EventType
from core.domain.job import Job, JobStatus, Request, host_of
from core.domain.snapshot import Submitted
from core.store import recipients
from core.store.rows import JOB, Reader, chunked, job_of, placeholders, to_cells
from core.store.transaction import Transaction

#: Jobs that a request may join, word for word as the index of keys says it.
JOINABLE = "status NOT IN ('FAILED', 'CANCELLED')"


#: Between the places of jobs that came together; what a number of seconds since the epoch can tell apart.
_SPACING_S = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class NewJob:
    """A request with all that is known of it before it runs."""

    request: Request
    source_type: str
    #: Normalised.
    url: str
    url_hash: str
    #: At most one unfinished job has it.
    job_key: str
    media_id: str | None = None
    group_id: int | None = None
    #: The job that turned out to be a list which holds it.
    list_id: int | None = None
    #: Its place within its priority; when it is submitted, if None.
    position: float | None = None
    #: What the runner is to know.
    checkpoint: Mapping[str, Any] = field(default_factory=dict)


async def submit(transaction: Transaction, news: Sequence[NewJob], *, now: float) -> list[Submitted]:
    """One answer for each of *news*, in order; `Jobs.submit` says when a job is joined."""
    by_request = await _of_requests(transaction, news)
    known = _Known(await with_keys(transaction, [new.job_key for new in news]))
    fresh = _fresh(news, known, heard=set(by_request))
    inserted = await _insert(transaction, list(fresh.values()), now=now)
    answers: list[Submitted] = []
    taken: list[tuple[NewJob, Job]] = []
    for new in news:
        key = new.request.idempotency_key
        if key is not None and key in by_request:
            # The same request heard again: nothing happened.
            answers.append(Submitted(by_request[key], joined=True))
            continue
        job = inserted.get(new.job_key) or known.match(new)
        assert job is not None
        if is_new := fresh.get(new.job_key) is new:
            del fresh[new.job_key]
        else:
            transaction.event(job.id, EventType.JOB_JOINED, _who(new), now=now)
        if key is not None:
            by_request[key] = job
        taken.append((new, job))
        answers.append(Submitted(job, joined=not is_new))
    await _note(transaction, taken, now=now)
    return answers


def _fresh(news: Sequence[NewJob], known: _Known, *, heard: set[str | None]) -> dict[str, NewJob]:
    """The first of *news* for each key that no job has, unless its request was *heard* before."""
    fresh: dict[str, NewJob] = {}
    for new in news:
        if new.request.idempotency_key in heard:
            continue
        if new.request.idempotency_key is not None:
            heard.add(new.request.idempotency_key)
        if known.match(new) is None:
            fresh.setdefault(new.job_key, new)
    return fresh


async def _note(transaction: Transaction, taken: Sequence[tuple[NewJob, Job]], *, now: float) -> None:
    """Write down which requests asked for jobs, whom their files go to, and of which list they are."""
    keys = [[new.request.idempotency_key, job.id, now] for new, job in taken if new.request.idempotency_key]
    if keys:
        await transaction.execute_many("INSERT INTO requests (key, job_id, created) VALUES (?, ?, ?)", keys)
    asked = [(job, new.request.reply) for new, job in taken if new.request.reply is not None]
    if asked:
        await recipients.ask(transaction, asked, now=now)
    for list_id in dict.fromkeys(new.list_id for new, _ in taken):
        if list_id is not None:
            items = [job for new, job in taken if new.list_id == list_id]
            await recipients.listed(transaction, list_id, items, now=now)


class _Known:
    """Jobs of the wanted keys that a request may join."""

    def __init__(self, jobs: Iterable[Job]) -> None:
        self._unfinished: dict[str, Job] = {}
        self._completed: dict[str, Job] = {}
        for job in jobs:
            if job.status is JobStatus.COMPLETED and job.file_path is None and not job.is_list:
                continue  # its file was let go of
            found = self._completed if job.status is JobStatus.COMPLETED else self._unfinished
            found[job.job_key] = job

    def match(self, new: NewJob) -> Job | None:
        """The job that *new* joins."""
        completed = None if new.request.force else self._completed.get(new.job_key)
        return self._unfinished.get(new.job_key, completed)


async def _of_requests(transaction: Transaction, news: Sequence[NewJob]) -> dict[str, Job]:
    """Jobs of earlier requests, by their idempotency keys."""
    found: dict[str, Job] = {}
    asked = {new.request.idempotency_key for new in news} - {None}
    for keys in chunked(asked):
        rows = await transaction.rows(
            f"SELECT key, job_id FROM requests WHERE key IN ({placeholders(len(keys))})",  # noqa: S608 -- placeholders
            *keys,
        )
        for row in rows:
            (job,) = await transaction.rows(f"SELECT {JOB} FROM jobs WHERE id = ?", row["job_id"])  # noqa: S608 -- constants
            found[row["key"]] = job_of(job)
    return found


async def with_keys(reader: Reader, job_keys: Iterable[str]) -> list[Job]:
    """Unfinished and completed jobs of these keys, the newest last.

    However often a link has failed: that history has no place in the index.
    """
    found: list[Job] = []
    for keys in chunked(set(job_keys)):
        rows = await reader.rows(
            f"SELECT {JOB} FROM jobs WHERE job_key IN ({placeholders(len(keys))}) AND {JOINABLE}",  # noqa: S608 -- constants
            *keys,
        )
        found += map(job_of, rows)
    return sorted(found, key=lambda job: job.id)


async def _insert(transaction: Transaction, news: Sequence[NewJob], *, now: float) -> dict[str, Job]:
    """Insert jobs with different keys; returns them by key.

    They are born PENDING and queued at once: one row written, both events told.
    """
    inserted: dict[str, Job] = {}
    places = itertools.count()
    for chunk in chunked(news):
        # No two have the same place: whoever changes theirs finds one in between.
        cells = [_cells(new, now, now + next(places) * _SPACING_S) for new in chunk]
        names = ", ".join(cells[0])
        each = f"({placeholders(len(cells[0]))})"
        rows = await transaction.rows(
            f"INSERT INTO jobs ({names}) VALUES {', '.join([each] * len(cells))} RETURNING {JOB}",  # noqa: S608 -- constants
            *(cell for row in cells for cell in row.values()),
        )
        inserted |= {job.job_key: job for job in map(job_of, rows)}
    for new in news:
        job = inserted[new.job_key]
        transaction.event(job.id, EventType.JOB_CREATED, _who(new), now=now)
        transaction.moved(job, JobStatus.PENDING, [], now=now)
        transaction.moves[JobStatus.PENDING] += 1  # where no commit ever saw it
    return inserted


def _cells(new: NewJob, now: float, place: float) -> dict[str, Any]:
    request = new.request
    cells: dict[str, Any] = {
        "url": new.url,
        "source_type": new.source_type,
        "kind": request.kind,
        "quality": request.quality,
        "format": request.format,
        "status": JobStatus.QUEUED,
        "priority": request.priority,
        "position": place if new.position is None else new.position,
        "attempt": 0,
        "retry_count": 0,
        "job_key": new.job_key,
        "media_id": new.media_id,
        "url_hash": new.url_hash,
        "host": host_of(new.url),
        "group_id": new.group_id,
        "bytes_done": 0,
        "user_id": request.user_id,
        "chat_id": request.chat_id,
        "created": now,
        "updated": now,
        "out_dir": request.out_dir,
        "profile": request.profile,
        "forced_source": request.source,
        "checkpoint": new.checkpoint,
    }
    return to_cells(cells, frozenset(cells))


def _who(new: NewJob) -> dict[str, Any]:
    """Who asked, and for what kind of thing; a URL's query may hold secrets and stays out."""
    told = {
        "source_type": new.source_type,
        "url_domain": host_of(new.url),
        "user_id": new.request.user_id,
        "chat_id": new.request.chat_id,
    }
    return {name: value for name, value in told.items() if value is not None}
