"""`setup`: a guided start that can be repeated."""

from __future__ import annotations

import click

from core.config.edit import ConfigFile
from core.config.load import config_path, load_settings
from core.domain.errors import EngineUnreachable
from tui.console.connect import engine, run_async
from tui.console.exits import Terminated
from tui.setup.answers import Answers

_NEXT = """\
Ready. What can be done now:
  reeldeck            the dashboard; starts the engine behind it
  reeldeck get URL    download one link
  reeldeck doctor     check everything once more
To have it run as a service: docs/service.md"""
_AFRESH = "The engine that runs still has the old configuration: reeldeck stop, and start it again."


@click.command()
@click.option("--yes", is_flag=True, help="Ask nothing: take every default.")
def setup(*, yes: bool) -> None:
    """Ask for folders, Telegram and logins, and write the configuration.

    It can be run again: what is there is offered as the default, and comments and other keys of the file
    stay. Each answer is stored before the next question; Ctrl-C loses none. Answers may come from a pipe.
    """
    answers = Answers(takes_defaults=yes)
    try:
        _run(answers)
    except (click.Abort, KeyboardInterrupt, Terminated):
        click.echo("\nStopped. What was answered is stored; go on with: reeldeck setup", err=True)
        raise


def _run(answers: Answers) -> None:
    # The steps know sources, ffmpeg and the store.
    from tui.setup.account import set_up_telegram  # noqa: PLC0415
    from tui.setup.basics import set_folders, tell_ffmpeg  # noqa: PLC0415
    from tui.setup.logins import add_logins  # noqa: PLC0415

    file = ConfigFile(config_path())
    is_new = not file.path.exists()
    if is_new:
        file.write_blocking()
    before = file.text
    # What is wrong with a file that was there is told, with its line, before anything is asked.
    settings = load_settings()
    answers.say(f"Configuration: {file.path}{' (new)' if is_new else ''}")
    answers.say()
    set_folders(answers, file, settings)
    tell_ffmpeg(answers, load_settings())
    answers.say()
    set_up_telegram(answers, file, load_settings())
    add_logins(answers, load_settings())
    answers.say()
    answers.say(_NEXT)
    if file.text != before and run_async(_is_running()):
        answers.say(_AFRESH)


async def _is_running() -> bool:
    async with engine() as running:
        try:
            await running.status()
        except EngineUnreachable:
            return False
        return True
