"""The two cookies that make a login at X: `auth_token` says who, `ct0` guards against forged requests."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from core.auth.cookies import read_cookies_blocking
from core.auth.login import Login
from core.config.sources import XSettings
from core.domain.errors import AuthRequired, InvalidRequest
from core.links.normalise import host_is

_HOSTS = ("x.com", "twitter.com")
_NAMES = ("auth_token", "ct0")
#: What may stand in a cookie (RFC 6265 §4.1.1).
_VALUE = re.compile(r"[!#-+\--:<-\[\]-~]+\Z")
_HINT = "Export the cookies of x.com from a browser that is signed in: reeldeck auth add x FILE"


@dataclass(frozen=True, slots=True)
class Credentials:
    """A login at X; its text shows nothing of it."""

    auth_token: str = field(repr=False)
    ct0: str = field(repr=False)

    @property
    def cookies(self) -> dict[str, str]:
        """As they are sent."""
        return {"auth_token": self.auth_token, "ct0": self.ct0}


def find_credentials_blocking(login: Login | None, settings: XSettings, *, now: float) -> Credentials | None:
    """The cookies of the login in use; None is a guest.

    Raises:
        AuthRequired: The login is incomplete, expired or cannot be read.
    """
    if login is None:
        return None
    hosts = (*_HOSTS, *filter(None, [urlsplit(settings.web_base or "").hostname]))
    return _read(login.tokens, login.cookie_file, f"the profile {login.profile!r}", hosts, now)


def needs_login(detail: str) -> AuthRequired:
    """The failure that says how to add a login."""
    return AuthRequired(detail, hint=_HINT)


def _read(
    tokens: Mapping[str, str], cookie_file: Path | None, where: str, hosts: tuple[str, ...], now: float
) -> Credentials:
    found = dict(tokens)
    if cookie_file is not None and not all(found.get(name) for name in _NAMES):
        found = _cookies_blocking(cookie_file, where, hosts, now)
    for name in _NAMES:
        value = found.get(name)
        if not value:
            raise needs_login(f"{where} holds no valid {name} cookie")
        if not _VALUE.match(value):
            raise needs_login(f"the {name} of {where} has characters that no cookie has")
    return Credentials(found["auth_token"], found["ct0"])


def _cookies_blocking(path: Path, where: str, hosts: tuple[str, ...], now: float) -> dict[str, str]:
    """X's cookies in a Netscape file, without those that have expired."""
    try:
        cookies = read_cookies_blocking(path)
    except InvalidRequest as error:
        raise needs_login(f"{where}: {error.detail}") from error
    return {
        cookie.name: cookie.line.rpartition("\t")[2].strip()
        for cookie in cookies
        if cookie.name in _NAMES
        and host_is(cookie.domain.lstrip(".").lower(), hosts)
        and (cookie.expires is None or cookie.expires > now)
    }
