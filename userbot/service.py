"""The userbot beside the engine: logged in, or waiting for it. Nothing that happens here ends the engine."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from telethon import TelegramClient, errors, events, functions, utils
from telethon.tl import types

from core.config.settings import Settings
from core.domain.chat import ChatRules
from core.domain.errors import ConfigError, FloodWait, NetworkFailure, ReeldeckError, SessionLost
from core.domain.messenger import Collect, Collected, MessengerInterface
from userbot.client import Client, let_go, make_client
from userbot.crew import Crew
from userbot.faults import telegram_errors
from userbot.link import Link
from userbot.presence import Presence, State
from userbot.session import SessionBusy, SessionFile
from userbot.source import TelegramSource
from userbot.supervision import until_one_ends

log = logging.getLogger("reeldeck.telegram")

#: How often the session file is looked at, and whether Telegram still knows the login.
LOOK_S, ASK_S = 5.0, 60.0
#: After a fault that nobody foresaw.
FIRST_WAIT_S, LAST_WAIT_S = 1.0, 60.0
#: Before a bot whose login was ended makes another one.
BOT_WAIT_S, BOT_LAST_WAIT_S = 60.0, 3600.0
#: These waits are doubled each time, unless it went well for so long in between.
HELD_S = 600.0
#: Within this a client has connected, or another one tries.
CONNECT_WITHIN_S = 300.0
STOP_WITHIN_S = 5.0
#: Whoever asks for chats while it connects waits for it so long.
PATIENCE_S = 10.0


class Userbot:
    """One account, for as long as the engine runs. Implements `core.domain.messenger.Messenger`.

    Args:
        engine: Takes links and gives files.
        settings: The configuration.
        source: Fetches what is behind Telegram's own links; gets the client while there is one.
    """

    def __init__(self, engine: MessengerInterface, settings: Settings, source: TelegramSource) -> None:
        self._engine = engine
        self._settings = settings
        self._source = source
        self._file = SessionFile(settings)
        self._presence = Presence()
        self._link = Link(self._on_link)
        self._task: asyncio.Task[None] | None = None
        #: While it is logged in.
        self._client: TelegramClient | None = None
        self._crew: Crew | None = None
        self._pending: set[asyncio.Task[None]] = set()

    @property
    def client(self) -> TelegramClient:
        """The connected client. Raises SessionLost, NetworkFailure."""
        return self._logged_in()[0]

    async def start(self) -> None:
        """Begin to connect; returns at once."""
        self._task = asyncio.create_task(self._run(), name="telegram")

    async def stop(self) -> None:
        """Let go of Telegram; the login stays."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task}, timeout=STOP_WITHIN_S)

    async def until(self, *states: State) -> State:
        """Wait until the account is in one of these states."""
        return await self._presence.until(*states)

    # What the engine asks

    def status(self) -> Mapping[str, Any]:
        """How the account stands."""
        return self._presence.to_json()

    async def dialogs(self) -> Sequence[ChatRules]:
        """The account's chats and forum topics."""
        return await (await self._connected()).book.dialogs()

    async def find_chat(self, name: str) -> ChatRules:
        """A chat by its marked id, @name or link."""
        return await (await self._connected()).book.find(name)

    def collect(self, wanted: Collect) -> AsyncIterator[Collected]:
        """Fetch media of a chat."""
        return self._logged_in()[1].collector.collect(wanted)

    async def _connected(self) -> Crew:
        """The crew; an engine that has just started is given a moment for it."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                await self._presence.until(*(set(State) - {State.CONNECTING}))
        return self._logged_in()[1]

    def _logged_in(self) -> tuple[TelegramClient, Crew]:
        if self._client is not None and self._crew is not None:
            return self._client, self._crew
        if self._presence.state is State.LOGIN_NEEDED:
            raise SessionLost
        raise NetworkFailure("Telegram is not connected yet", hint="See: reeldeck telegram status")

    # Life

    async def _run(self) -> None:
        """One login after the other."""
        failures = 0
        while True:
            began = time.monotonic()
            try:
                await self._live()
                failures = 0
            except SessionLost as error:
                failures = 1 if time.monotonic() - began > HELD_S else failures + 1
                await self._tell(error)
                await self._until_logged_in(min(BOT_WAIT_S * 2 ** min(failures - 1, 16), BOT_LAST_WAIT_S))
            except SessionBusy as error:
                self._presence.set(State.CONNECTING, detail=error.summary)
                await asyncio.sleep(LOOK_S)
            except ConfigError as error:
                log.error("telegram: %s", error)  # noqa: TRY400 -- for the owner, who has no use for a traceback
                self._presence.set(State.FAILED, detail=error.detail)
                return
            except FloodWait as error:
                wait_s = error.retry_after_s or LAST_WAIT_S
                self._presence.set(State.WAITING, wait_until=time.time() + wait_s)
                await asyncio.sleep(wait_s)
            except Exception as error:
                is_ours = isinstance(error, ReeldeckError)
                log.warning("telegram begins anew", exc_info=not is_ours, extra={"error": str(error)})
                self._presence.set(State.CONNECTING, detail=str(error) if is_ours else type(error).__name__)
                failures = 1 if time.monotonic() - began > HELD_S else failures + 1
                await asyncio.sleep(min(FIRST_WAIT_S * 2 ** min(failures - 1, 16), LAST_WAIT_S))

    async def _live(self) -> None:
        """Work with the login in the file. Returns when another one took its place."""
        with self._file.lock():
            if self._file.stamp is None and self._settings.telegram.bot_token is None:
                raise SessionLost("nobody has logged in yet")
            session = self._file.open()
            try:
                client = make_client(self._settings, session, self._link)
            except BaseException:
                session.close()
                raise
            try:
                await self._work(client)
            finally:
                self._client = self._crew = self._source.client = None
                await let_go(client)

    async def _work(self, client: Client) -> None:
        self._presence.set(State.CONNECTING)
        inode = self._file.inode
        ready = asyncio.get_running_loop().create_future()
        _listen(client, ready)
        me = await self._enter(client)
        crew = Crew(
            client=client,
            me=me,
            engine=self._engine,
            settings=self._settings,
            messenger=self,
            source=self._source,
            on_rest=self._presence.rest,
        )
        self._client, self._crew, self._source.client = client, crew, client
        client.on_skipped = crew.look_again
        ready.set_result(crew)
        self._presence.set(State.ONLINE, account=utils.get_display_name(me) or str(me.id))
        await until_one_ends(
            {
                "crew": crew.run(),
                "connection": _until_disconnected(client),
                "login": _ask_now_and_then(client),
                "session file": self._until_replaced(inode),
            }
        )

    async def _enter(self, client: TelegramClient) -> types.User:
        """Connect; who it is. Raises SessionLost, ConfigError, FloodWait."""
        token = self._settings.telegram.bot_token
        with telegram_errors():
            async with asyncio.timeout(CONNECT_WITHIN_S):
                await client.connect()
            me = await client.get_me()
            if me is None and token is not None:
                try:
                    me = await client.sign_in(bot_token=token.get_secret_value())
                except (errors.AccessTokenInvalidError, errors.AccessTokenExpiredError) as error:
                    raise ConfigError(
                        "Telegram does not take telegram.bot_token", hint="Get a new one from @BotFather."
                    ) from error
        if me is None:
            raise SessionLost("Telegram has ended this login")
        if me.bot != (token is not None):
            raise ConfigError(
                f"{self._file.path} is the login of a {'bot' if me.bot else 'person'}",
                hint="Set or remove telegram.bot_token, or name another telegram.session_file.",
            )
        return me

    def _on_link(self) -> None:
        """The connection is there again, or gone; Telethon itself sees to it that it comes back."""
        if self._client is None:
            return
        if not self._link.is_up:
            self._presence.set(State.CONNECTING, detail="the connection is lost")
            return
        self._presence.set(State.ONLINE)
        if self._crew is not None:
            self._crew.look_again()
        # What was pushed while nobody listened is not pushed again.
        task = asyncio.get_running_loop().create_task(self._client.catch_up())
        self._pending.add(task)
        task.add_done_callback(self._pending.discard)

    async def _until_logged_in(self, bot_wait_s: float) -> None:
        """Return when there may be another login; a bot makes one by itself, after *bot_wait_s*."""
        if self._settings.telegram.bot_token is not None:
            with contextlib.suppress(OSError):
                self._file.delete()
            await asyncio.sleep(bot_wait_s)
            return
        stamp = self._file.stamp
        while self._file.stamp in {None, stamp}:  # noqa: ASYNC110 -- files tell nobody that they change
            await asyncio.sleep(LOOK_S)

    async def _until_replaced(self, inode: int | None) -> None:
        """Return when another file took the session file's place. Raises SessionLost when there is none."""
        while (seen := self._file.inode) == inode:  # noqa: ASYNC110 -- as above
            await asyncio.sleep(LOOK_S)
        if seen is None:
            raise SessionLost(f"{self._file.path} was removed")

    async def _tell(self, error: SessionLost) -> None:
        """Tell the owner, once: nothing is tried again before there is another login."""
        log.error("telegram: %s. %s", error, error.hint)
        self._presence.set(State.LOGIN_NEEDED, detail=error.detail)
        with contextlib.suppress(ReeldeckError):
            await self._engine.audit_command(
                actor="telegram", action="login_needed", target=None, data={"detail": error.detail}
            )


def _listen(client: TelegramClient, ready: asyncio.Future[Crew]) -> None:
    """Hand messages to the crew. From before the client connects: what a bot misses then, it never finds."""

    async def on_new(event: Any) -> None:
        await (await asyncio.shield(ready)).hear(event.message, is_edit=False)

    async def on_edit(event: Any) -> None:
        await (await asyncio.shield(ready)).hear(event.message, is_edit=True)

    client.add_event_handler(on_new, events.NewMessage())
    client.add_event_handler(on_edit, events.MessageEdited())


async def _until_disconnected(client: TelegramClient) -> None:
    """Raise why Telethon gave up."""
    with telegram_errors():
        await client.disconnected
    raise NetworkFailure("the connection to Telegram was closed")


async def _ask_now_and_then(client: Client) -> None:
    """Raise SessionLost when the login was ended elsewhere, which Telegram tells only to those who ask."""
    while True:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ASK_S):
                await client.login_doubted.wait()
        client.login_doubted.clear()
        try:
            with telegram_errors():
                await client(functions.updates.GetStateRequest())
        except SessionLost:
            raise
        except ReeldeckError as error:
            log.debug("telegram could not be asked", extra={"error": str(error)})
