"""What a redirect may take along, and where it may lead."""

from __future__ import annotations

from http.cookiejar import CookieJar

import pytest

from core.domain.errors import BlockedAddress, HttpFailure
from core.net.address.gate import AddressGate
from core.net.http.redirects import Hop, follow

GATE = AddressGate()
HEADERS = {
    "Authorization": "Bearer secret",
    "Cookie": "a=b",
    "X-Csrf-Token": "t",
    "Referer": "https://site.example/private",
    "User-Agent": "agent",
    "Range": "bytes=5-",
    "If-Range": '"etag"',
}
HARMLESS = {"User-Agent", "Range", "If-Range"}


def hop(url: str, *, method: str = "GET", cookies: CookieJar | dict[str, str] | None = None) -> Hop:
    given = {"session": "1"} if cookies is None else cookies
    return Hop(method, GATE.check(url), HEADERS, given, b"body")


@pytest.mark.parametrize(
    ("start", "location"),
    [
        ("https://site.example/a", "/b"),
        ("https://site.example/a", "https://SITE.example:443/b"),
        ("http://site.example:8080/a", "//site.example:8080/b"),
        ("http://site.example/a", "https://site.example/b"),
    ],
)
def test_within_one_site_everything_goes_along(start: str, location: str) -> None:
    following = follow(GATE, hop(start), 302, location)
    assert following.headers == HEADERS
    assert following.cookies == {"session": "1"}


@pytest.mark.parametrize(
    ("start", "location"),
    [
        ("https://site.example/a", "https://other.example/"),
        ("https://site.example/a", "https://sub.site.example/"),
        ("https://site.example/a", "https://site.example:8443/"),
        ("https://site.example/a", "http://site.example/"),
        ("http://site.example:8080/a", "https://site.example/"),
        ("http://site.example/a", "https://site.example:8443/"),
        ("http://site.example/a", "https://other.example/"),
    ],
)
def test_another_origin_gets_neither_cookies_nor_custom_headers(start: str, location: str) -> None:
    following = follow(GATE, hop(start), 302, location)
    assert set(following.headers) == HARMLESS
    assert following.cookies is None
    assert following.content == b""


def test_a_jar_goes_along_as_it_knows_its_hosts_but_never_from_https_to_http() -> None:
    jar = CookieJar()
    across = follow(GATE, hop("https://site.example/", cookies=jar), 302, "https://other.example/")
    assert across.cookies is jar
    downgraded = follow(GATE, hop("https://site.example/", cookies=jar), 302, "http://site.example/")
    assert downgraded.cookies is None


@pytest.mark.parametrize(
    ("method", "status", "following"),
    [
        ("GET", 301, "GET"),
        ("HEAD", 302, "HEAD"),
        ("HEAD", 303, "HEAD"),
        ("POST", 301, "GET"),
        ("POST", 302, "GET"),
        ("POST", 303, "GET"),
        ("PUT", 303, "GET"),
        ("PUT", 302, "PUT"),
        ("POST", 307, "POST"),
        ("POST", 308, "POST"),
    ],
)
def test_the_method_changes_as_in_browsers_and_a_changed_one_has_no_body(
    method: str, status: int, following: str
) -> None:
    after = follow(GATE, hop("https://site.example/", method=method), status, "/next")
    assert after.method == following
    assert after.content == (b"body" if following == method else b"")


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("b", "https://site.example/dir/b"),
        ("../b", "https://site.example/b"),
        ("?q=1", "https://site.example/dir/a?q=1"),
        (" /my file.mp3 ", "https://site.example/my%20file.mp3"),
        ("/x#part", "https://site.example/x"),
        ("//other.example/x", "https://other.example/x"),
    ],
)
def test_a_location_may_be_relative_or_sloppy(location: str, url: str) -> None:
    assert follow(GATE, hop("https://site.example/dir/a"), 302, location).target.url == url


@pytest.mark.parametrize(
    "location",
    [
        "file:///etc/passwd",
        "ftp://site.example/",
        "data:text/plain,x",
        "https://user:password@site.example/",
        "https://site.example\\@127.0.0.1/",
        "//[",
        "http://[::1",
    ],
)
def test_a_redirect_to_no_usable_link_is_an_answer_that_stays(location: str) -> None:
    with pytest.raises(HttpFailure) as caught:
        follow(GATE, hop("https://site.example/"), 302, location)
    assert caught.value.remote_status == 302


@pytest.mark.parametrize(
    "location", ["http://127.0.0.1/", "//169.254.169.254/", "http://0x7f.1/", "http://[::1]/"]
)
def test_a_redirect_to_a_private_address_is_blocked(location: str) -> None:
    with pytest.raises(BlockedAddress):
        follow(GATE, hop("https://site.example/"), 302, location)
