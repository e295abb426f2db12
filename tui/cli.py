"""The `reeldeck` command: which commands there are. Each is imported when it is used, for quick help."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping

import click

from core.domain.errors import InvalidRequest
from tui.console.exits import ReaderGone, run_to_exit
from tui.console.loading import loading

#: Command → the module that holds it, under its own name, and what `reeldeck --help` says of it.
COMMANDS: Mapping[str, tuple[str, str]] = {
    "get": ("get", "Download now, with progress; print the paths of the files."),
    "add": ("add", "Give links to the engine."),
    "info": ("info", "Show what a link leads to: its formats, or the items of a list."),
    "jobs": ("jobs", "List jobs, the newest first."),
    "job": ("jobs", "Show a job and its timeline."),
    "search": ("search", "Search what was fetched."),
    "library": ("library", "Show, open, tag, send and import files; find those that are there twice."),
    "deliveries": ("deliveries", "List files on their way back to Telegram's chats."),
    "pause": ("control", "Hold jobs until they are resumed."),
    "resume": ("control", "Let paused jobs go on."),
    "cancel": ("control", "End jobs and delete what they have fetched."),
    "retry": ("control", "Start failed or cancelled jobs again."),
    "prioritize": ("control", "Let a job run before or after others."),
    "rename": ("control", "Give a job another title."),
    "move": ("control", "Move jobs within the queue."),
    "clear": ("clear", "Forget finished jobs; their files stay."),
    "collect": ("collect", "Fetch the media of a Telegram chat."),
    "telegram": ("telegram", "Log a Telegram account in, and choose the chats that it watches."),
    "auth": ("auth", "Add, list, check and remove logins of sources."),
    "tokens": ("tokens", "Make, list and end tokens of the HTTP API."),
    "audit": ("tokens", "Show what was changed from outside."),
    "webhooks": ("webhooks", "List, test and hurry those that are told when jobs end."),
    "sources": ("sources", "Show the sources: what runs and waits, which of them rest."),
    "limits": ("switches", "Show the limits that may change while the engine runs, or change one."),
    "maintenance": ("switches", "Take nothing new, or take it again."),
    "status": ("status", "Show the engine at a glance."),
    "serve": ("serve", "Run the engine in the foreground."),
    "web": ("web", "Show the dashboard in a browser on this machine."),
    "stop": ("status", "Stop the engine; jobs go on at its next start."),
    "debug": ("debug", "Write down everything about a job, until it ends."),
    "logs": ("logs", "Show what the engine wrote down."),
    "setup": ("setup", "Ask for folders, Telegram and logins, and write the configuration."),
    "backup": ("backup", "Write the database and the configuration to FILE, while the engine goes on."),
    "restore": ("backup", "Put the backup FILE in the database's place."),
    "migrate": ("backup", "Bring the database to this version's schema."),
    "ytdlp": ("ytdlp", "Show, update or take back the yt-dlp that finds the media of most sites."),
    "config": ("config", "Check, show or begin a configuration."),
    "doctor": ("doctor", "Check this installation and say how to mend it."),
    "demo": ("demo", "See everything at work on media served by this machine."),
}

_SHOWN_CHARS = 60
#: What other programs call it → what it is called here.
MEANT: Mapping[str, str] = {
    "cat": "logs",
    "check": "doctor",
    "daemon": "serve",
    "dashboard": "",
    "delete": "clear",
    "download": "get",
    "export": "backup",
    "fetch": "get",
    "find": "search",
    "help": "--help",
    "import": "library import",
    "init": "setup",
    "install": "setup",
    "kill": "stop",
    "list": "jobs",
    "log": "logs",
    "login": "telegram login",
    "ls": "jobs",
    "ps": "jobs",
    "queue": "jobs",
    "quit": "stop",
    "run": "serve",
    "server": "serve",
    "show": "job",
    "shutdown": "stop",
    "start": "serve",
    "tui": "",
    "ui": "",
    "update": "ytdlp update",
    "upgrade": "ytdlp update",
    "version": "--version",
    "watch": "telegram watch",
}


class LazyGroup(click.Group):
    """The commands of COMMANDS."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 -- click's
        """All names, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 -- click's
        """Import a command."""
        if cmd_name not in COMMANDS:
            return None
        module, _ = COMMANDS[cmd_name]
        with loading():
            command = getattr(importlib.import_module(f"tui.commands.{module}"), cmd_name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 -- click's
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> object:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            # click itself would end the process with 1, which says that the command failed.
            raise ReaderGone from error

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command. Raises InvalidRequest for a wrong name, with the nearest."""
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            meant = _meant(args[0])
            suggestion = "" if meant is None else f"Did you mean: {f'reeldeck {meant}'.rstrip()}? "
            raise InvalidRequest(
                f"there is no command {args[0][:_SHOWN_CHARS]!r}",
                hint=f"{suggestion}All commands: reeldeck --help",
            )
        return super().resolve_command(ctx, args)


def _meant(word: str) -> str | None:
    """What somebody wanted who typed *word* as a command; "" is the dashboard."""
    if "://" in word:
        return "get URL"
    if word.lower() in MEANT:
        return MEANT[word.lower()]
    import difflib  # noqa: PLC0415 -- only for this

    near = next(iter(difflib.get_close_matches(word, [*COMMANDS, *MEANT], n=1)), None)
    return None if near is None else MEANT.get(near, near)


@click.group(
    cls=LazyGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Without a command: the dashboard, and the engine in the background when none runs.",
)
@click.option("--version", is_flag=True, help="Print the version.")
@click.option("--debug", is_flag=True, help="Show the traceback of an unexpected fault.")
@click.option("--ascii", "is_ascii", is_flag=True, help="Draw the dashboard with ASCII only.")
@click.pass_context
def reeldeck(context: click.Context, *, version: bool, debug: bool, is_ascii: bool) -> int:
    """Downloads the media behind links and keeps it."""
    del debug  # `main` reads it from the arguments, as it must know even when these are wrong
    if version:
        from importlib.metadata import version as version_of  # noqa: PLC0415 -- slow, and only for this

        click.echo(f"reeldeck {version_of('reeldeck')}")
    elif context.invoked_subcommand is None:
        from tui.commands.dashboard import dashboard  # noqa: PLC0415 -- Textual takes a while

        return dashboard(is_ascii=is_ascii)
    return 0


def main() -> None:
    """The program. Ends the process."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a letter gets its escape instead of ending the program.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    sys.exit(
        run_to_exit(
            lambda: reeldeck.main(standalone_mode=False, prog_name="reeldeck"),
            debug=lambda: "--debug" in sys.argv,
        )
    )


if __name__ == "__main__":
    main()
