"""Asks a site whether it still takes a login, in the way that its `LoginCheck` says."""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import json
import re
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from http.cookiejar import CookieJar
from urllib.parse import urlsplit

from core.auth.cookies import LOGIN_COOKIES, NO_COOKIES, LoginCookies, cookie_jar_blocking
from core.auth.login import Login
from core.domain.errors import AuthRequired, HttpFailure, ParserFailure
from core.domain.text import for_terminal
from core.net.http.charset import Inflater, decode_text
from core.net.http.client import HttpClient, Response, raise_for_status
from core.net.http.redirects import Cookies
from core.sources.login_checks import WEB_BEARER, LoginCheck
from core.sources.x_spaces.bearer import web_bearer_blocking

_MAX_ANSWER_BYTES = 4 * 2**20
_ACCOUNT_CELLS = 60
#: Statuses whose body says more; any other is an error as anywhere.
_READ = frozenset({200, 400, 401, 403})
#: Where sites send those who are not signed in, or whom they do not trust any more.
_LOGIN_PAGE = re.compile(
    r"/(?:log[-_]?in|sign[-_]?in|ServiceLogin|checkpoint|challenge|suspended)(?:[/.]|$)", re.IGNORECASE
)
_COOKIE = re.compile(r"\{([\w-]+)\}")


@dataclass(frozen=True, slots=True)
class LoginSeen:
    """The site takes the login."""

    #: Whose it is, as the site names them, fit to be shown; None where it does not say.
    account: str | None = None


async def ask(http: HttpClient, check: LoginCheck, login: Login | None, *, source: str) -> LoginSeen:
    """Ask a site whether it takes *login*.

    Raises:
        AuthRequired: It does not, or there is none.
        JobError: There is no answer, or none that says it.
    """
    if login is None:
        raise AuthRequired("there is no login to ask about")
    cookies = LOGIN_COOKIES.get(source, NO_COOKIES)
    if login.cookie_file is None:
        return await _ask(http, check, dict(login.tokens), login.tokens)
    jar = await asyncio.to_thread(cookie_jar_blocking, login.cookie_file)
    before = _held(jar, cookies)
    try:
        return await _ask(http, check, jar, _sent(jar, check.url))
    except AuthRequired as error:
        after = _held(jar, cookies)
        is_replaced = any((after.get(key) or value) != value for key, value in before.items())
        is_taken_back = check.takes_back_rotated and not before.keys() <= after.keys()
        if is_replaced or is_taken_back:
            error.detail = "the site has rotated the cookies of this login"
        raise


def judge(check: LoginCheck, *, status: int, url: str, text: str) -> LoginSeen:
    """What an answer says of the login.

    Args:
        check: What was asked.
        status: HTTP status, one of 200, 400, 401 and 403.
        url: Who answered, after redirects.
        text: The body.

    Raises:
        AuthRequired: The login is not taken.
        HttpFailure: The site refuses to answer.
        ParserFailure: The answer says neither.
    """
    answered = urlsplit(url)
    host = answered.hostname or "the site"
    refusal = AuthRequired(f"{host} does not take this login")
    is_sent_on = answered.path != urlsplit(check.url).path
    if status == 401 or (is_sent_on and _LOGIN_PAGE.search(answered.path)):
        raise refusal
    if check.token is not None:
        text = _claims(text, check.token)
    if status == 200 and (seen := check.signed_in.search(text)):
        return LoginSeen(_name(seen.groupdict().get("account")))
    if check.signed_out is None:
        if status == 200:
            raise refusal
    elif found := check.signed_out.search(text):
        if found.groupdict().get("rotated"):
            raise AuthRequired(f"{host} has rotated the cookies of this login")
        raise refusal
    if status != 200:
        raise HttpFailure(f"{host} answered {status}, which says nothing of the login", remote_status=status)
    raise ParserFailure(f"the answer of {host} does not say whether the login is taken")


async def _ask(http: HttpClient, check: LoginCheck, cookies: Cookies, values: Mapping[str, str]) -> LoginSeen:
    headers = {name: await _filled(text, values) for name, text in check.headers.items()}
    async with http.stream(check.url, headers=headers, cookies=cookies) as response:
        raise_for_status(response, allow=_READ)
        return judge(check, status=response.status, url=response.url, text=await _read(response))


async def _filled(text: str, values: Mapping[str, str]) -> str:
    if WEB_BEARER in text:
        text = text.replace(WEB_BEARER, await asyncio.to_thread(web_bearer_blocking))
    for name in _COOKIE.findall(text):
        if not values.get(name):
            raise AuthRequired(f"the login has no {name} cookie that is still good")
        text = text.replace(f"{{{name}}}", values[name])
    return text


async def _read(response: Response) -> str:
    inflater = Inflater(response.host, response.coding, _MAX_ANSWER_BYTES)
    async for chunk in response.raw_chunks():
        inflater.feed(chunk)
    return decode_text(inflater.finish(), response.headers.get("content-type", ""))


def _held(jar: CookieJar, cookies: LoginCookies) -> dict[tuple[str, str], str | None]:
    """The values of the cookies that the login hangs on."""
    return {
        (cookie.domain, cookie.name): cookie.value
        for cookie in jar
        if cookies.belongs(cookie.domain, cookie.name)
    }


def _sent(jar: CookieJar, url: str) -> dict[str, str]:
    """The cookies that go to *url*, by name."""
    request = urllib.request.Request(url)  # noqa: S310 -- is never opened
    jar.add_cookie_header(request)
    pairs = [part.partition("=") for part in (request.get_header("Cookie") or "").split("; ")]
    return {name: value for name, _, value in pairs}


def _claims(text: str, name: str) -> str:
    """The claims of a token in an answer as JSON; nothing where there is no such token."""
    try:
        middle = json.loads(text)[name].split(".")[1]
        return base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)).decode()
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError, binascii.Error):
        return ""


def _name(found: str | None) -> str | None:
    """An account's name out of JSON, fit to be shown."""
    if not found:
        return None
    with contextlib.suppress(ValueError):  # where it stands in a page, not in JSON, it is taken as it is
        found = str(json.loads(f'"{found}"'))
    return for_terminal(found, cells=_ACCOUNT_CELLS).strip() or None
