"""What can be done with jobs, the same on every screen that shows some."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from core.domain.job import Job, JobStatus
from tui.actions import Situation
from tui.control import for_each, needs_confirmation
from tui.present import size_text
from tui.screens.base import DeckScreen
from tui.screens.confirm import ConfirmScreen
from tui.screens.help import HelpScreen
from tui.screens.text import TextScreen
from tui.theme import next_theme

_UNFINISHED = frozenset({JobStatus.PENDING, JobStatus.QUEUED, JobStatus.RUNNING})
#: Terminals drop longer clipboard messages, some of them silently.
CLIPBOARD_BYTES = 48 * 1024


class JobActionsScreen(DeckScreen):
    """Acts on `targets()`. Requests run as workers, so that a slow engine never holds a key."""

    _copied = ""

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
        """Start again."""
        again = self._targets_in({JobStatus.FAILED, JobStatus.CANCELLED, JobStatus.PENDING})
        self._command(again, self.deck.client.retry, "Started again:")

    def do_cancel(self) -> None:
        """End jobs; ask first when that would lose much."""
        jobs = self._targets_in(_UNFINISHED | {JobStatus.PAUSED})

        def act() -> None:
            self._command(jobs, self.deck.client.cancel, "Cancelled", " · r starts again")

        if needs_confirmation(jobs):
            lost = sum(job.bytes_done for job in jobs)
            files = f" and delete {size_text(lost)} of partial files" if lost else ""
            self._ask(f"Cancel {_these(jobs)}{files}?", f"cancel {_them(jobs)}", len(jobs), act)
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
        self._ask(question, f"delete {_them(jobs)}", len(jobs), act)

    def do_raise_priority(self) -> None:
        """Let jobs run before others."""
        self._shift_priority(1)

    def do_lower_priority(self) -> None:
        """Let others run first."""
        self._shift_priority(-1)

    def do_copy_url(self) -> None:
        """Send links to the clipboard of the terminal, wherever that runs."""
        self._copy([job.url for job in self.targets()], "link")

    def do_copy_path(self) -> None:
        """Send file paths to the clipboard."""
        self._copy([job.file_path for job in self.targets() if job.file_path], "path")

    def do_theme(self) -> None:
        """The next theme."""
        if not self.app.no_color:
            self.app.theme = next_theme(self.app.theme)
            self.deck.say(f"Theme: {self.app.theme.removeprefix('reeldeck-')}")

    def do_reconnect(self) -> None:
        """Do not wait."""
        self.deck.sync.hurry()

    def do_help(self) -> None:
        """The keys that work here."""
        self.app.push_screen(HelpScreen(self.deck, self.PAGE, self.situation()))

    def do_add(self) -> None:
        """The dialog that adds links."""
        self.open_add()

    # Inside

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

    def _ask(self, question: str, verb: str, count: int, act: Callable[[], None]) -> None:
        def answered(is_yes: object) -> None:
            if is_yes:
                act()

        self.app.push_screen(
            ConfirmScreen(question, verb, count=count, is_ascii=self.deck.is_ascii), answered
        )

    def _copy(self, texts: Sequence[str], what: str) -> None:
        # What is pasted into a shell must not press Enter there, nor anything else.
        text = "\n".join("".join(filter(str.isprintable, text)) for text in texts)
        if text == self._copied or len(text.encode()) > CLIPBOARD_BYTES:
            self._copied = ""
            self.app.push_screen(TextScreen(self.deck, text, f"The {what}, to be copied by hand"))
            return
        self._copied = text
        self.app.copy_to_clipboard(text)
        key = "y" if what == "link" else "Y"
        self.deck.say(f"Sent the {what} to the clipboard · {key} again shows it")


def _these(jobs: Sequence[Job]) -> str:
    return f"job {jobs[0].id}" if len(jobs) == 1 else f"{len(jobs)} jobs"


def _them(jobs: Sequence[Job]) -> str:
    return "it" if len(jobs) == 1 else f"{len(jobs)} jobs"
