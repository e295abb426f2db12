"""What can be asked about jobs. Each question holds the connection for some milliseconds at most."""

from __future__ import annotations

from typing import Any

from core.domain.errors import NoSuchJob
from core.domain.job import Job, JobStatus
from core.domain.snapshot import JobQuery, Page
from core.store import pages
from core.store.rows import JOB, JOB_COLUMNS, UNFINISHED, Reader, job_of, placeholders
from core.store.words import pieces_of

#: Ids that one question looks through when no index helps: about 20 ms of the writer's time.
WINDOW = 20_000
#: As `JOB`, where another table has columns of the same names.
_JOB = ", ".join(f"jobs.{name}" for name in JOB_COLUMNS)


async def get(reader: Reader, job_id: int) -> Job:
    """One job.

    Raises:
        NoSuchJob: There is none.
    """
    rows = await reader.rows(f"SELECT {JOB} FROM jobs WHERE id = ?", job_id)  # noqa: S608 -- constants
    if not rows:
        raise NoSuchJob(f"job {job_id}")
    return job_of(rows[0])


async def page(reader: Reader, query: JobQuery) -> Page[Job]:
    """Jobs below the cursor, newest first.

    Raises:
        InvalidRequest: The cursor is not one of ours.
    """
    limit = pages.size_of(query.limit)
    below = await _below(reader, query.after)
    conditions, values = _conditions(query)
    pieces = pieces_of(query.text or "")
    owners = [value for value in (query.source, query.chat_id, query.group_id) if value is not None]
    is_indexed = not query.text and len(owners) <= 1
    if pieces is not None:
        is_indexed = not owners and not query.statuses
    found: list[Job] = []
    # One more than asked for tells whether there is a next page.
    while below > 1 and len(found) <= limit:
        floor = 1 if is_indexed else max(1, below - WINDOW)
        window = [f"jobs.id >= {floor:d}", f"jobs.id < {below:d}", *conditions]
        left = limit + 1 - len(found)
        if pieces is not None:
            sql = _by_words(window, query.statuses, left)
            rows = await reader.rows(sql, pieces, floor, below, *values)
        else:
            # The indexes of sources, chats and groups are sorted within each state.
            statuses = query.statuses or (frozenset(JobStatus) if owners else frozenset())
            rows = await reader.rows(_by_states(window, statuses, left), *values * max(1, len(statuses)))
        found += map(job_of, rows)
        below = floor
    return pages.page_of(found, limit)


def _by_states(conditions: list[str], statuses: frozenset[JobStatus], limit: int) -> str:
    """The newest jobs that meet the conditions, in any of *statuses* (all when there are none)."""
    each = [[*conditions, f"status = '{status.value}'"] for status in statuses] or [conditions]
    # One sorted run of the index for each state: an IN list would be sorted as a whole, history and all.
    runs = [
        f"SELECT * FROM (SELECT {JOB} FROM jobs WHERE {' AND '.join(some)} ORDER BY id DESC LIMIT {limit:d})"  # noqa: S608 -- values are bound
        for some in each
    ]
    return f"{' UNION ALL '.join(runs)} ORDER BY id DESC LIMIT {limit:d}"


def _by_words(conditions: list[str], statuses: frozenset[JobStatus], limit: int) -> str:
    """The newest jobs that meet the conditions among those that the index of words gives."""
    some = list(conditions)
    if statuses:
        some.append("status IN (" + ", ".join(f"'{status.value}'" for status in statuses) + ")")
    # CROSS JOIN: the index first, whose order is that of the ids, and each job when it is reached.
    return (
        f"SELECT {_JOB} FROM jobs_text CROSS JOIN jobs ON jobs.id = jobs_text.rowid"  # noqa: S608 -- values are bound
        " WHERE jobs_text MATCH ? AND jobs_text.rowid >= ? AND jobs_text.rowid < ?"
        f" AND {' AND '.join(some)} ORDER BY jobs_text.rowid DESC LIMIT {limit:d}"
    )


def _conditions(query: JobQuery) -> tuple[list[str], list[Any]]:
    conditions: list[str] = []
    values: list[Any] = []
    for name, value in (
        ("source_type", query.source),
        ("chat_id", query.chat_id),
        ("group_id", query.group_id),
    ):
        if value is not None:
            conditions.append(f"jobs.{name} = ?")
            values.append(value)
    for word in (query.text or "").split():
        # SQLite's LIKE ignores the case of A to Z; PostgreSQL calls that ILIKE.
        conditions.append("(jobs.title LIKE ? ESCAPE '!' OR jobs.url LIKE ? ESCAPE '!')")
        pattern = f"%{word.replace('!', '!!').replace('%', '!%').replace('_', '!_')}%"
        values += [pattern, pattern]
    return conditions, values


async def _below(reader: Reader, after: str | None) -> int:
    """The id that a page ends before."""
    (row,) = await reader.rows("SELECT COALESCE(MAX(id), 0) + 1 AS below FROM jobs")
    # A cursor far above all jobs would have the windows between looked through, one after the other.
    return min(int(row["below"]), pages.below(after))


async def ids(reader: Reader, statuses: frozenset[JobStatus], group_id: int | None) -> list[int]:
    """Ids of jobs in these states, oldest first."""
    conditions = f"status IN ({placeholders(len(statuses))})"
    values: list[Any] = [status.value for status in statuses]
    if group_id is not None:
        conditions += " AND group_id = ?"
        values.append(group_id)
    rows = await reader.rows(f"SELECT id FROM jobs WHERE {conditions} ORDER BY id", *values)  # noqa: S608 -- values are bound
    return [row["id"] for row in rows]


async def keys(reader: Reader, group_id: int) -> dict[str, int]:
    """Ids of a group's jobs by their keys."""
    rows = await reader.rows("SELECT job_key, id FROM jobs WHERE group_id = ? ORDER BY id", group_id)
    return {row["job_key"]: row["id"] for row in rows}


async def next_due(reader: Reader) -> float | None:
    """When the first waiting job's time comes."""
    (row,) = await reader.rows(
        "SELECT MIN(not_before) AS due FROM jobs WHERE status = 'PENDING' AND not_before IS NOT NULL"
    )
    due: float | None = row["due"]
    return due


async def upcoming(reader: Reader, limit: int) -> list[Job]:
    """Waiting jobs in the order in which they begin; those that wait for an event are last."""
    found: list[Job] = []
    for which, order in (
        ("status = 'QUEUED'", "priority DESC, position, id"),
        ("status = 'PENDING' AND not_before IS NOT NULL", "not_before, id"),
        ("status = 'PENDING' AND not_before IS NULL", "id"),
    ):
        # Each reads as much of an index as it answers.
        sql = f"SELECT {JOB} FROM jobs WHERE {which} ORDER BY {order} LIMIT ?"  # noqa: S608 -- constants
        found += map(job_of, await reader.rows(sql, limit - len(found)))
    return found


async def parked(reader: Reader, waiting_for: str, source: str) -> int:
    """How many jobs of a source are parked for this."""
    (row,) = await reader.rows(
        "SELECT COUNT(*) AS n FROM jobs WHERE status = 'PENDING' AND waiting_for = ? AND source_type = ?",
        *(waiting_for, source),
    )
    return int(row["n"])


async def is_waited_for(reader: Reader, waiting_for: str) -> bool:
    """Whether a job is parked for this."""
    return bool(
        await reader.rows(
            "SELECT 1 FROM jobs WHERE status = 'PENDING' AND waiting_for = ? LIMIT 1", waiting_for
        )
    )


async def claimed_by_others(reader: Reader, engine: str, epoch: int) -> list[Job]:
    """RUNNING jobs that this start of this engine did not claim."""
    rows = await reader.rows(
        f"SELECT {JOB} FROM jobs WHERE status = 'RUNNING'"  # noqa: S608 -- constants
        " AND (COALESCE(claimed_by, '') <> ? OR COALESCE(claim_epoch, -1) <> ?) ORDER BY id",
        engine,
        epoch,
    )
    return [job_of(row) for row in rows]


async def created_since(reader: Reader, user_id: int | None, chat_id: int | None, since: float) -> int:
    """How many jobs a user or chat added."""
    conditions, values = ["created >= ?"], [since]
    for name, value in (("user_id", user_id), ("chat_id", chat_id)):
        if value is not None:
            conditions.append(f"{name} = ?")
            values.append(value)
    (row,) = await reader.rows(f"SELECT COUNT(*) AS n FROM jobs WHERE {' AND '.join(conditions)}", *values)  # noqa: S608 -- values are bound
    return int(row["n"])


async def unfinished_of(reader: Reader, user_id: int) -> int:
    """How many unfinished jobs a user has."""
    (row,) = await reader.rows(
        f"SELECT COUNT(*) AS n FROM jobs WHERE user_id = ? AND status IN ({UNFINISHED})",  # noqa: S608 -- constants
        user_id,
    )
    return int(row["n"])


async def counts(reader: Reader) -> dict[JobStatus, int]:
    """Jobs by state, counted one by one."""
    rows = await reader.rows("SELECT status, COUNT(*) AS n FROM jobs GROUP BY status")
    return {JobStatus(row["status"]): row["n"] for row in rows}


async def ended_between(reader: Reader, begin: float, end: float) -> dict[str, tuple[int, int, int]]:
    """By source: how many jobs were completed and failed in this time, and the bytes of the former."""
    rows = await reader.rows(
        "SELECT source_type, COUNT(CASE WHEN status = 'COMPLETED' THEN 1 END) AS done,"
        " COUNT(CASE WHEN status = 'FAILED' THEN 1 END) AS failed,"
        " SUM(CASE WHEN status = 'COMPLETED' THEN size_bytes END) AS size FROM jobs"
        " WHERE finished >= ? AND finished < ? GROUP BY source_type",
        *(begin, end),
    )
    counted = {
        row["source_type"]: (int(row["done"]), int(row["failed"]), int(row["size"] or 0)) for row in rows
    }
    # Asked for their states as well, SQLite would read all jobs in these states.
    return {source: figures for source, figures in counted.items() if any(figures[:2])}


async def counts_by_source(reader: Reader) -> dict[str, dict[JobStatus, int]]:
    """Unfinished jobs by source and state."""
    found: dict[str, dict[JobStatus, int]] = {}
    for row in await reader.rows(
        f"SELECT source_type, status, COUNT(*) AS n FROM jobs WHERE status IN ({UNFINISHED})"  # noqa: S608 -- constants
        " GROUP BY source_type, status"
    ):
        found.setdefault(row["source_type"], {})[JobStatus(row["status"])] = row["n"]
    return found
