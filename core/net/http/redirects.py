"""Where a redirect leads and what may go along. Connects to nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http.cookiejar import CookieJar
from urllib.parse import urljoin

from core.domain.errors import HttpFailure, InvalidRequest
from core.net.address.gate import AddressGate, Target

MAX_REDIRECTS = 10
REDIRECT_STATUSES = frozenset({301, 302, 303, 307, 308})
#: What another origin may see: nothing that tells of a person, a login or the page before.
_IMPERSONAL = frozenset(
    {"accept", "accept-language", "user-agent", "range", "if-range", "if-match", "if-none-match"}
    | {"if-modified-since", "if-unmodified-since"}
)

#: Plain ones go to the first origin only; those of a jar go where the jar's own rules let them.
Cookies = Mapping[str, str] | CookieJar


@dataclass(frozen=True, slots=True)
class Hop:
    """One request on the way to the answer."""

    method: str
    target: Target
    headers: Mapping[str, str]
    cookies: Cookies | None
    content: bytes


def follow(gate: AddressGate, hop: Hop, status: int, location: str) -> Hop:
    """The request that a redirect of *hop* asks for, without what its new target must not see.

    Raises:
        BlockedAddress: As the gate does.
        HttpFailure: The `Location` field names no usable http(s) link.
    """
    target = _next_target(gate, hop.target, status, location)
    method = _next_method(hop.method, status)
    if _is_same_site(hop.target, target):
        return Hop(method, target, hop.headers, hop.cookies, hop.content if method == hop.method else b"")
    is_downgrade = hop.target.scheme == "https" and target.scheme == "http"
    return Hop(
        method=method,
        target=target,
        headers={name: value for name, value in hop.headers.items() if name.lower() in _IMPERSONAL},
        cookies=hop.cookies if isinstance(hop.cookies, CookieJar) and not is_downgrade else None,
        content=b"",
    )


def _next_target(gate: AddressGate, current: Target, status: int, location: str) -> Target:
    try:
        return gate.check(urljoin(current.url, location.strip().replace(" ", "%20")))
    except (InvalidRequest, ValueError) as error:
        reason = error.detail if isinstance(error, InvalidRequest) else "it is malformed"
        raise HttpFailure(
            f"{current.host} redirects to an unusable link: {reason}", remote_status=status
        ) from error


def _next_method(method: str, status: int) -> str:
    """As browsers do (Fetch standard §4.4): 303 asks with GET, and so do 301 and 302 after a POST."""
    if (status == 303 and method != "HEAD") or (status in {301, 302} and method == "POST"):
        return "GET"
    return method


def _is_same_site(current: Target, following: Target) -> bool:
    """One origin, or the step from http to https on one host, which hides what was in the open before."""
    is_upgrade = current.origin == ("http", following.host, 80) and following.origin[::2] == ("https", 443)
    return current.origin == following.origin or is_upgrade
