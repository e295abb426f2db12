"""The ways out: to addresses that the gate has judged, or through the owner's proxy."""

from __future__ import annotations

import ssl

from core.net.address.addresses import parse_address
from core.net.address.gate import AddressGate, resolve_by_system
from core.net.egress.relay import BadHead, read_head
from core.net.http.connection import Connector, ProxyRefused, Stream
from core.net.http.dial import connect
from core.net.http.message import request_head
from core.net.http.proxies import Proxy
from core.net.http.socks import socks_connect
from core.net.http.tls import start_tls
from core.net.reach import Reach


def way_out(
    gate: AddressGate, proxy: Proxy | None, context: ssl.SSLContext, reach: Reach | None = None
) -> Connector:
    """How any target is reached. *context* is for an https proxy; *reach* hears of those without one."""
    if proxy is None:
        return reach.watched(_direct(gate)) if reach else _direct(gate)
    return _through_socks(gate, proxy) if proxy.is_socks else _through_http(gate, proxy, context)


def to_proxy(proxy: Proxy) -> Connector:
    """Connects to the proxy itself, wherever the owner has it, whatever is asked for."""

    async def connector(_host: str, _port: int) -> Stream:
        return await connect(await resolve_by_system(proxy.host, proxy.port), proxy.port)

    return connector


def _direct(gate: AddressGate) -> Connector:
    async def connector(host: str, port: int) -> Stream:
        return await connect(await gate.addresses(host, port), port)

    return connector


def _through_socks(gate: AddressGate, proxy: Proxy) -> Connector:
    """By judged addresses, or by name where the proxy is to look names up."""

    async def connector(host: str, port: int) -> Stream:
        by_name = proxy.resolves and parse_address(host) is None
        failure = OSError("there is no address")
        for destination in [host] if by_name else await gate.addresses(host, port):
            stream = await to_proxy(proxy)(host, port)
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


def _through_http(gate: AddressGate, proxy: Proxy, context: ssl.SSLContext) -> Connector:
    """By the CONNECT method (RFC 9110 §9.3.6); names are looked up by the proxy, addresses are judged."""

    async def connector(host: str, port: int) -> Stream:
        destination = host if parse_address(host) is None else (await gate.addresses(host, port))[0]
        stream = await to_proxy(proxy)(host, port)
        try:
            if proxy.scheme == "https":
                stream = await start_tls(stream, context, proxy.host)
            await _http_connect(stream, proxy, destination, port)
        except BaseException:
            await stream.aclose()
            raise
        return stream

    return connector


async def _http_connect(stream: Stream, proxy: Proxy, host: str, port: int) -> None:
    authority = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    fields = [(b"Host", authority.encode("ascii")), *proxy.login_fields]
    await stream.write(request_head("CONNECT", authority.encode("ascii"), fields))
    try:
        head, _ = await read_head(stream, b"", None)
    except BadHead as error:
        raise ProxyRefused("its answer is no HTTP") from error
    status = head.partition(b" ")[2][:3]
    if not status.startswith(b"2"):
        raise ProxyRefused(f"it answered {status.decode('ascii', 'replace')}")
