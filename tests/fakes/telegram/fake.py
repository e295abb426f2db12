"""A Telegram for tests, with real clients at the other end."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from telethon import TelegramClient
from telethon.crypto import rsa
from telethon.errors import SessionPasswordNeededError
from telethon.sessions import SQLiteSession
from telethon.tl import types

from tests.fakes.telegram.api_files import kept_media
from tests.fakes.telegram.faults import Fault, Kind, code_for
from tests.fakes.telegram.server import TelegramServer
from tests.fakes.telegram.state import Account, Chat, ChatKind, Post
from tests.fakes.telegram.view import chat_key, private_key

API_ID, API_HASH = 12345, "0123456789abcdef0123456789abcdef"
Where = Account | Chat


class FakeTelegram(TelegramServer):
    """A loopback Telegram.

    async with FakeTelegram() as tg:
        alice = tg.add_user("Alice", phone="9990001")
        client = tg.client(tmp_path / "alice.session")
        await tg.log_in(client, alice)

    With a *folder* the state is found there again by the next server on it.
    """

    def __init__(self, folder: Path | None = None, *, dcs: tuple[int, ...] = (2,)) -> None:
        self._cleanup = contextlib.ExitStack()
        if folder is None:
            folder = Path(self._cleanup.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(parents=True, exist_ok=True)
        super().__init__(folder, dcs)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()
        self._cleanup.close()

    # -- clients ----------------------------------------------------------------------------------------

    @property
    def public_key(self) -> str:
        """The RSA key that clients must know, as PKCS#1 text."""
        return self.key.public_pem

    @property
    def home(self) -> tuple[int, str, int]:
        """Data centre, address and port to connect to."""
        dc, port = next(iter(self.ports.items()))
        return dc, "127.0.0.1", port

    def client(self, session: Path, **options: Any) -> TelegramClient:
        """A client on a session file, as Telethon makes it; only address and key are ours."""
        rsa.add_key(self.public_key, old=False)
        stored = SQLiteSession(str(session))
        stored.set_dc(*self.home)
        TelegramClient._config = None  # Cached on the class, from a server that may be gone.
        options = {"retry_delay": 0, "connection_retries": 20, **options}
        return TelegramClient(stored, API_ID, API_HASH, **options)

    async def log_in(self, client: TelegramClient, account: Account) -> None:
        """Connect a client and log it in by code (and password) or token."""
        await client.connect()
        if account.token:
            await client.sign_in(bot_token=account.token)
            return
        await client.send_code_request(account.phone)
        with contextlib.suppress(SessionPasswordNeededError):
            await client.sign_in(account.phone, self.code_for(account))
            return
        await client.sign_in(password=account.password)

    def code_for(self, account: Account) -> str:
        """The login code that was last sent to an account."""
        return self.codes.last(account.phone)

    def revoke(self, account: Account) -> None:
        """Log an account out everywhere: the next call of each client is refused with 401."""
        logins = self.state.logins
        self.state.logins = {key: who for key, who in logins.items() if who != account.id}

    def forget_keys(self) -> None:
        """Lose all authorization keys: clients are told -404 by the transport."""
        self.state.auth_keys.clear()
        self.state.logins.clear()
        self.cut_connections()

    def change_salt(self) -> None:
        """From now on the old salt is refused."""
        self.state.salt = self.random_id()

    def expire_references(self) -> None:
        """Every file reference that was given out is too old now."""
        self.state.reference_epoch += 1

    # -- people and chats -------------------------------------------------------------------------------

    def add_user(
        self, name: str, *, phone: str = "", username: str = "", password: str = "", premium: bool = False
    ) -> Account:
        """A person; *password* is the one of two-factor login."""
        number = self.state.fresh_id()
        account = Account(number, name, phone or f"999{number:07}", username, password, premium=premium)
        self.state.accounts[number] = account
        return account

    def add_bot(self, name: str) -> Account:
        """A bot, with a token to log in by."""
        account = self.add_user(name, username=f"{name.lower()}_bot")
        account.token = f"{account.id}:{self.random_id():x}"
        account.phone = ""
        return account

    def add_group(self, title: str, *members: Account) -> Chat:
        """A basic group; the first member made it."""
        chat = self._add("group", title, members)
        action = types.MessageActionChatCreate(title, chat.members)
        self._open(chat, action)
        return chat

    def add_supergroup(
        self, title: str, *members: Account, username: str = "", topics: Sequence[str] | None = None
    ) -> Chat:
        """A supergroup; with *topics* a forum, whose first topic "General" is always there."""
        chat = self._add("supergroup", title, members)
        chat.username = username
        self._open(chat, types.MessageActionChannelCreate(title))
        if topics is not None:
            chat.forum, chat.topics = True, {1: "General"}
            for name in topics:
                self.add_topic(chat, name)
        return chat

    def upgrade(self, group: Chat) -> Chat:
        """Make a basic group the supergroup of the same members (core.telegram.org/api/channel#migration)."""
        chat = self._add("supergroup", group.title, [self.state.accounts[one] for one in group.members])
        group.migrated_to = chat.id
        self._open(group, types.MessageActionChatMigrateTo(chat.id))
        self._open(chat, types.MessageActionChannelMigrateFrom(group.title, group.id))
        return chat

    def add_channel(self, title: str, *members: Account, username: str = "") -> Chat:
        """A broadcast channel; only the first member posts."""
        chat = self._add("channel", title, members)
        chat.username = username
        self._open(chat, types.MessageActionChannelCreate(title))
        return chat

    def add_topic(self, chat: Chat, title: str) -> int:
        """A topic; its number, by which `post` and clients (reply_to=) name it."""
        action = types.MessageActionTopicCreate(title, 0x6FB9F0)
        change = self.world.publish(chat.creator, chat_key(chat), action=action)
        number = change.post.numbers[0]
        chat.topics[number] = title
        self.world.announce([change])
        return number

    def _add(self, kind: ChatKind, title: str, members: Sequence[Account]) -> Chat:
        ids = [member.id for member in members]
        chat = Chat(self.state.fresh_id(), kind, title, ids[0], self.now(), ids)
        self.state.chats[chat.id] = chat
        return chat

    def _open(self, chat: Chat, action: Any) -> None:
        """The first message of a chat, about its being made."""
        self.world.announce([self.world.publish(chat.creator, chat_key(chat), action=action)])

    # -- what people do ---------------------------------------------------------------------------------

    def post(
        self,
        sender: Account,
        where: Where,
        text: str = "",
        *,
        topic: int = 0,
        reply_to: Post | None = None,
        file: Path | bytes | None = None,
        mime_type: str = "application/octet-stream",
        attributes: Sequence[Any] = (),
        **fields: Any,
    ) -> Post:
        """A message by somebody who needs no client; everybody concerned is told.

        *fields*: entities, markup, album, forwarded, anonymous as in Post.
        """
        if file is not None:
            stored = self.stamp(self.files.keep(_bytes(file)), mime_type)
            stored.attributes = list(attributes)
            fields["media"] = kept_media(stored)
        if reply_to is not None:
            fields["reply_to"], topic = reply_to.uid, topic or reply_to.topic
        change = self.world.publish(sender.id, self.key_of(sender, where), text, topic=topic, **fields)
        self.world.announce([change])
        return change.post

    def edit(self, post: Post, text: str, **fields: Any) -> None:
        """Change a message's text."""
        self.world.announce([self.world.edit(post, text=text, **{"entities": [], **fields})])

    def delete(self, *posts: Post) -> None:
        """Remove messages for everybody."""
        for change in self.world.delete(posts):
            self.world.announce([change])

    def react(self, account: Account, post: Post, *emojis: str) -> None:
        """Set somebody's reactions."""
        self.world.react(account.id, post, emojis)
        self.world.announce_reactions(post)

    def key_of(self, account: Account, where: Where) -> str:
        """The chat that an account means by another account or by a chat."""
        return private_key(account.id, where.id) if isinstance(where, Account) else chat_key(where)

    # -- looking ----------------------------------------------------------------------------------------

    def posts(self, account: Account, where: Where) -> list[Post]:
        """A chat's messages as an account has them, oldest first, without those about the chat itself."""
        found = self.world.posts(account.id, self.key_of(account, where))
        return [post for post in reversed(found) if not post.action]

    def bytes_of(self, post: Post) -> bytes:
        """The file in a message."""
        return self.files.path(self.file_id(post)).read_bytes()

    def file_id(self, post: Post) -> int:
        """The id of the document or photo in a message."""
        return (getattr(post.media, "document", None) or post.media.photo).id

    # -- what goes wrong --------------------------------------------------------------------------------

    def fail(self, method: str, message: str, *, times: int = 1) -> None:
        """The next calls of a method ("messages.sendMedia", "upload.*") get this error: "FLOOD_WAIT_5"."""
        self.script.add(Fault(method, "refuse", times, message, code_for(message)))

    def drop(self, method: str, *, times: int = 1, after: bool = False) -> None:
        """The next calls of a method cut the connection, before or after they were carried out."""
        kind: Kind = "drop after" if after else "drop"
        self.script.add(Fault(method, kind, times))

    def ignore(self, method: str, *, times: int = 1, skip: int = 0) -> None:
        """The next calls of a method, but the first *skip*, are carried out and never answered."""
        self.script.add(Fault(method, "ignore", times, skip=skip))

    def flood(self, method: str, seconds: float, *, word: str = "FLOOD_WAIT") -> None:
        """From its next call on a method is told *word* for so long; `script.impatient` counts the others."""
        self.script.flood(method, seconds, word)


def _bytes(file: Path | bytes) -> bytes:
    return file.read_bytes() if isinstance(file, Path) else file
