"""Calls to one of Telegram's data centres, several in flight at once, on one connection or a few.

Telethon's senders do the protocol, reconnect when a connection breaks, and send what was not answered again.
Its client's way to call is not used: each of several calls would sleep a flood wait for itself, and more
calls would go out meanwhile. What a sender has not sent yet when a wait becomes known is taken back.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import itertools
import time
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from telethon import TelegramClient, errors
from telethon.network import MTProtoSender
from telethon.tl import TLRequest, functions
from telethon.tl.alltlobjects import LAYER

from core.domain.errors import NetworkFailure, Stalled
from core.net.transfer.retries import Retries
from userbot.transfer.window import Window

_FLOODS = (errors.FloodWaitError, errors.FloodPremiumWaitError)
#: Telegram's own troubles, which pass; those that Telethon's client calls again for.
_TROUBLES = (errors.ServerError, errors.RpcMcgetFailError, errors.TimedOutError)


class Route:
    """A transfer's way to a data centre.

    Args:
        senders: They take turns.
        window: Shared with other transfers.
    """

    def __init__(self, senders: Sequence[MTProtoSender], window: Window) -> None:
        self.senders = senders
        self._turns = itertools.cycle(senders)
        self._window = window
        self._heard_at = time.monotonic()

    async def ask(self, request: TLRequest) -> Any:
        """Call as soon as the window lets us, again after short waits and Telegram's own troubles.

        Raises:
            FloodWait: A wait that is too long to be slept through.
            Stalled, NetworkFailure: No answer came.
            telethon.errors.RPCError: The call was refused.
        """
        retries = Retries()
        while True:
            async with self._window.slot() as slot:
                try:
                    answer = await self._answer(request)
                except _FLOODS as error:
                    # It is told in whole seconds; a wait of none has been seen, and is meant as a short one.
                    self._hold_back(type(request))
                    slot.flooded(max(1, error.seconds))
                    continue
                except _NotSentError:
                    continue
                except _TROUBLES as error:
                    failure = NetworkFailure(f"Telegram has a trouble of its own ({type(error).__name__})")
                else:
                    slot.passed()
                    return answer
            await retries.wait_after(failure)

    async def _answer(self, request: TLRequest) -> Any:
        sender = next(self._turns)
        asked_at = time.monotonic()
        gone = sender._disconnected  # noqa: SLF001 -- the public one makes a future that nobody looks at
        try:
            answer = sender.send(request)
        except ConnectionError:
            # It takes nothing any more. Why is known once it has closed.
            await asyncio.wait({gone}, timeout=self._window.stall_s)
            raise _why_gone(gone) from None
        try:
            while not answer.done():
                left_s = max(asked_at, self._heard_at) + self._window.stall_s - time.monotonic()
                if left_s <= 0:
                    raise Stalled(f"no answer for {self._window.stall_s:.0f} s")
                await asyncio.wait({answer, gone}, timeout=left_s, return_when=asyncio.FIRST_COMPLETED)
                if gone.done() and not answer.done():  # Telethon forgets what it had not sent yet
                    raise _why_gone(gone)
            self._heard_at = time.monotonic()
            if answer.cancelled():  # by Telethon, when it was told to disconnect
                raise NetworkFailure("the connection to Telegram was closed")
            return answer.result()
        finally:
            if not answer.done():
                answer.cancel()
                _taken_back(sender, lambda state: state.future is answer)
            elif not answer.cancelled():
                answer.exception()  # seen, also where a cancelled caller has no use for it

    def _hold_back(self, method: type[TLRequest]) -> None:
        """Take back all calls of a method, of this transfer and of others, that wait to be sent."""
        for sender in self.senders:
            for state in _taken_back(sender, lambda state: type(state.request) is method):
                if not state.future.done():
                    state.future.set_exception(_NotSentError)


def _why_gone(gone: asyncio.Future[None]) -> BaseException:
    why = gone.exception() if gone.done() and not gone.cancelled() else None
    return why or NetworkFailure("the connection to Telegram was closed")


class _NotSentError(Exception):
    """A call was taken back before it was sent. Control flow."""


def _taken_back(sender: MTProtoSender, is_meant: Callable[[Any], bool]) -> list[Any]:
    """Calls that a sender shall not send. It sends one part after the other, and has no way to forget one."""
    queue = sender._send_queue._deque  # noqa: SLF001 -- see above
    taken = [state for state in queue if is_meant(state)]
    for state in taken:
        queue.remove(state)
    return taken


@contextlib.asynccontextmanager
async def route_to(
    client: TelegramClient, window: Window, *, dc_id: int | None = None
) -> AsyncIterator[Route]:
    """A way to a data centre, the account's own when None; further connections last as long as it does.

    Raises:
        OSError, TimeoutError, telethon.errors.RPCError: It cannot be reached.
    """
    async with contextlib.AsyncExitStack() as stack:
        async with asyncio.timeout(window.stall_s):
            if dc_id in {None, client.session.dc_id}:
                first = client._sender  # noqa: SLF001 -- the connection that the client's own calls use
            else:
                first = await stack.enter_async_context(_elsewhere(client, dc_id))
            further = [
                await stack.enter_async_context(_further(client, first, dc_id))
                for _ in range(window.connections - 1)
            ]
        yield Route([first, *further], window)


@contextlib.asynccontextmanager
async def _elsewhere(client: TelegramClient, dc_id: int | None) -> AsyncIterator[MTProtoSender]:
    """Telethon's connection to another data centre, which it keeps for a minute after its last use."""
    # No public way leads there.
    sender = await client._borrow_exported_sender(dc_id)  # noqa: SLF001 -- as above
    try:
        await _connect_again(client, sender, dc_id)
        try:
            yield sender
        except (errors.UnauthorizedError, errors.AuthKeyNotFound) as error:
            # Its key is not the login's, and may end without it. The next transfer gets a new one.
            await sender.disconnect()
            sender.auth_key.key = None
            raise NetworkFailure("another data centre of Telegram has forgotten the account") from error
    finally:
        await client._return_exported_sender(sender)  # noqa: SLF001 -- as above


async def _connect_again(client: TelegramClient, sender: MTProtoSender, dc_id: int | None) -> None:
    """Telethon does not notice when it has given up reconnecting to another data centre."""
    async with client._borrow_sender_lock:  # noqa: SLF001 -- held while Telethon connects one itself
        if not sender.is_connected():
            await sender.connect(await _connection(client, dc_id))
            auth = await client(functions.auth.ExportAuthorizationRequest(dc_id))
            await _greet(client, sender, functions.auth.ImportAuthorizationRequest(auth.id, auth.bytes))


@contextlib.asynccontextmanager
async def _further(
    client: TelegramClient, first: MTProtoSender, dc_id: int | None
) -> AsyncIterator[MTProtoSender]:
    """A connection more with the key of the first, that wants no updates."""
    sender = MTProtoSender(first.auth_key, loggers=client._log, updates_queue=_Nowhere())  # noqa: SLF001 -- its own
    try:
        await sender.connect(await _connection(client, dc_id))
        await _greet(client, sender, functions.help.GetConfigRequest())
        yield sender
    finally:
        await sender.disconnect()


async def _greet(client: TelegramClient, sender: MTProtoSender, first: TLRequest) -> None:
    """The first call of a connection says who calls."""
    hello = copy.copy(client._init_request)  # noqa: SLF001 -- what the client says of itself
    hello.query = first
    await sender.send(functions.InvokeWithoutUpdatesRequest(functions.InvokeWithLayerRequest(LAYER, hello)))


async def _connection(client: TelegramClient, dc_id: int | None) -> Any:
    """An unopened connection to a data centre, as the client makes its own."""
    session = client.session
    if dc_id in {None, session.dc_id}:
        where = session.server_address, session.port, session.dc_id
    else:
        dc = await client._get_dc(dc_id)  # noqa: SLF001 -- knows the addresses
        where = dc.ip_address, dc.port, dc.id
    return client._connection(  # noqa: SLF001 -- the kind of connection that the client was told to use
        *where,
        loggers=client._log,  # noqa: SLF001 -- as above
        proxy=client._proxy,  # noqa: SLF001 -- as above
        local_addr=client._local_addr,  # noqa: SLF001 -- as above
    )


class _Nowhere:
    """Takes updates that were not asked for."""

    def put_nowait(self, update: object) -> None:
        """Forget it."""
