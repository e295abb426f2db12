from __future__ import annotations

import random
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.errors import InvalidRequest
from core.links.normalise import normalise, url_hash

HOSTS = st.sampled_from(
    [
        "example.com",
        "EXAMPLE.com.",
        "m.youtube.com",
        "bücher.example",
        "127.0.0.1",
        "[2001:DB8::1]",
        "mega.nz",
    ]
)
PORTS = st.sampled_from(["", ":80", ":443", ":8080", ":"])
TEXT = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Cf", "Zl", "Zp"], exclude_characters="\\\xad"), max_size=20
)
NAMES = st.text("abcXYZ0_", min_size=1, max_size=4)


@st.composite
def links(draw: st.DrawFn) -> str:
    scheme = draw(st.sampled_from(["http", "https", "HTTP"]))
    path = draw(st.one_of(TEXT, st.text("/.%2eEaA1 ", max_size=12)))
    query = draw(st.one_of(TEXT, st.text("&=ab%41;+", max_size=12)))
    return f"{scheme}://{draw(HOSTS)}{draw(PORTS)}/{path}?{query}#{draw(TEXT)}"


@given(links())
def test_normalising_twice_is_normalising_once(url: str) -> None:
    once = normalise(url)
    assert normalise(once) == once
    assert once.isascii()


@given(st.dictionaries(NAMES, TEXT, max_size=6), st.randoms(use_true_random=False))
def test_the_order_of_parameters_does_not_matter(parameters: dict[str, str], order: random.Random) -> None:
    pieces = [f"{name}={quote(value)}" for name, value in parameters.items()]
    shuffled = order.sample(pieces, len(pieces))
    base = "https://example.com/v?"
    assert url_hash(base + "&".join(pieces)) == url_hash(base + "&".join(shuffled))


@given(TEXT)
def test_a_character_and_its_escape_are_the_same_link(segment: str) -> None:
    raw = segment.replace("/", "").replace("?", "").replace("#", "").replace("%", "").replace(".", "")
    raw = "".join(char for char in raw if char.isalnum())
    assert normalise(f"https://example.com/x{raw}") == normalise(f"https://example.com/x{quote(raw)}")


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("HTTPS://Example.COM", "https://example.com/"),
        ("https://example.com:443/a", "https://example.com/a"),
        ("http://example.com:443/a", "http://example.com:443/a"),
        ("http://example.com.:0080/", "http://example.com/"),
        ("https://example.com/a#t=30", "https://example.com/a"),
        ("https://example.com/a?", "https://example.com/a"),
        ("https://example.com/a?&&b=1&", "https://example.com/a?b=1"),
        ("  <https://example.com/a>\n", "https://example.com/a"),
        ('"https://example.com/a"', "https://example.com/a"),
        ("“https://example.com/a”", "https://example.com/a"),
        ("\u200fhttps://example.com/a\u200e", "https://example.com/a"),
        ("https://example.com/a/../b/./c", "https://example.com/b/c"),
        ("https://example.com/%7euser/%e2%82%ac", "https://example.com/~user/%E2%82%AC"),
        ("https://example.com/محاضرة 1", "https://example.com/%D9%85%D8%AD%D8%A7%D8%B6%D8%B1%D8%A9%201"),
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
        ("https://EXAMPLE。com/", "https://example.com/"),
        ("http://[2001:DB8:0:0::1]:80/", "http://[2001:db8::1]/"),
        ("https://example.com/100%", "https://example.com/100%25"),
        ("https://mega.nz/file/abc#KEY", "https://mega.nz/file/abc#KEY"),
        ("https://example.com/a?b=2&b=1&a=0", "https://example.com/a?a=0&b=2&b=1"),
    ],
)
def test_one_spelling_per_link(written: str, expected: str) -> None:
    assert normalise(written) == expected


@pytest.mark.parametrize(
    "tracking",
    ["utm_source=chat", "UTM_Medium=x", "fbclid=abc", "si=abc", "igshid=x", "gclid=1", "%75tm_id=1"],
)
def test_tracking_parameters_are_dropped(tracking: str) -> None:
    assert normalise(f"https://example.com/v?id=7&{tracking}") == "https://example.com/v?id=7"


def test_a_short_name_tracks_only_on_its_own_site() -> None:
    assert normalise("https://mobile.x.com/a/status/1?s=20&t=abc") == "https://mobile.x.com/a/status/1"
    assert normalise("https://notx.com/a?s=20&t=abc") == "https://notx.com/a?s=20&t=abc"


@pytest.mark.parametrize(
    "address", ["http://2130706433/", "http://0x7f.1/", "http://127.1/", "http://①②⑦.1/"]
)
def test_odd_spellings_of_addresses_are_left_for_the_gate_to_judge(address: str) -> None:
    assert normalise(address).isascii()


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "empty"),
        (" \n ", "empty"),
        ("not a url", "does not begin with"),
        ("youtube.com/watch?v=1", "does not begin with"),
        ("file:///etc/passwd", "file://"),
        ("ftp://example.com/a", "ftp://"),
        ("javascript:alert(1)", "does not begin with"),
        ("https://", "no host"),
        ("https:///path", "no host"),
        ("https://./", "no host"),
        ("https://user:pass@example.com/", "user name"),
        ("https://example.com:99999/", "port"),
        ("https://example.com:0/", "port"),
        ("https://example.com:port/", "port"),
        ("https://exa mple.com/", "host name"),
        ("https://-example.com/", "host name"),
        ("https://example.com\\evil.example/", "host name"),
        ("https://example.com/a\\b", "backslash"),
        ("https://[::1/", "malformed"),
        ("https://[zz::1]/", "IPv6"),
        ("https://xn--\u0080.example/", "control"),
        ("https://exa\nmple.com/", "control"),
        ("https://example.com/\u202egnp.exe", "control"),
        ("https://\u0640\u0640\u0640.example\u0301-/", "host name"),
        ("https://example.com/" + "a" * 20_000, "longer"),
        ("https://example.com/" + "é" * 9_000, "longer"),
    ],
)
def test_what_is_no_usable_link_is_refused_with_the_reason(url: str, reason: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        normalise(url)
    assert reason in caught.value.detail


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        ("youtube.com/watch?v=1", "Did you mean https://youtube.com/watch?v=1?"),
        ("example.org:8080", "Did you mean https://example.org:8080?"),
        ("~/films/a.mp4", "reeldeck library import"),
        ("hello world", "begins with http:// or https://"),
        ("https://example.com/" + "a" * 20_000, "share button"),
    ],
)
def test_the_hint_says_what_was_meant_where_that_can_be_seen(typed: str, hint: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        normalise(typed)
    assert hint in caught.value.hint
