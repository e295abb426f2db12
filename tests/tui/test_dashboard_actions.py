from __future__ import annotations

import base64

import pytest

from core.domain.errors import EngineUnreachable, IllegalTransition
from core.domain.job import Job, JobStatus
from tests.tui.conftest import calls
from tui.control import CONFIRM_BYTES
from tui.screens.confirm import TYPE_FROM

S = JobStatus


def state_of(engine, job: Job) -> JobStatus:
    return engine._jobs[job.id].status


@pytest.mark.parametrize("opens", [False, True])
@pytest.mark.parametrize(
    ("before", "key", "after", "told"),
    [
        (S.RUNNING, "p", S.PAUSED, "Paused 1"),
        (S.QUEUED, "p", S.PAUSED, "Paused 1"),
        (S.PAUSED, "p", S.QUEUED, "Resumed 1"),
        (S.FAILED, "r", S.QUEUED, "Started again: 1"),
        (S.CANCELLED, "r", S.QUEUED, "Started again: 1"),
        (S.PENDING, "r", S.QUEUED, "Started again: 1"),
        (S.QUEUED, "r", S.QUEUED, "Started again: 1"),
        (S.RUNNING, "x", S.CANCELLED, "Cancelled 1 · r starts again"),
        (S.PAUSED, "x", S.CANCELLED, "Cancelled 1"),
    ],
)
async def test_a_key_acts_on_the_job_at_once_in_the_list_and_on_its_page(
    dashboard, engine, opens, before, key, after, told
):
    job = engine.add(status=before)
    async with dashboard((110, 24)) as shown:
        if opens:
            await shown.press("enter")
        await shown.press(key)
        await shown.shows(told)
        assert state_of(engine, job) is after


@pytest.mark.parametrize(
    ("status", "key", "reason"),
    [
        (S.COMPLETED, "p", "Nothing to pause: this job is completed"),
        (S.RUNNING, "r", "Nothing to retry"),
        (S.FAILED, "x", "Nothing to cancel"),
        (S.RUNNING, "D", "Nothing to delete: this job is running"),
        (S.COMPLETED, "plus", "Nothing to move"),
        (S.RUNNING, "Y", "There is no file yet"),
    ],
)
async def test_a_key_that_cannot_work_says_why(dashboard, engine, status, key, reason):
    engine.add(status=status)
    async with dashboard() as shown:
        await shown.press(key)
        await shown.shows(reason)


async def test_keys_act_on_all_marked_jobs_that_they_fit(dashboard, engine):
    waiting = [engine.add(title="wait") for _ in range(3)]
    done = engine.add(status=S.COMPLETED)
    async with dashboard() as shown:
        await shown.press("asterisk", "p")
        await shown.shows("Paused 3 jobs")
        assert {state_of(engine, job) for job in waiting} == {S.PAUSED}
        assert state_of(engine, done) is S.COMPLETED


@pytest.mark.parametrize(("answer", "after"), [("y", S.CANCELLED), ("n", S.RUNNING), ("enter", S.RUNNING),
                                               ("escape", S.RUNNING)])  # fmt: skip
async def test_cancelling_what_has_fetched_much_is_asked_and_enter_keeps_it(dashboard, engine, answer, after):
    job = engine.add(status=S.RUNNING, bytes_done=CONFIRM_BYTES)
    async with dashboard() as shown:
        await shown.press("x")
        await shown.shows("Cancel job 1 and delete 100 MiB of partial files?", "Enter keep it", "y cancel it")
        await shown.press(answer)
        await shown.until(lambda: "partial files" not in shown.text)
        await shown.until(lambda: state_of(engine, job) is after)


async def test_cancelling_five_jobs_is_asked_with_their_number(dashboard, engine):
    jobs = engine.add_many(5)
    async with dashboard() as shown:
        await shown.press("asterisk", "x")
        await shown.shows("Cancel 5 jobs?")
        await shown.press("y")
        await shown.shows("Cancelled 5 jobs")
        assert {state_of(engine, job) for job in jobs} == {S.CANCELLED}


@pytest.mark.parametrize(("typed", "is_done"), [(str(TYPE_FROM), True), ("y", False), ("", False)])
async def test_for_many_jobs_their_number_must_be_typed(dashboard, engine, typed, is_done):
    jobs = engine.add_many(TYPE_FROM)
    async with dashboard() as shown:
        await shown.press("asterisk", "x")
        await shown.shows(f"type {TYPE_FROM} and Enter to cancel {TYPE_FROM} jobs")
        await shown.press(*typed, "enter")
        await shown.until(lambda: "Cancel 20 jobs?" not in shown.text)
        if is_done:
            await shown.shows(f"Cancelled {TYPE_FROM} jobs")
        assert all((state_of(engine, job) is S.CANCELLED) is is_done for job in jobs)


async def test_deleting_is_always_asked_and_the_row_goes_at_once(dashboard, engine):
    engine.add(title="Old talk", status=S.COMPLETED, file_path="/archive/a.mp4")
    async with dashboard() as shown:
        await shown.press("D")
        await shown.shows("Delete the record of job 1? Its file stays.")
        await shown.press("escape")
        assert calls(engine, "delete") == []
        await shown.press("D", "y")
        await shown.shows("Deleted 1", "No jobs yet")


async def test_deleting_on_a_jobs_page_goes_back_to_the_list(dashboard, engine):
    engine.add(title="Old talk", status=S.COMPLETED)
    async with dashboard() as shown:
        await shown.press("enter")
        await shown.shows("q Close")
        await shown.press("D", "y")
        await shown.shows("No jobs yet")


async def test_priority_goes_up_and_down(dashboard, engine):
    job = engine.add()
    async with dashboard() as shown:
        await shown.press("plus")
        await shown.shows("Priority changed: 1 · now +1")
        await shown.press("minus")
        await shown.shows("now +0")
        await shown.press("minus")
        await shown.shows("priority -1")
        assert engine._jobs[job.id].priority == -1


async def test_a_refusal_is_one_line_with_what_to_do(dashboard, engine):
    engine.add(status=S.RUNNING)
    engine.fail_next("pause", IllegalTransition("job 1 is COMPLETED and cannot be paused"))
    async with dashboard((140, 24)) as shown:
        await shown.press("p")
        await shown.shows(
            "Job 1: The job's state does not allow this: job 1 is COMPLETED and cannot be paused"
        )


async def test_an_engine_that_goes_during_a_command_is_told_too(dashboard, engine):
    engine.add(status=S.RUNNING)
    engine.fail_next("pause", EngineUnreachable())
    async with dashboard((100, 24)) as shown:
        await shown.press("p")
        await shown.shows("No engine is running")


async def test_a_job_that_is_gone_disappears_when_it_is_acted_on(dashboard, engine):
    job = engine.add(title="Ghost", status=S.RUNNING)
    async with dashboard() as shown:
        del engine._jobs[job.id]
        await shown.press("p")
        await shown.shows("There is no such job", "No jobs yet")


async def test_a_link_is_copied_through_the_terminal_and_shown_when_asked_again(
    dashboard, engine, monkeypatch
):
    engine.add("https://example.org/a.mp4")
    async with dashboard() as shown:
        sent = []
        monkeypatch.setattr(shown.app._driver, "write", sent.append)
        await shown.press("y")
        await shown.shows("Sent the link to the clipboard · y again shows it")
        copied = base64.b64encode(b"https://example.org/a.mp4").decode()
        assert [text for text in sent if text.startswith("\x1b]52")] == [f"\x1b]52;c;{copied}\a"]
        await shown.press("y")
        await shown.shows("The link, to be copied by hand")
        assert "https://example.org/a.mp4" in [line.strip() for line in shown.lines]
        await shown.press("escape")
        await shown.shows("direct")


async def test_paths_of_all_marked_jobs_are_copied(dashboard, engine):
    engine.add(status=S.COMPLETED, file_path="/archive/a.mp4")
    engine.add(status=S.COMPLETED, file_path="/archive/b.mp4")
    async with dashboard() as shown:
        await shown.press("asterisk", "Y")
        assert shown.app.clipboard == "/archive/a.mp4\n/archive/b.mp4"


async def test_more_than_a_terminal_takes_is_shown_instead(dashboard, engine):
    for _ in range(10):
        engine.add("https://example.org/" + "a" * 6000)
    async with dashboard() as shown:
        await shown.press("asterisk", "y")
        await shown.shows("to be copied by hand")
        assert shown.app.clipboard == ""


async def test_help_shows_every_key_and_why_some_do_not_work_now(dashboard, engine):
    engine.add(status=S.COMPLETED)
    async with dashboard((140, 60)) as shown:
        await shown.press("question_mark")
        await shown.shows(
            "keys of the jobs page", "not now: Nothing to pause: this job is completed", "state:fail"
        )
        await shown.press("question_mark")
        await shown.shows("PROGRESS")


async def test_help_is_scrolled_where_it_does_not_fit(dashboard):
    async with dashboard() as shown:
        await shown.press("question_mark")
        await shown.shows("JOBS")
        await shown.press("G")
        await shown.shows("the engine works on")
        await shown.press("g", "j", "k", "ctrl+d", "ctrl+u", "escape")
        await shown.shows("No jobs yet")


async def test_a_jobs_page_follows_the_job_live(dashboard, engine):
    job = engine.add(title="A talk", status=S.QUEUED)
    async with dashboard((120, 40)) as shown:
        await shown.press("enter")
        await shown.shows("job 1", "queued")
        engine.move(job.id, S.RUNNING)
        await shown.shows("starting", "queued → running")
        await shown.press("escape")
        await shown.shows("PROGRESS")


async def test_the_theme_changes_by_key(dashboard, engine):
    engine.add_many(3)
    async with dashboard() as shown:
        seen = {shown.app.theme}
        for _ in range(2):
            await shown.press("t")
            seen.add(shown.app.theme)
            await shown.shows("Theme:", "Title 2")
        assert seen == {"reeldeck-dark", "reeldeck-light", "reeldeck-terminal"}


@pytest.mark.parametrize("page", ["1", "2", "6"])
async def test_the_engine_is_stopped_from_any_page_and_only_after_a_yes(dashboard, engine, page):
    engine.add(status=S.RUNNING)
    async with dashboard() as shown:
        await shown.press(page, "Q")
        await shown.shows("Stop the engine? 1 running job is put back.", "y stop it")
        await shown.press("enter")
        assert not engine.stop_asked.is_set()
        await shown.press("Q", "y")
        await shown.until(engine.stop_asked.is_set)


@pytest.mark.parametrize("opens", [False, True])
async def test_a_job_gets_another_title_and_its_old_one_back(dashboard, engine, opens):
    job = engine.add(title="A tlk")
    async with dashboard() as shown:
        if opens:
            await shown.press("enter")
        await shown.press("e")
        await shown.shows("The title of job 1", "A tlk")
        await shown.press("backspace", "backspace", *"alk", "enter")
        await shown.shows("Renamed 1", "A talk")
        await shown.press("u")
        await shown.until(lambda: engine._jobs[job.id].title == "A tlk")
