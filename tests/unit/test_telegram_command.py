"""`reeldeck telegram chats`, `watch` and `unwatch` against an engine in memory."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from core.domain.chat import ChatMode, ChatRules, Feedback
from core.domain.errors import InvalidRequest
from core.domain.job import Kind
from tests.unit import conftest as commands

CHAT = -1001


@pytest.fixture
def engine(engine):
    """Its account knows two chats."""
    engine.dialogs = [ChatRules(chat_id=CHAT, title="Lectures\x1b[31m"), ChatRules(chat_id=5, title="Amal")]
    return engine


def run(*arguments):
    return commands.run("telegram", *arguments)


def test_a_new_chat_is_watched_with_every_link_taken(engine):
    code, out, _ = run("watch", "Amal")
    assert (code, out) == (0, "Amal: auto\n")
    assert engine.rules[5, 0] == ChatRules(chat_id=5, title="Amal", mode=ChatMode.AUTO)


def test_every_rule_can_be_said(engine):
    options = ("--mode", "command", "--kind", "audio", "--quality", "audio_192", "--sources", "youtube, x",
               "--no-reply", "--no-archive", "--feedback", "status", "--json")  # fmt: skip
    code, out, _ = run("watch", str(CHAT), *options)
    assert (code, json.loads(out)["mode"]) == (0, "command")
    rules = engine.rules[CHAT, 0]
    assert (rules.kind, rules.quality, rules.sources) == (Kind.AUDIO, "audio_192", ("youtube", "x"))
    assert (rules.reply, rules.archive, rules.feedback) == (False, False, Feedback.STATUS)


def test_what_is_not_said_stays_as_it_was(engine):
    before = engine.watch(
        CHAT, "Lectures", mode=ChatMode.COMMAND, sources=("x",), quality="720p", reply=False
    )
    assert run("watch", str(CHAT), "--sources", "all", "--quality", "any")[0] == 0
    rules = engine.rules[CHAT, 0]
    assert (rules.mode, rules.reply) == (before.mode, False)
    assert (rules.sources, rules.quality) == (None, None)


def test_a_topic_begins_with_its_chats_rules(engine):
    engine.watch(CHAT, "Lectures", kind=Kind.AUDIO, last_message_id=9)
    run("watch", str(CHAT), "--topic", "3", "--no-reply")
    topic = engine.rules[CHAT, 3]
    assert (topic.kind, topic.reply, topic.title, topic.last_message_id) == (Kind.AUDIO, False, None, None)
    run("watch", str(CHAT), "--topic", "3", "--mode", "command")
    assert (engine.rules[CHAT, 3].mode, engine.rules[CHAT, 3].reply) == (ChatMode.COMMAND, False)
    assert engine.rules[CHAT, 0].mode is ChatMode.AUTO


def test_a_chat_or_a_topic_is_watched_no_more(engine):
    engine.watch(CHAT, "Lectures")
    engine.watch(CHAT, topic_id=3)
    code, out, _ = run("unwatch", str(CHAT), "--topic", "3")
    assert (code, out) == (0, "-1001, topic 3 is not watched any more.\n")
    assert list(engine.rules) == [(CHAT, 0)]
    run("unwatch", str(CHAT))
    assert engine.rules == {}


def test_the_list_shows_rules_and_what_waits_without_escapes_of_strangers(engine):
    code, out, err = run("chats")
    assert (code, out) == (0, "")
    assert "reeldeck telegram watch" in err
    engine.watch(CHAT, "Lectures\x1b[31m", reply=False, last_message_id=9)
    engine.watch(CHAT, topic_id=3)
    engine.add_delivery(engine.add().id, CHAT)
    _, out, _ = run("chats")
    assert "\x1b" not in out
    header, chat, topic = out.splitlines()
    assert header.split()[:2] == ["ID", "TOPIC"]
    assert (chat.split()[-2:], "no reply" in chat) == (["9", "1"], True)
    assert topic.split()[-1] == "-"
    first, second = map(json.loads, run("chats", "--json")[1].splitlines())
    assert (first["backlog"], second["backlog"], second["topic_id"]) == (1, 0, 3)
    assert len(run("chats", "--known")[1].splitlines()) == 3


def test_without_an_account_the_command_says_what_to_do(engine):
    engine.dialogs = InvalidRequest("no account", hint="Log in.")
    code, _, err = run("watch", "@Nobody")
    assert code == InvalidRequest.exit_code
    assert "Log in." in err
    assert run("chats", "--known")[0] == InvalidRequest.exit_code


def test_wrong_words_are_refused_before_the_engine_is_asked(engine):
    for wrong in (("--mode", "off"), ("--feedback", "loud"), ("--topic", "0"), ("--kind", "film")):
        assert run("watch", str(CHAT), *wrong)[0] == 2
    assert engine.calls == []


def test_help_names_every_command_and_loads_no_telegram_library():
    code = (
        "import sys; from tui.cli import reeldeck\n"
        "reeldeck.main(['telegram', '--help'], standalone_mode=False)\n"
        "assert not {'telethon', 'textual'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    for name in ("login", "logout", "status", "chats", "watch", "unwatch"):
        assert f"  {name} " in done.stdout
