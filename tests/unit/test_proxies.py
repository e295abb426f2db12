"""Proxy URLs."""

from __future__ import annotations

import pytest

from core.domain.errors import ConfigError
from core.net.http.proxies import parse_proxy


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("http://proxy.example", ("http", "proxy.example", 80)),
        ("https://proxy.example/", ("https", "proxy.example", 443)),
        ("socks5://127.0.0.1", ("socks5", "127.0.0.1", 1080)),
        ("socks5h://[::1]:9050", ("socks5h", "::1", 9050)),
        ("http://user:p%40ss@proxy.example:3128", ("http", "proxy.example", 3128)),
    ],
)
def test_a_proxy_is_read_from_its_url(url: str, place: tuple[str, str, int]) -> None:
    proxy = parse_proxy(url)
    assert (proxy.scheme, proxy.host, proxy.port) == place


def test_a_login_is_shown_to_an_http_proxy_in_one_field() -> None:
    assert parse_proxy("http://proxy.example").login_fields == ()
    login = parse_proxy("http://user:p%40ss@proxy.example").login_fields
    assert login == ((b"Proxy-Authorization", b"Basic dXNlcjpwQHNz"),)


def test_a_login_is_unquoted_and_kept_out_of_the_representation() -> None:
    proxy = parse_proxy("socks5://user:p%40ss@proxy.example:1080")
    assert (proxy.user, proxy.password) == ("user", "p@ss")
    assert "p@ss" not in repr(proxy)


def test_only_socks5_leaves_look_ups_to_us() -> None:
    asks = {scheme: parse_proxy(f"{scheme}://p.example").resolves for scheme in ("http", "socks5", "socks5h")}
    assert asks == {"http": True, "socks5": False, "socks5h": True}


@pytest.mark.parametrize(
    "url",
    [
        "",
        "proxy.example:3128",
        "ftp://p.example",
        "http://",
        "http://p.example:x",
        "http://p.example/path",
        "http://[",
    ],
)
def test_a_bad_one_is_a_configuration_error_that_does_not_repeat_it(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_proxy(url)
    assert "example" not in str(caught.value)
