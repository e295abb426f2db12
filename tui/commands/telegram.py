"""`telegram`: the account, and the chats that it watches."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import click

from core.domain.chat import ChatMode, ChatRules, Feedback
from core.domain.interface import EngineInterface
from core.domain.job import Kind
from core.domain.messenger import Chats
from tui.chats import rules_in_short
from tui.console.connect import engine, run_async
from tui.console.output import json_line, line, table

_HEADER = ("ID", "TOPIC", "TITLE", "MODE", "RULES", "READ TO", "WAITING")
#: What is about the account itself, and needs Telegram's library: imported when it is used.
_ACCOUNT: Mapping[str, str] = {
    "login": "Log the account in.",
    "logout": "End the login at Telegram and delete it here.",
    "status": "Show how the account stands with Telegram.",
}


class _Group(click.Group):
    """The commands of this module, and those of `tui.commands.telegram_login`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The account's first."""
        return [*_ACCOUNT, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command of the account."""
        if cmd_name not in _ACCOUNT:
            return super().get_command(ctx, cmd_name)
        command = getattr(importlib.import_module("tui.commands.telegram_login"), cmd_name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        own = [(name, super(_Group, self).get_command(ctx, name)) for name in super().list_commands(ctx)]
        told = [(name, command.get_short_help_str(100)) for name, command in own if command is not None]
        with formatter.section("Commands"):
            formatter.write_dl([*_ACCOUNT.items(), *told])


@click.group(cls=_Group)
def telegram() -> None:
    """Log a Telegram account in, and choose the chats that it watches."""


@telegram.command()
@click.option("--known", is_flag=True, help="All chats of the account, watched or not.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def chats(*, known: bool, as_json: bool) -> None:
    """List the chats that have rules, and how many files wait to be sent to each."""
    run_async(_chats(known=known, as_json=as_json))


async def _chats(*, known: bool, as_json: bool) -> None:
    async with engine() as running:
        found = await running.chats()
        shown = await running.known_chats() if known else found.rules
    if as_json:
        for rules in shown:
            json_line(rules.to_json() | {"backlog": _backlog(found, rules)})
    elif shown:
        table(_HEADER, [_row(rules, _backlog(found, rules)) for rules in shown], flexible=2)
    else:
        click.echo("No chat is watched. Watch one: reeldeck telegram watch CHAT", err=True)


def _backlog(found: Chats, rules: ChatRules) -> int:
    """What waits in a chat; a topic has no number of its own."""
    return 0 if rules.topic_id else found.backlog.get(rules.chat_id, 0)


def _row(rules: ChatRules, backlog: int) -> tuple[str, ...]:
    return (
        str(rules.chat_id),
        str(rules.topic_id or "-"),
        rules.title or "-",
        rules.mode.value,
        rules_in_short(rules) or "-",
        str(rules.last_message_id or "-"),
        str(backlog or "-"),
    )


#: Ids of groups and channels begin with a minus, as options do.
_IDS = {"ignore_unknown_options": True}
_chat = click.argument("chat", metavar="CHAT")
_topic = click.option(
    "--topic", "topic_id", metavar="ID", type=click.IntRange(min=1), help="Only this forum topic."
)
#: Words that set a rule back to what it is by default.
_ALL, _ANY = "all", "any"


@telegram.command(context_settings=_IDS)
@_chat
@_topic
@click.option("--mode", type=click.Choice([ChatMode.AUTO.value, ChatMode.COMMAND.value]),
              help="Take every link, or those that an admin commands to be taken.")  # fmt: skip
@click.option("--kind", type=click.Choice([kind.value for kind in Kind]), help="Take video, or audio only.")
@click.option("--quality", metavar="Q", help="As for get; 'any' sets none.")
@click.option("--sources", metavar="A,B", help="Take links of these sources only; 'all' takes every one.")
@click.option("--reply/--no-reply", default=None, help="Send files back.")
@click.option("--archive/--no-archive", default=None, help="Keep files after they were delivered.")
@click.option("--feedback", type=click.Choice([each.value for each in Feedback]),
              help="How a message is told what becomes of its links.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def watch(chat: str, topic_id: int | None, *, as_json: bool, **asked: Any) -> None:
    """Watch a chat: its id, @name or link. What is not said stays as it was."""
    given = {name: value for name, value in asked.items() if value is not None}
    run_async(_watch(chat, topic_id, given, as_json=as_json))


async def _watch(chat: str, topic_id: int | None, given: Mapping[str, Any], *, as_json: bool) -> None:
    async with engine() as running:
        known = await _find(running, chat, topic_id)
        rules = await running.set_chat(replace(known, **_changes(known, given)))
    if as_json:
        json_line(rules.to_json())
    else:
        said = f" ({rules_in_short(rules)})" if rules_in_short(rules) else ""
        line(f"{_name(rules)}: {rules.mode.value}{said}")


def _changes(known: ChatRules, given: Mapping[str, Any]) -> dict[str, Any]:
    """The rules that change, as the domain has them."""
    changes = dict(given)
    mode = given.get("mode")
    if mode is not None or known.mode is ChatMode.OFF:
        changes["mode"] = ChatMode(mode or ChatMode.AUTO)
    if "kind" in given:
        changes["kind"] = Kind(given["kind"])
    if "feedback" in given:
        changes["feedback"] = Feedback(given["feedback"])
    if given.get("quality") == _ANY:
        changes["quality"] = None
    if "sources" in given:
        names = tuple(name.strip() for name in given["sources"].split(",") if name.strip())
        changes["sources"] = None if names in {(), (_ALL,)} else names
    return changes


@telegram.command(context_settings=_IDS)
@_chat
@_topic
def unwatch(chat: str, topic_id: int | None) -> None:
    """Watch a chat no more; what it asked for before is still sent."""
    run_async(_unwatch(chat, topic_id))


async def _unwatch(chat: str, topic_id: int | None) -> None:
    async with engine() as running:
        rules = await _find(running, chat, topic_id)
        await running.forget_chat(rules.chat_id, rules.topic_id)
    line(f"{_name(rules)} is not watched any more.")


async def _find(running: EngineInterface, chat: str, topic_id: int | None) -> ChatRules:
    """The chat's rules, or the topic's; those of a new topic begin as the chat's."""
    found = await running.find_chat(chat)
    if topic_id is None or topic_id == found.topic_id:
        return found
    for rules in (await running.chats()).rules:
        if (rules.chat_id, rules.topic_id) == (found.chat_id, topic_id):
            return rules
    return replace(found, topic_id=topic_id, title=None, last_message_id=None)


def _name(rules: ChatRules) -> str:
    topic = f", topic {rules.topic_id}" if rules.topic_id else ""
    return f"{rules.title or rules.chat_id}{topic}"
