"""Gives httpcore its connections: in place of its own back end, which would ask nobody."""

from __future__ import annotations

import asyncio
from typing import Any

import httpcore

from core.net.http.connection import Stream, within
from core.net.http.ways import Connector


class Backend(httpcore.AsyncNetworkBackend):
    """The connections of a connector, and no other way out."""

    def __init__(self, connector: Connector) -> None:
        self._connector = connector

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 -- httpcore's
        *_args: Any,
        **_options: Any,
    ) -> Stream:
        """Connect within *timeout*, the look-up included. Errors of the tree pass as they are."""
        async with within(timeout, httpcore.ConnectTimeout, httpcore.ConnectError):
            return await self._connector(host, port)

    async def sleep(self, seconds: float) -> None:
        """Between httpcore's own repeats, which are off."""
        await asyncio.sleep(seconds)
