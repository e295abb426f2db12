"""Telegram does what every source must do: the suite of `test_source_conformance`, reused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from telethon.tl import types

from core.config.settings import Settings
from core.domain.errors import (
    FloodWait,
    JobError,
    NetworkFailure,
    NotFound,
    ProtectedContent,
    UnsupportedSource,
)
from core.domain.job import Kind
from core.engine.engine import Engine
from core.sources.registry import Registry
from tests.fakes.origin import HEALTHY, Fault
from tests.fakes.sites import film
from tests.fakes.telegram import FakeTelegram
from tests.fakes.telegram.state import Chat, Post
from tests.integration import test_source_conformance as every_source
from userbot.source import TelegramSource
from userbot.transfer.download import CHUNK_BYTES

TAKES = ("https://t.me/c/1234567890/5", "https://telegram.me/lectures/5", "https://t.me/s/lectures/5?single")
LEAVES = ("https://t.me.example.org/c/1/5", "https://example.org/t.me/c/1/5")
GET_FILE = "upload.getFile"
Way = Callable[[], object]


class Held:
    """Telegram as an origin that answers half of a file, and then is silent."""

    def __init__(self, telegram: FakeTelegram) -> None:
        self._telegram = telegram
        self._answered = 0
        #: What conformance tests call these.
        self.held, self.release = self, SimpleNamespace(set=lambda: None)

    def hold(self, fault: Fault) -> None:
        self._telegram.script.clear()
        self._answered = self._telegram.counts[GET_FILE]
        if fault.hold_after is not None:
            parts = fault.hold_after // CHUNK_BYTES
            self._answered += parts
            self._telegram.ignore(GET_FILE, times=1000, skip=parts)

    async def wait(self) -> None:
        await self._telegram.until(lambda: self._telegram.counts[GET_FILE] > self._answered)

    def clear(self) -> None:
        """Nothing is kept."""

    def bytes_sent(self, _path: str) -> int:
        return self._telegram.counts[GET_FILE] * CHUNK_BYTES


@dataclass
class Site:
    """A message with a film in a group, in the shape of `tests.fakes.sites.Site`."""

    telegram: FakeTelegram
    chat: Chat
    post: Post
    body: bytes
    source: str = "telegram"
    forced: None = None
    kind: Kind = Kind.VIDEO
    sections: Mapping[str, Any] = field(default_factory=dict)
    held: Held = field(init=False)

    def __post_init__(self) -> None:
        self.held = Held(self.telegram)

    @property
    def link(self) -> str:
        return f"https://t.me/c/{self.chat.id}/{self.post.numbers[0]}"

    @property
    def resource(self) -> Any:
        return self

    @property
    def media(self) -> tuple[Held, str]:
        return self.held, ""

    @property
    def always(self) -> Fault:
        return HEALTHY

    @always.setter
    def always(self, fault: Fault) -> None:
        self.held.hold(fault)

    @property
    def refusals(self) -> Mapping[str, tuple[Way, type[JobError]]]:
        telegram, read = self.telegram, "channels.getMessages"
        return {
            "gone": (lambda: telegram.delete(self.post), NotFound),
            "private": (lambda: telegram.fail(read, "CHANNEL_PRIVATE"), NotFound),
            "words": (lambda: telegram.edit(self.post, "only words", media=None), UnsupportedSource),
            "protected": (lambda: setattr(self.chat, "noforwards", True), ProtectedContent),
            "short": (self._cut, NetworkFailure),
            "flood": (lambda: telegram.fail(read, "FLOOD_WAIT_300", times=9), FloodWait),
        }

    def _cut(self) -> None:
        self.telegram.files.path(self.telegram.file_id(self.post)).write_bytes(self.body[:-1])


@pytest.fixture
async def site(telegram, account, friend, client):
    group = telegram.add_supergroup("Lectures", friend, account)
    await client.get_dialogs()
    # What players ignore behind it makes it come in several parts.
    body = film() + bytes(-len(film()) % CHUNK_BYTES + 6 * CHUNK_BYTES)
    film_of_20_s = [types.DocumentAttributeVideo(20, 640, 360, supports_streaming=True)]
    post = telegram.post(
        friend, group, "An evening", file=body, mime_type="video/mp4", attributes=film_of_20_s
    )
    return Site(telegram, group, post, body)


@pytest.fixture
def run_engine(make_settings, client):
    @asynccontextmanager
    async def run(**sections: Any):
        source = TelegramSource()
        source.client = client
        engine = Engine(make_settings(**sections), more_sources=[source])
        await engine.start()
        try:
            yield engine
        finally:
            await engine.stop()

    return run


def test_links_of_messages_are_its_own_and_those_that_look_like_it_are_not():
    registry = Registry(Settings(), more_sources=[TelegramSource()])
    assert {registry.candidates(url)[0].name for url in TAKES} == {"telegram"}
    assert "telegram" not in {registry.candidates(url)[0].name for url in LEAVES}


def test_switched_off_it_takes_nothing():
    settings = Settings.model_validate({"sources": {"telegram": {"enabled": False}}})
    with pytest.raises(UnsupportedSource):
        Registry(settings, more_sources=[TelegramSource()]).candidates(TAKES[0])


@pytest.mark.parametrize(
    "check",
    [
        every_source.test_a_link_becomes_a_file_with_its_title,
        every_source.test_a_preview_names_what_the_download_brings,
        every_source.test_a_cancelled_job_leaves_nothing,
        every_source.test_a_paused_job_goes_on_where_it_was,
    ],
)
async def test_it_does_what_every_source_does(check, run_engine, site):
    await check(run_engine, site)


@pytest.mark.parametrize("way", ["gone", "private", "words", "protected", "short", "flood"])
async def test_each_refusal_has_its_class_and_a_next_step(run_engine, site, way):
    await every_source.test_each_refusal_has_its_class_and_a_next_step(run_engine, site, way)
