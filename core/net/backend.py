"""Where httpcore gets its connections from: through the gate, an HTTP proxy, or a SOCKS proxy."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpcore

from core.net.addresses import parse_address
from core.net.connection import SocketStream, connect, within
from core.net.gate import AddressGate, resolve_by_system
from core.net.proxies import Proxy
from core.net.socks import socks_connect

#: Connects to a host and port. Raises OSError and errors of the tree.
Connector = Callable[[str, int], Awaitable[SocketStream]]


class Backend(httpcore.AsyncNetworkBackend):
    """Gives httpcore the connections of a connector, and no other way out."""

    def __init__(self, connector: Connector) -> None:
        self._connector = connector

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 -- httpcore's
        *_args: Any,
        **_options: Any,
    ) -> SocketStream:
        """Connect within *timeout*, the look-up included. Errors of the tree pass as they are."""
        async with within(timeout, httpcore.ConnectTimeout, httpcore.ConnectError):
            return await self._connector(host, port)

    async def sleep(self, seconds: float) -> None:
        """Between httpcore's own repeats, which are off."""
        await asyncio.sleep(seconds)


def backend_for(gate: AddressGate, proxy: Proxy | None) -> Backend:
    """The way out that the owner wants."""
    if proxy is None:
        return Backend(_gated(gate))
    return Backend(_through_socks(gate, proxy) if proxy.is_socks else _to_proxy(proxy))


def _gated(gate: AddressGate) -> Connector:
    """Connects to nothing but addresses that the gate has judged."""

    async def connector(host: str, port: int) -> SocketStream:
        return await connect(await gate.addresses(host, port), port)

    return connector


def _to_proxy(proxy: Proxy) -> Connector:
    """Connects to the proxy, wherever the owner has it, whatever is asked for."""

    async def connector(_host: str, _port: int) -> SocketStream:
        return await connect(await resolve_by_system(proxy.host, proxy.port), proxy.port)

    return connector


def _through_socks(gate: AddressGate, proxy: Proxy) -> Connector:
    """Connects by judged addresses, or by name where the proxy is to look names up."""
    to_proxy = _to_proxy(proxy)

    async def connector(host: str, port: int) -> SocketStream:
        by_name = proxy.resolves and parse_address(host) is None
        failure = OSError("there is no address")
        for destination in [host] if by_name else await gate.addresses(host, port):
            stream = await to_proxy(host, port)
            try:
                await socks_connect(stream, proxy, destination, port)
            except OSError as error:
                await stream.aclose()
                failure = error
            except BaseException:
                await stream.aclose()
                raise
            else:
                return stream
        raise failure

    return connector
