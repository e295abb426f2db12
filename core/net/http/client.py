"""The engine's HTTP client: httpx behind the gate. It keeps no cookies and raises only errors of the tree."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from http.cookiejar import CookieJar
from pathlib import Path

import httpx

from core.config.settings import Network, Timeouts
from core.domain.errors import HttpFailure
from core.net.address.gate import AddressGate
from core.net.http.charset import Inflater, decode_text
from core.net.http.failures import translated
from core.net.http.pool import Place, Pool
from core.net.http.proxies import Proxy, parse_proxy
from core.net.http.redirects import MAX_REDIRECTS, REDIRECT_STATUSES, Cookies, Hop, follow
from core.net.http.response import Response, parse_retry_after, raise_for_status
from core.net.http.transport import Ask, Transport
from core.net.http.trust import trusting
from core.net.http.ways import to_proxy, way_out
from core.net.pace import Bandwidth, HostPace
from core.net.reach import Reach
from core.net.seats import Seats

log = logging.getLogger("reeldeck.net")

__all__ = ["HttpClient", "Page", "Response", "parse_retry_after", "raise_for_status"]

#: Path and query that are sent as they are.
_ESCAPED = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*")
_NO_HEADERS: Mapping[str, str] = {}
_MAX_PAGE_BYTES = 20 * 2**20
#: Redirects whose body is no longer than this are read to the end, which is cheaper than a new connection.
_SHORT_BODY_BYTES = 64 * 1024
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
        bandwidth: The cap that bodies are read under.
        pace: Spaces the requests to one host and port, and keeps away when that asks for it.
        reach: Told of what answers and what cannot be reached.
        seats: What transfers share the connections to a host by; its own when it is not given.
    """

    def __init__(
        self,
        gate: AddressGate,
        *,
        network: Network,
        timeouts: Timeouts,
        bandwidth: Bandwidth | None = None,
        pace: HostPace | None = None,
        reach: Reach | None = None,
        seats: Seats | None = None,
    ) -> None:
        self.seats = seats or Seats(network.max_connections_per_host)
        self._gate = gate
        self._user_agent = network.user_agent
        waits = {"connect": timeouts.connect_s} | dict.fromkeys(("read", "write", "pool"), timeouts.read_s)
        self._limits = waits
        #: A server may drip its head so that every single wait is short.
        self._answer_s = 2 * (timeouts.connect_s + timeouts.read_s)
        self._bandwidth = bandwidth or Bandwidth()
        self._pace = pace
        self._reach = reach or Reach()
        self._proxy = parse_proxy(network.proxy) if network.proxy else None
        self._transport = _transport(gate, network.ca_file, self._proxy, self._reach)

    @contextlib.asynccontextmanager
    async def stream(
        self,
        url: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] = _NO_HEADERS,
        cookies: Cookies | None = None,
        content: bytes = b"",
        on_redirect: Callable[[str], None] | None = None,
    ) -> AsyncIterator[Response]:
        """Send a request, follow its redirects, and yield the answer whatever its status.

        *on_redirect* is told of each address before it is asked for; what it raises ends the request.

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
                if on_redirect is not None:
                    on_redirect(hop.target.url)
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
        on_redirect: Callable[[str], None] | None = None,
    ) -> Page:
        """Read a page or playlist whole; one gzip or deflate coding, which some servers insist on, is undone.

        Raises:
            JobError: As `stream` does, and as `raise_for_status` does for 400 and above.
            ParserFailure: It is larger than *max_bytes*.
        """
        async with self.stream(url, headers=headers, cookies=cookies, on_redirect=on_redirect) as response:
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
        sent_at = await self._pace.turn(target.authority) if self._pace else 0.0
        with translated(target.host):
            async with asyncio.timeout(self._answer_s):
                head, body = await self._transport.exchange(self._request(hop))
        self._reach.reached()
        if isinstance(hop.cookies, CookieJar):
            answer = httpx.Response(head.status, headers=head.fields, request=_as_httpx(hop))
            httpx.Cookies(hop.cookies).extract_cookies(answer)
        response = Response(head, body, target, self._bandwidth)
        if log.isEnabledFor(logging.DEBUG):
            log.debug("request", extra=_told(hop, response))
        if self._pace is not None:
            self._pace.heard(target.authority, response.status, response.retry_after_s, sent_at=sent_at)
        return response

    def _request(self, hop: Hop) -> Ask:
        authority, path = split_url(hop.target.url)
        fields = {"host": authority, "user-agent": self._user_agent, "accept": "*/*"}
        fields |= {name.lower(): value for name, value in hop.headers.items() if name.lower() not in _OURS}
        fields["accept-encoding"] = "identity"
        if isinstance(hop.cookies, CookieJar):
            asking = _as_httpx(hop)
            httpx.Cookies(hop.cookies).set_cookie_header(asking)
            if told := asking.headers.get("cookie"):
                fields["cookie"] = told
        elif hop.cookies:
            fields["cookie"] = "; ".join(f"{name}={value}" for name, value in hop.cookies.items())
        if hop.content or hop.method == "POST":
            fields["content-length"] = str(len(hop.content))
        return Ask(
            method=hop.method,
            place=Place(hop.target.host, hop.target.port, hop.target.scheme == "https"),
            path=path,
            fields=[(_bytes(name), _bytes(value)) for name, value in fields.items()],
            content=hop.content,
            waits=self._limits,
        )


def _told(hop: Hop, response: Response) -> dict[str, object]:
    """What the log tells of a request; it takes the query out of links by itself."""
    headers = {name.lower(): value for name, value in hop.headers.items()}
    about = {"range": headers.get("range"), "location": response.headers.get("location")}
    shown = {name: value for name, value in about.items() if value}
    return {"method": hop.method, "url": hop.target.url, "http_status": response.status, **shown}


def split_url(url: str) -> tuple[str, bytes]:
    """What of a URL that was judged goes into `Host`, and what into the first line."""
    start = url.index("/", len("https://"))
    authority, path = url[url.index("//") + 2 : start], url[start:]
    if _ESCAPED.fullmatch(path) and "/." not in path:
        return authority, path.encode("ascii")
    return authority, httpx.URL(url).raw_path


def _as_httpx(hop: Hop) -> httpx.Request:
    """As a cookie jar wants to see a request."""
    headers = {_bytes(name): _bytes(value) for name, value in hop.headers.items()}
    return httpx.Request(hop.method, hop.target.url, headers=headers)


def _bytes(text: str) -> bytes:
    """Text of a header as it is sent; what cannot be encoded becomes a question mark."""
    return text.encode("utf-8", "replace")


def _transport(gate: AddressGate, ca_file: Path | None, proxy: Proxy | None, reach: Reach) -> Transport:
    context = trusting(ca_file)
    pool = Pool(way_out(gate, proxy, context, reach), context)
    if proxy is None or proxy.is_socks:
        return Transport(pool)
    # What is not encrypted goes to an HTTP proxy as it is: many let nobody through to port 80.
    place = Place(proxy.host, proxy.port, is_tls=proxy.scheme == "https")
    return Transport(pool, forward_to=(Pool(to_proxy(proxy), context), place, proxy.login_fields))
