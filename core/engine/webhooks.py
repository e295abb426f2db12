"""Tells receivers elsewhere when jobs end: signed, each in order, again and again until they take it."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import logging
import random
import secrets
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn
from urllib.parse import urlsplit

from core.auth.signing import read_secrets_blocking, signed_headers
from core.config.settings import Settings
from core.domain.errors import ConfigError, HttpFailure, NetworkFailure, NoSuchEntry, ReeldeckError
from core.domain.job import iso
from core.domain.webhook import Message, Receiver
from core.net.address.gate import AddressGate
from core.net.http.client import HttpClient
from core.net.http.response import raise_for_status
from core.net.reach import Reach
from core.net.uplinks import network_of
from core.store.webhooks import WebhookOutbox

log = logging.getLogger("reeldeck.webhooks")

#: Waits between tries of a message; the last one again and again.
BACKOFF_S = (5.0, 30.0, 120.0, 300.0, 900.0)
#: Longer or shorter by up to this share, so that many senders do not come back together.
SPREAD = 0.1
#: What was not taken for so long is given up.
GIVE_UP_S = 5 * 86_400.0
#: A receiver takes the message and answers in this time: work is for later.
ANSWER_S = 20.0
_SHORT_BODY_BYTES = 64 * 1024
#: The name by which `[sources.NAME]` sets a proxy or user agent for webhooks.
UPLINK = "webhooks"


class Webhooks:
    """The receivers of one engine; each is served by a task of its own.

    Args:
        outbox: What waits for them.
        settings: Where they are, and the way there. Part of an address may be secret: it is not stored, nor
            logged.
        keys: What signs.
        reach: Hears of connections.
    """

    def __init__(
        self,
        outbox: WebhookOutbox,
        settings: Settings,
        keys: Sequence[bytes],
        reach: Reach,
    ) -> None:
        self._outbox = outbox
        # Without the pace and the cap of downloads: neither is meant for a few words to our owner.
        self._http = HttpClient(
            AddressGate(settings.network.allow_addresses),
            network=network_of(settings, UPLINK),
            timeouts=settings.timeouts,
            reach=reach,
        )
        self._urls = {key_of(url): url for url in settings.webhooks.urls}
        self._keys = keys
        self._clock = time.time
        self._wakes = {key: asyncio.Event() for key in self._urls}
        self._counts: dict[str, Counter[str]] = {key: Counter() for key in self._urls}

    async def open(self) -> None:
        """Write for these receivers from now on; messages for others are forgotten."""
        if forgotten := await self._outbox.open([*self._urls], now=self._clock()):
            log.warning("webhooks of receivers that are no more were forgotten", extra={"count": forgotten})

    def wake(self) -> None:
        """Jobs have ended."""
        for event in self._wakes.values():
            event.set()

    async def run(self) -> None:
        """Send what waits and what will come, until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                for key in self._urls:
                    group.create_task(self._serve(key), name=f"webhook-{key}")
        finally:
            await self._http.close()

    async def status(self) -> list[Mapping[str, Any]]:
        """A row for each receiver, in the order of the configuration: its host, never its whole address."""
        found = {receiver.key: receiver for receiver in await self._outbox.receivers()}
        return [self._row(url, found[key]) for key, url in self._urls.items() if key in found]

    async def send_now(self, key: str) -> Mapping[str, Any]:
        """Try at once what waits for a receiver; its row, as it is before that.

        Raises:
            NoSuchEntry: There is no such receiver.
        """
        row = await self._receiver(key)
        await self._outbox.hurry(key)
        self._wakes[key].set()
        return row

    async def test(self, key: str) -> Mapping[str, Any]:
        """Send a receiver a message of the type `test`, past all that waits; its row, once that was taken.

        Raises:
            NoSuchEntry: There is no such receiver.
            JobError: It did not take the message.
        """
        row = await self._receiver(key)
        payload = json.dumps({"type": "test", "timestamp": iso(self._clock()), "data": {}})
        name = f"msg_{secrets.token_hex(12)}"
        message = Message(id=0, name=name, payload=payload, attempt=0, not_before=None)
        await self._post(self._urls[key], message)
        return row

    async def _receiver(self, key: str) -> Mapping[str, Any]:
        for row in await self.status():
            if row["id"] == key:
                return row
        raise NoSuchEntry(f"there is no receiver {key!r}", hint="See: reeldeck webhooks list")

    def _row(self, url: str, receiver: Receiver) -> Mapping[str, Any]:
        counts = self._counts[receiver.key]
        return {
            "id": receiver.key,
            "host": urlsplit(url).hostname,
            "waiting": receiver.waiting,
            "oldest": iso(receiver.oldest),
            "failing_since": iso(receiver.failing_since),
            "retry_at": iso(receiver.not_before),
            "error_type": receiver.error_type,
            "error_message": receiver.error_message,
            "sent": counts["sent"],
            "failed": counts["failed"],
            "given_up": counts["given_up"],
        }

    async def _serve(self, key: str) -> None:
        while True:
            # Before the look: what is written after it wakes us.
            self._wakes[key].clear()
            try:
                wait_s = await self._step(key)
            except ReeldeckError as error:
                # The disk is full, perhaps. What was taken but could not be noted is sent once more.
                log.error("webhooks wait for the database: %s", error.code)  # noqa: TRY400 -- no fault of ours
                wait_s = BACKOFF_S[1]
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._wakes[key].wait()

    async def _step(self, key: str) -> float | None:
        """Send all that can be sent now; seconds until the next try, None when nothing waits."""
        while (message := await self._outbox.first(key)) is not None:
            wait_s = (message.not_before or 0.0) - self._clock()
            if wait_s > 0:
                return wait_s
            await self._try(key, message)
        return None

    async def _try(self, key: str, message: Message) -> None:
        try:
            await self._post(self._urls[key], message)
        except ReeldeckError as error:
            await self._on_refused(key, error, message)
        else:
            self._counts[key]["sent"] += 1
            await self._outbox.taken(key, message.id)

    async def _post(self, url: str, message: Message) -> None:
        payload = message.payload.encode()
        headers = {"content-type": "application/json"}
        headers |= signed_headers(self._keys, message.name, payload, now=self._clock())
        try:
            async with (
                asyncio.timeout(ANSWER_S),
                self._http.stream(
                    url, method="POST", headers=headers, content=payload, on_redirect=_refuse_redirect
                ) as response,
            ):
                raise_for_status(response, allow=frozenset(range(200, 300)))
                await response.drain(_SHORT_BODY_BYTES)
        except TimeoutError as error:
            raise NetworkFailure("no answer in time") from error

    async def _on_refused(self, key: str, error: ReeldeckError, message: Message) -> None:
        now = self._clock()
        usual_s = BACKOFF_S[min(message.attempt, len(BACKOFF_S) - 1)]
        usual_s *= random.uniform(1 - SPREAD, 1 + SPREAD)  # noqa: S311 -- no secret
        wait_s = max(usual_s, getattr(error, "retry_after_s", None) or 0.0)
        self._counts[key]["failed"] += 1
        await self._outbox.refused(
            key, error_type=error.code, error_message=str(error), retry_at=now + wait_s, now=now
        )
        host = urlsplit(self._urls[key]).hostname
        facts = {"host": host, "error_type": error.code, "attempt": message.attempt + 1}
        log.warning("a webhook was not taken", extra=facts)
        if given_up := await self._outbox.forget(key, before=now - GIVE_UP_S):
            self._counts[key]["given_up"] += given_up
            log.error("webhooks were given up", extra={"host": host, "count": given_up})


async def signing_secrets(settings: Settings) -> Sequence[bytes]:
    """What signs webhooks; nothing where nobody is told.

    Raises:
        ConfigError: The secret, or an address in `webhooks.urls`, cannot be used.
    """
    urls, file = settings.webhooks.urls, settings.webhooks.secret_file
    gate = AddressGate(settings.network.allow_addresses)
    for number, url in enumerate(urls):
        try:
            gate.check(url)
        except ReeldeckError as error:
            raise ConfigError(f"webhooks.urls[{number}]: {error.detail}", hint=error.hint) from error
    if not urls:
        return ()
    if file is None:
        raise ConfigError("webhooks.urls are set, but no webhooks.secret_file that signs for them")
    return await asyncio.to_thread(read_secrets_blocking, file)


def key_of(url: str) -> str:
    """What stands for an address in the database."""
    return hashlib.sha256(url.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _refuse_redirect(_url: str) -> NoReturn:
    # Whoever could redirect a message could have it sent anywhere; the address is to be configured.
    raise HttpFailure("the receiver redirects; configure where it leads")
