"""What differs from site to site when it is asked whether it still takes a login.

A check is one small request that changes nothing. Its answer is believed only where it is plain: a refusal at
the door of a robot (403, a puzzle page) says nothing of the login.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from core.config.sources import SourceSettings

#: Stands for the token of X's web client in the headers of a check.
WEB_BEARER = "{WEB_BEARER}"


class NoLoginCheck(Exception):
    """This source has no cheap way of asking about a login. Control flow, not a failure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginCheck:
    """One request and what its answers mean."""

    url: str
    #: Found in an answer for members only; its group `account` names them.
    signed_in: re.Pattern[str]
    #: Found in an answer for others, where that is known better than by the lack of the above; its group
    #: `rotated` says that the cookies were replaced.
    signed_out: re.Pattern[str] | None = None
    #: `{name}` stands for the value of a cookie.
    headers: Mapping[str, str] = field(default_factory=dict)
    #: The answer is JSON with a token (RFC 7519) under this name, whose claims are what is judged.
    token: str | None = None
    #: Whoever finds the login's cookies gone after the answer knows that they were rotated.
    takes_back_rotated: bool = False


_X = LoginCheck(
    # As X's web client does when it starts. Codes: X API, "Response codes"; 353 is a ct0 that was replaced.
    url="https://api.x.com/1.1/account/settings.json",
    signed_in=re.compile(r'"screen_name"\s*:\s*"(?P<account>\w+)"'),
    signed_out=re.compile(r'"code"\s*:\s*(?:(?P<rotated>353)|32|64|89|99|215|239|326)\b'),
    headers={
        "authorization": f"Bearer {WEB_BEARER}",
        "x-csrf-token": "{ct0}",
        "x-twitter-auth-type": "OAuth2Session",
        "x-twitter-active-user": "yes",
        "x-twitter-client-language": "en",
    },
)
#: By source. A site's own words and addresses, as the installed yt-dlp and the sites' public APIs use them.
CHECKS: Mapping[str, LoginCheck] = {
    "x": _X,
    "x_posts": _X,
    "youtube": LoginCheck(
        # Every page says it in its `ytcfg`; guests are sent on to accounts.google.com/ServiceLogin.
        url="https://www.youtube.com/account",
        signed_in=re.compile(r'"LOGGED_IN"\s*:\s*true'),
        signed_out=re.compile(r'"LOGGED_IN"\s*:\s*false'),
        takes_back_rotated=True,
    ),
    "facebook": LoginCheck(
        # `CurrentUserInitialData` of every page; guests are sent on to /login.php.
        url="https://www.facebook.com/me",
        signed_in=re.compile(r'"USER_ID"\s*:\s*"[1-9]\d*"(?:\s*,\s*"NAME"\s*:\s*"(?P<account>[^"]*)")?'),
        signed_out=re.compile(r'"USER_ID"\s*:\s*"0"|id="login_form"'),
    ),
    "instagram": LoginCheck(
        # What the settings page asks for; guests get `require_login`, or are sent on to /accounts/login.
        url="https://www.instagram.com/api/v1/accounts/edit/web_form_data/",
        signed_in=re.compile(r'"username"\s*:\s*"(?P<account>[\w.]+)"'),
        signed_out=re.compile(r'"require_login"\s*:\s*true|"login_required"|"checkpoint_required"'),
        headers={"X-IG-App-ID": "936619743392459", "X-Requested-With": "XMLHttpRequest"},
    ),
    "tiktok": LoginCheck(
        url="https://www.tiktok.com/passport/web/account/info/",
        signed_in=re.compile(r'"username"\s*:\s*"(?P<account>[\w.]+)"'),
        signed_out=re.compile(r'"session_expired"|"message"\s*:\s*"error"'),
    ),
    "vimeo": LoginCheck(
        url="https://vimeo.com/_next/viewer",
        signed_in=re.compile(r'"user_id"\s*:\s*(?P<account>[1-9]\d*)'),
        signed_out=re.compile(r'"user_id"\s*:\s*null'),
        headers={"Accept": "application/json"},
        token="jwt",  # noqa: S106 -- the name of a field
    ),
    "reddit": LoginCheck(
        url="https://www.reddit.com/api/me.json",
        signed_in=re.compile(r'"name"\s*:\s*"(?P<account>[\w-]+)"'),
        # For guests it is JSON all the same; what stops robots is a page.
        signed_out=re.compile(r"\A\s*\{"),
    ),
    "soundcloud": LoginCheck(
        url="https://api-v2.soundcloud.com/me",
        signed_in=re.compile(r'"username"\s*:\s*"(?P<account>[^"]*)"'),
        headers={"Authorization": "OAuth {oauth_token}"},
    ),
    "twitch": LoginCheck(
        # dev.twitch.tv, "Validating tokens".
        url="https://id.twitch.tv/oauth2/validate",
        signed_in=re.compile(r'"login"\s*:\s*"(?P<account>\w+)"'),
        headers={"Authorization": "OAuth {auth-token}"},
    ),
    "dailymotion": LoginCheck(
        # developers.dailymotion.com, legacy API, `GET /auth`.
        url="https://api.dailymotion.com/auth",
        signed_in=re.compile(r'"screenname"\s*:\s*"(?P<account>[^"]*)"'),
        headers={"Authorization": "Bearer {access_token}"},
    ),
}


def check_of(source: str, settings: SourceSettings) -> LoginCheck:
    """The check of a source, as the configuration has it.

    Raises:
        NoLoginCheck: There is none.
    """
    known, text = CHECKS.get(source), settings.check_signed_in
    if settings.check_url is not None:
        # Another address has other words; the headers of the known one may hold cookies, and stay at home.
        return LoginCheck(url=settings.check_url, signed_in=re.compile(re.escape(text or "")))
    if known is None:
        raise NoLoginCheck
    return replace(known, signed_in=re.compile(re.escape(text)), signed_out=None) if text else known
