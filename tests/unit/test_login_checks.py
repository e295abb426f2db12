"""What sites' answers say of a login. The answers are cut from what they really send."""

from __future__ import annotations

import base64
import json

import pytest

from core.config.settings import Settings
from core.config.sources import SourceSettings
from core.domain.errors import AuthRequired, HttpFailure, ParserFailure
from core.sources.login_asking import judge
from core.sources.login_checks import CHECKS, NoLoginCheck, check_of
from core.sources.registry import Registry


def answered(source: str, text: str, *, status: int = 200, url: str | None = None):
    check = CHECKS[source]
    return judge(check, status=status, url=url or check.url, text=text)


def viewer(user_id: object) -> str:
    """What vimeo.com/_next/viewer answers."""
    claims = base64.urlsafe_b64encode(json.dumps({"user_id": user_id, "app_id": 58479}).encode()).decode()
    return json.dumps({"jwt": f"eyJ0eXAiOiJKV1QifQ.{claims.rstrip('=')}.c2ln", "xsrft": "x"})


@pytest.mark.parametrize(
    ("source", "text", "account"),
    [
        ("x", '{"protected":false,"screen_name":"amal_92","geo_enabled":false}', "amal_92"),
        ("x_posts", '{"screen_name": "amal"}', "amal"),
        ("youtube", '<script>ytcfg.set({"LOGGED_IN":true,"SESSION_INDEX":0})</script>', None),
        ("facebook", '["CurrentUserInitialData",[],{"USER_ID":"100","NAME":"Am\\u00e9l"}]', "Amél"),
        ("instagram", '{"form_data":{"first_name":"A","username":"a.mal"},"status":"ok"}', "a.mal"),
        ("tiktok", '{"data":{"user_id":1,"username":"amal"},"message":"success"}', "amal"),
        ("vimeo", viewer(4711), "4711"),
        ("reddit", '{"kind":"t2","data":{"modhash":"m","name":"am-al"}}', "am-al"),
        ("soundcloud", '{"kind":"user","username":"Amal B."}', "Amal B."),
        ("twitch", '{"client_id":"c","login":"amal","scopes":[],"expires_in":5}', "amal"),
        ("dailymotion", '{"id":"x1","screenname":"Amal","scope":[]}', "Amal"),
    ],
)
def test_a_login_that_is_taken_is_told_by_the_sites_words_and_named(source, text, account):
    assert answered(source, text).account == account


@pytest.mark.parametrize(
    ("source", "text", "status"),
    [
        ("x", '{"errors":[{"code":32,"message":"Could not authenticate you."}]}', 401),
        ("x", '{"errors":[{"code":326,"message":"this account is temporarily locked"}]}', 403),
        ("youtube", '<script>ytcfg.set({"LOGGED_IN":false})</script>', 200),
        ("facebook", '["CurrentUserInitialData",[],{"USER_ID":"0","NAME":""}]', 200),
        ("instagram", '{"message":"login_required","require_login":true}', 403),
        ("tiktok", '{"data":{"name":"session_expired"},"message":"error"}', 200),
        ("vimeo", viewer(None), 200),
        ("reddit", '{"kind":"t2","data":{"features":{}}}', 200),
        ("soundcloud", "", 401),
        ("twitch", '{"status":401,"message":"invalid access token"}', 401),
        ("dailymotion", '{"id":null}', 200),
    ],
)
def test_a_login_that_is_refused_is_told_by_the_sites_words(source, text, status):
    with pytest.raises(AuthRequired):
        answered(source, text, status=status)


@pytest.mark.parametrize(
    "url",
    [
        "https://accounts.google.com/ServiceLogin?service=youtube",
        "https://accounts.google.com/v3/signin/identifier",
        "https://www.facebook.com/login.php?next=x",
        "https://www.instagram.com/accounts/login/?next=/",
        "https://www.instagram.com/challenge/",
        "https://x.com/i/flow/login",
        "https://vimeo.com/log_in",
    ],
)
def test_who_is_sent_on_to_a_login_page_is_not_signed_in(url):
    with pytest.raises(AuthRequired):
        answered("youtube", '"LOGGED_IN":true', url=url)


@pytest.mark.parametrize(
    ("source", "text", "status", "failure"),
    [
        ("reddit", "<html>blocked by network security</html>", 403, HttpFailure),
        ("reddit", "<html>prove that you are human</html>", 200, ParserFailure),
        ("youtube", "<html>Before you continue</html>", 200, ParserFailure),
        ("x", "{}", 400, HttpFailure),
        ("vimeo", '{"jwt": "no.token"}', 200, ParserFailure),
        ("vimeo", '{"jwt": 7}', 200, ParserFailure),
    ],
)
def test_what_is_said_to_robots_says_nothing_of_the_login(source, text, status, failure):
    with pytest.raises(failure):
        answered(source, text, status=status)


def test_a_guard_cookie_that_x_has_replaced_is_a_rotation():
    with pytest.raises(AuthRequired, match="rotated"):
        answered("x", '{"errors":[{"code":353,"message":"matching csrf cookie"}]}', status=403)


def test_a_hostile_account_name_is_fit_to_be_shown():
    name = answered("soundcloud", '{"username":"a\\u001b[2Jb\\u202e' + "x" * 500 + '"}').account
    assert name.isprintable()
    assert len(name) <= 60


def test_every_check_belongs_to_a_source_and_asks_over_https():
    assert CHECKS.keys() <= {source.name for source in Registry(Settings()).all()}
    assert all(check.url.startswith("https://") for check in CHECKS.values())


def test_the_configuration_names_a_page_and_what_only_members_see_in_it():
    own = check_of("youtube", SourceSettings(check_url="https://a.test/me", check_signed_in="Sign (out)"))
    assert (own.url, own.headers) == ("https://a.test/me", {})
    assert judge(own, status=200, url=own.url, text="… Sign (out) …").account is None
    with pytest.raises(AuthRequired):
        judge(own, status=200, url=own.url, text="Sign in")
    with pytest.raises(HttpFailure):
        judge(own, status=403, url=own.url, text="Sign (out)")
    other_words = check_of("youtube", SourceSettings(check_signed_in="Sign (out)"))
    assert other_words.url == CHECKS["youtube"].url
    assert judge(other_words, status=200, url=other_words.url, text="Sign (out)")
    any_page = check_of("direct", SourceSettings(check_url="https://a.test/login/me"))
    assert judge(any_page, status=200, url=any_page.url, text="")


def test_a_source_without_a_check_says_so():
    with pytest.raises(NoLoginCheck):
        check_of("direct", SourceSettings())
