"""What the dashboard knows and shows: jobs, their order, filter, cursor and marks. Pure; owns no clock.

Orders are kept, not made: a changed job leaves its place and takes its new one by bisection, so that 100,000
jobs with some changing four times a second cost microseconds. Only a new sort or filter looks at all of them.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from core.domain.job import Job, JobStatus
from core.domain.profile import WAITING_AUTH, Profile
from core.domain.wording import title_of
from tui.filter import Filter

#: Sort keys end in the job's id, which makes them different and leads back to the job.
Key = tuple[Any, ...]

_RANKS = {JobStatus.RUNNING: 0, JobStatus.QUEUED: 1, JobStatus.PENDING: 2, JobStatus.PAUSED: 3}


def _activity(job: Job) -> Key:
    rank = _RANKS.get(job.status, 4)
    if rank == 1:
        return (rank, -job.priority, job.position, job.id)
    if rank == 2:
        return (rank, 0, job.not_before or 0.0, job.id)
    if rank == 4:
        return (rank, 0, -(job.finished or job.updated), job.id)
    return (rank, 0, 0.0, job.id)


#: Orders by name, the first one at the start: what runs, then what is next, then what ended last.
SORTS: Mapping[str, Callable[[Job], Key]] = {
    "activity": _activity,
    "added": lambda job: (-job.created, -job.id, job.id),
    "updated": lambda job: (-job.updated, job.id),
    "title": lambda job: (title_of(job).casefold(), job.id),
    "source": lambda job: (job.source_type, -job.id, job.id),
    "size": lambda job: (-(job.size_bytes or job.bytes_done), job.id),
}

#: Parts of the list by name, as the line of tabs shows them; None is everything.
VIEWS: Mapping[str, frozenset[JobStatus] | None] = {
    "All": None,
    "Running": frozenset({JobStatus.RUNNING}),
    "Waiting": frozenset({JobStatus.PENDING, JobStatus.QUEUED}),
    "Paused": frozenset({JobStatus.PAUSED}),
    "Failed": frozenset({JobStatus.FAILED}),
    "Done": frozenset({JobStatus.COMPLETED}),
    "Cancelled": frozenset({JobStatus.CANCELLED}),
}


@dataclass(slots=True)
class Changes:
    """What must be drawn again since the last look."""

    #: Rows came, went or moved.
    is_reordered: bool = False
    #: Jobs whose row may look different, at the place where it was.
    touched: set[int] = field(default_factory=set)


class JobIndex:
    """All jobs that are known here, and the part of them that is shown."""

    def __init__(self) -> None:
        self.sort = next(iter(SORTS))
        self.is_reversed = False
        self.view = next(iter(VIEWS))
        self.filter = Filter()
        self.marks: set[int] = set()
        self.cursor_id: int | None = None
        #: While the list is loading the cursor stays on top, unless somebody moves it.
        self.is_cursor_on_top = True
        self._jobs: dict[int, Job] = {}
        self._keys: dict[int, Key] = {}  # of the jobs that are shown
        self._order: list[Key] = []
        self._cursor_row = 0  # where the cursor was last, for when its job goes away
        self._held: set[int] = set()  # changed jobs that have not yet taken their new place
        self._is_holding = False
        self._changes = Changes()
        self._waiting: Counter[tuple[str, str]] = Counter()  # for a login: source, and what it waits for

    # Reading

    def __len__(self) -> int:
        """How many jobs are shown."""
        return len(self._order)

    @property
    def known(self) -> Mapping[int, Job]:
        """Every job by id, shown or not."""
        return self._jobs

    def at(self, row: int) -> Job | None:
        """The job in *row*, None outside the list."""
        if not 0 <= row < len(self._order):
            return None
        return self._jobs[self._order[-1 - row if self.is_reversed else row][-1]]

    def row_of(self, job_id: int | None) -> int | None:
        """Where a job is shown, None when it is not."""
        key = self._keys.get(job_id) if job_id is not None else None
        if key is None:
            return None
        place = bisect_left(self._order, key)
        return len(self._order) - 1 - place if self.is_reversed else place

    def waiting_for(self, profile: Profile) -> int:
        """How many jobs wait for a login."""
        return self._waiting[profile.source_type, profile.waiting_for]

    @property
    def cursor_row(self) -> int:
        """The row under the cursor; 0 in an empty list."""
        row = self.row_of(self.cursor_id)
        return 0 if row is None else row

    @property
    def cursor_job(self) -> Job | None:
        """The job under the cursor."""
        return self._jobs.get(self.cursor_id) if self.cursor_id is not None else None

    def targets(self) -> list[Job]:
        """What an action is for: the marked jobs that are shown, else the one under the cursor."""
        marked = self.marked
        if marked:
            return [self._jobs[job_id] for job_id in sorted(marked)]
        return [self.cursor_job] if self.cursor_job else []

    @property
    def marked(self) -> set[int]:
        """The marks that count: nobody acts on what a filter hides."""
        return {job_id for job_id in self.marks if job_id in self._keys}

    def take_changes(self) -> Changes:
        """What changed since the last call; settles the cursor when its job has gone."""
        self._settle_cursor()
        changes, self._changes = self._changes, Changes()
        return changes

    # What the engine said

    def upsert(self, jobs: Iterable[Job], *, may_wait: bool = False) -> None:
        """Add jobs, or put their newest state in place of the older.

        With *may_wait* rows stay where they are while somebody moves through the list.
        """
        for job in jobs:
            old = self._jobs.get(job.id)
            if old == job:
                continue
            self._jobs[job.id] = job
            self._count_waiting(old, job)
            self._changes.touched.add(job.id)
            if may_wait and self._is_holding:
                self._held.add(job.id)
            else:
                self._place(job)
        if self.is_cursor_on_top:
            self._settle_cursor()

    def adopt(self, job: Job) -> None:
        """Take over the answer to a command, unless the stream has brought something newer already."""
        known = self._jobs.get(job.id)
        if known is None or job.updated >= known.updated:
            self.upsert([job])

    def remove(self, job_ids: Iterable[int]) -> None:
        """Forget jobs."""
        for job_id in job_ids:
            job = self._jobs.pop(job_id, None)
            if job is not None:
                self._count_waiting(job, None)
                self.marks.discard(job_id)
                self._held.discard(job_id)
                self._take_out(job_id)

    def hold(self) -> None:
        """Keep every row where it is: somebody is moving through the list."""
        self._is_holding = True

    def release(self) -> None:
        """Let rows take the places that they have by now."""
        self._is_holding = False
        for job_id in self._held:
            self._place(self._jobs[job_id])
        self._held.clear()

    # What people do

    def set_sort(self, name: str, *, is_reversed: bool = False) -> None:
        """Sort by one of SORTS."""
        self.sort, self.is_reversed = name, is_reversed
        self._arrange()

    def set_view(self, name: str) -> None:
        """Show one of VIEWS."""
        self.view = name
        self._arrange()

    def set_filter(self, wanted: Filter) -> None:
        """Show only what matches."""
        self.filter = wanted
        self._arrange()

    def move_to(self, row: int) -> None:
        """Put the cursor on *row*, or on the nearest there is."""
        self.is_cursor_on_top = False
        self._point_at(row)

    def _point_at(self, row: int) -> None:
        job = self.at(max(0, min(row, len(self._order) - 1)))
        self._point(job.id if job else None)

    def move_to_job(self, job_id: int) -> None:
        """Put the cursor on a job, if it is shown."""
        if job_id in self._keys:
            self._point(job_id)

    def toggle_mark(self, job_id: int) -> None:
        """Mark a job, or no longer."""
        self.marks ^= {job_id}
        self._changes.touched.add(job_id)

    def mark_shown(self) -> None:
        """Mark all jobs that are shown; when they all are already, none."""
        shown = set(self._keys)
        self._changes.touched |= shown
        self.marks = self.marks - shown if shown <= self.marks else self.marks | shown

    def clear_marks(self) -> None:
        """Mark nothing."""
        self._changes.touched |= self.marks
        self.marks = set()

    # Inside

    def _wants(self, job: Job) -> bool:
        statuses = VIEWS[self.view]
        return (statuses is None or job.status in statuses) and self.filter.matches(job)

    def _count_waiting(self, old: Job | None, new: Job | None) -> None:
        for job, by in ((old, -1), (new, 1)):
            if job and (job.waiting_for or "").startswith(WAITING_AUTH):
                self._waiting[job.source_type, str(job.waiting_for)] += by

    def _place(self, job: Job) -> None:
        key = SORTS[self.sort](job) if self._wants(job) else None
        if key == self._keys.get(job.id):
            return
        self._take_out(job.id)
        if key is not None:
            insort(self._order, key)
            self._keys[job.id] = key
            self._changes.is_reordered = True

    def _take_out(self, job_id: int) -> None:
        key = self._keys.get(job_id)
        if key is None:
            return
        if job_id == self.cursor_id:
            self._cursor_row = self.cursor_row
        del self._order[bisect_left(self._order, key)]
        del self._keys[job_id]
        self._changes.is_reordered = True

    def _arrange(self) -> None:
        make_key = SORTS[self.sort]
        self._held.clear()
        self._keys = {job.id: make_key(job) for job in self._jobs.values() if self._wants(job)}
        self._order = sorted(self._keys.values())
        self._changes.is_reordered = True

    def _settle_cursor(self) -> None:
        row = 0 if self.is_cursor_on_top else self.row_of(self.cursor_id)
        if row is None or self.is_cursor_on_top:
            self._point_at(self._cursor_row if row is None else row)
        else:
            self._cursor_row = row

    def _point(self, job_id: int | None) -> None:
        if job_id != self.cursor_id:
            self._changes.touched |= {each for each in (self.cursor_id, job_id) if each is not None}
            self.cursor_id = job_id
        self._cursor_row = self.cursor_row
