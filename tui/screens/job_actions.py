"""What can be done with jobs, the same on every screen that shows some."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from core.domain.errors import ReeldeckError
from core.domain.figures import size_text
from core.domain.interface import GroupAction
from core.domain.job import Job, JobStatus
from tui.control import for_each, needs_confirmation
from tui.log_lines import LogFilter
from tui.screens.page import PageScreen
from tui.screens.playlist import SHOW, PlaylistScreen, outcome_words
from tui.situation import Situation

_UNFINISHED = frozenset({JobStatus.PENDING, JobStatus.QUEUED, JobStatus.RUNNING})


class JobActionsScreen(PageScreen):
    """Acts on `targets()`. Requests run as workers, so that a slow engine never holds a key."""

    def targets(self) -> list[Job]:
        """The jobs that actions are for."""
        raise NotImplementedError

    def situation(self) -> Situation:
        """What there is to act on."""
        return self.deck.situation(self.targets())

    def do_pause(self) -> None:
        """Pause what is unfinished; when nothing is, resume what is paused."""
        active = self._targets_in(_UNFINISHED)
        if active:
            self._command(active, self.deck.client.pause, "Paused", " · p goes on")
        else:
            paused = self._targets_in({JobStatus.PAUSED})
            self._command(paused, self.deck.client.resume, "Resumed")

    def do_retry(self) -> None:
        """Start again what ended; what waits goes at once, whatever holds it."""
        waiting = {JobStatus.PENDING, JobStatus.QUEUED}
        again = self._targets_in({JobStatus.FAILED, JobStatus.CANCELLED, *waiting})
        self._command(again, self.deck.client.retry, "Started again:")

    def do_cancel(self) -> None:
        """End jobs; ask first when that would lose much."""
        jobs = self._targets_in(_UNFINISHED | {JobStatus.PAUSED})

        def act() -> None:
            self._command(jobs, self.deck.client.cancel, "Cancelled", " · r starts again")

        if needs_confirmation(jobs):
            lost = sum(job.bytes_done for job in jobs)
            files = f" and delete {size_text(lost)} of partial files" if lost else ""
            self.ask(f"Cancel {_these(jobs)}{files}?", f"cancel {_them(jobs)}", len(jobs), act)
        else:
            act()

    def do_delete(self) -> None:
        """Forget jobs; always asked."""
        jobs = self._targets_in({status for status in JobStatus if status.is_final})

        async def forget(job_id: int) -> None:
            await self.deck.client.delete(job_id)

        def act() -> None:
            self._command(jobs, forget, "Deleted")

        one = len(jobs) == 1
        files = (
            (" Its file stays." if one else " Their files stay.")
            if any(job.file_path for job in jobs)
            else ""
        )
        question = f"Delete the record{'' if one else 's'} of {_these(jobs)}?{files}"
        self.ask(question, f"delete {_them(jobs)}", len(jobs), act)

    def do_raise_priority(self) -> None:
        """Let jobs run before others."""
        self._shift_priority(1)

    def do_lower_priority(self) -> None:
        """Let others run first."""
        self._shift_priority(-1)

    def do_copy_url(self) -> None:
        """Send links to the clipboard of the terminal, wherever that runs."""
        self.copy([job.url for job in self.targets()], "link", "y")

    def do_copy_path(self) -> None:
        """Send file paths to the clipboard."""
        self.copy([job.file_path for job in self.targets() if job.file_path], "path", "Y")

    def do_job_log(self) -> None:
        """What the engine wrote down about the job."""
        if jobs := self.targets():
            self.deck.log_filter = LogFilter(level="DEBUG", text=f"job:{jobs[0].id}")
            self.do_show_log()

    def do_playlist(self) -> None:
        """Ask what to do with all jobs of the playlist."""
        group_id = next((job.group_id for job in self.targets() if job.group_id is not None), None)
        if group_id is None:
            return

        def answered(choice: tuple[GroupAction, int] | str | None) -> None:
            if choice == SHOW:
                self.show_jobs_that(f"group:{group_id}")
            elif isinstance(choice, tuple):
                self._act_on_playlist(group_id, *choice)

        self.app.push_screen(PlaylistScreen(self.deck, group_id), answered)

    # Inside

    def _act_on_playlist(self, group_id: int, action: GroupAction, count: int) -> None:
        async def work() -> None:
            try:
                answer = await self.deck.client.control_group(group_id, action)
            except ReeldeckError as error:
                self.deck.say_error(error)
            else:
                self.deck.say(outcome_words(action, answer), "good")

        def act() -> None:
            self.run_worker(work(), group="command")

        if action == "cancel":
            question = (
                f"Cancel {count} job{'s' * (count != 1)} of this playlist and delete what they fetched?"
            )
            self.ask(question, "cancel it" if count == 1 else f"cancel {count} jobs", count, act)
        else:
            act()

    def _targets_in(self, statuses: frozenset[JobStatus] | set[JobStatus]) -> list[Job]:
        return [job for job in self.targets() if job.status in statuses]

    def _shift_priority(self, by: int) -> None:
        jobs = [job for job in self.targets() if not job.status.is_final]
        wanted = {job.id: job.priority + by for job in jobs}

        async def patch(job_id: int) -> Job:
            return await self.deck.client.patch(job_id, priority=wanted[job_id])

        shown = f" · now {wanted[jobs[0].id]:+}" if len(jobs) == 1 else ""
        self._command(jobs, patch, "Priority changed:", shown)

    def _command(
        self, jobs: Sequence[Job], ask: Callable[[int], Awaitable[Job | None]], verb: str, more: str = ""
    ) -> None:
        async def work() -> None:
            outcome = await for_each(jobs, ask)
            self.deck.take_outcome(outcome)
            self.deck.say(*outcome.summary(verb, more))

        self.run_worker(work(), group="command", exit_on_error=True)


def _these(jobs: Sequence[Job]) -> str:
    return f"job {jobs[0].id}" if len(jobs) == 1 else f"{len(jobs)} jobs"


def _them(jobs: Sequence[Job]) -> str:
    return "it" if len(jobs) == 1 else f"{len(jobs)} jobs"
