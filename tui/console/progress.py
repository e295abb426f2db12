"""Jobs on their way, on stderr: bars on a terminal, plain lines anywhere else."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Self

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID
from rich.text import Text

from core.domain.job import Job, JobStatus
from core.domain.text import for_terminal
from tui.console.exits import complain, error_of
from tui.console.output import is_terminal, name_of, size, span, state_of

#: A plain line at each of these shares.
STEP = 0.1
TITLE_CELLS = 36
REFRESH_HZ = 5


class Lines:
    """One line for each thing that happens; for logs, pipes and people who asked for `--json`."""

    def __init__(self) -> None:
        self._said: dict[int, tuple[object, ...]] = {}

    def show(self, job: Job) -> None:
        """Say what is new about a job, nothing when it only moved a little."""
        state = state_of(job)
        step = int((job.progress or 0) / STEP) if job.status is JobStatus.RUNNING else 0
        news = (job.status, job.stage, step, job.waiting_for, job.not_before)
        if self._said.get(job.id) == news:
            return
        self._said[job.id] = news
        rate = f", {size(job.rate)}/s" if job.status is JobStatus.RUNNING and job.rate else ""
        self.note(f"{job.id}  {job.status}  {f'{state}{rate}  ' if state else ''}{name_of(job)}")
        _explain(job)

    def note(self, text: str) -> None:
        """Say something."""
        click.echo(for_terminal(text), err=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to put back."""


class Bars:
    """A bar for each job that is not finished, and a line for each that is."""

    def __init__(self) -> None:
        console = Console(stderr=True, highlight=False)
        self._progress = Progress(
            _Title(), BarColumn(bar_width=24), _Amount(), console=console,
            refresh_per_second=REFRESH_HZ, transient=True, redirect_stdout=False,
        )  # fmt: skip
        self._tasks: dict[int, TaskID] = {}
        self._waiting: dict[int, str | None] = {}

    def show(self, job: Job) -> None:
        """Draw the job as it is now."""
        if job.status.is_final:
            self._end(job)
            return
        task = self._tasks.get(job.id)
        if task is None:
            task = self._tasks[job.id] = self._progress.add_task("", job=job)
        # Without a size the bar moves to and fro; a job that waits stands still.
        total = job.size_bytes if job.status is JobStatus.RUNNING else job.size_bytes or 1
        self._progress.update(task, total=total, completed=job.bytes_done, job=job)
        if self._waiting.get(job.id) != job.waiting_for:
            self._waiting[job.id] = job.waiting_for
            _explain(job)

    def note(self, text: str) -> None:
        """Print a line above the bars."""
        self._progress.console.print(Text(for_terminal(text)))

    def _end(self, job: Job) -> None:
        if (task := self._tasks.pop(job.id, None)) is not None:
            self._progress.remove_task(task)
        amount = f", {size(job.size_bytes)}" if job.size_bytes and job.status is JobStatus.COMPLETED else ""
        self.note(f"{job.status}  {name_of(job)}{amount}")
        _explain(job)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the bars away and give the cursor back."""
        self._progress.stop()


def progress_view(*, plain: bool = False) -> Lines | Bars:
    """What suits stderr. With *plain*, lines in any case."""
    return Bars() if is_terminal(sys.stderr) and not plain else Lines()


def _explain(job: Job) -> None:
    """Why a job failed or waits, or what it lacks although it is done."""
    error = error_of(job)
    if error and (job.status is JobStatus.FAILED or job.waiting_for):
        complain(error, about=f"job {job.id}")
    elif job.error_message and job.status is JobStatus.COMPLETED:
        click.echo(f"job {job.id}: note: {for_terminal(job.error_message)}", err=True)


class _Title(ProgressColumn):
    def render(self, task: Task) -> Text:
        """The job's name in a fixed width."""
        shown = for_terminal(name_of(task.fields["job"]), cells=TITLE_CELLS)
        return Text(shown, no_wrap=True)


class _Amount(ProgressColumn):
    def render(self, task: Task) -> Text:
        """Bytes, speed and time left, or what the job does instead."""
        job: Job = task.fields["job"]
        if job.status is not JobStatus.RUNNING or job.stage != "DOWNLOAD":
            return Text(for_terminal(state_of(job) or job.status.lower()))
        parts = [
            f"{size(job.bytes_done)} of {size(job.size_bytes)}" if job.size_bytes else size(job.bytes_done)
        ]
        if job.rate:
            parts.append(f"{size(job.rate)}/s")
        if job.eta_s is not None:
            parts.append(f"{span(job.eta_s)} left")
        return Text("  ".join(parts))
