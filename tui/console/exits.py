"""How a command ends: which words go to stderr, and which number to the shell. The same for every command."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence

import click
from click.exceptions import NoArgsIsHelpError

from core.domain.errors import ConfigError, ReeldeckError, Unknown, from_code
from core.domain.job import Job, JobStatus
from core.domain.profile import waits_for_login
from core.domain.snapshot import Submitted
from core.domain.text import for_terminal

INTERRUPTED = 128 + signal.SIGINT
TERMINATED = 128 + signal.SIGTERM
BROKEN_PIPE = 128 + signal.SIGPIPE
#: For a folder or file that the system refuses, whichever part of the program wanted it.
_PLACE = (
    "Change its owner or mode, or choose another place in [paths]; `reeldeck doctor` looks at all of them."
)


class ReaderGone(Exception):
    """Whoever read our output has left: `reeldeck jobs | head`."""


class Terminated(BaseException):
    """SIGTERM arrived; what ran has cleaned up after itself."""


def run_to_exit(program: Callable[[], object], *, debug: Callable[[], bool]) -> int:
    """Run a click program that does not end the process itself; its exit code.

    Args:
        program: Raises what it cannot do; returns an exit code or None.
        debug: Whether the person asked for the traceback of an unexpected fault.
    """
    try:
        code = program()
        sys.stdout.flush()
    except (Exception, KeyboardInterrupt, Terminated) as end:  # noqa: BLE001 -- the last door
        return _code_of(end, debug=debug)
    return code if isinstance(code, int) else 0


def _code_of(end: BaseException, *, debug: Callable[[], bool]) -> int:
    """Say why the program ended; its exit code."""
    match end:
        case ReeldeckError():
            complain(end)
            code = end.exit_code
        case click.ClickException():
            _correct(end)
            code = end.exit_code
        case KeyboardInterrupt() | click.Abort():
            code = INTERRUPTED
        case Terminated():
            code = TERMINATED
        case ReaderGone() | BrokenPipeError():
            # Python would complain once more when it flushes at its end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            code = BROKEN_PIPE
        case OSError(filename=str() as path, strerror=str() as reason):
            if debug():
                traceback.print_exception(end)
            complain(ConfigError(f"{path} cannot be used: {reason}", hint=_PLACE))
            code = ConfigError.exit_code
        case _:
            if debug():
                traceback.print_exception(end)
            complain(Unknown(f"{type(end).__name__}: {end}", hint="Run `reeldeck --debug …` and report it."))
            code = Unknown.exit_code
    return code


def _correct(fault: click.ClickException) -> None:
    """Say what is wrong with a command line, in the form of all errors; the hint is how it is used."""
    if isinstance(fault, NoArgsIsHelpError):
        fault.show()
        return
    click.echo(f"error: {for_terminal(fault.format_message().removesuffix('.'))}", err=True)
    context = fault.ctx if isinstance(fault, click.UsageError) else None
    if context is not None:
        usage = " ".join(context.get_usage().split()).removeprefix("Usage: ")
        click.echo(f"hint: Use it as: {usage} (more: {context.command_path} --help)", err=True)


def complain(error: ReeldeckError, *, about: str | None = None) -> None:
    """Say on stderr what went wrong and what to do.

    Args:
        error: What went wrong.
        about: The job or link it concerns, when there are several.
    """
    place = f"{for_terminal(about)}: " if about else ""
    click.echo(f"{place}error: {for_terminal(str(error))}", err=True)
    click.echo(f"hint: {for_terminal(error.hint)}", err=True)


def error_of(job: Job) -> ReeldeckError | None:
    """Why a job is not well: the stored error, rebuilt."""
    if job.error_type is None:
        return None
    error = from_code(job.error_type, hint=job.error_hint)
    # The stored message begins with the summary, which the class adds again.
    error.detail = (job.error_message or "").removeprefix(error.summary).removeprefix(": ")
    return error


def exit_code_of(job: Job) -> int:
    """What a job contributes to the exit code: 0 when it is done, its error's, or 1 when it was cancelled.

    One that is left waiting for a login counts as failed.
    """
    if job.status is JobStatus.COMPLETED:
        return 0
    error = error_of(job)
    is_failed = job.status is JobStatus.FAILED or waits_for_login(job)
    return error.exit_code if error and is_failed else 1


def first_code(answers: Sequence[Submitted | ReeldeckError], finished: Sequence[Job]) -> int:
    """The exit code of the first link that was refused or failed, in the order of the links.

    Args:
        answers: The engine's, one for each link.
        finished: The jobs as they ended, as far as anybody waited for them; with a playlist's items.
    """
    codes = {job.id: exit_code_of(job) for job in finished}
    for answer in answers:
        code = answer.exit_code if isinstance(answer, ReeldeckError) else codes.pop(answer.job.id, 0)
        if code:
            return code
    return next((code for code in codes.values() if code), 0)
