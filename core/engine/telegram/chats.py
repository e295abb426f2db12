"""The rules desk: which chats are watched, and the messenger that knows their names."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from weakref import WeakMethod

from core.config.settings import Settings
from core.domain.chat import ChatRules
from core.domain.errors import JobError, NoSuchEntry, NoTelegram
from core.domain.messenger import Chats, Collect, Collected, Messenger
from core.sources.registry import Registry
from core.store.store import Store

log = logging.getLogger("reeldeck.engine")


class ChatDesk:
    """Keeps the rules of chats, tells who needs to know, and asks the messenger what only it knows.

    Args:
        store: Where rules are kept.
        registry: Whose names rules may hold.
        settings: Whether there is to be a messenger.
    """

    def __init__(self, store: Store, registry: Registry, settings: Settings) -> None:
        self._store = store
        self._registry = registry
        self._settings = settings
        self._listeners: list[WeakMethod[Callable[[], None]]] = []
        self._messenger: Messenger | None = None

    def attach(self, messenger: Messenger | None) -> None:
        """Somebody speaks for the account, or nobody does any more."""
        self._messenger = messenger

    def status(self) -> Mapping[str, Any]:
        """How the account's connection is."""
        if self._messenger is not None:
            return self._messenger.status()
        state = "not_connected" if self._settings.telegram.enabled else "off"
        return {"state": state, "account": None, "wait_until": None}

    def on_rules(self, changed: Callable[[], None]) -> None:
        """Call *changed*, a method, after every change of rules, for as long as its object lives."""
        self._listeners.append(WeakMethod(changed))

    def source_of(self, url: str) -> str:
        """The name of the source that is asked first for a link, as rules name it.

        Raises:
            InvalidRequest: Not a usable link.
            UnsupportedSource: Nobody takes it.
        """
        return self._registry.candidates(url)[0].name

    async def rules(self) -> list[ChatRules]:
        """All rules, chats before their topics."""
        return await self._store.chats.all()

    async def all(self) -> Chats:
        """The rules, and what waits to be sent."""
        return Chats(rules=await self.rules(), backlog=await self._store.deliveries.backlog())

    async def set(self, rules: ChatRules) -> ChatRules:
        """Watch a chat or topic by these rules.

        Raises:
            InvalidRequest: They name a source that there is not.
        """
        for name in rules.sources or ():
            self._registry.named(name)
        stored = await self._store.chats.put(rules)
        self._tell()
        return stored

    async def forget(self, chat_id: int, topic_id: int) -> None:
        """Forget a chat with its topics, or a topic.

        Raises:
            NoSuchEntry: It has no rules.
        """
        if not await self._store.chats.forget(chat_id, topic_id):
            raise NoSuchEntry(
                f"chat {chat_id} is not watched", hint="See the watched chats with: reeldeck telegram chats"
            )
        self._tell()

    async def known(self) -> Sequence[ChatRules]:
        """The account's chats and topics, watched or not.

        Raises:
            InvalidRequest: Nobody is logged in.
        """
        return [self._new(chat) for chat in await self._asked().dialogs()]

    async def find(self, name: str) -> ChatRules:
        """A chat by its marked id, @name or link, with its rules where it has some.

        An id that has rules is known, and any other is believed while the messenger cannot be asked.

        Raises:
            InvalidRequest: Nobody is logged in, or there is no such chat.
            JobError: The messenger cannot be asked now.
        """
        known = {(each.chat_id, each.topic_id): each for each in await self.rules()}
        chat_id = _marked_id(name)
        found = None if chat_id is None else known.get((chat_id, 0))
        if found is None:
            found = await self._ask_for(name, chat_id)
        return known.get((found.chat_id, found.topic_id), self._new(found))

    async def _ask_for(self, name: str, chat_id: int | None) -> ChatRules:
        if chat_id is None:
            return await self._asked().find_chat(name)
        if self._messenger is None:
            return ChatRules(chat_id=chat_id)
        try:
            return await self._messenger.find_chat(name)
        except JobError:
            return ChatRules(chat_id=chat_id)

    def collect(self, wanted: Collect) -> AsyncIterator[Collected]:
        """Fetch media of a chat.

        Raises:
            InvalidRequest: Nobody is logged in.
        """
        return self._asked().collect(wanted)

    def _new(self, chat: ChatRules) -> ChatRules:
        """Rules that a chat begins with."""
        return replace(chat, archive=self._settings.archive.default_on)

    def _asked(self) -> Messenger:
        if self._messenger is None:
            raise NoTelegram("no Telegram account is connected")
        return self._messenger

    def _tell(self) -> None:
        # A messenger that logs in anew listens anew; the one before must be free to go.
        listening = [(each, changed) for each in self._listeners if (changed := each()) is not None]
        self._listeners = [each for each, _ in listening]
        for _, changed in listening:
            changed()


def _marked_id(name: str) -> int | None:
    return int(name) if name.removeprefix("-").isdecimal() and name.isascii() else None
