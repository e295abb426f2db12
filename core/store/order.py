"""The order of the queue, changed by people: highest priority, lowest position, oldest.

A job that changes places with another takes over its priority, too: else it could not pass it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from core.domain.errors import IllegalTransition
from core.domain.interface import QueueMove
from core.domain.job import Job
from core.store.rows import JOB, Row, chunked, job_of, placeholders
from core.store.transaction import Transaction

#: Between jobs at an end of the queue; they are seconds since the epoch by birth.
_STEP = 1.0
_ORDER = "priority DESC, position, id"
_REVERSE = "priority, position DESC, id DESC"


@dataclass(frozen=True, slots=True, order=True)
class _Place:
    """A job in the queue; places sort as the queue does."""

    rank: int  # the priority's opposite
    position: float
    id: int


def _place(row: Row) -> _Place:
    return _Place(-row["priority"], row["position"], row["id"])


async def reorder(transaction: Transaction, *, ids: Sequence[int], to: QueueMove, now: float) -> list[Job]:
    """Move QUEUED jobs, which keep their order among themselves; all jobs whose place changed.

    Raises:
        IllegalTransition: None of them waits in the queue.
    """
    chosen: list[_Place] = []
    for some in chunked(dict.fromkeys(ids)):
        chosen += map(
            _place,
            await transaction.rows(
                "SELECT id, priority, position FROM jobs"  # noqa: S608 -- placeholders
                f" WHERE status = 'QUEUED' AND id IN ({placeholders(len(some))})",
                *some,
            ),
        )
    if not chosen:
        raise IllegalTransition("only what is queued has a place in the queue", hint="See: reeldeck jobs")
    chosen.sort(reverse=to == "down")
    move = _to_end if to in {"top", "bottom"} else _by_one
    placed = await move(transaction, chosen, to)
    return [await _put(transaction, place, now=now) for place in placed]


async def _by_one(transaction: Transaction, chosen: Sequence[_Place], to: QueueMove) -> list[_Place]:
    """Each passes its neighbour; what stands at the end stays, and so does what is stopped by that."""
    ids = {place.id for place in chosen}
    placed: dict[int, _Place] = {}
    for place in chosen:
        other = await _neighbour(transaction, place, placed, is_before=to == "up")
        if other is None or other.id in ids:
            continue
        first, second = sorted((place, other))
        later = second.position
        if (first.rank, first.position) == (second.rank, second.position):
            later = math.nextafter(later, math.inf)
        placed[second.id] = _Place(first.rank, first.position, second.id)
        placed[first.id] = _Place(second.rank, later, first.id)
        await _put(transaction, placed[second.id])
        await _put(transaction, placed[first.id])
    return list(placed.values())


async def _neighbour(
    transaction: Transaction, place: _Place, placed: dict[int, _Place], *, is_before: bool
) -> _Place | None:
    here = placed.get(place.id, place)
    sign, order = ("<", "position DESC, id DESC") if is_before else (">", "position, id")
    row = await transaction.row(
        "SELECT id, priority, position FROM jobs WHERE status = 'QUEUED' AND priority = ?"  # noqa: S608 -- constants
        f" AND (position, id) {sign} (?, ?) ORDER BY {order} LIMIT 1",
        *(-here.rank, here.position, here.id),
    )
    if row is None:
        sign, order = (">", _REVERSE) if is_before else ("<", _ORDER)
        row = await transaction.row(
            "SELECT id, priority, position FROM jobs WHERE status = 'QUEUED'"  # noqa: S608 -- constants
            f" AND priority {sign} ? ORDER BY {order} LIMIT 1",
            -here.rank,
        )
    return None if row is None else _place(row)


async def _to_end(transaction: Transaction, chosen: Sequence[_Place], to: QueueMove) -> list[_Place]:
    """All stand before, or behind, everybody else."""
    ids = {place.id for place in chosen}
    order = _ORDER if to == "top" else _REVERSE
    rows = await transaction.rows(
        f"SELECT id, priority, position FROM jobs WHERE status = 'QUEUED' ORDER BY {order} LIMIT ?",  # noqa: S608 -- constants
        len(chosen) + 1,
    )
    end = next((place for place in map(_place, rows) if place.id not in ids), None)
    if end is None or (chosen[-1] < end if to == "top" else chosen[0] > end):
        return []
    count = len(chosen)
    return [
        _Place(end.rank, end.position + (number - count if to == "top" else number + 1) * _STEP, place.id)
        for number, place in enumerate(chosen)
    ]


async def _put(transaction: Transaction, place: _Place, *, now: float | None = None) -> Job:
    row = await transaction.row(
        "UPDATE jobs SET priority = ?, position = ?, updated = COALESCE(?, updated) WHERE id = ?"  # noqa: S608 -- constants
        f" RETURNING {JOB}",
        *(-place.rank, place.position, now, place.id),
    )
    assert row is not None
    return transaction.changed(job_of(row))
