from __future__ import annotations

import random

import pytest

from core.domain.job import WAITING_RETRY, Job, JobStatus
from tests.fakes.engine import FakeEngine
from tui.filter import parse_filter
from tui.rates import RateLog
from tui.state import SORTS, VIEWS, JobIndex

S = JobStatus


def job(status: JobStatus = S.QUEUED, **facts) -> Job:
    return job.engine.add(status=status, **facts)


job.engine = FakeEngine()


def index_of(*jobs: Job) -> JobIndex:
    index = JobIndex()
    index.upsert(jobs)
    index.take_changes()
    return index


def rows(index: JobIndex) -> list[int]:
    return [index.at(row).id for row in range(len(index))]


def test_what_runs_comes_first_then_what_is_next_then_what_ended_last():
    late, early = job(S.COMPLETED, finished=200.0), job(S.FAILED, finished=100.0)
    later, sooner, urgent = job(position=2.0), job(position=1.0), job(position=3.0, priority=1)
    parked, running = job(S.PENDING, waiting_for=WAITING_RETRY, not_before=9.0), job(S.RUNNING)
    index = index_of(late, early, later, sooner, urgent, parked, running)
    assert rows(index) == [j.id for j in (running, urgent, sooner, later, parked, late, early)]


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("is_reversed", [False, True])
def test_rows_that_move_one_by_one_stand_as_if_sorted_anew(sort, is_reversed):
    chance = random.Random(7)
    index = index_of(*(job(title=f"t{number % 5}") for number in range(60)))
    index.set_sort(sort, is_reversed=is_reversed)
    for _ in range(200):
        any_job = index.known[chance.choice(list(index.known))]
        index.upsert(
            [
                any_job.evolve(
                    status=chance.choice(list(S)),
                    updated=chance.random(),
                    size_bytes=chance.randrange(9),
                    title=chance.choice(["b", "a", None]),
                )
            ]
        )
    moved = rows(index)
    index.set_sort(sort, is_reversed=is_reversed)
    assert moved == rows(index)
    assert [index.row_of(job_id) for job_id in moved] == list(range(len(moved)))


def test_the_cursor_stays_on_its_job_when_rows_move():
    first, second, third = job(), job(), job()
    index = index_of(first, second, third)
    index.move_to(2)
    index.upsert([third.evolve(status=S.RUNNING)])
    assert index.cursor_job.id == third.id
    assert index.cursor_row == 0


def test_the_cursor_goes_to_the_neighbour_of_a_job_that_disappears():
    first, second, third = job(), job(), job()
    index = index_of(first, second, third)
    index.move_to(1)
    index.remove([second.id])
    index.take_changes()
    assert index.cursor_id == third.id
    index.remove([first.id, third.id])
    index.take_changes()
    assert index.cursor_id is None
    assert index.targets() == []


def test_rows_stay_where_they_are_while_somebody_moves_and_settle_afterwards():
    first, second = job(), job()
    index = index_of(first, second)
    index.hold()
    index.upsert([second.evolve(status=S.RUNNING)], may_wait=True)
    assert rows(index) == [first.id, second.id]
    assert index.at(1).status is S.RUNNING
    index.release()
    assert rows(index) == [second.id, first.id]


def test_loaded_jobs_are_placed_at_once_even_while_somebody_moves():
    index = index_of(job())
    index.hold()
    index.upsert([job()])
    assert len(index) == 2


def test_only_what_changed_is_told():
    first, second = job(), job()
    index = index_of(first, second)
    index.upsert([first, second.evolve(bytes_done=5)])
    changes = index.take_changes()
    assert changes.touched == {second.id}
    assert not changes.is_reordered
    assert index.take_changes().touched == set()


def test_a_job_that_leaves_the_view_leaves_the_rows():
    running = job(S.RUNNING)
    index = index_of(running, job())
    index.set_view("Running")
    assert rows(index) == [running.id]
    index.upsert([running.evolve(status=S.COMPLETED)])
    assert len(index) == 0
    assert running.id in index.known


def test_each_status_is_in_exactly_one_view_beside_all():
    shown = [status for statuses in VIEWS.values() if statuses for status in statuses]
    assert sorted(shown) == sorted(S)


def test_marks_count_only_where_they_can_be_seen():
    wanted, hidden = job(title="wanted"), job(title="other")
    index = index_of(wanted, hidden)
    index.mark_shown()
    assert {j.id for j in index.targets()} == {wanted.id, hidden.id}
    index.set_filter(parse_filter("wanted"))
    assert index.targets() == [wanted]
    index.set_filter(parse_filter(""))
    assert len(index.targets()) == 2


def test_marking_all_twice_marks_none():
    index = index_of(job(), job())
    index.mark_shown()
    index.mark_shown()
    assert index.marks == set()
    index.toggle_mark(index.at(0).id)
    index.clear_marks()
    assert index.targets() == [index.cursor_job]


def test_an_answer_older_than_the_stream_changes_nothing():
    known = job(updated=10.0)
    index = index_of(known)
    index.adopt(known.evolve(status=S.PENDING, updated=9.0))
    assert index.known[known.id].status is S.QUEUED
    index.adopt(known.evolve(status=S.PAUSED, updated=11.0))
    assert index.known[known.id].status is S.PAUSED


def test_rows_outside_the_list_are_empty():
    index = index_of(job())
    assert index.at(-1) is None
    assert index.at(1) is None
    assert index.row_of(None) is None
    index.move_to(99)
    assert index.cursor_row == 0


def test_a_rate_log_keeps_the_last_minute():
    log = RateLog(span_s=60)
    log.add(1000.2, 50.0)
    log.add(1000.9, 100.0)  # the same second: the newer value stands
    log.add(1030.0, 0.0)
    series = log.series(1059.0, 60)
    assert series[0] == series[29] == 100.0
    assert series[30] == series[59] == 0.0
    assert log.series(1059.0, 2) == [100.0, 0.0]
    assert not any(log.series(1100.0, 10))


def test_an_empty_rate_log_is_flat():
    assert list(RateLog().series(5.0, 4)) == [0.0] * 4


def test_jobs_that_wait_for_a_login_are_counted_by_source_and_login():
    main = job.engine.add_login("youtube", "main")
    other = job.engine.add_login("vimeo", "main")
    first = job(S.PENDING, source_type="youtube", waiting_for="auth:main")
    second = job(S.PENDING, source_type="youtube", waiting_for="auth:main")
    index = index_of(first, second, job(S.PENDING, waiting_for=WAITING_RETRY))
    assert index.waiting_for(main) == 2
    assert index.waiting_for(other) == 0
    index.upsert([first.evolve(status=S.QUEUED, waiting_for=None)])
    index.remove([second.id])
    assert index.waiting_for(main) == 0
