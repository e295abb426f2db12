"""The only way to the network for child processes: a loopback proxy that asks the gate about every target.

It tunnels CONNECT and forwards absolute-form http requests, one a connection. A child proves itself by the
login in its proxy URL, which also says behind which of the owner's proxies, at which pace and under which cap
it is served. Inside a tunnel only the connections can be paced, not the requests. A refusal has the error's
code as its reason phrase and in `X-Reeldeck-Error`, so that it can be told from an answer of the site.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import re
import secrets
import socket
import time
from dataclasses import dataclass, field

import httpcore

from core.config.settings import Network
from core.domain.errors import BlockedAddress, InvalidRequest, JobError, NetworkFailure, RateLimited
from core.net.address.gate import AddressGate, Target
from core.net.egress.relay import (
    HEAD_TIMEOUT_S,
    BadHead,
    RequestHead,
    exchange,
    parse_request,
    read_head,
    status_of,
    tunnel,
)
from core.net.http.connection import Connector, SocketStream, Stream, within
from core.net.http.proxies import Proxy, parse_proxy
from core.net.http.response import parse_retry_after
from core.net.http.trust import trusting
from core.net.http.ways import way_out
from core.net.pace import Bandwidth, HostPace
from core.net.reach import Reach

ERROR_HEADER = "X-Reeldeck-Error"
_USER = "reeldeck"
_LINGER_S = 2.0
_AUTHORITY_FORM = re.compile(r"[^/?#@]+:[0-9]{1,5}")


class _Refusal(Exception):
    """The child gets an error instead of the site's answer."""

    def __init__(self, status: str, detail: str, field: str = "") -> None:
        super().__init__(detail)
        self.answer = (
            f"HTTP/1.1 {status}\r\n{field}Content-Type: text/plain; charset=utf-8\r\n"
            f"Content-Length: {len(detail.encode()) + 1}\r\nConnection: close\r\n\r\n{detail}\n"
        ).encode()

    @classmethod
    def by(cls, error: JobError) -> _Refusal:
        """The refusal that stands for an error of the tree."""
        status = f"{error.http_status} {error.code}"
        return cls(status, error.detail, f"{ERROR_HEADER}: {error.code}\r\n")


@dataclass(frozen=True, slots=True)
class _Door:
    """What the children with one login get."""

    token: str = field(repr=False)
    proxy: Proxy | None
    connector: Connector
    bandwidth: Bandwidth
    pace: HostPace


class EgressProxy:
    """A proxy on 127.0.0.1 for our own children.

    Args:
        gate: Judges every target.
        connect_timeout_s: For look-up and connection together.
        network: The owner's proxy, and certificates for it. Behind a proxy that looks names up itself, what a
            name resolves to cannot be judged here, as with `HttpClient`.
        bandwidth: The cap that answers are passed on under.
        reach: Told of what can be reached.
    """

    def __init__(
        self,
        gate: AddressGate,
        *,
        connect_timeout_s: float,
        network: Network | None = None,
        bandwidth: Bandwidth | None = None,
        reach: Reach | None = None,
    ) -> None:
        self._gate = gate
        self._connect_timeout_s = connect_timeout_s
        self._reach = reach or Reach()
        self._doors: dict[str, _Door] = {}
        self._add(_USER, network or Network(), bandwidth or Bandwidth(), HostPace())
        self._listener: socket.socket | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """What a child is given as its proxy. It holds the token, so never put it into an argv or a log."""
        return self._url(_USER)

    @property
    def connector(self) -> Connector:
        """The way out of those children."""
        return self._doors[_USER].connector

    def door(self, name: str, *, network: Network, bandwidth: Bandwidth, pace: HostPace) -> str:
        """A further proxy URL, for the children of the source *name*, which are served in their own way.

        Raises:
            ConfigError: The proxy in *network* cannot be used.
        """
        self._add(name, network, bandwidth, pace)
        return self._url(name)

    def _add(self, name: str, network: Network, bandwidth: Bandwidth, pace: HostPace) -> None:
        proxy = parse_proxy(network.proxy) if network.proxy else None
        connector = way_out(self._gate, proxy, trusting(network.ca_file), self._reach)
        self._doors[name] = _Door(secrets.token_urlsafe(24), proxy, connector, bandwidth, pace)

    def _url(self, name: str) -> str:
        if self._listener is None:
            raise RuntimeError("the egress proxy is not started")
        return f"http://{name}:{self._doors[name].token}@127.0.0.1:{self._listener.getsockname()[1]}"

    async def start(self) -> None:
        """Listen on a free port of 127.0.0.1."""
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._listener.setblocking(False)
        self._tasks.add(asyncio.create_task(self._accept(self._listener)))

    async def stop(self) -> None:
        """Close everything at once."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    async def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                sock, _ = await asyncio.get_running_loop().sock_accept(listener)
            except OSError:  # out of file descriptors; the child waits in the backlog
                await asyncio.sleep(0.1)
                continue
            task = asyncio.create_task(self._serve(SocketStream(sock)))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _serve(self, child: SocketStream) -> None:
        # A side that hangs up or falls silent ends the matter: there is nobody to tell.
        with contextlib.suppress(httpcore.NetworkError, httpcore.TimeoutException, TimeoutError, BadHead):
            try:
                try:
                    await self._handle(child)
                except _Refusal as refusal:
                    await child.write(refusal.answer, HEAD_TIMEOUT_S)
                await _part(child)
            finally:
                await child.aclose()

    async def _handle(self, child: SocketStream) -> None:
        try:
            head, held = await read_head(child, b"", HEAD_TIMEOUT_S)
            request = parse_request(head)
        except BadHead as error:
            raise _Refusal("400 Bad Request", str(error)) from error
        door = self._authorised(request)
        target = self._judge(request, door)
        try:
            sent_at = await door.pace.turn(target.authority)
        except RateLimited as error:
            raise _Refusal.by(error) from error
        upstream = await self._connect(target, door)

        def answered(head: bytes) -> None:
            status, wish = status_of(head)
            retry_after_s = parse_retry_after(wish, now=time.time())
            door.pace.heard(target.authority, status, retry_after_s, sent_at=sent_at)

        try:
            if request.method == "CONNECT":
                await child.write(b"HTTP/1.1 200 Connection established\r\n\r\n", HEAD_TIMEOUT_S)
                await tunnel(child, upstream, held, door.bandwidth)
            else:
                authority, slash, path = target.url.removeprefix("http://").partition("/")
                origin_head = request.for_origin(authority, slash + path)
                await exchange(child, upstream, request, origin_head, held, door.bandwidth, answered)
        finally:
            await upstream.aclose()

    def _authorised(self, request: RequestHead) -> _Door:
        """The door that the child's login opens."""
        given = request.field(b"proxy-authorization")
        for name, door in self._doors.items():
            expected = b"Basic " + base64.b64encode(f"{name}:{door.token}".encode())
            if secrets.compare_digest(given, expected):
                return door
        raise _Refusal(
            "407 Proxy Authentication Required",
            "the token is wrong or missing",
            'Proxy-Authenticate: Basic realm="reeldeck"\r\n',
        )

    def _judge(self, request: RequestHead, door: _Door) -> Target:
        url = request.uri
        if request.method == "CONNECT":
            if not _AUTHORITY_FORM.fullmatch(url):
                raise _Refusal("400 Bad Request", "CONNECT takes host:port")
            url = f"https://{url}"
        elif not url.lower().startswith("http://"):
            raise _Refusal("400 Bad Request", "only absolute http:// URLs are forwarded")
        try:
            target = self._gate.check(url)
            if door.proxy is not None and door.proxy.resolves:
                self._gate.check_unresolved(target)
        except BlockedAddress as error:
            raise _Refusal.by(error) from error
        except InvalidRequest as error:
            raise _Refusal("400 Bad Request", error.detail) from error
        return target

    async def _connect(self, target: Target, door: _Door) -> Stream:
        try:
            async with within(self._connect_timeout_s, httpcore.ConnectTimeout, httpcore.ConnectError):
                return await door.connector(target.host, target.port)
        except (BlockedAddress, NetworkFailure) as error:
            raise _Refusal.by(error) from error
        except (httpcore.TimeoutException, httpcore.NetworkError) as error:
            raise _Refusal.by(NetworkFailure(f"no connection to {target.host}: {error}")) from error


async def _part(child: SocketStream) -> None:
    """Let the child read the last bytes: a close while something of its own is unread would destroy them."""
    async with within(_LINGER_S, httpcore.ReadTimeout, httpcore.ReadError):
        child.end_writing()
        while await child.read(1):
            pass
