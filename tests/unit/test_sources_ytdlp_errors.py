from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from core.domain.errors import (
    AuthRequired,
    BlockedAddress,
    DiskFull,
    ExtractorFailure,
    ExtractorOutdated,
    FormatNotFound,
    GeoBlocked,
    HttpFailure,
    JobError,
    MediaFailure,
    NetworkFailure,
    NotFound,
    NotYetAvailable,
    ProtectedContent,
    RateLimited,
    Unknown,
    UnsupportedSource,
)
from core.sources.ytdlp.errors import Cause, classify, version_date
from core.sources.ytdlp.texts import BY_TEXT
from core.sources.ytdlp.worker import causes

VERSION = "2026.10.26"
TODAY = date(2026, 11, 21)


def judged(*chain: Cause, version: str = VERSION) -> JobError:
    return classify(chain, version=version, today=TODAY)


def extractor_error(
    text: str, *, expected: bool = True, kind: str = "ExtractorError", **more: object
) -> Cause:
    types = dict.fromkeys((kind, "ExtractorError", "YoutubeDLError"))
    return Cause(types=tuple(types), text=text, expected=expected)


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("GeoRestrictedError", GeoBlocked),
        ("UserNotLive", NotYetAvailable),
        ("UnsupportedError", UnsupportedSource),
    ],
)
def test_a_telling_type_decides_before_any_text(kind: str, error: type[JobError]) -> None:
    assert type(judged(extractor_error("this video is private", kind=kind))) is error


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("Sign in to confirm you’re not a bot. Use --cookies-from-browser or --cookies", AuthRequired),
        ("This video is only available for registered users. Use --cookies", AuthRequired),
        ("Sign in to confirm your age", AuthRequired),
        ("Join this channel to get access to members-only content", AuthRequired),
        ("You are not authorized to view this", AuthRequired),
        ("Video unavailable. This video has been removed by the uploader", NotFound),
        ("This account has been terminated", NotFound),
        ("Private video", NotFound),
        ("This video is not available from your location due to geo restriction", GeoBlocked),
        ("The uploader has not made this video available in your country", GeoBlocked),
        ("This video is DRM protected", ProtectedContent),
        ("The requested site is known to use DRM protection. It will NOT be supported.", ProtectedContent),
        ("No suitable extractor (X) found for URL x", UnsupportedSource),
        ("'x' is not a valid URL", UnsupportedSource),
        ("Requested format is not available. Use --list-formats", FormatNotFound),
        ("No video formats found!", FormatNotFound),
        ("This live event will begin in 3 hours.", NotYetAvailable),
        ("Premieres in 20 minutes", NotYetAvailable),
        ("This live event has not started yet", NotYetAvailable),
        ("Your account has been rate-limited by YouTube for up to an hour", RateLimited),
        ("fragment 3 not found, unable to continue", HttpFailure),
        ("\r[download] Got error: HTTP Error 404: Not Found. Giving up after 5 retries", HttpFailure),
        ("\r[download] Got error: 10 bytes read, 5 more expected", NetworkFailure),
        ("The downloaded file is empty", MediaFailure),
        ("[Errno 28] No space left on device", DiskFull),
        ("ffmpeg is not installed", Unknown),
    ],
)
def test_texts_have_their_class(text: str, error: type[JobError]) -> None:
    assert type(judged(extractor_error(text))) is error


def test_the_texts_that_are_quoted_are_in_the_sources_of_the_installed_yt_dlp() -> None:
    import yt_dlp

    folder = Path(yt_dlp.__file__).parent
    sources = "\n".join(path.read_text().lower() for path in folder.rglob("*.py"))
    gone = [text for row in BY_TEXT for text in row.quoted if text not in sources]
    assert gone == []


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, AuthRequired),
        (403, HttpFailure),
        (404, NotFound),
        (410, NotFound),
        (418, HttpFailure),
        (429, RateLimited),
        (451, GeoBlocked),
        (500, HttpFailure),
        (503, HttpFailure),
    ],
)
def test_a_status_that_no_text_explains_has_its_class(status: int, error: type[JobError]) -> None:
    http = Cause(types=("HTTPError", "RequestError"), text=f"HTTP Error {status}: Word", status=status)
    found = judged(extractor_error("Unable to download webpage"), http)
    assert type(found) is error
    assert found.remote_status == status


def test_a_status_that_is_only_in_words_is_kept() -> None:
    assert judged(extractor_error("[download] Got error: HTTP Error 403: Forbidden")).remote_status == 403


def test_a_rate_limit_keeps_the_time_that_the_site_asks_for() -> None:
    http = Cause(types=("HTTPError",), text="HTTP Error 429: Too Many Requests", status=429, retry_after="30")
    assert judged(http).retry_after_s == 30


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("This live event will begin in 3 hours.", 10_800),
        ("Premieres in 20 minutes", 1200),
        ("This live event will begin in a few moments.", None),
        ("Premieres in an hour", 3600),
        ("This live event will begin in 2 days", 172_800),
    ],
)
def test_an_announced_wait_is_understood(text: str, seconds: float | None) -> None:
    assert judged(extractor_error(text)).retry_after_s == seconds


@pytest.mark.parametrize("kind", ["TransportError", "IncompleteRead", "ContentTooShortError", "EOFError"])
def test_a_broken_connection_is_a_network_failure(kind: str) -> None:
    chain = [
        extractor_error("Unable to download webpage"),
        Cause(types=(kind, "TransportError"), text="gone"),
    ]
    assert type(judged(*chain)) is NetworkFailure


def test_a_refusal_of_our_proxy_is_told_from_the_sites_own_403() -> None:
    refused = Cause(types=("HTTPError",), text="HTTP Error 403", status=403, proxy_error="BLOCKED_ADDRESS")
    found = judged(extractor_error("Unable to download webpage"), refused)
    assert type(found) is BlockedAddress
    assert found.remote_status is None


@pytest.mark.parametrize(
    ("reason", "error"),
    [
        ("403 BLOCKED_ADDRESS", BlockedAddress),
        ("502 NETWORK_ERROR", NetworkFailure),
        ("500 Oops", NetworkFailure),
    ],
)
def test_a_refused_tunnel_is_known_by_its_reason(reason: str, error: type[JobError]) -> None:
    text = f"('Unable to connect to proxy', OSError('Tunnel connection failed: {reason}'))"
    assert type(judged(Cause(types=("ProxyError", "TransportError"), text=text))) is error


def test_a_tunnel_that_curl_was_refused_is_a_blocked_address() -> None:
    text = "Failed to perform, curl: (7) CONNECT tunnel failed, response 403. See https://curl.se/"
    assert type(judged(Cause(types=("TransportError",), text=text))) is BlockedAddress


def test_a_bug_of_a_recent_version_may_heal() -> None:
    found = judged(extractor_error("Unable to extract title; please report this issue on …", expected=False))
    assert type(found) is ExtractorFailure
    assert VERSION in found.hint
    assert found.detail == "Unable to extract title"


def test_a_bug_of_an_old_version_asks_for_an_update() -> None:
    found = judged(extractor_error("Unable to extract title", expected=False), version="2026.08.19")
    assert type(found) is ExtractorOutdated
    assert "2026.08.19" in found.hint


def test_a_version_without_a_date_is_never_old() -> None:
    assert version_date("nightly") is None
    assert version_date("2026.10.26.233141.dev0") == date(2026, 10, 26)
    assert type(judged(extractor_error("x", expected=False), version="nightly")) is ExtractorFailure


def test_words_that_nobody_knows_are_an_extractor_failure_with_these_words() -> None:
    found = judged(
        Cause(types=("DownloadError",), text="ERROR: [site] 1: Something\nnew (caused by <X>)"),
        extractor_error("Something\nnew"),
    )
    assert type(found) is ExtractorFailure
    assert found.detail == "Something new"


def test_a_long_text_is_cut() -> None:
    assert len(judged(extractor_error("word " * 1000)).detail) <= 300


def test_the_chain_of_real_exceptions_is_told_with_all_that_is_needed() -> None:
    import io

    from yt_dlp.networking import Response
    from yt_dlp.networking.exceptions import HTTPError
    from yt_dlp.utils import DownloadError, ExtractorError

    answer = Response(io.BytesIO(), "http://a.example/", {"Retry-After": "9"}, status=429)
    try:
        try:
            try:
                raise HTTPError(answer)  # noqa: TRY301 -- the chain is the subject
            except HTTPError as error:
                raise ExtractorError("Unable to download webpage", cause=error) from error
        except ExtractorError as error:
            raise DownloadError(f"ERROR: {error}", error.exc_info)  # noqa: B904 -- as yt-dlp does
    except DownloadError as error:
        chain = [Cause.from_json(cause) for cause in causes(error)]
    answer.close()
    assert [cause.types[0] for cause in chain] == ["DownloadError", "HTTPError", "ExtractorError"]
    assert (chain[1].status, chain[1].retry_after) == (429, "9")
    assert (chain[2].expected, chain[2].text) == (True, "Unable to download webpage")
    found = judged(*chain)
    assert type(found) is RateLimited
    assert found.retry_after_s == 9
