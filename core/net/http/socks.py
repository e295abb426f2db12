"""The client's side of SOCKS 5 (RFC 1928), with or without a login (RFC 1929)."""

from __future__ import annotations

import ipaddress

from core.net.address.addresses import parse_address
from core.net.http.connection import Stream
from core.net.http.proxies import Proxy

_VERSION = 5
_NO_LOGIN, _LOGIN = 0, 2
_CONNECT = 1
_IPV4, _NAME, _IPV6 = 1, 3, 4
_REFUSALS = {
    1: "it failed",
    2: "its rules forbid it",
    3: "the network is unreachable",
    4: "the host is unreachable",
    5: "the connection was refused",
    6: "it took too long",
    7: "it cannot do this",
    8: "it does not know this kind of address",
}


async def socks_connect(stream: Stream, proxy: Proxy, host: str, port: int) -> None:
    """Make *stream*, a connection to *proxy*, one to *host*, a name or an address.

    Raises:
        ConnectionError: The proxy refused, or does not speak SOCKS 5.
        httpcore.NetworkError: The connection broke.
    """
    answer = _Answer(stream)
    method = _LOGIN if proxy.user else _NO_LOGIN
    await stream.write(bytes([_VERSION, 1, method]))
    if await answer.take(2) != bytes([_VERSION, method]):
        raise ConnectionError("the proxy does not take this kind of login")
    if method == _LOGIN:
        await stream.write(b"\x01" + _counted(proxy.user) + _counted(proxy.password))
        if (await answer.take(2))[1] != 0:
            raise ConnectionError("the proxy refused the login")
    await stream.write(bytes([_VERSION, _CONNECT, 0]) + _address(host) + port.to_bytes(2, "big"))
    _, code, _, kind = await answer.take(4)
    if code:
        raise ConnectionError(f"the proxy: {_REFUSALS.get(code, 'it refused')}")
    length = {_IPV4: 4, _IPV6: 16}.get(kind) or (await answer.take(1))[0]
    await answer.take(length + 2)  # where it connected from, which is of no use here


class _Answer:
    """Takes counted bytes from a stream, which may hand over more at once."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._held = b""

    async def take(self, count: int) -> bytes:
        while len(self._held) < count:
            data = await self._stream.read(count)
            if not data:
                raise ConnectionError("the proxy hung up")
            self._held += data
        taken, self._held = self._held[:count], self._held[count:]
        return taken


def _address(host: str) -> bytes:
    address = parse_address(host)
    if address is None:
        return bytes([_NAME]) + _counted(host)
    kind = _IPV4 if isinstance(address, ipaddress.IPv4Address) else _IPV6
    return bytes([kind]) + address.packed


def _counted(text: str) -> bytes:
    data = text.encode()
    if len(data) > 255:
        raise ConnectionError("a login or name is too long for SOCKS 5")
    return bytes([len(data)]) + data
