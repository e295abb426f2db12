"""What the installed yt-dlp says when one of the ten sites refuses, read in its sources, and our class."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
import yt_dlp

from core.domain.errors import (
    AuthRequired,
    ExtractorFailure,
    ExtractorOutdated,
    GeoBlocked,
    HttpFailure,
    JobError,
    NotFound,
    NotYetAvailable,
    ProtectedContent,
    RateLimited,
    UnsupportedSource,
)
from core.sources.ytdlp.errors import Cause, classify

FOLDER = Path(yt_dlp.__file__).parent / "extractor"
#: Sources of the ten sites' extractors.
FILES = (
    "youtube/_base.py", "youtube/_tab.py", "youtube/_video.py", "facebook.py", "vimeo.py", "soundcloud.py",
    "dailymotion.py", "twitch.py", "tiktok.py", "instagram.py", "reddit.py", "twitter.py",
)  # fmt: skip
#: What `raise_login_required` puts behind its text (`InfoExtractor._login_hint`).
LOGIN_HINT = "Use --cookies-from-browser or --cookies for the authentication"
#: Expected answers that have no class: the site's own words, of which more is known at run time only, and
#: answers to options that are never given.
UNTOLD = (
    "* said: %s", "* said: *", "{} said: {}", "Vimeo says: *", "Twitter API says: *", "Got HTTP Error *. *",
    "Unsupported language code", "Login with OAuth is no longer", "*. If you are not downloading private",
    "Incomplete data received", "No player clients have been", "The * client is unable to fetch new OAuth",
    "Unsupported API client", "Wrong password", "Login using username and password", "* is not a valid API",
    "Unable to login. Twitch said", "Instagram sent", "Your account does not have", "*. Taking", "*. Try",
    "Unable to extract secondary user ID",
    "Invalid comments_sort_by",
)  # fmt: skip
#: What stands in these files in pieces, as it comes out; and what the sites themselves are known to say.
COMPOSED: tuple[tuple[str, type[JobError]], ...] = (
    ("Instagram sent an empty media response. If it is not, then use --cookies for the", AuthRequired),
    ("Your account does not have access to this subscriber-only content", AuthRequired),
    ("You must be logged into an account that has access to this subscriber-only content", AuthRequired),
    (f"Private video. Sign in if you've been granted access to this video. {LOGIN_HINT}", NotFound),
    (f"Sign in to confirm you\u2019re not a bot. {LOGIN_HINT}", AuthRequired),
    (f"Sign in to confirm your age. This video may be {LOGIN_HINT}", AuthRequired),
    ("This video is available to this channel's members on level: Fans (or any higher level).", AuthRequired),
    ("This video is only available to Music Premium members", AuthRequired),
    ("This video requires payment to watch.", AuthRequired),
    ("Some reason. YouTube is requiring a captcha challenge before playback", AuthRequired),
    ("This video contains content from X, who has blocked it in your country on copyright", GeoBlocked),
    ("Video unavailable. This video is no longer available due to a copyright claim by X", NotFound),
    ("This video has been removed for violating YouTube's Terms of Service", NotFound),
    ("This video is no longer available because its account has been terminated", NotFound),
    ("This content isn't available, try again later. The current session has been rate-limited by YouTube",
     RateLimited),
    ("This live event will begin in 3 hours.", NotYetAvailable),
    ('The video is not available, Facebook said: "This content isn\'t available right now"', NotFound),
    ("dailymotion said: Video geo-restricted by the owner. not available in your country", GeoBlocked),
    ("soundcloud: this track is DRM protected", ProtectedContent),
    ("Twitter API says: This Post is from a suspended account", NotFound),
    ("You\u2019re unable to view this Post because this account owner limits who can view it", AuthRequired),
    ("Twitter API says: Age-restricted adult content. This content might not be appropriate", AuthRequired),
    ("This request has been blocked due to its TLS fingerprint. Install a required", HttpFailure),
    ("Video #2 is unavailable", NotFound),
    ("Because of its privacy settings, this video cannot be played here.", NotFound),
    ("Cannot download embed-only video without embedding URL. Please call yt-dlp with", UnsupportedSource),
)  # fmt: skip


def literal(node: ast.expr) -> str | None:
    """The text of a string, with * for what is only known at run time."""
    match node:
        case ast.Constant(value=str() as text):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(part.value if isinstance(part, ast.Constant) else "*" for part in parts)
        case ast.BinOp(left=left):
            return literal(left)
        case ast.Call(func=ast.Attribute(value=value, attr="format")):
            return literal(value)
    return None


def texts(*callees: str, expected: bool | None = None) -> Iterator[tuple[str, str]]:
    """First arguments of the calls of *callees*, with the file that they stand in."""
    for name in FILES:
        for node in ast.walk(ast.parse((FOLDER / name).read_text())):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            called = getattr(node.func, "attr", getattr(node.func, "id", None))
            flags = {word.arg: getattr(word.value, "value", None) for word in node.keywords}
            is_meant = called in callees and (expected is None or flags.get("expected") is expected)
            if is_meant and (text := literal(node.args[0])):
                yield name, text


def judged(text: str) -> type[Exception]:
    cause = Cause(types=("ExtractorError",), text=text, expected=True)
    return type(classify([cause], version="2026.10.26"))


def test_whatever_asks_for_a_login_is_a_missing_login() -> None:
    found = {text: judged(f"{text}. {LOGIN_HINT}") for _, text in texts("raise_login_required")}
    assert len(found) > 10
    assert {text: error.__name__ for text, error in found.items() if error is not AuthRequired} == {}


def test_what_is_expected_of_a_site_has_a_class() -> None:
    found = {(text, judged(text)) for _, text in texts("ExtractorError", "raise_no_formats", expected=True)}
    assert len(found) > 40
    unknown = {text for text, error in found if error in {ExtractorFailure, ExtractorOutdated}}
    assert {text for text in unknown if not text.startswith(UNTOLD)} == set()


@pytest.mark.parametrize(("text", "error"), COMPOSED, ids=lambda value: str(value)[:40])
def test_what_sites_say_has_its_class(text: str, error: type[JobError]) -> None:
    assert judged(text) is error


def test_a_geographic_refusal_is_known_by_its_type() -> None:
    types = ("GeoRestrictedError", "ExtractorError")
    cause = Cause(types=types, text="whatever the site says, log in", expected=True)
    assert type(classify([cause], version="2026.10.26")) is GeoBlocked


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("Your IP address is blocked from accessing this post", "proxy"),
        ("This request has been blocked due to its TLS fingerprint.", "reeldeck[impersonate]"),
        ("Cannot download embed-only video without embedding URL", "give the link of such a page"),
    ],
)
def test_where_more_is_known_than_the_class_says_the_hint_says_it(text: str, hint: str) -> None:
    found = classify([Cause(types=("ExtractorError",), text=text, expected=True)], version="2026.10.26")
    assert hint in found.hint
    assert found.hint != found.default_hint


def test_a_rate_limit_for_an_hour_is_waited_for() -> None:
    text = "The current session has been rate-limited by YouTube for up to an hour. It is recommended to"
    found = classify([Cause(types=("ExtractorError",), text=text, expected=True)], version="2026.10.26")
    assert found.retry_after_s == 3600
