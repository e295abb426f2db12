"""Acting on a whole playlist from the list of jobs."""

from __future__ import annotations

import pytest

from core.domain.errors import EngineUnreachable, NoSuchJob
from core.domain.job import JobStatus
from tests.tui.conftest import calls

S = JobStatus


@pytest.fixture
def playlist(engine) -> int:
    group_id = engine.add_group("Lectures of spring", total=4)
    for status in (S.QUEUED, S.QUEUED, S.PAUSED, S.FAILED):
        engine.add(title="A lecture", status=status, group_id=group_id)
    engine.add(title="Something else", priority=-5)
    return group_id


def states(engine) -> list[S]:
    return [job.status for job in engine._jobs.values() if job.group_id is not None]


async def test_the_dialog_counts_what_each_key_would_act_on(dashboard, playlist):
    async with dashboard() as shown:
        await shown.press("P")
        await shown.shows("Playlist 1 · Lectures of spring", "2 queued, 1 paused, 1 failed")
        await shown.shows("pause   2", "resume  1", "cancel  3", "retry   1")


@pytest.mark.parametrize("opens", [False, True])
@pytest.mark.parametrize(
    ("key", "told", "after"),
    [
        ("p", "Paused 2 jobs of the playlist", [S.PAUSED, S.PAUSED, S.PAUSED, S.FAILED]),
        ("u", "Resumed 1 job of the playlist", [S.QUEUED, S.QUEUED, S.QUEUED, S.FAILED]),
        ("r", "Started again: 1 job of the playlist", [S.QUEUED, S.QUEUED, S.PAUSED, S.QUEUED]),
    ],
)
async def test_a_key_acts_on_all_its_jobs(dashboard, engine, playlist, opens, key, told, after):
    async with dashboard((110, 24)) as shown:
        if opens:
            await shown.press("enter")
            await shown.shows("playlist 1")
        await shown.press("P")
        await shown.shows("cancel  3")
        await shown.press(key)
        await shown.shows(told)
        assert states(engine) == after


async def test_cancelling_is_asked_with_the_number_of_jobs(dashboard, engine, playlist):
    async with dashboard() as shown:
        await shown.press("P")
        await shown.shows("cancel  3")
        await shown.press("x")
        await shown.shows("Cancel 3 jobs of this playlist")
        await shown.press("escape")
        assert calls(engine, "control_group") == []
        await shown.press("P")
        await shown.shows("cancel  3")
        await shown.press("x", "y")
        await shown.shows("Cancelled 3 jobs of the playlist")
        assert states(engine) == [S.CANCELLED] * 3 + [S.FAILED]


async def test_a_key_that_is_for_no_job_does_nothing(dashboard, engine):
    engine.add(group_id=engine.add_group())
    async with dashboard() as shown:
        await shown.press("P")
        await shown.shows("retry   none")
        await shown.press("r", "u", "escape")
        assert calls(engine, "control_group") == []


async def test_the_list_is_narrowed_to_the_playlist_and_escape_shows_all(dashboard, playlist):
    async with dashboard() as shown:
        await shown.press("P")
        await shown.shows("show only its jobs")
        await shown.press("f")
        await shown.shows("group:1", "4 of 5")
        await shown.until(lambda: "Something else" not in shown.text)
        await shown.press("escape")
        await shown.shows("Something else")


async def test_from_a_jobs_page_the_narrowed_list_is_shown(dashboard, playlist):
    async with dashboard() as shown:
        await shown.press("enter", "P")
        await shown.shows("show only its jobs")
        await shown.press("f")
        await shown.shows("group:1", "PROGRESS")


async def test_a_job_without_a_playlist_says_so(dashboard, engine):
    engine.add()
    async with dashboard() as shown:
        await shown.press("P")
        await shown.shows("This job belongs to no playlist")


@pytest.mark.parametrize("error", [NoSuchJob("group 1"), EngineUnreachable()])
async def test_a_playlist_that_cannot_be_loaded_is_told(dashboard, engine, playlist, error):
    engine.fail_next("group", error)
    async with dashboard((120, 24)) as shown:
        await shown.press("P")
        await shown.shows(error.summary)


async def test_a_refused_action_is_told(dashboard, engine, playlist):
    engine.fail_next("control_group", EngineUnreachable())
    async with dashboard((120, 24)) as shown:
        await shown.press("P")
        await shown.shows("pause   2")
        await shown.press("p")
        await shown.shows("No engine is running")
