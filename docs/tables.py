"""Write the reference tables from the code: `python docs/tables.py`. A test says when they are stale."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
from tortoise.context import TortoiseContext

from core.config.example import example
from core.domain.errors import ERRORS, JobError, RetryPolicy
from core.domain.events import EventType
from core.domain.job import (
    TRANSITIONS,
    WAITING_DISK,
    WAITING_JOB,
    WAITING_LIVE,
    WAITING_NETWORK,
    WAITING_QUIET,
    WAITING_RETRY,
)
from core.store.fresh import written
from core.store.schema import APPS, migrate
from core.store.sqlite import connection_config
from tui.actions import ACTIONS, key_name
from tui.cli import reeldeck
from userbot.commands.call import Subject
from userbot.commands.table import COMMANDS

FOLDER = Path(__file__).parent

_POLICIES = {
    RetryPolicy.BACKOFF: "after a wait that grows",
    RetryPolicy.AT_RETRY_AFTER: "when the server says so",
    RetryPolicy.ONCE: "once",
    RetryPolicy.ONCE_CLEAN: "once, from the start",
    RetryPolicy.NEXT_PROFILE: "with the next login",
    RetryPolicy.PARK: "waits until it can go on",
    RetryPolicy.NEVER: "no",
}


_WAITS = {
    WAITING_RETRY: "after its back-off, or when the server allows it",
    "auth:NAME": "when the file of that login of its source changes",
    WAITING_DISK: "when there is room again",
    WAITING_LIVE: "when what is scheduled or being made is there",
    f"{WAITING_JOB}ID": "when that job, which does the same, has ended",
    WAITING_QUIET: "when quiet hours are over",
    WAITING_NETWORK: "when this machine reaches the internet again",
}


def errors() -> str:
    """Every error class: what it means, what to do, whether it is tried again, its exit code."""
    lines = [
        "# Errors",
        "",
        "The same words everywhere: dashboard, command line, API (`type` of its problem documents), chat.",
        "",
        "Exit code 0 is success, 1 a failure without a class, 2 wrong usage or configuration.",
        "",
        "| class | exit | what happened | tried again | what to do |",
        "|---|---|---|---|---|",
    ]
    for code, cls in sorted(ERRORS.items(), key=lambda item: (item[1].exit_code, item[0])):
        again = _POLICIES[cls.policy] if issubclass(cls, JobError) else ""
        if code == "HTTP_ERROR":
            again += "; 4xx: no"
        lines.append(f"| `{code}` | {cls.exit_code} | {cls.summary} | {again} | {cls.default_hint} |")
    return "\n".join(lines) + "\n"


def states() -> str:
    """The states of a job and the names of events."""
    lines = ["# States and events", "", "| from | to |", "|---|---|"]
    for state, targets in TRANSITIONS.items():
        lines.append(f"| {state.value} | {', '.join(sorted(target.value for target in targets)) or '—'} |")
    lines += [
        "",
        "FAILED and CANCELLED go back only when somebody retries the job.",
        "",
        "PENDING waits until `not_before`, where that is known, and for what `waiting_for` names:",
        "",
        "| waiting_for | the job goes on |",
        "|---|---|",
        *(f"| `{name}` | {until} |" for name, until in _WAITS.items()),
        "",
        "What may not begin yet stays QUEUED: `reeldeck sources` says which source or host is given a rest,",
        "and how long, `reeldeck status` whether the disk is almost full.",
        "",
        "## Events",
        "",
        "Each is a row, a frame of the stream and a line of the log. `data` holds what is its own, as far as",
        "known: `stage`, `downloader`, `error_type`, `http_status` and more. `source_type`, `url_domain`,",
        "`user_id`, `chat_id` and `auth_profile_id` are the job's; JOB_CREATED and all lines of the log",
        "repeat them.",
        "",
    ]
    lines += [f"- `{event.value}`" for event in EventType]
    return "\n".join(lines) + "\n"


def commands() -> str:
    """Every command in chats: how it is typed, what it does."""
    lines = [
        "# Commands in chats",
        "",
        "Typed as a message of its own, with `telegram.command_prefix` before it, in Saved Messages or in a",
        "chat or topic that is watched. Only the account and people in `telegram.admin_ids` are obeyed,",
        "and only what they have just typed: no forwards, edits, captions, quotes, posts in the name of a",
        "channel or group, nor what is older than five minutes. Whatever else tries has no effect and no",
        "answer; `reeldeck audit` shows who tried what and where, once a minute for each. A bot account is",
        "commanded by its admins in private, and by `/watch` in a chat that it is to watch. What was typed",
        "while the engine was away is not obeyed later.",
        "",
        "`key=value` is typed without spaces; in double quotes a value may hold some. Where a job is",
        "asked for, a command may also answer the message that asked for it. Without CHAT the chat, or the",
        "topic, is meant where the command stands; `topic=0` means the whole chat.",
    ]
    for subject in Subject:
        lines += ["", f"## {subject.value}", "", "| command | does |", "|---|---|"]
        for command in COMMANDS.values():
            if command.subject is subject:
                usage = command.usage("/").replace("|", "\\|")
                lines.append(f"| `{usage}` | {command.summary} |")
    return "\n".join(lines) + "\n"


def keys() -> str:
    """Every key of the dashboard by default, and the names by which `[keys]` changes them."""
    lines = [
        "# Keys of the dashboard",
        "",
        "`?` shows the keys of the page that is open, `:` finds an action by a few letters of its name.",
        "Other keys are chosen in the configuration by the names of actions; `reeldeck config check` says",
        "what is wrong with one, and where:",
        "",
        "```toml",
        "[keys]",
        'pause = "p F5"',
        'page_down = "Ctrl+d PgDn"',
        "```",
    ]
    for group in dict.fromkeys(action.group for action in ACTIONS):
        lines += ["", f"## {group}", "", "| key | name | does | where |", "|---|---|---|---|"]
        for action in ACTIONS:
            if action.group == group:
                shown = " ".join(f"`{key_name(key)}`" for key in action.keys)
                where = "everywhere" if len(action.screens) > 6 else ", ".join(action.screens)
                lines.append(f"| {shown} | `{action.id}` | {action.help} | {where} |")
    return "\n".join(lines) + "\n"


def doors() -> str:
    """What can be done by which door; `doors.toml` is the list."""
    lines = [
        "# Everything, by every door",
        "",
        "What can be done on the dashboard, on the command line, in chats (by admins) and by the API.",
        "Where a door is closed, the last column says why. Keys are the defaults; `:` finds all by name.",
    ]
    keys = {action.id: key_name(action.keys[0]) for action in reversed(ACTIONS)}
    with (FOLDER / "doors.toml").open("rb") as file:
        groups = tomllib.load(file)
    for group, rows in groups.items():
        lines += ["", f"## {group}", "", "| does | dashboard | command line | chat | API | closed because |"]
        lines.append("|---|---|---|---|---|---|")
        for row in rows:
            cells = [
                " ".join(f"`{keys[name]}`" for name in row["dashboard"]),
                ", ".join(f"`{name}`" for name in row["cli"]),
                " ".join(f"`/{name}`" for name in row["chat"]),
                ", ".join(f"`{name}`" for name in row["api"]),
            ]
            shown = " | ".join(cell or "—" for cell in cells)
            lines.append(f"| {row['does']} | {shown} | {row.get('why', '')} |")
    return "\n".join(lines) + "\n"


def configuration() -> str:
    """Every setting with its default, as `reeldeck config example` prints it."""
    lines = [
        "# Configuration",
        "",
        "None is needed. Yours goes to `~/.config/reeldeck/config.toml`; `reeldeck config check` names the",
        "line and the key of what is wrong, `reeldeck config show` prints what holds.",
        "",
        "```toml",
        example().rstrip(),
        "```",
    ]
    return "\n".join(lines) + "\n"


def command_line() -> str:
    """The help of every command."""
    lines = [
        "# The command line",
        "",
        "Exit codes are those of [errors](errors.md). Commands that read take `--json`: one object a line.",
    ]
    top = click.Context(reeldeck, info_name="reeldeck", terminal_width=100, **reeldeck.context_settings)
    for context in _contexts(top):
        lines += ["", f"## {context.command_path}", "", "```text", context.get_help().rstrip(), "```"]
    return "\n".join(lines) + "\n"


def _contexts(context: click.Context) -> Iterator[click.Context]:
    """A command, and those below it."""
    yield context
    if isinstance(context.command, click.Group):
        for name in context.command.list_commands(context):
            below = context.command.get_command(context, name)
            if below is not None and not below.hidden:
                yield from _contexts(click.Context(below, info_name=name, parent=context, terminal_width=100))


def schema() -> str:
    """What a new database begins with: the outcome of all migrations."""

    async def made(path: Path) -> None:
        async with TortoiseContext() as context:
            await context.init(config={"connections": {"default": connection_config(path)}, "apps": APPS})
            await migrate()

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "new.db"
        asyncio.run(made(path))
        with contextlib.closing(sqlite3.connect(path)) as database:
            return written(database)


#: The generated pages by file name.
PAGES = {
    "../core/store/schema.sql": schema,
    "cli.md": command_line,
    "commands.md": commands,
    "configuration.md": configuration,
    "doors.md": doors,
    "errors.md": errors,
    "keys.md": keys,
    "states.md": states,
}


if __name__ == "__main__":
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page())
