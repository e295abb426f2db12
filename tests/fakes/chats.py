"""The part of the engine in memory that knows chats and deliveries. A test sends files with `send`."""

from __future__ import annotations

import dataclasses
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from typing import Any

from core.domain.chat import ChatMode, ChatRules
from core.domain.delivery import Delivery, DeliveryState
from core.domain.errors import IllegalTransition, InvalidRequest, ReeldeckError
from core.domain.messenger import Chats, Collect, Collected
from core.domain.snapshot import Page

_UNSENT = {DeliveryState.READY, DeliveryState.SENDING, DeliveryState.WAITING}


class FakeChats:
    """Rules of chats, the account's dialogs, deliveries."""

    def __init__(self) -> None:
        super().__init__()
        #: What `status` says of the messenger.
        self.telegram: dict[str, Any] = {"state": "off", "account": None, "wait_until": None}
        #: The account's chats; an error is raised instead.
        self.dialogs: list[ChatRules] | ReeldeckError = InvalidRequest(
            "Telegram is off", hint="Set telegram.enabled."
        )
        #: What a collection says, in order; an error is raised at its place.
        self.collected: list[Collected | ReeldeckError] = [Collected(), Collected(is_done=True)]
        self.is_in_maintenance = False
        self.rules: dict[tuple[int, int], ChatRules] = {}
        self.sent: dict[int, Delivery] = {}

    # What a test does to it

    def watch(self, chat_id: int, title: str | None = None, **facts: Any) -> ChatRules:
        """Put rules of a chat there."""
        rules = ChatRules(chat_id=chat_id, title=title, **({"mode": ChatMode.AUTO} | facts))
        self.rules[rules.chat_id, rules.topic_id] = rules
        return rules

    def add_delivery(self, job_id: int, chat_id: int = -100, **facts: Any) -> Delivery:
        """Put a delivery there, in any state."""
        now = time.time()
        delivery_id = len(self.sent) + 1
        values: dict[str, Any] = {
            "id": delivery_id, "job_id": job_id, "chat_id": chat_id, "topic_id": None, "reply_to": 7,
            "state": DeliveryState.READY, "random_id": delivery_id, "part_index": 0, "upload_id": None,
            "upload_parts_done": 0, "upload_parts_total": None, "message_id": None, "document_id": None,
            "attempt": 0, "not_before": None, "error_type": None, "error_message": None, "created": now,
            "updated": now,
        }  # fmt: skip
        self.sent[delivery_id] = Delivery(**values | facts)
        return self.sent[delivery_id]

    def send(self, delivery_id: int, **facts: Any) -> Delivery:
        """Change a delivery, without an event."""
        self.sent[delivery_id] = dataclasses.replace(self.sent[delivery_id], **facts)
        return self.sent[delivery_id]

    # EngineInterface

    async def chats(self) -> Chats:
        self._called("chats")
        backlog = Counter(each.chat_id for each in self.sent.values() if each.state in _UNSENT)
        return Chats(rules=[self.rules[key] for key in sorted(self.rules)], backlog=backlog)

    async def known_chats(self) -> Sequence[ChatRules]:
        self._called("known_chats")
        if isinstance(self.dialogs, ReeldeckError):
            raise self.dialogs
        return self.dialogs

    async def find_chat(self, name: str) -> ChatRules:
        self._called("find_chat", name)
        for each in (*self.rules.values(), *await self.known_chats()):
            if name in {str(each.chat_id), each.title}:
                return each
        raise InvalidRequest(f"there is no chat {name!r}")

    async def collect(self, wanted: Collect) -> AsyncIterator[Collected]:
        self._called("collect", wanted)
        for figures in self.collected:
            if isinstance(figures, ReeldeckError):
                raise figures
            yield figures

    async def set_maintenance(self, *, is_on: bool) -> None:
        self._called("set_maintenance", is_on)
        self.is_in_maintenance = is_on

    async def set_chat(self, rules: ChatRules) -> ChatRules:
        self._called("set_chat", rules)
        self.rules[rules.chat_id, rules.topic_id] = rules
        return rules

    async def forget_chat(self, chat_id: int, topic_id: int = 0) -> None:
        self._called("forget_chat", chat_id, topic_id)
        gone = [
            key for key in self.rules if key == (chat_id, topic_id) or (key[0] == chat_id and not topic_id)
        ]
        if not gone:
            raise InvalidRequest(f"chat {chat_id} has no rules")
        for key in gone:
            del self.rules[key]

    async def deliveries(
        self,
        *,
        state: DeliveryState | None = None,
        job_id: int | None = None,
        chat_id: int | None = None,
        limit: int = 100,
        after: str | None = None,
    ) -> Page[Delivery]:
        self._called("deliveries", state, job_id, chat_id, limit, after)
        found = [
            each
            for each in sorted(self.sent.values(), key=lambda each: -each.id)
            if state in {None, each.state}
            and job_id in {None, each.job_id}
            and chat_id in {None, each.chat_id}
            and (after is None or each.id < int(after))
        ]
        return Page(found[:limit], str(found[limit - 1].id) if len(found) > limit else None)

    async def retry_delivery(self, delivery_id: int) -> Delivery:
        self._called("retry_delivery", delivery_id)
        if self.sent[delivery_id].state is not DeliveryState.FAILED:
            raise IllegalTransition(f"delivery {delivery_id} did not fail")
        cleared = {"error_type": None, "error_message": None, "not_before": None}
        return self.send(delivery_id, state=DeliveryState.READY, **cleared)

    def _called(self, method: str, *arguments: Any) -> None:
        """The engine in memory writes down what it was asked."""
        raise NotImplementedError
