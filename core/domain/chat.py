"""A Telegram chat that is watched: its rules, and how far it was read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Self

from core.domain.job import Kind


class ChatMode(StrEnum):
    """What is done with links in a chat."""

    OFF = "off"
    """Nothing."""
    AUTO = "auto"
    """Each becomes a job."""
    COMMAND = "command"
    """Only those that somebody commands to be fetched."""


class Feedback(StrEnum):
    """How a chat is told what becomes of a link."""

    REACTION = "reaction"
    STATUS = "status"
    """One message for each message with links, edited as things go on."""
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRules:
    """One row of `chats`. A topic without a row of its own follows its chat's."""

    #: Marked, as Telegram's clients show it: people positive, groups -id, channels -100id.
    chat_id: int
    #: A forum topic; 0 is the whole chat.
    topic_id: int = 0
    title: str | None = None
    mode: ChatMode = ChatMode.OFF
    #: Names of the sources that may be used; None is all.
    sources: tuple[str, ...] | None = None
    kind: Kind | None = None
    quality: str | None = None
    #: Keep files after they were delivered.
    archive: bool = True
    #: Send files back.
    reply: bool = True
    feedback: Feedback = Feedback.REACTION
    #: The newest message that was read; only rows of whole chats have it.
    last_message_id: int | None = None

    def to_json(self) -> dict[str, Any]:
        """The shape of `GET /chats`."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The reverse of `to_json`; what a newer engine adds is left out.

        Raises:
            KeyError, TypeError, ValueError: It is of another shape.
        """
        known = {name: data[name] for name in cls.__dataclass_fields__ if name in data}
        known["mode"] = ChatMode(data["mode"])
        known["kind"] = Kind(data["kind"]) if data.get("kind") else None
        known["sources"] = tuple(data["sources"]) if data.get("sources") is not None else None
        known["feedback"] = Feedback(data.get("feedback", Feedback.REACTION))
        return cls(**known)
