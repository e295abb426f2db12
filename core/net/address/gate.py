"""The one rule about where the engine may connect: http(s) on the public internet, and what is exempt.

`check` reads a URL so strictly that no other parser can find another host in it. `addresses` judges every
address that a name has; callers connect to those very addresses, so no second look-up can change the answer.
"""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from core.domain.errors import BlockedAddress, ConfigError, InvalidRequest, NetworkFailure
from core.net.address.addresses import is_in, parse_address, parse_networks, refusal
from core.net.address.hosts import OddAddress, canonical_host

#: Gives the addresses of a name for a port. Raises OSError.
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]

DEFAULT_PORTS = {"http": 80, "https": 443}
#: Ports of other protocols: the Fetch standard's list of bad ports (§2.9), which browsers refuse.
BAD_PORTS = frozenset(
    {
        0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103,
        104, 109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513,
        514, 515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720,
        1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
    }
)  # fmt: skip
_LOOPBACK_V4, _LOOPBACK_V6 = parse_networks(("127.0.0.0/8", "::1/128"))
_MAX_URL = 16 * 1024
_URL = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*)://([^/?#]*)([^?#]*)([^#]*)")
_AUTHORITY = re.compile(r"(\[[^\[\]]*\]|[^:\[\]]+)(?::([0-9]{0,5}))?")
#: What no part of a URL may hold: controls, spaces and lone surrogates.
_FORBIDDEN = re.compile("[\x00-\x20\x7f-\x9f\ud800-\udfff]")
#: What a host may not hold besides: white space of every script, and what has no shape of its own.
_INVISIBLE = re.compile("[\xa0\xad\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]")
#: Names that only a private network answers (RFC 6761, 6762, 8375, ICANN's .internal, and habit).
_PRIVATE_NAMES = frozenset(
    {"localhost", "localdomain", "local", "internal", "intranet", "private", "corp", "home", "lan", "arpa"}
)


@dataclass(frozen=True, slots=True)
class Target:
    """A URL whose form the gate has passed."""

    scheme: str
    #: A lower-case ASCII name, or an address without brackets.
    host: str
    port: int
    #: Canonical and without a fragment: what is sent must be what was judged.
    url: str

    @property
    def origin(self) -> tuple[str, str, int]:
        """What secrets are bound to."""
        return self.scheme, self.host, self.port

    @property
    def authority(self) -> str:
        """Host and port."""
        return f"{self.host}:{self.port}"


async def resolve_by_system(host: str, port: int) -> Sequence[str]:
    """The addresses that the system's resolver finds, the best first. Raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class AddressGate:
    """Judges URLs and addresses.

    Args:
        allow: CIDRs that are exempt, on every port. 127.0.0.0/8 stands for ::1 too, as both are this machine
            and `localhost` has both addresses. Raises ConfigError when one is malformed.
        resolve: Looks names up; by default the system's resolver does.
    """

    def __init__(self, allow: Sequence[str] = (), resolve: Resolve | None = None) -> None:
        try:
            self._allow = parse_networks(allow)
            if _LOOPBACK_V4 in self._allow:
                self._allow += (_LOOPBACK_V6,)
        except ValueError as error:
            raise ConfigError(f"network.allow_addresses: {error}") from error
        self._resolve = resolve or resolve_by_system
        #: Asked for every request, mostly about the same few.
        self._host = lru_cache(maxsize=1024)(self._judged_name)

    def check(self, url: str) -> Target:
        """Judge what can be judged without a look-up: the URL's form, a literal address, the port.

        Raises:
            BlockedAddress: A literal address that is not public, or the port of another protocol.
            InvalidRequest: Not a plain http(s) URL: malformed, ambiguous, or with a login in it.
        """
        if len(url) > _MAX_URL or _FORBIDDEN.search(url):
            raise InvalidRequest("the link is too long, or holds spaces or control characters")
        parts = _URL.match(url)
        if parts is None or (scheme := parts[1].lower()) not in DEFAULT_PORTS:
            raise InvalidRequest("only http:// and https:// links are taken")
        if "@" in parts[2]:
            raise InvalidRequest("links with a login in them are not taken")
        if _INVISIBLE.search(parts[2]):
            raise InvalidRequest("the link's host holds characters that cannot be seen")
        if "\\" in parts[2] + parts[3]:
            raise InvalidRequest("links with a backslash in them are not taken")
        authority = _AUTHORITY.fullmatch(parts[2])
        if authority is None or (port := int(authority[2] or DEFAULT_PORTS[scheme])) > 65535:
            raise InvalidRequest("the link's host or port is malformed")
        host = self._host(authority[1], port)
        shown = f"[{host}]" if ":" in host else host
        suffix = "" if port == DEFAULT_PORTS[scheme] else f":{port}"
        return Target(scheme, host, port, f"{scheme}://{shown}{suffix}{parts[3] or '/'}{parts[4]}")

    def check_unresolved(self, target: Target) -> None:
        """What is left to judge where a proxy looks names up: names that can only be private, and the port.

        Raises:
            BlockedAddress: Such a name, or the port of another protocol.
        """
        if parse_address(target.host) is not None:
            return
        *above, last = target.host.split(".")
        if not above or last in _PRIVATE_NAMES:
            raise BlockedAddress(f"the name {target.host} belongs to a private network")
        if target.port in BAD_PORTS:
            raise _bad_port(target.host, target.port)

    async def addresses(self, host: str, port: int) -> list[str]:
        """The addresses that may be connected to for *host*, a name or an address, once every one is judged.

        Raises:
            BlockedAddress: One of them is not public, or the port is another protocol's.
            InvalidRequest: *host* is malformed.
            NetworkFailure: The name has no address, or could not be looked up.
        """
        literal = parse_address(host)
        if literal is not None:
            return [self._judged(host, str(literal), port)]
        name = self._host(host, port)
        try:
            answers = await self._resolve(name, port)
        except OSError as error:
            raise NetworkFailure(
                f"the name {name} could not be looked up: {error.strerror or error}"
            ) from error
        if not answers:
            raise NetworkFailure(f"the name {name} has no address")
        return [self._judged(name, answer, port) for answer in answers]

    def _judged_name(self, written: str, port: int) -> str:
        try:
            host = canonical_host(written)
        except OddAddress as odd:
            self._judged(str(odd.address), str(odd.address), port)
            raise
        if not isinstance(host, str):
            return self._judged(str(host), str(host), port)
        if port in BAD_PORTS and not self._allow:  # else its addresses may turn out to be exempt
            raise _bad_port(host, port)
        return host

    def _judged(self, host: str, answer: str, port: int) -> str:
        """*answer* in its plain form. *host* is what it was the answer for."""
        address = parse_address(answer)
        if address is None:
            raise BlockedAddress(f"{host} resolves to something that is no address")
        if not is_in(address, self._allow):
            if (reason := refusal(address)) is not None:
                named = host if host == str(address) else f"{host} ({address})"
                raise BlockedAddress(f"{named} is {reason}")
            if port in BAD_PORTS:
                raise _bad_port(host, port)
        return str(address)


def _bad_port(host: str, port: int) -> BlockedAddress:
    return BlockedAddress(f"port {port} of {host} belongs to another protocol than the web's")
