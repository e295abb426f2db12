"""The page of chats: what is watched, what waits, and the dialogs that change it."""

from __future__ import annotations

import time

import pytest

from core.domain.chat import ChatMode, ChatRules, Feedback
from core.domain.delivery import DeliveryState
from core.domain.errors import AuthRequired, InvalidRequest
from core.domain.job import JobStatus, Kind, iso
from tests.tui.conftest import calls
from tests.tui.test_dashboard_screen_safety import controls
from tests.unit.test_tui_present import HOSTILE

D, M = DeliveryState, ChatMode
CHAT = -1001234567890


@pytest.fixture(autouse=True)
def account(engine):
    """Telegram is there."""
    engine.telegram = {"state": "online", "account": "Ann", "wait_until": None}
    engine.dialogs = [
        ChatRules(chat_id=CHAT, title="Concerts & talks"),
        ChatRules(chat_id=CHAT, topic_id=5, title="Piano"),
        ChatRules(chat_id=-2, title="دروس"),
        ChatRules(chat_id=42, title="Bob"),
    ]


async def test_without_telegram_the_page_says_how_to_switch_it_on(dashboard, engine):
    engine.telegram = {"state": "off"}
    async with dashboard() as shown:
        await shown.press("4")
        await shown.shows("Telegram is off", "enabled = true", "reeldeck telegram login")
        assert "!" not in shown.lines[0]


async def test_a_lost_login_is_called_out_on_every_page_until_it_is_back(dashboard, engine, monkeypatch):
    monkeypatch.setattr("tui.sync.STATUS_AT_MOST_EVERY_S", 0.01)
    engine.telegram = {"state": "login_needed"}
    async with dashboard() as shown:
        await shown.shows("4 Chats !1")
        await shown.press("4")
        await shown.shows("Telegram wants a login", "telegram login needed  → Log in again")
        engine.telegram = {"state": "online", "account": "Ann"}
        shown.app.deck.sync.look()
        await shown.shows("telegram online as Ann", "a  choose a chat")
        assert "!1" not in shown.text


async def test_a_wait_of_the_account_counts_down(dashboard, engine):
    engine.telegram = {"state": "waiting", "wait_until": iso(time.time() + 100.9)}
    async with dashboard((140, 40)) as shown:
        await shown.shows("telegram waiting 1:")
        before = shown.lines[0]
        await shown.until(lambda: shown.lines[0] != before)
        assert "telegram waiting 1:" in shown.lines[0]


async def test_each_chat_tells_its_mode_rules_and_backlog(dashboard, engine):
    engine.watch(CHAT, "Concerts & talks", last_message_id=48213, quality="720p")
    engine.watch(CHAT, "Piano", topic_id=5, mode=M.COMMAND)
    engine.watch(42, "Bob", mode=M.OFF)
    engine.add_delivery(1, CHAT)
    async with dashboard() as shown:
        await shown.press("4")
        await shown.shows("● auto    Concerts & talks", "720p", "#48213", "● command   Piano", "○ off")
        await shown.shows("Chats  3  ·  2 watched  ·  1 to be sent", "Its links are left alone")
        await shown.press("j")
        await shown.shows("Every link that is posted here")


async def test_a_chat_is_found_by_a_few_letters_and_watched_by_its_rules(dashboard, engine):
    async with dashboard() as shown:
        await shown.press("4", "a")
        await shown.shows("Watch a chat   4 of 4", "Concerts & talks → Piano")
        await shown.press(*"piano")
        await shown.shows("1 of 4")
        await shown.press("enter")
        await shown.shows("Concerts & talks", "off [auto] command")
        await shown.press("down", "right", "right", "down", "right", "enter")
        await shown.shows("Watched: auto", "audio · audio_320")
        stored = engine.rules[CHAT, 5]
        assert (stored.mode, stored.kind, stored.quality) == (M.AUTO, Kind.AUDIO, "audio_320")
        assert (stored.sources, stored.reply, stored.archive) == (None, True, True)


async def test_every_rule_can_be_changed_and_the_rest_stays_as_it_was(dashboard, engine):
    engine.watch(CHAT, "Talks", last_message_id=9, quality="1440p60")
    async with dashboard() as shown:
        await shown.press("4")
        await shown.shows("Talks")
        await shown.press("e")
        await shown.shows("[1440p60]")
        await shown.press("right", *["down", "down", "down", "right"], *["down", "right"], *["down", "right"])
        await shown.press("down", *"youtube, direct", "enter")
        await shown.shows("Watched: command")
        assert engine.rules[CHAT, 0] == ChatRules(
            chat_id=CHAT, title="Talks", mode=M.COMMAND, quality="1440p60", reply=False, archive=False,
            feedback=Feedback.STATUS, sources=("youtube", "direct"), last_message_id=9,
        )  # fmt: skip


async def test_a_source_that_does_not_exist_is_named_before_anything_is_sent(dashboard, engine):
    engine.watch(CHAT, "Talks")
    async with dashboard() as shown:
        await shown.press("4")
        await shown.shows("Talks")
        await shown.press("e", "up", *"yuotube", "enter")
        await shown.shows("there is no source yuotube; there are: direct, youtube")
        assert calls(engine, "set_chat") == []


async def test_what_the_engine_refuses_stands_in_the_dialog(dashboard, engine):
    engine.watch(CHAT, "Talks")
    engine.fail_next("set_chat", InvalidRequest("no such topic", hint="Choose another."))
    async with dashboard() as shown:
        await shown.press("4")
        await shown.shows("Talks")
        await shown.press("e", "enter")
        await shown.shows("no such topic", "→ Choose another.")
        await shown.press("escape")
        assert "Choose another" not in shown.text


async def test_chats_that_cannot_be_had_say_why(dashboard, engine):
    engine.dialogs = AuthRequired("Telegram", hint="Log in: reeldeck telegram login")
    async with dashboard() as shown:
        await shown.press("4", "a")
        await shown.shows(AuthRequired.summary, "→ Log in: reeldeck telegram login")
        await shown.press("enter", "escape")
        await shown.shows("No chats are watched yet")


async def test_watching_is_switched_off_and_on_by_one_key(dashboard, engine):
    engine.watch(CHAT, "Talks", quality="720p")
    async with dashboard() as shown:
        await shown.press("4")
        await shown.shows("● auto")
        await shown.press("w")
        await shown.shows("○ off", "Links in it are left alone")
        await shown.press("w")
        await shown.shows("● auto", "Watched: auto")
        assert engine.rules[CHAT, 0].quality == "720p"


async def test_forgetting_is_asked_and_takes_the_topics_along(dashboard, engine):
    engine.watch(CHAT, "Talks")
    engine.watch(CHAT, "Piano", topic_id=5)
    engine.watch(42, "Bob")
    async with dashboard() as shown:
        await shown.press("4")
        await shown.shows("Bob")
        await shown.press("j", "D")
        await shown.shows("and those of", "its topic")
        await shown.press("y")
        await shown.shows("Forgot Talks")
        await shown.until(lambda: "Piano" not in shown.text)
        assert list(engine.rules) == [(42, 0)]


async def test_enter_shows_the_jobs_of_the_chat(dashboard, engine):
    engine.watch(CHAT, "Talks")
    engine.add(title="Asked for", chat_id=CHAT)
    engine.add(title="Another")
    async with dashboard() as shown:
        await shown.press("4")
        await shown.shows("Talks")
        await shown.press("enter")
        await shown.shows("Asked for", f"chat:{CHAT}")
        assert "Another" not in shown.text


@pytest.mark.parametrize("size", [(80, 24), (100, 30), (140, 40)])
async def test_hostile_names_put_no_control_character_on_any_chat_screen(dashboard, engine, size):
    for number, text in enumerate(HOSTILE, 1):
        job = engine.add(title=text, status=JobStatus.COMPLETED)
        engine.watch(-number, text, sources=(text,), quality=text)
        engine.add_delivery(job.id, -number, state=D.FAILED, error_type=text, error_message=text)
    engine.dialogs = list(engine.rules.values())
    async with dashboard(size) as shown:
        await shown.press("4")
        await shown.shows("not sent")
        for keys, text in (("j", "CHAT"), ("d", "Files of"), ("escape", "CHAT"), ("e", "sources"),
                           ("escape", "CHAT"), ("a", "Watch a chat"), ("escape", "CHAT")):  # fmt: skip
            await shown.press(keys)
            await shown.shows(text)
            assert controls(shown.text) == []
