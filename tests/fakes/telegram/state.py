"""What the service knows: accounts, chats, posts, boxes of events, keys. All of it survives as one JSON text.

A *post* is one message as the service sees it; each account of a private chat or basic group has its own
number for it, a channel has one number for all (core.telegram.org/api/updates: "message boxes").
"""

from __future__ import annotations

import base64
import dataclasses
import json
import typing
from dataclasses import dataclass, field
from typing import Any, Literal, Self

from telethon.extensions import BinaryReader
from telethon.tl import TLObject

ChatKind = Literal["group", "supergroup", "channel"]
EventKind = Literal["new", "edit", "delete"]


@dataclass
class Account:
    """A person or a bot."""

    id: int
    name: str
    phone: str = ""
    username: str = ""
    password: str = ""
    token: str = ""
    premium: bool = False


@dataclass
class Chat:
    """A basic group, supergroup or broadcast channel."""

    id: int
    kind: ChatKind
    title: str
    creator: int
    date: int
    members: list[int] = field(default_factory=list)
    username: str = ""
    forum: bool = False
    noforwards: bool = False
    #: A group in which members may not write.
    read_only: bool = False
    #: The supergroup that a group has become.
    migrated_to: int = 0
    #: The group in which a channel's posts are commented on.
    linked: int = 0
    #: Topic number to title; the number is that of the post that opened it.
    topics: dict[int, str] = field(default_factory=dict)

    @property
    def is_channel(self) -> bool:
        """Whether it has message numbers and a box of its own."""
        return self.kind != "group"


@dataclass
class Post:
    """A message. *numbers* is by account; under 0 when the chat is a channel."""

    uid: int
    chat: str
    sender: int
    date: int
    text: str = ""
    numbers: dict[int, int] = field(default_factory=dict)
    entities: list[Any] = field(default_factory=list)
    media: Any = None
    markup: Any = None
    action: Any = None
    forwarded: Any = None
    reply_to: int = 0
    topic: int = 0
    album: int = 0
    #: No phone rings for it.
    silent: bool = False
    #: By an admin who hides behind the group.
    anonymous: bool = False
    edited: int = 0
    #: What changed last is not shown as an edit: a preview, not the text.
    edit_hidden: bool = False
    deleted: bool = False
    #: Emoji to the accounts that chose it.
    reactions: dict[str, list[int]] = field(default_factory=dict)


@dataclass
class Event:
    """One step of a box: *pts* after it, how many it counts, and the posts (or numbers) it is about."""

    pts: int
    count: int
    kind: EventKind
    date: int
    uids: list[int]


@dataclass
class Box:
    """The sequence of an account (private chats and groups) or of one channel."""

    pts: int = 1
    last_number: int = 0
    posts: dict[int, int] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)

    def happened(self, kind: EventKind, date: int, uids: list[int]) -> Event:
        """Append an event."""
        self.pts += len(uids)
        event = Event(self.pts, len(uids), kind, date, uids)
        self.events.append(event)
        return event


@dataclass
class Stored:
    """A finished upload; its bytes lie in the folder of files under its id."""

    id: int
    size_bytes: int
    mime_type: str
    date: int
    dc: int
    is_photo: bool = False
    width: int = 0
    height: int = 0
    thumb: int = 0
    attributes: list[Any] = field(default_factory=list)


@dataclass
class State:
    """Everything."""

    salt: int
    secret: int
    next_id: int = 1000
    reference_epoch: int = 1
    auth_keys: dict[int, bytes] = field(default_factory=dict)
    logins: dict[int, int] = field(default_factory=dict)
    #: Keys whose account has said the code but not yet the password.
    half_logins: dict[int, int] = field(default_factory=dict)
    accounts: dict[int, Account] = field(default_factory=dict)
    chats: dict[int, Chat] = field(default_factory=dict)
    posts: dict[int, Post] = field(default_factory=dict)
    boxes: dict[str, Box] = field(default_factory=dict)
    files: dict[int, Stored] = field(default_factory=dict)
    #: "account:file id" to the sizes of the parts that have come.
    uploads: dict[str, dict[int, int]] = field(default_factory=dict)
    #: "account:random_id" to the post that it made.
    sent: dict[str, int] = field(default_factory=dict)

    def fresh_id(self) -> int:
        """A number that nothing has yet."""
        self.next_id += 1
        return self.next_id

    def to_json(self) -> str:
        """The whole state as text."""
        return json.dumps(_plain(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """What to_json wrote."""
        return _built(cls, json.loads(text))


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, TLObject):
        return {"tl": base64.b64encode(bytes(value)).decode()}
    return value


def _built(kind: Any, value: Any) -> Any:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        return kind(**{name: _built(hints[name], item) for name, item in value.items()})
    if origin is dict:
        return {arguments[0](key): _built(arguments[1], item) for key, item in value.items()}
    if origin is list:
        return [_built(arguments[0], item) for item in value]
    if kind is bytes:
        return base64.b64decode(value)
    if isinstance(value, dict) and "tl" in value:
        return BinaryReader(base64.b64decode(value["tl"])).tgread_object()
    return value
