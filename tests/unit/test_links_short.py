from __future__ import annotations

from urllib.parse import quote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.links.normalise import host_is, normalise
from core.links.short import SHARE_LINKS, SHORTENERS, WRAPPERS, leads_to_media, unwrap

VIDEO = "https://www.youtube.com/watch?v=dQw4w9WgXcQ"
ESCAPED = quote(VIDEO, safe="")


@pytest.mark.parametrize(
    "url",
    [
        f"https://l.facebook.com/l.php?u={ESCAPED}&h=AT0",
        f"https://m.facebook.com/login/?next={ESCAPED}",
        f"https://www.facebook.com/login.php?next={ESCAPED}",
        f"https://l.instagram.com/?u={ESCAPED}&e=AT",
        f"https://www.youtube.com/redirect?q={ESCAPED}&event=video_description",
        "https://www.youtube.com/attribution_link?a=x&u=%2Fwatch%3Fv%3DdQw4w9WgXcQ%26feature%3Dshare",
        f"https://consent.youtube.com/m?continue={ESCAPED}&gl=DE",
        f"https://www.youtube.com/oembed?format=json&url={ESCAPED}",
        f"https://www.google.com/url?sa=t&url={ESCAPED}&usg=x",
        f"https://www.google.com/url?q={ESCAPED}",
        f"https://out.reddit.com/t3_abc?url={ESCAPED}",
        f"https://vk.com/away.php?to={ESCAPED}",
        f"https://t.umblr.com/redirect?z={ESCAPED}&t=x",
        f"https://t.me/share/url?url={ESCAPED}&text=hi",
        f"https://t.me/iv?url={ESCAPED}&rhash=x",
        f"https://steamcommunity.com/linkfilter/?u={ESCAPED}",
        f"https://l.facebook.com/l.php?u={quote(f'https://www.google.com/url?q={ESCAPED}', safe='')}",
    ],
)
def test_an_address_that_carries_its_target_is_its_target(url: str) -> None:
    assert unwrap(normalise(url)) == VIDEO


@pytest.mark.parametrize(
    "url",
    [
        VIDEO,
        "https://www.facebook.com/l.php",
        "https://l.facebook.com/l.php?u=",
        "https://l.facebook.com/l.php?u=javascript:alert(1)",
        f"https://evil.example/l.php?u={ESCAPED}",
        f"https://notgoogle.com/url?q={ESCAPED}",
        f"https://www.google.com/search?q={ESCAPED}",
    ],
)
def test_any_other_address_stays_what_it_is(url: str) -> None:
    assert unwrap(normalise(url)) == normalise(url)


@given(st.text(max_size=30))
def test_whatever_is_wrapped_comes_out_as_a_normalised_link(text: str) -> None:
    for each in WRAPPERS:
        url = normalise(f"https://{each.hosts[0]}{each.path or '/x'}?{each.parameters[0]}={quote(text)}")
        assert normalise(unwrap(url)) == unwrap(url)


def test_nesting_ends_somewhere() -> None:
    url = VIDEO
    for _ in range(9):
        url = f"https://l.facebook.com/l.php?u={quote(url, safe='')}"
    assert urlsplit(unwrap(normalise(url))).hostname == "l.facebook.com"


@pytest.mark.parametrize(
    "host", ["youtu.be", "dai.ly", "redd.it", "www.tiktok.com", "www.facebook.com", "x.com"]
)
def test_hosts_whose_links_name_the_media_are_no_shorteners(host: str) -> None:
    assert not host_is(host, SHORTENERS)


@pytest.mark.parametrize(
    ("url", "is_share_link"),
    [
        ("https://vm.tiktok.com/ZMabc/", True),
        ("https://www.tiktok.com/t/ZMabc/", True),
        ("https://www.tiktok.com/@a/video/1", False),
        ("https://www.facebook.com/share/r/abc/", True),
        ("https://www.facebook.com/reel/1", False),
        ("https://www.reddit.com/r/videos/s/abc", True),
        ("https://www.reddit.com/r/videos/comments/abc", False),
        ("https://b23.tv/AbC12", True),
        ("https://b23.tv/BV1xx411c7mD", False),
        ("https://pin.it/abc", True),
        ("https://fb.watch/abc/", True),
        ("https://fb.watch/", False),
        ("https://on.soundcloud.com/abc", True),
    ],
)
def test_share_links_are_told_from_a_sites_other_pages(url: str, is_share_link: bool) -> None:
    parts = urlsplit(url)
    found = [
        links for links in SHARE_LINKS if host_is(parts.netloc, links.hosts) and links.path.search(parts.path)
    ]
    assert bool(found) is is_share_link


def test_only_a_final_identity_ends_the_way() -> None:
    assert leads_to_media(VIDEO)
    assert not leads_to_media("https://vm.tiktok.com/ZMabc/")
    assert not leads_to_media("https://www.tiktok.com/login")
