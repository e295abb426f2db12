"""The engine's HTTP client: httpx behind the gate. It keeps no cookies and raises only errors of the tree."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any

import httpx

from core.config.settings import Network, Timeouts
from core.domain.errors import HttpFailure, NetworkFailure
from core.net.address.gate import AddressGate
from core.net.http.backend import Backend
from core.net.http.charset import Inflater, decode_text
from core.net.http.failures import translated
from core.net.http.proxies import Proxy, parse_proxy
from core.net.http.redirects import MAX_REDIRECTS, REDIRECT_STATUSES, Cookies, Hop, follow
from core.net.http.response import MAX_HEADER_BYTES, Response, parse_retry_after, raise_for_status
from core.net.http.trust import trusting
from core.net.http.ways import to_proxy, way_out
from core.net.pace import PACE_OF_TASK, Bandwidth, HostPace

__all__ = ["HttpClient", "Page", "Response", "parse_retry_after", "raise_for_status"]

_NO_HEADERS: Mapping[str, str] = {}
_MAX_PAGE_BYTES = 20 * 2**20
#: Redirects whose body is no longer than this are read to the end, which is cheaper than a new connection.
_SHORT_BODY_BYTES = 64 * 1024
_MAX_CONNECTIONS = 512
_KEEPALIVE_S = 30.0
#: Fields about the connection, which are ours to say.
_OURS = frozenset(
    {
        "host",
        "connection",
        "upgrade",
        "te",
        "expect",
        "transfer-encoding",
        "content-length",
        "accept-encoding",
    }
    | {"keep-alive", "trailer", "proxy-authorization", "proxy-connection"}
)


@dataclass(frozen=True, slots=True)
class Page:
    """A text that was read whole."""

    #: After redirects.
    url: str
    status: int
    #: Media type without parameters in lower case; empty when the server named none.
    content_type: str
    text: str


class HttpClient:
    """Fetches over http(s) from where the gate lets us.

    Without a proxy, and with a `socks5://` one, every address that is connected to has been judged. An
    `http://`, `https://` or `socks5h://` proxy looks names up itself: then a URL's form, literal addresses,
    ports and names that can only be private are judged. What a public name resolves to cannot be; that is up
    to the proxy.

    Args:
        gate: Judges URLs and addresses.
        network: User agent, proxy and certificates.
        timeouts: `connect_s` for look-up and connection, and again for TLS; `read_s` for each wait for bytes.
        proxy: Goes before `network.proxy`.
        bandwidth: The cap that bodies are read under.
        pace: Spaces the requests to one host and port, and keeps away after a 429 with a Retry-After. Without
            one, that of the task that asks, if it has one.
    """

    def __init__(
        self,
        gate: AddressGate,
        *,
        network: Network,
        timeouts: Timeouts,
        proxy: str | None = None,
        bandwidth: Bandwidth | None = None,
        pace: HostPace | None = None,
    ) -> None:
        self._gate = gate
        self._user_agent = network.user_agent
        waits = {"connect": timeouts.connect_s} | dict.fromkeys(("read", "write", "pool"), timeouts.read_s)
        self._limits = waits
        #: A server may drip its head so that every single wait is short.
        self._answer_s = 2 * (timeouts.connect_s + timeouts.read_s)
        self._bandwidth = bandwidth or Bandwidth()
        self._pace = pace
        chosen = proxy or network.proxy
        self._proxy = parse_proxy(chosen) if chosen else None
        self._transport = _transport(gate, network.ca_file, self._proxy)

    @contextlib.asynccontextmanager
    async def stream(
        self,
        url: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] = _NO_HEADERS,
        cookies: Cookies | None = None,
        content: bytes = b"",
    ) -> AsyncIterator[Response]:
        """Send a request, follow its redirects, and yield the answer whatever its status.

        Raises:
            BlockedAddress: It leads to where the gate does not let us.
            InvalidRequest: *url* is no usable link, or a header is not allowed in HTTP.
            HttpFailure: Too many redirects, or one to something that is no link.
            RateLimited: The host asked us to stay away, and for longer than a pause.
            NetworkFailure: There was no answer.
        """
        hop = Hop(method, self._gate.check(url), headers, cookies, content)
        for _ in range(MAX_REDIRECTS + 1):
            response = await self._ask(hop)
            try:
                location = response.headers.get("location")
                if location is None or response.status not in REDIRECT_STATUSES:
                    yield response
                    return
                hop = follow(self._gate, hop, response.status, location)
                await response.drain(_SHORT_BODY_BYTES)
            finally:
                await response.close()
        raise HttpFailure(
            f"more than {MAX_REDIRECTS} redirects, the last to {hop.target.host}", remote_status=302
        )

    async def text(
        self,
        url: str,
        *,
        headers: Mapping[str, str] = _NO_HEADERS,
        cookies: Cookies | None = None,
        max_bytes: int = _MAX_PAGE_BYTES,
    ) -> Page:
        """Read a page or playlist whole; one gzip or deflate coding, which some servers insist on, is undone.

        Raises:
            JobError: As `stream` does, and as `raise_for_status` does for 400 and above.
            ParserFailure: It is larger than *max_bytes*.
        """
        async with self.stream(url, headers=headers, cookies=cookies) as response:
            if response.status >= 400:
                raise_for_status(response)
            inflater = Inflater(response.host, response.coding, max_bytes)
            async for chunk in response.raw_chunks():
                inflater.feed(chunk)
            return Page(
                url=response.url,
                status=response.status,
                content_type=response.content_type,
                text=decode_text(inflater.finish(), response.headers.get("content-type", "")),
            )

    async def close(self) -> None:
        """Close all connections."""
        await self._transport.aclose()

    async def _ask(self, hop: Hop) -> Response:
        """The answer to one request, whatever it is."""
        target = hop.target
        if self._proxy is not None and self._proxy.resolves:
            self._gate.check_unresolved(target)
        pace = self._pace or PACE_OF_TASK.get()
        if pace is not None:
            await pace.turn(target.authority)
        raw = await self._exchange(self._request(hop), target.host)
        if sum(len(name) + len(value) for name, value in raw.headers.raw) > MAX_HEADER_BYTES:
            await raw.aclose()
            raise NetworkFailure(f"the answer of {target.host} has too large a head")
        if isinstance(hop.cookies, CookieJar):
            httpx.Cookies(hop.cookies).extract_cookies(raw)
        response = Response(raw, target, self._bandwidth)
        if pace is not None and response.status == 429 and response.retry_after_s:
            pace.stay_away(target.authority, response.retry_after_s)
        return response

    def _request(self, hop: Hop) -> httpx.Request:
        fields = {"user-agent": self._user_agent, "accept": "*/*"}
        fields |= {name.lower(): value for name, value in hop.headers.items() if name.lower() not in _OURS}
        fields["accept-encoding"] = "identity"
        if hop.cookies and not isinstance(hop.cookies, CookieJar):
            fields["cookie"] = "; ".join(f"{name}={value}" for name, value in hop.cookies.items())
        request = httpx.Request(
            hop.method,
            hop.target.url,
            headers={_bytes(name): _bytes(value) for name, value in fields.items()},
            content=hop.content,
            extensions={"timeout": self._limits},
        )
        if isinstance(hop.cookies, CookieJar):
            httpx.Cookies(hop.cookies).set_cookie_header(request)
        return request

    async def _exchange(self, request: httpx.Request, host: str) -> httpx.Response:
        """Send; again where the server had closed a kept connection in the meantime, which is no failure."""
        connects = request.method not in {"GET", "HEAD"}  # others might have been acted upon

        async def trace(event: str, _info: Mapping[str, Any]) -> None:
            nonlocal connects
            connects = connects or event.endswith("connect_tcp.started")

        request.extensions["trace"] = trace
        with translated(host):
            async with asyncio.timeout(self._answer_s):
                while True:
                    try:
                        raw = await self._transport.handle_async_request(request)
                    except (httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError):
                        if connects:
                            raise
                    else:
                        raw.request = request
                        return raw


def _bytes(text: str) -> bytes:
    """Text of a header as it is sent; what cannot be encoded becomes a question mark."""
    return text.encode("utf-8", "replace")


def _transport(gate: AddressGate, ca_file: Path | None, proxy: Proxy | None) -> httpx.AsyncHTTPTransport:
    context = trusting(ca_file)
    # httpcore speaks to HTTP proxies itself: it needs a connection to the proxy, not one through it.
    http_proxy = proxy if proxy is not None and not proxy.is_socks else None
    transport = httpx.AsyncHTTPTransport(
        verify=context,
        trust_env=False,
        limits=httpx.Limits(
            max_connections=_MAX_CONNECTIONS,
            max_keepalive_connections=_MAX_CONNECTIONS,  # httpcore counts the busy ones against it too
            keepalive_expiry=_KEEPALIVE_S,
        ),
        proxy=_for_httpx(http_proxy, context) if http_proxy else None,
    )
    # Private in httpx 0.28.1 and httpcore 1.0.9, which are pinned; a test proves that the gate is in force.
    pool: Any = transport._pool  # noqa: SLF001 -- the gate must sit where connections are made
    connector = to_proxy(http_proxy) if http_proxy else way_out(gate, proxy, context)
    pool._network_backend = Backend(connector)  # noqa: SLF001 -- as above
    return transport


def _for_httpx(proxy: Proxy, context: ssl.SSLContext) -> httpx.Proxy:
    return httpx.Proxy(
        proxy.address,
        ssl_context=context if proxy.scheme == "https" else None,
        auth=(proxy.user, proxy.password) if proxy.user else None,
    )
