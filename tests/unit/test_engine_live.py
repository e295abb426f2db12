"""What is shown of running transfers, and that nothing is shown of those that have ended."""

from __future__ import annotations

import asyncio

import pytest

from core.domain.job import JobStatus
from core.engine import live as live_module
from core.engine.live import LiveBoard
from tests.unit.test_domain_values import make_job

RUNNING = make_job(status=JobStatus.RUNNING, attempt=1)


@pytest.fixture
async def board(monkeypatch):
    """A board that ticks, and what it showed."""
    monkeypatch.setattr(live_module, "TICK_S", 0.0)
    monkeypatch.setattr(live_module, "TICKS_PER_STORE", 10**9)
    shown = []
    ticked = asyncio.Event()
    board = LiveBoard(None, show=lambda jobs: (shown.extend(jobs), ticked.set()))
    task = asyncio.create_task(board.run())
    yield board, shown, ticked
    task.cancel()


async def test_a_transfer_is_shown_with_what_is_on_disk_by_now(board):
    board, shown, ticked = board
    board.begin(RUNNING).track(0, None)(700, 1000)
    await ticked.wait()
    assert (shown[0].bytes_done, shown[0].size_bytes) == (700, 1000)


@pytest.mark.parametrize(
    "ended", [RUNNING.evolve(status=JobStatus.COMPLETED), RUNNING.evolve(attempt=2)], ids=["done", "again"]
)
async def test_once_its_end_is_stored_an_attempt_is_shown_no_more(board, ended):
    board, shown, ticked = board
    progress = board.begin(RUNNING).track(0, None)
    other = board.begin(make_job(id=2, status=JobStatus.RUNNING)).track(0, None)
    assert board.stored([ended]) == [ended]
    progress(1000, 1000)
    other(5, 10)
    await ticked.wait()
    assert {job.id for job in shown} == {2}


async def test_what_runs_is_told_with_its_live_figures_when_something_of_it_is_stored(board):
    board, _, _ = board
    board.begin(RUNNING).track(0, None)(700, 1000)
    (told,) = board.stored([RUNNING])
    assert told.bytes_done == 700
    assert board._meters


async def test_an_attempt_that_ends_late_leaves_the_next_one_shown(board):
    board, _, _ = board
    first = board.begin(RUNNING)
    second = board.begin(RUNNING.evolve(attempt=2))
    board.end(first)
    assert list(board._meters.values()) == [second]
    board.end(second)
    assert not board._meters
