"""The page of chats on a real engine, through its socket: rules that are kept, files on their way."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from core.domain.chat import ChatMode, ChatRules
from core.domain.delivery import DeliveryState
from core.domain.errors import FloodWait, Forbidden
from core.domain.job import Kind, ReplyTo, Request
from core.engine.engine import Engine
from tests.fakes.media import audio_mp3, made_once

CHAT = -1001234567890


class Account:
    """Who speaks for the account, as far as the dashboard asks; it sends nothing by itself."""

    def __init__(self) -> None:
        self.state: dict[str, Any] = {"state": "online", "account": "Ann", "wait_until": None}

    def status(self) -> Mapping[str, Any]:
        return self.state

    async def dialogs(self) -> Sequence[ChatRules]:
        return [
            ChatRules(chat_id=CHAT, title="Talks"),
            ChatRules(chat_id=CHAT, topic_id=5, title="Talks / Piano"),
            ChatRules(chat_id=42, title="Bob"),
        ]

    async def find_chat(self, name: str) -> ChatRules:
        raise AssertionError(name)

    def collect(self, wanted: Any) -> Any:
        raise AssertionError(wanted)


async def due(engine: Engine) -> int:
    """The delivery that can be sent, once there is one."""
    while not (found := await engine.due_deliveries()):
        await engine.wait_for_due()
    return found[0].id


async def test_a_chat_is_chosen_and_its_rules_are_kept_changed_and_forgotten(on_engine):
    async with on_engine() as (engine, dashboard):
        await dashboard.press("4")
        await dashboard.shows("Telegram is off")
        await dashboard.press("a")
        await dashboard.shows("Watch a chat", "→ ")
        await dashboard.press("escape")
        engine.attach(Account())
        dashboard.app.deck.sync.look()
        await dashboard.shows("telegram online as Ann", "No chats are watched yet")
        await dashboard.press("a")
        await dashboard.shows("3 of 3", "Talks → Piano")
        await dashboard.press(*"piano", "enter")
        await dashboard.shows("off [auto] command")
        await dashboard.press("down", "right", "right", "enter")
        await dashboard.shows("Watched: auto", "● auto    Talks → Piano", "audio")
        (rules,) = (await engine.chats()).rules
        assert (rules.chat_id, rules.topic_id, rules.mode) == (CHAT, 5, ChatMode.AUTO)
        assert rules.kind is Kind.AUDIO
        await dashboard.press("w")
        await dashboard.shows("○ off")
        await dashboard.press("D", "y")
        await dashboard.shows("No chats are watched yet")
        assert (await engine.chats()).rules == []


async def test_a_file_is_followed_from_its_link_to_its_chat(on_engine, origin):
    origin.put("/tone.mp3", made_once(audio_mp3, "tone.mp3").read_bytes())
    async with on_engine() as (engine, dashboard):
        engine.attach(Account())
        await engine.set_chat(ChatRules(chat_id=CHAT, title="Talks", mode=ChatMode.AUTO))
        request = Request(url=origin.url("/tone.mp3"), chat_id=CHAT, reply=ReplyTo(CHAT, 7))
        await engine.take_links([request])
        delivery = await due(engine)
        await dashboard.press("4")
        await dashboard.shows("telegram online as Ann", "● auto    Talks", "· ready", "1 to be sent")
        await engine.begin_delivery(delivery)
        await engine.note_upload(delivery, upload_id=1, parts_done=1, parts_total=4)
        await dashboard.shows("▸ sending", "25%")
        await engine.note_upload(delivery, upload_id=1, parts_done=3, parts_total=4)
        await dashboard.shows("75%")
        await engine.fail_delivery(delivery, FloodWait("300 s"), retry_at=time.time() + 300)
        await dashboard.shows("○ held", "in 4:5")
        await dashboard.press("d", "enter")
        await dashboard.shows("SENT TO", "○ held    Talks", "Telegram asks")


async def test_what_the_chat_refuses_is_sent_again_from_the_dashboard(on_engine, origin):
    origin.put("/tone.mp3", made_once(audio_mp3, "tone.mp3").read_bytes())
    async with on_engine((100, 30)) as (engine, dashboard):
        engine.attach(Account())
        await engine.set_chat(ChatRules(chat_id=CHAT, title="Talks", mode=ChatMode.AUTO))
        request = Request(url=origin.url("/tone.mp3"), chat_id=CHAT, reply=ReplyTo(CHAT, 7))
        await engine.take_links([request])
        delivery = await due(engine)
        await engine.begin_delivery(delivery)
        await engine.fail_delivery(delivery, Forbidden("writing is not allowed in Talks"), retry_at=None)
        await dashboard.press("4")
        await dashboard.shows("! failed", "1 file was not sent. r sends again.")
        await dashboard.press("r")
        await dashboard.shows("Sends 1 file again", "· ready")
        assert await due(engine) == delivery
        await engine.begin_delivery(delivery)
        await engine.end_delivery(delivery, message_id=11, document_id=12)
        await dashboard.shows("✓ sent")
        assert (await engine.deliveries(job_id=1)).items[0].state is DeliveryState.SENT
