"""The dashboard beside a real account: chats are chosen, files followed, a lost login is called out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from core.client.http import HttpEngineClient
from core.domain.chat import ChatMode
from tests.fakes.api import serving
from tests.tui.conftest import Dashboard
from tests.userbot.conftest import Running, marked
from tui.app import ReeldeckApp
from userbot.presence import State


@pytest.fixture
def beside(tmp_path: Path) -> Callable[[Running], AbstractAsyncContextManager[Dashboard]]:
    """`async with beside(bot) as dashboard`: through the engine's socket, as people have it."""

    @asynccontextmanager
    async def run(bot: Running) -> AsyncIterator[Dashboard]:
        async with serving(bot.engine, tmp_path / "api") as server:
            client = HttpEngineClient(server.path)
            app = ReeldeckApp(client)
            try:
                async with app.run_test(size=(140, 40)) as pilot:
                    yield Dashboard(app, pilot)
            finally:
                await client.close()

    return run


async def test_a_topic_is_chosen_and_its_file_followed_into_it(
    telegram, account, friend, run_userbot, beside, film
):
    forum = telegram.add_supergroup("Cinema", account, friend, topics=["Films"])
    (topic,) = (number for number, name in forum.topics.items() if name == "Films")
    async with run_userbot() as bot, beside(bot) as dashboard:
        await dashboard.shows("telegram online as Alice")
        await dashboard.press("4", "a")
        await dashboard.shows("Watch a chat", "Cinema → Films")
        await dashboard.press(*"films", "enter")
        await dashboard.shows("off [auto] command")
        await dashboard.press("enter")
        await dashboard.shows("Watched: auto")
        stored = {(each.chat_id, each.topic_id): each.mode for each in (await bot.engine.chats()).rules}
        assert stored[marked(forum), topic] is ChatMode.AUTO
        telegram.post(friend, forum, film, topic=topic)
        await dashboard.shows("✓ sent    film")
        await dashboard.press("d", "enter")
        await dashboard.shows("SENT TO", "✓ sent", "Films")


async def test_without_a_login_every_page_calls_for_its_owner(run_userbot, beside):
    async with run_userbot(is_logged_in=False, expected=State.LOGIN_NEEDED) as bot, beside(bot) as dashboard:
        await dashboard.shows("4 Chats !1", "telegram login needed")
        await dashboard.press("4", "a")
        await dashboard.shows("Watch a chat", "→ ", "reeldeck telegram login")


async def test_a_login_that_ended_elsewhere_is_told_to_who_asks_for_chats(
    telegram, account, run_userbot, beside
):
    async with run_userbot() as bot, beside(bot) as dashboard:
        await dashboard.shows("telegram online as Alice")
        telegram.revoke(account)
        await dashboard.press("4", "a")
        await dashboard.shows("Watch a chat", "reeldeck telegram login")
