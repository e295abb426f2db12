"""Playlists, series and channels whose entries became jobs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from core.domain.errors import NoSuchJob
from core.domain.job import JobStatus
from core.domain.snapshot import Page
from core.store import pages
from core.store.rows import JOB, Reader, Row, job_of, placeholders
from core.store.transaction import Transaction
from core.store.writer import Writer, counted


@dataclass(frozen=True, slots=True)
class Group:
    """A playlist and how far it is."""

    id: int
    #: The job that was expanded; None when its record was deleted.
    job_id: int | None
    title: str | None
    #: Items that were taken from it; some may have joined jobs of somebody else.
    total: int
    created: float
    #: Jobs of the entries by state. Entries that joined a job of somebody else are not among them.
    counts: Mapping[JobStatus, int]


class Groups:
    """Reads groups, and makes them through the writer."""

    def __init__(self, reader: Reader, writer: Writer) -> None:
        self._reader = reader
        self._writer = writer

    async def create(self, job_id: int, title: str | None, total: int, now: float) -> int:
        """Make the group of a job and put the job into it; returns its id, the same one however often.

        Raises:
            NoSuchJob: There is no such job.
        """
        return await self._writer.run(partial(_create, job_id=job_id, title=title, total=total, now=now))

    async def get(self, group_id: int) -> Group | None:
        """One group, None when there is none."""
        groups = await self._groups("WHERE id = ?", group_id)
        return groups[0] if groups else None

    async def page(self, *, limit: int = 100, after: str | None = None) -> Page[Group]:
        """Groups, newest first.

        Raises:
            InvalidRequest: *after* did not come from a page.
        """
        limit = pages.size_of(limit)
        found = await self._groups("WHERE id < ? ORDER BY id DESC LIMIT ?", pages.below(after), limit + 1)
        return pages.page_of(found, limit)

    async def _groups(self, which: str, *values: int) -> list[Group]:
        rows = await self._reader.rows(
            f"SELECT id, job_id, title, total, created FROM groups {which}",  # noqa: S608 -- constants
            *values,
        )
        counts = await self._counts([row["id"] for row in rows])
        return [_group(row, counts.get(row["id"], {})) for row in rows]

    async def _counts(self, group_ids: list[int]) -> dict[int, dict[JobStatus, int]]:
        found: dict[int, dict[JobStatus, int]] = {}
        rows = await self._reader.rows(
            "SELECT g.id AS id, j.status AS status, COUNT(*) AS n FROM groups g"  # noqa: S608 -- placeholders
            " JOIN jobs j ON j.group_id = g.id AND j.id <> COALESCE(g.job_id, 0)"
            f" WHERE g.id IN ({placeholders(len(group_ids))}) GROUP BY g.id, j.status",
            *group_ids,
        )
        for row in rows:
            found.setdefault(row["id"], {})[JobStatus(row["status"])] = row["n"]
        return found


def _group(row: Row, counts: Mapping[JobStatus, int]) -> Group:
    return Group(row["id"], row["job_id"], row["title"], row["total"], row["created"], counted(counts))


async def _create(transaction: Transaction, *, job_id: int, title: str | None, total: int, now: float) -> int:
    if not await transaction.rows("SELECT 1 FROM jobs WHERE id = ?", job_id):
        raise NoSuchJob(f"job {job_id}")
    (group,) = await transaction.rows(
        "INSERT INTO groups (job_id, title, total, created) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (job_id) DO UPDATE SET title = excluded.title, total = excluded.total RETURNING id",
        *(job_id, title, total, now),
    )
    (job,) = await transaction.rows(
        f"UPDATE jobs SET group_id = ?, updated = ? WHERE id = ? RETURNING {JOB}",  # noqa: S608 -- constants
        *(group["id"], now, job_id),
    )
    transaction.changed(job_of(job))
    return int(group["id"])
