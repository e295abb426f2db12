"""Links, query hashes, scripts, cookies and playlist addresses of X Spaces, without a network."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import MappingProxyType
from urllib.parse import parse_qs, urlsplit

import pytest

from core.auth.login import Login
from core.config.settings import Settings
from core.config.sources import XSettings
from core.domain.errors import AuthRequired, ExtractorOutdated
from core.sources.registry import Registry
from core.sources.x_spaces.bearer import read_bearer, web_bearer_blocking
from core.sources.x_spaces.bundle import query_hash, script_urls
from core.sources.x_spaces.credentials import Credentials, find_credentials_blocking
from core.sources.x_spaces.queries import KNOWN_HASHES, Queries, missing_features
from core.sources.x_spaces.replay import list_urls

TOKEN, GUARD = "canaryToken0123456789", "canaryGuard0123456789"
NOW = 1_700_000_000.0


# Links.


@pytest.mark.parametrize(
    "url",
    [
        "https://x.com/i/spaces/1vOxwdyYrlqKB",
        "https://twitter.com/i/spaces/1vOxwdyYrlqKB",
        "https://mobile.twitter.com/i/spaces/1vOxwdyYrlqKB/",
        "https://x.com/i/spaces/1vOxwdyYrlqKB?s=20&t=abc",
        "https://x.com/i/spaces/1vOxwdyYrlqKB/peek",
        "http://127.0.0.1:8081/i/spaces/1vOxwdyYrlqKB",
    ],
)
def test_links_to_spaces_are_taken(url: str) -> None:
    settings = Settings.model_validate({"sources": {"x": {"web_base": "http://127.0.0.1:8081"}}})
    assert Registry(settings).candidates(url)[0].name == "x"


@pytest.mark.parametrize(
    "url",
    [
        "https://x.com/i/spaces/short",
        "https://x.com/i/spaces/1vOxwdyYrlqKB/more",
        "https://x.com/amal/status/1",
        "https://notx.com/i/spaces/1vOxwdyYrlqKB",
        "http://127.0.0.1:8082/i/spaces/1vOxwdyYrlqKB",
    ],
)
def test_other_links_are_not(url: str) -> None:
    settings = Settings.model_validate({"sources": {"x": {"web_base": "http://127.0.0.1:8081"}}})
    assert "x" not in [source.name for source in Registry(settings).candidates(url)]


# The query.


def test_hashes_are_tried_configured_then_working_then_known() -> None:
    queries = Queries()
    queries.keep("worked-before")
    assert queries.candidates("configured") == ["configured", "worked-before", *KNOWN_HASHES]


def test_a_refused_hash_is_not_tried_again_until_forgiven() -> None:
    queries = Queries()
    queries.refuse(KNOWN_HASHES[0])
    assert queries.candidates(None) == list(KNOWN_HASHES[1:])
    queries.forgive()
    assert queries.candidates(None) == list(KNOWN_HASHES)


def test_the_query_carries_the_space_and_the_features() -> None:
    queries = Queries()
    queries.learn(["brand_new_enabled"])
    path = queries.path(KNOWN_HASHES[0], "1vOxwdyYrlqKB")
    parameters = parse_qs(urlsplit(path).query)
    assert urlsplit(path).path == f"/graphql/{KNOWN_HASHES[0]}/AudioSpaceById"
    assert json.loads(parameters["variables"][0])["id"] == "1vOxwdyYrlqKB"
    assert json.loads(parameters["variables"][0])["withReplays"] is True
    assert json.loads(parameters["features"][0])["brand_new_enabled"] is False


def test_the_oldest_query_is_asked_without_features() -> None:
    assert "features" not in parse_qs(urlsplit(Queries().path("Uv5R_-Chxbn1FEkyUkSW2w", "1")).query)


def test_known_features_and_floods_of_them_teach_nothing() -> None:
    queries = Queries()
    before = queries.path(KNOWN_HASHES[0], "1")
    queries.learn(["vibe_api_enabled"])
    queries.learn(f"flood_{number}" for number in range(1000))
    assert json.loads(parse_qs(before)["features"][0])["vibe_api_enabled"] is True
    assert parse_qs(queries.path(KNOWN_HASHES[0], "1")) == parse_qs(before)


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ({"errors": [{"message": "The following features cannot be null: a_b, c"}]}, ["a_b", "c"]),
        ({"errors": [{"message": "Other"}, {"message": "features cannot be null: x1"}]}, ["x1"]),
        ({"errors": [{"message": "Not authorized"}]}, []),
        ({"errors": ["text", {"message": 5}]}, []),
        ({"errors": "text"}, []),
        (None, []),
    ],
)
def test_missing_features_are_read_out_of_the_answer(body: object, names: list[str]) -> None:
    assert missing_features(body) == names


# Scripts of the web site.

HOME = """
<link rel="preload" as="script" href="https://abs.example/client-web/vendor.11.js" />
<script src="https://abs.example/client-web/main.22.js"></script><script src='/local.js'></script>
<script>{"ondemand.Emoji":"aa00aa00",AudioSpaceDetail:"bb11bb11","shared~bundle.SpaceBar":"cc22cc22"}</script>
<script src="data:text/evil.js"></script><script src="http://[::/broken.js"></script>
"""


def test_scripts_are_ordered_by_how_likely_they_hold_the_query() -> None:
    assert script_urls(HOME, "https://x.example/home") == [
        "https://abs.example/client-web/AudioSpaceDetail.bb11bb11a.js",
        "https://abs.example/client-web/shared~bundle.SpaceBar.cc22cc22a.js",
        "https://abs.example/client-web/main.22.js",
        "https://abs.example/client-web/vendor.11.js",
        "https://x.example/local.js",
    ]


def test_a_page_of_thousands_of_scripts_is_bounded() -> None:
    page = "".join(f'<script src="/{number}.js">' for number in range(5000))
    assert len(script_urls(page, "https://x.example/home")) == 40


@pytest.mark.parametrize(
    "script",
    [
        'e.exports={queryId:"abcDEF_-1234567890xyz1",operationName:"AudioSpaceById",operationType:"query"}',
        "params:{id:1,operationName:'AudioSpaceById',queryId:'abcDEF_-1234567890xyz1'}",
        '{"queryId": "abcDEF_-1234567890xyz1", "operationName": "AudioSpaceById"}',
        'queryId:"0000000000",operationName:"B"},{queryId:"abcDEF_-1234567890xyz1",operationName:"AudioSpaceById"',
    ],
)
def test_the_hash_is_found_however_the_script_is_written(script: str) -> None:
    assert query_hash(script) == "abcDEF_-1234567890xyz1"


def test_another_query_is_not_taken_for_it() -> None:
    assert query_hash('queryId:"0000000000000000000000",operationName:"AudioSpaceByIdAndMore"') is None


# The web client's token.


def test_the_token_is_in_the_installed_ytdlp_and_is_that_of_the_extractor() -> None:
    code = "from yt_dlp.extractor.twitter import TwitterBaseIE as ie; import sys; sys.stdout.write(ie._AUTH)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert web_bearer_blocking() == done.stdout


def test_a_ytdlp_without_the_token_must_be_updated() -> None:
    with pytest.raises(ExtractorOutdated):
        read_bearer("class TwitterBaseIE:\n    pass\n")


# Logins.


def cookie_line(name: str, value: str, *, expires: str = "0", domain: str = ".x.com") -> str:
    return f"{domain}\tTRUE\t/\tTRUE\t{expires}\t{name}\t{value}"


def cookie_file(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(["# Netscape HTTP Cookie File", "", *lines]) + "\n")
    return path


def find(login: Login | None = None, **settings: object) -> Credentials | None:
    return find_credentials_blocking(login, XSettings.model_validate(settings), now=NOW)


def test_without_any_login_it_is_a_guest() -> None:
    assert find() is None


def test_the_tokens_of_the_profile_are_the_login() -> None:
    login = Login(profile="main", tokens=MappingProxyType({"auth_token": TOKEN, "ct0": GUARD}))
    assert find(login) == Credentials(TOKEN, GUARD)


def test_secrets_of_the_settings_come_as_a_profile_or_not_at_all() -> None:
    assert find(auth_token="other", ct0="guard") is None


def test_the_cookie_file_of_the_profile_is_read(tmp_path: Path) -> None:
    file = cookie_file(
        tmp_path / "c.txt",
        cookie_line("auth_token", "foreign", domain=".notx.com"),
        "#HttpOnly_" + cookie_line("auth_token", TOKEN, expires="1800000000"),
        cookie_line("ct0", GUARD, domain="twitter.com"),
    )
    assert find(Login(profile="main", cookie_file=file)) == Credentials(TOKEN, GUARD)


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [cookie_line("auth_token", TOKEN)],
        [cookie_line("auth_token", TOKEN, expires="1600000000"), cookie_line("ct0", GUARD)],
        [cookie_line("auth_token", f"{TOKEN};x"), cookie_line("ct0", GUARD)],
    ],
)
def test_a_cookie_file_without_both_cookies_is_no_login(tmp_path: Path, lines: list[str]) -> None:
    file = cookie_file(tmp_path / "c.txt", *lines)
    with pytest.raises(AuthRequired) as caught:
        find(Login(profile="main", cookie_file=file))
    assert "'main'" in caught.value.detail
    assert "reeldeck auth add x" in caught.value.hint
    assert TOKEN not in str(caught.value)


def test_a_cookie_file_that_is_gone_is_no_login(tmp_path: Path) -> None:
    with pytest.raises(AuthRequired, match="cannot be read"):
        find(Login(profile="main", cookie_file=tmp_path / "gone.txt"))


def test_a_broken_cookie_file_is_named_by_its_line(tmp_path: Path) -> None:
    file = cookie_file(tmp_path / "c.txt", cookie_line("auth_token", TOKEN), f"{GUARD} in a broken line")
    with pytest.raises(AuthRequired, match="line 4") as caught:
        find(Login(profile="main", cookie_file=file))
    assert "canary" not in str(caught.value)


def test_half_a_login_is_named() -> None:
    with pytest.raises(AuthRequired, match="'main' holds no valid ct0"):
        find(Login(profile="main", tokens={"auth_token": TOKEN}))


def test_a_login_does_not_show_itself() -> None:
    assert "canary" not in repr(Credentials(TOKEN, GUARD))


# Playlists.

FOLDER = "https://h.example/Transcoding/v1/hls/k/non_transcode/r/audio-space"


@pytest.mark.parametrize(
    ("named", "tried"),
    [
        ("playlist_16.m3u8?type=replay", ["playlist_16.m3u8?type=replay"]),
        (
            "dynamic_playlist.m3u8?type=live",
            ["master_playlist.m3u8", "dynamic_playlist.m3u8?type=live"],
        ),
        (
            "master_dynamic_16.m3u8?type=replay",
            ["playlist_16.m3u8?type=replay", "master_playlist.m3u8", "master_dynamic_16.m3u8?type=replay"],
        ),
    ],
)
def test_whole_lists_are_looked_for_beside_the_dynamic_one(named: str, tried: list[str]) -> None:
    assert list_urls(f"{FOLDER}/{named}") == [f"{FOLDER}/{name}" for name in tried]
