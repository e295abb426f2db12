"""What can be done with jobs, the same on every screen that shows some."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from core.domain.errors import ReeldeckError
from core.domain.figures import size_text
from core.domain.interface import GroupAction, QueueMove
from core.domain.job import Job, JobStatus
from tui.control import Outcome, for_each, needs_confirmation
from tui.log_lines import LogFilter
from tui.screens.page import PageScreen
from tui.screens.playlist import SHOW, PlaylistScreen, outcome_words
from tui.screens.rename import RenameScreen
from tui.situation import Situation
from tui.undo import KEEP_S

#: Asks the engine something about a job, by its id; None: it is no more.
Ask = Callable[[int], Awaitable[Job | None]]
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
        client, active = self.deck.client, self._targets_in(_UNFINISHED)
        if active:
            more = f" · {self.key('pause')} goes on"
            self._command(active, client.pause, "Paused", more, back=client.resume)
        else:
            paused = self._targets_in({JobStatus.PAUSED})
            self._command(paused, client.resume, "Resumed", back=client.pause)

    def do_retry(self) -> None:
        """Start again what ended; what waits goes at once, whatever holds it."""
        waiting = {JobStatus.PENDING, JobStatus.QUEUED}
        again = self._targets_in({JobStatus.FAILED, JobStatus.CANCELLED, *waiting})
        self._command(again, self.deck.client.retry, "Started again:")

    def do_cancel(self) -> None:
        """End jobs; ask first when that would lose much."""
        jobs, client = self._targets_in(_UNFINISHED | {JobStatus.PAUSED}), self.deck.client
        held = {job.id for job in jobs if job.status is JobStatus.PAUSED}

        async def back(job_id: int) -> Job:
            job = await client.retry(job_id)
            return await client.pause(job_id) if job_id in held else job

        def act() -> None:
            cancel = partial(client.cancel, keep_s=KEEP_S)
            self._command(jobs, cancel, "Cancelled", f" · {self.key('retry')} starts again", back=back)

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

    def do_move_up(self) -> None:
        """Let jobs pass what stands before them."""
        self._reorder("up", "Moved up:")

    def do_move_down(self) -> None:
        """Let what stands behind jobs pass them."""
        self._reorder("down", "Moved down:")

    def do_move_top(self) -> None:
        """Let jobs run next."""
        self._reorder("top", "Now first:")

    def do_move_bottom(self) -> None:
        """Let all others run before."""
        self._reorder("bottom", "Now last:")

    def do_copy_url(self) -> None:
        """Send links to the clipboard of the terminal, wherever that runs."""
        self.copy([job.url for job in self.targets()], "link", "copy_url")

    def do_copy_path(self) -> None:
        """Send file paths to the clipboard."""
        self.copy([job.file_path for job in self.targets() if job.file_path], "path", "copy_path")

    def do_job_log(self) -> None:
        """What the engine wrote down about the job."""
        if jobs := self.targets():
            self.deck.log_filter = LogFilter(level="DEBUG", text=f"job:{jobs[0].id}")
            self.do_show_log()

    def do_debug(self) -> None:
        """Write down everything about jobs, or no longer."""
        jobs, deck = [job for job in self.targets() if job.status is not JobStatus.COMPLETED], self.deck
        is_on = not {job.id for job in jobs} <= set(deck.sync.status.get("debugged", ()))

        async def ask(job_id: int) -> Job:
            await deck.client.debug_job(job_id, is_on=is_on)
            return deck.index.known[job_id]

        async def work() -> None:
            outcome = await for_each(jobs, ask)
            deck.sync.look()
            verb = "Everything is written down about" if is_on else "Written down as usual:"
            deck.say(*outcome.summary(verb, f" · {self.key('job_log')} shows it" if is_on else ""))

        self.run_worker(work(), group="command")

    def do_rename(self) -> None:
        """Type another title of the job under the cursor, or of the first that is marked."""
        job, client = self.targets()[0], self.deck.client

        async def back(job_id: int) -> Job:
            return await client.patch(job_id, title=job.title)

        def typed(title: str | None) -> None:
            if title is not None and title != job.title:
                rename = partial(client.patch, title=title)
                self._command([job], rename, "Renamed", back=back if job.title else None)

        self.app.push_screen(RenameScreen(job.id, job.title or "", is_ascii=self.deck.is_ascii), typed)

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

        async def back(job_id: int) -> Job:
            return await self.deck.client.patch(job_id, priority=wanted[job_id] - by)

        shown = f" · now {wanted[jobs[0].id]:+}" if len(jobs) == 1 else ""
        self._command(jobs, patch, "Priority changed:", shown, back=back)

    def _reorder(self, to: QueueMove, verb: str) -> None:
        app, deck = self.app, self.deck
        jobs, known = self._targets_in({JobStatus.QUEUED}), dict(deck.index.known)

        async def back(job_id: int) -> Job:
            before = known[job_id]
            return await deck.client.patch(job_id, priority=before.priority, position=before.position)

        async def work() -> None:
            try:
                moved = await deck.client.reorder([job.id for job in jobs], to)
            except ReeldeckError as error:
                deck.say_error(error)
                return
            deck.take_outcome(Outcome(done=list(moved)))
            if moved:
                self._offer_undo([job for job in moved if job.id in known], back)
                deck.say(*Outcome(done=jobs).summary(verb))
            else:
                deck.say(Outcome(done=jobs).summary("No other place for")[0], "warn")

        app.run_worker(work(), group="command")

    def _command(
        self, jobs: Sequence[Job], ask: Ask, verb: str, more: str = "", *, back: Ask | None = None
    ) -> None:
        """*ask* for each of *jobs*; *back* takes that back, for those where it was done."""

        async def work() -> None:
            outcome = await for_each(jobs, ask)
            if back is not None and outcome.done:
                self._offer_undo(outcome.done, back)
            self.deck.take_outcome(outcome)
            self.deck.say(*outcome.summary(verb, more))

        self.run_worker(work(), group="command", exit_on_error=True)

    def _offer_undo(self, jobs: Sequence[Job], back: Ask) -> None:
        # Not this screen: who goes on to another one takes back there.
        app, deck = self.app, self.deck

        async def work() -> None:
            outcome = await for_each(jobs, back)
            deck.take_outcome(outcome)
            deck.say(*outcome.summary("Taken back:"))

        deck.undo.offer(lambda: app.run_worker(work(), group="command"), time.time())


def _these(jobs: Sequence[Job]) -> str:
    return f"job {jobs[0].id}" if len(jobs) == 1 else f"{len(jobs)} jobs"


def _them(jobs: Sequence[Job]) -> str:
    return "it" if len(jobs) == 1 else f"{len(jobs)} jobs"
