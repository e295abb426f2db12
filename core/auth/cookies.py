"""Cookie files in Netscape's format: judged line by line, without ever quoting what they hold.

A line has seven fields parted by tabs: domain, whether subdomains are meant, path, whether HTTPS only, end in
seconds since the epoch (0 = with the session), name, value. `#HttpOnly_` before the domain is part of it; any
other line that begins with `#` is a comment (curl's documentation, "The cookies file format").
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import re
import stat
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.cookiejar import CookieJar, LoadError, MozillaCookieJar
from pathlib import Path

from core.auth.login import Login
from core.domain.errors import InvalidRequest
from core.links.normalise import host_is

#: What yt-dlp and Python want to see first.
HEADER = "# Netscape HTTP Cookie File"
MAX_BYTES = 4 * 2**20
_HTTP_ONLY = "#HttpOnly_"
_FLAGS = frozenset({"TRUE", "FALSE"})
_FIELDS = 7
_END = re.compile(r"-?\d{1,15}(\.\d*)?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class LoginCookies:
    """The cookies that a login at a site hangs on."""

    #: Each with the hosts below it: other sites have cookies of the same names.
    hosts: tuple[str, ...]
    names: frozenset[str]

    def belongs(self, domain: str, name: str) -> bool:
        """Whether a cookie is one of them."""
        return name in self.names and host_is(domain.lstrip(".").lower(), self.hosts)


_X = LoginCookies(("x.com", "twitter.com"), frozenset({"auth_token", "ct0"}))
#: By source, as the installed yt-dlp looks for them. When one of them ends, the login does.
LOGIN_COOKIES: Mapping[str, LoginCookies] = {
    "youtube": LoginCookies(("youtube.com",), frozenset({"LOGIN_INFO", "SAPISID", "__Secure-3PSID"})),
    "x": _X,
    "x_posts": _X,
    "facebook": LoginCookies(("facebook.com",), frozenset({"c_user", "xs"})),
    "instagram": LoginCookies(("instagram.com",), frozenset({"sessionid"})),
    "tiktok": LoginCookies(("tiktok.com",), frozenset({"sessionid"})),
    "vimeo": LoginCookies(("vimeo.com",), frozenset({"vimeo"})),
    "reddit": LoginCookies(("reddit.com",), frozenset({"reddit_session"})),
    "soundcloud": LoginCookies(("soundcloud.com",), frozenset({"oauth_token"})),
    "twitch": LoginCookies(("twitch.tv",), frozenset({"auth-token"})),
}
#: For a source without known ones.
NO_COOKIES = LoginCookies((), frozenset())


@dataclass(frozen=True, slots=True)
class Cookie:
    """One line."""

    domain: str
    name: str
    #: Seconds since the epoch; None for the session.
    expires: float | None
    #: The whole line as it is written into copies.
    line: str = field(repr=False)


def parse_cookies(text: str) -> Sequence[Cookie]:
    """The cookies of a file.

    Raises:
        InvalidRequest: It is no cookie file; names the line and what is wrong with it, not what it says.
    """
    if text.lstrip("\ufeff \t\r\n")[:1] in {"{", "["}:
        raise InvalidRequest(
            "this is JSON, not a cookie file", hint="Choose the Netscape (cookies.txt) format when exporting."
        )
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n")
    cookies = [
        _cookie(number, line)
        for number, line in enumerate(lines, start=1)
        if line.strip() and (line[0] != "#" or line.startswith(_HTTP_ONLY))
    ]
    if not cookies:
        raise InvalidRequest(
            "there is no cookie in the file", hint="Export it again while you are logged in to the site."
        )
    return cookies


def _cookie(number: int, line: str) -> Cookie:
    fields = line.split("\t")
    if len(fields) == _FIELDS - 1:
        # Editors take the tab away that stands before an empty value.
        fields.append("")
    if len(fields) != _FIELDS:
        raise _wrong(number, f"has {len(fields)} fields instead of {_FIELDS}", "They are parted by tabs.")
    domain, subdomains, path, secure, end, name, _ = fields
    if not domain.removeprefix(_HTTP_ONLY).strip(".") or " " in domain:
        raise _wrong(number, "has no domain in field 1")
    if subdomains not in _FLAGS or secure not in _FLAGS:
        raise _wrong(number, "wants TRUE or FALSE in fields 2 and 4")
    if not path.startswith("/"):
        raise _wrong(number, "wants a path in field 3")
    if end and not _END.fullmatch(end):
        raise _wrong(number, "wants seconds since 1970 in field 5")
    if any(_CONTROL.search(each) for each in fields):
        raise _wrong(number, "holds control characters")
    expires = float(end) if end and float(end) > 0 else None
    # Python takes an empty end for the session and refuses 0, -1 and fractions of a second.
    fields[4] = str(int(expires)) if expires else "0"
    return Cookie(domain.removeprefix(_HTTP_ONLY), name, expires, "\t".join(fields))


def _wrong(number: int, what: str, hint: str = "Export the file again.") -> InvalidRequest:
    return InvalidRequest(f"line {number} of the cookie file {what}", hint=hint)


def read_cookies_blocking(path: Path) -> Sequence[Cookie]:
    """The cookies of the file at *path*.

    Raises:
        InvalidRequest: It cannot be read, or is no cookie file.
    """
    try:
        # Opening a pipe would otherwise wait for somebody who writes into it.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            is_file = stat.S_ISREG(os.fstat(file.fileno()).st_mode)
            data = file.read(MAX_BYTES + 1) if is_file else b""
    except OSError as error:
        raise InvalidRequest(f"the cookie file cannot be read: {error.strerror}") from error
    if not is_file:
        raise InvalidRequest("this is no file")
    if len(data) > MAX_BYTES:
        raise InvalidRequest("the file is too large for a cookie file")
    try:
        return parse_cookies(data.decode())
    except UnicodeDecodeError:
        raise InvalidRequest("the file is no text: not a cookie file") from None


def login_ends(source: str, cookies: Sequence[Cookie]) -> float | None:
    """When the login ends: its first known login cookie, else the last cookie of all; None when unsaid."""
    known = LOGIN_COOKIES.get(source, NO_COOKIES)
    ends: dict[str, float] = {}
    for cookie in cookies:
        if known.belongs(cookie.domain, cookie.name):
            # One that a site has left behind under its other domain says nothing of the one that counts.
            ends[cookie.name] = max(cookie.expires or math.inf, ends.get(cookie.name, 0.0))
    if ends:
        first = min(ends.values())
        return None if first == math.inf else first
    if any(cookie.expires is None for cookie in cookies):
        return None
    return max(cookie.expires for cookie in cookies if cookie.expires)


async def login_headers(login: Login | None, url: str) -> dict[str, str]:
    """The header that shows *login* to *url*; none where it has no cookies for it."""
    if login is None or login.cookie_file is None:
        return {}
    cookies = await asyncio.to_thread(cookie_header_blocking, login.cookie_file, url)
    return {"Cookie": cookies} if cookies else {}


def cookie_header_blocking(path: Path, url: str) -> str | None:
    """What a browser with the cookies of *path* sends to *url*; None for nothing, or without the file."""
    request = urllib.request.Request(url)  # noqa: S310 -- is never opened
    cookie_jar_blocking(path).add_cookie_header(request)
    return request.get_header("Cookie")


def cookie_jar_blocking(path: Path) -> CookieJar:
    """The cookies of *path* that have not ended; none without the file."""
    jar = MozillaCookieJar()
    with contextlib.suppress(OSError, LoadError):
        jar.load(str(path), ignore_discard=True)
    return jar
