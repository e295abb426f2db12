from __future__ import annotations

from core.domain.job import JobStatus
from tests.tui.conftest import calls


def order(shown) -> list[int]:
    return [shown.index.at(row).id for row in range(len(shown.index))]


async def test_marked_jobs_move_within_the_queue_and_back(dashboard, engine):
    engine.add_many(4)
    async with dashboard() as shown:
        await shown.press("J")
        await shown.shows("Moved down: 1", "u takes it back")
        await shown.until(lambda: order(shown) == [2, 1, 3, 4])
        await shown.press("u")
        await shown.until(lambda: order(shown) == [1, 2, 3, 4])
        await shown.press("G", "space", "k", "space", "T")
        await shown.shows("Now first: 2 jobs")
        await shown.until(lambda: order(shown) == [3, 4, 1, 2])
        await shown.press("B")
        await shown.until(lambda: order(shown) == [1, 2, 3, 4])
        await shown.press("K")
        await shown.until(lambda: order(shown) == [1, 3, 4, 2])
        await shown.press("T", "T")
        await shown.shows("No other place for 2 jobs")


async def test_what_runs_has_no_place_in_the_queue(dashboard, engine):
    engine.add(status=JobStatus.RUNNING)
    async with dashboard() as shown:
        await shown.press("T")
        await shown.shows("Only what is queued can be moved: this job is running")
        assert calls(engine, "reorder") == []
