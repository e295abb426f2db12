from __future__ import annotations

import pytest

from core.domain.errors import IllegalTransition
from core.domain.job import JobStatus
from tests.tui.conftest import calls
from tui import undo
from tui.actions import NO_KEYS
from tui.undo import KEEP_S, UNDO_S, Undo

S = JobStatus


def test_an_undo_is_offered_once_and_for_five_seconds():
    made, done = Undo(), []
    assert made.line(0.0, NO_KEYS) == ()
    assert made.take(0.0) is None
    made.offer(lambda: done.append(1), 100.0)
    assert "".join(text for text, _ in made.line(100.0, NO_KEYS)) == " u takes it back 5 s "
    assert "4 s" in made.line(101.5, {"undo": ("f9",)})[1][0]
    assert made.line(100.0, {"undo": ("f9",)})[0][0] == " F9"
    assert made.next_change_s(101.25) == pytest.approx(0.75)
    assert made.next_change_s(100.0 + UNDO_S) is None
    assert made.take(100.0 + UNDO_S) is None
    made.offer(lambda: done.append(2), 200.0)
    act = made.take(204.9)
    assert act is not None
    assert made.take(204.9) is None
    act()
    assert done == [2]


@pytest.mark.parametrize("opens", [False, True])
@pytest.mark.parametrize(
    ("before", "key", "after"),
    [
        (S.QUEUED, "p", S.QUEUED),
        (S.PAUSED, "p", S.PAUSED),
        (S.QUEUED, "x", S.QUEUED),
        (S.PAUSED, "x", S.PAUSED),
    ],
)
async def test_u_takes_a_change_back(dashboard, engine, before, key, after, opens):
    job = engine.add(status=before)
    async with dashboard() as shown:
        if opens:
            await shown.press("enter")
        await shown.press(key)
        await shown.shows("u takes it back")
        assert engine._jobs[job.id].status is not after
        await shown.press("u")
        await shown.shows("Taken back: 1")
        assert engine._jobs[job.id].status is after
        await shown.press("u")
        await shown.shows("There is nothing to take back")


async def test_what_a_cancelled_job_fetched_is_kept_for_as_long_as_u_helps(dashboard, engine):
    engine.add(status=S.RUNNING, bytes_done=5000)
    async with dashboard() as shown:
        await shown.press("x")
        await shown.shows("Cancelled 1 · r starts again", "u takes it back")
        assert calls(engine, "cancel") == [(1, KEEP_S)]
        assert KEEP_S > UNDO_S


async def test_only_what_was_done_is_taken_back_and_refusals_are_told(dashboard, engine):
    jobs = engine.add_many(3)
    engine.fail_next("pause", IllegalTransition("job 1 is COMPLETED"))
    async with dashboard((140, 24)) as shown:
        await shown.press("asterisk", "p")
        await shown.shows("Paused 2 jobs", "COMPLETED")
        engine.fail_next("resume", IllegalTransition("job 2 is FAILED"))
        await shown.press("u")
        await shown.shows("Taken back: ", "job 2 is FAILED")
        assert len(calls(engine, "resume")) == 2
        assert [engine._jobs[job.id].status for job in jobs].count(S.PAUSED) == 1


async def test_a_priority_is_taken_back_also_from_another_page(dashboard, engine):
    job = engine.add(priority=3)
    async with dashboard() as shown:
        await shown.press("plus")
        await shown.shows("now +4", "u takes it back")
        await shown.press("2")
        await shown.shows("Sources", "u takes it back")
        await shown.press("u")
        await shown.until(lambda: engine._jobs[job.id].priority == 3)


async def test_a_filter_and_marks_that_were_cleared_come_back(dashboard, engine):
    engine.add(title="Lecture one")
    engine.add(title="Music")
    async with dashboard() as shown:
        await shown.press("slash", *"lecture", "enter", "space", "escape")
        await shown.shows("u takes it back")
        await shown.press("u")
        await shown.shows("1 marked")
        await shown.press("escape", "escape")
        await shown.shows("Music")
        await shown.press("u")
        await shown.until(lambda: "Music" not in shown.text)
        assert shown.index.filter.text == "lecture"


async def test_a_setting_is_taken_back(dashboard, engine):
    async with dashboard() as shown:
        await shown.press("comma", "j", "plus")
        await shown.shows("max_parallel_jobs: 5", "u takes it back")
        await shown.press("u")
        await shown.shows("max_parallel_jobs: 4")
        assert calls(engine, "set_limit") == [("max_parallel_jobs", 5), ("max_parallel_jobs", None)]


async def test_the_countdown_goes_by_itself(dashboard, engine, monkeypatch):
    monkeypatch.setattr(undo, "UNDO_S", 0.4)
    engine.add()
    async with dashboard() as shown:
        await shown.press("p")
        await shown.shows("u takes it back 1 s")
        await shown.until(lambda: "takes it back" not in shown.text)
