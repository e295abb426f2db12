"""What userbot tests share: a loopback Telegram, an account on it, and the engine with the userbot beside it.

async def test_a_link_is_answered(telegram, account, friend, run_userbot, origin):
    group = telegram.add_group("Films", account, friend)
    async with run_userbot() as bot:
        await bot.watch(group)
        telegram.post(friend, group, origin.url("/film.mp4"))
        await bot.until_posts(group, 2)

Tests of one part take `client` (logged in as `account`) and `engine`, and build the part themselves.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from telethon import TelegramClient, utils
from telethon.tl import types

from core.config.settings import Settings
from core.domain.chat import ChatMode, ChatRules
from core.engine.engine import Engine
from tests.fakes.media import made_once, video_mp4
from tests.fakes.origin import Origin
from tests.fakes.telegram import FakeTelegram
from tests.fakes.telegram.fake import API_HASH, API_ID, Where
from tests.fakes.telegram.state import Account, Post
from tests.integration.conftest import finish, origin, until
from userbot.presence import State

__all__ = ["finish", "origin", "until"]
UNTIL_S = 20.0


@pytest.fixture
async def telegram(tmp_path: Path) -> AsyncIterator[FakeTelegram]:
    async with FakeTelegram(tmp_path / "telegram") as running:
        yield running


@pytest.fixture
def account(telegram: FakeTelegram) -> Account:
    """Whose account the userbot is."""
    return telegram.add_user("Alice", username="alice")


@pytest.fixture
def friend(telegram: FakeTelegram) -> Account:
    """Somebody else, who is no admin."""
    return telegram.add_user("Bob", username="bob")


@pytest.fixture
def make_settings(tmp_path: Path, telegram: FakeTelegram) -> Callable[..., Settings]:
    """Settings below a folder of the test, with loopback allowed, waits made short, and that Telegram."""
    key = tmp_path / "telegram.pem"
    key.write_text(telegram.public_key)

    def make(**sections: dict[str, Any]) -> Settings:
        dc_id, host, port = telegram.home
        values: dict[str, dict[str, Any]] = {
            "paths": {"data_dir": tmp_path / "data"},
            "limits": {"min_free_disk_bytes": 1024**2},
            "network": {"allow_addresses": ("127.0.0.0/8",)},
            "retries": {"backoff_s": (0.05, 0.1, 0.2)},
            "timeouts": {"read_s": 5, "stall_s": 5, "connect_s": 5},
            "telegram": {
                "enabled": True,
                "api_id": API_ID,
                "api_hash": API_HASH,
                "session_file": tmp_path / "account" / "telegram.session",
                "flood_sleep_s": 0,
                "server": {"dc_id": dc_id, "host": host, "port": port, "public_key_file": key},
            },
        }
        for name, section in sections.items():
            values[name] = values.get(name, {}) | section
        return Settings.model_validate(values)

    return make


@pytest.fixture
async def client(tmp_path: Path, telegram: FakeTelegram, account: Account) -> AsyncIterator[TelegramClient]:
    """The account's client, for tests of one part."""
    made = telegram.client(
        tmp_path / "part.session", flood_sleep_threshold=0, raise_last_call_error=True, receive_updates=True
    )
    await telegram.log_in(made, account)
    yield made
    await made.disconnect()


@pytest.fixture
async def me(client: TelegramClient) -> Any:
    """Whose client it is, as Telethon has it."""
    return await client.get_me()


@pytest.fixture
async def engine(make_settings: Callable[..., Settings]) -> AsyncIterator[Engine]:
    """A real engine without a userbot, for tests of one part."""
    made = Engine(make_settings())
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
def log_in(telegram: FakeTelegram) -> Callable[..., Any]:
    """`await log_in(account, settings)`: a session file as `reeldeck telegram login` leaves it."""

    async def enter(who: Account, settings: Settings) -> Path:
        file = settings.telegram.session_file
        assert file is not None
        file.parent.mkdir(mode=0o700, exist_ok=True)
        if not file.exists():
            draft = file.with_name("draft.session")
            made = telegram.client(draft)
            await telegram.log_in(made, who)
            await made.disconnect()
            draft.chmod(0o600)
            draft.rename(file)
        return file

    return enter


@dataclass(slots=True)
class Running:
    """The engine and the userbot, online."""

    engine: Engine
    userbot: Any
    telegram: FakeTelegram
    account: Account

    @property
    def client(self) -> TelegramClient:
        """The userbot's own client."""
        return self.userbot.client

    async def watch(self, where: Where, mode: ChatMode = ChatMode.AUTO, **rules: Any) -> ChatRules:
        """Watch a chat (another account, or a group or channel)."""
        return await self.engine.set_chat(ChatRules(chat_id=marked(where), mode=mode, **rules))

    def posts(self, where: Where) -> list[Post]:
        """The chat's messages as the account has them, oldest first."""
        return self.telegram.posts(self.account, where)

    async def until_posts(self, where: Where, count: int) -> list[Post]:
        """The chat's messages once there are so many."""
        await self.telegram.until(lambda: len(self.posts(where)) >= count, within_s=UNTIL_S)
        return self.posts(where)

    async def until_reaction(self, post: Post, emoji: str) -> None:
        """The account has set this reaction."""
        await self.telegram.until(
            lambda: self.account.id in self.telegram.state.posts[post.uid].reactions.get(emoji, ()),
            within_s=UNTIL_S,
        )


@pytest.fixture
def run_userbot(
    telegram: FakeTelegram, account: Account, make_settings: Callable[..., Settings], log_in: Any
) -> Callable[..., Any]:
    """`async with run_userbot(limits={…}) as bot`: engine and userbot on the test's data directory.

    Run again in the same test, they go on with that data and that session. *expected*: the state to wait for.
    """

    @asynccontextmanager
    async def run(
        *, is_logged_in: bool = True, expected: State = State.ONLINE, **sections: dict[str, Any]
    ) -> AsyncIterator[Running]:
        from userbot.service import Userbot
        from userbot.source import TelegramSource

        TelegramClient._config = None  # Cached on the class, from a server that may be gone.
        settings = make_settings(**sections)
        if is_logged_in:
            await log_in(account, settings)
        source = TelegramSource()
        engine = Engine(settings, more_sources=[source])
        userbot = Userbot(engine, settings, source)
        await engine.start()
        try:
            engine.attach(userbot)
            await userbot.start()
            try:
                async with asyncio.timeout(UNTIL_S):
                    await userbot.until(expected)
                yield Running(engine, userbot, telegram, account)
            finally:
                await userbot.stop()
        finally:
            await engine.stop()

    return run


def marked(where: Where) -> int:
    """The id by which Telegram's clients and our rules name a chat."""
    if isinstance(where, Account):
        return where.id
    peer = types.PeerChannel(where.id) if where.is_channel else types.PeerChat(where.id)
    return utils.get_peer_id(peer)


@pytest.fixture
def film(origin: Origin) -> str:
    """The link of a small real film."""
    origin.put("/film.mp4", made_once(video_mp4, "clip.mp4").read_bytes(), etag='"film"')
    return origin.url("/film.mp4")
