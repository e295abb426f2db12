"""Chats and deliveries from outside the engine's process."""

from __future__ import annotations

from collections.abc import Sequence

from core.client import wire
from core.client.asking import Asks
from core.domain.chat import ChatRules
from core.domain.delivery import Delivery, DeliveryState
from core.domain.messenger import Chats
from core.domain.snapshot import Page

#: Telegram tells the chats of an account some at a time.
DIALOGS_S = 120.0


class ChatsClient:
    """The part of `HttpEngineClient` that is about chats."""

    async def chats(self: Asks) -> Chats:
        """The rules of all chats that have some, and what waits to be sent."""
        return wire.chats(await self._ask("GET", "/chats"))

    async def known_chats(self: Asks) -> Sequence[ChatRules]:
        """The messenger's chats and topics, watched or not."""
        data = await self._ask("GET", "/chats/known", timeout_s=DIALOGS_S)
        return [wire.chat(each) for each in data["items"]]

    async def find_chat(self: Asks, name: str) -> ChatRules:
        """A chat by its marked id, @name or link."""
        return wire.chat(await self._ask("GET", "/chats/find", parameters={"name": name}))

    async def set_chat(self: Asks, rules: ChatRules) -> ChatRules:
        """Watch a chat or topic by these rules, instead of those it had; how far it was read stays."""
        return wire.chat(await self._ask("PUT", f"/chats/{rules.chat_id}", body=wire.chat_body(rules)))

    async def forget_chat(self: Asks, chat_id: int, topic_id: int = 0) -> None:
        """Forget the rules of a chat, with those of its topics, or of a topic. Files stay."""
        await self._ask("DELETE", f"/chats/{chat_id}", parameters={"topic_id": topic_id})

    async def deliveries(
        self: Asks,
        *,
        state: DeliveryState | None = None,
        job_id: int | None = None,
        chat_id: int | None = None,
        limit: int = 100,
        after: str | None = None,
    ) -> Page[Delivery]:
        """A page of deliveries, newest first."""
        parameters = {"state": state, "job": job_id, "chat": chat_id, "limit": limit, "after": after}
        data = await self._ask("GET", "/deliveries", parameters=parameters)
        return Page([wire.delivery(each) for each in data["items"]], data["next"])

    async def retry_delivery(self: Asks, delivery_id: int) -> Delivery:
        """Send again what could not be sent."""
        return wire.delivery(await self._ask("POST", f"/deliveries/{delivery_id}/retry"))

    async def set_maintenance(self: Asks, *, is_on: bool) -> None:
        """Take nothing new, or take it again."""
        await self._ask("POST", "/maintenance", body={"on": is_on})
