"""Shorteners and share links at a real HTTP origin: followed hop by hop, and no further than needed."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest

from core.config.settings import Network, Settings, Timeouts
from core.domain.errors import BlockedAddress, HttpFailure, JobError, NetworkFailure, NotFound, RateLimited
from core.domain.job import Request
from core.links.short import ShareLinks
from core.net.address.gate import AddressGate
from core.net.http.client import HttpClient
from core.sources import short_links
from core.sources.base import Elsewhere, NotHandled, SourceContext
from core.sources.short_links import ShortLinks
from tests.fakes.origin import Fault, Origin

VIDEO = "https://www.youtube.com/watch?v=dQw4w9WgXcQ"
CLIP = "https://www.tiktok.com/@someone/video/7000000000000000000"


@pytest.fixture
async def context() -> AsyncIterator[SourceContext]:
    network = Network(allow_addresses=("127.0.0.1/32",))
    http = HttpClient(
        AddressGate(network.allow_addresses), network=network, timeouts=Timeouts(read_s=5, connect_s=5)
    )
    nothing: Any = None  # this source starts no process
    yield SourceContext(http=http, settings=Settings(), ytdlp=nothing)
    await http.close()


@pytest.fixture
def target(origin: Origin, context: SourceContext) -> Any:
    """`await target(path)`: where the shortener's link leads."""
    source = ShortLinks(hosts=(f"{origin.host}:{origin.port}",))

    async def ask(path: str) -> str:
        with pytest.raises(Elsewhere) as caught:
            await source.resolve(Request(url=origin.url(path)), context)
        return caught.value.url

    return ask


@pytest.fixture
def share(origin: Origin, context: SourceContext, monkeypatch: pytest.MonkeyPatch) -> Any:
    """`await share(path)`: where a share link of a site leads, which the origin plays."""
    links = ShareLinks((f"{origin.host}:{origin.port}",), re.compile("^/share/"))
    monkeypatch.setattr(short_links, "SHARE_LINKS", (links,))

    async def ask(path: str) -> str:
        try:
            await ShortLinks().resolve(Request(url=origin.url(path)), context)
        except Elsewhere as elsewhere:
            return elsewhere.url
        raise AssertionError("it always raises")

    return ask


async def test_the_first_address_that_is_no_shortener_ends_the_way_and_is_not_asked(
    origin: Origin, target: Any
) -> None:
    origin.put_redirect("/a", "/b")
    origin.put_redirect("/b", f"{VIDEO}&utm_source=chat#t=1")
    assert await target("/a") == VIDEO
    assert [(seen.method, seen.path) for seen in origin.requests] == [("HEAD", "/a"), ("HEAD", "/b")]


async def test_a_target_that_is_wrapped_is_unwrapped(origin: Origin, target: Any) -> None:
    origin.put_redirect(
        "/a", f"https://l.facebook.com/l.php?u={VIDEO.replace('?', '%3F').replace('=', '%3D')}"
    )
    assert await target("/a") == VIDEO


@pytest.mark.parametrize("status", [403, 404, 405, 501])
async def test_a_host_that_knows_no_head_is_asked_with_get(origin: Origin, target: Any, status: int) -> None:
    origin.put_redirect("/target", VIDEO)
    page = f'<meta http-equiv="refresh" content="0; url={VIDEO}">'.encode()
    origin.put("/a", page, content_type="text/html").fail(Fault(status=status))
    assert await target("/a") == VIDEO
    assert [seen.method for seen in origin.requests] == ["HEAD", "GET"]


@pytest.mark.parametrize(
    "page",
    [
        f'<head><noscript><META http-equiv="refresh" content="0;URL={VIDEO}"></noscript></head>',
        f"<html><head><meta content='3; url=\"{VIDEO}\"' http-equiv=Refresh></head><body>…</body></html>",
        f'<meta charset="utf-8"><meta http-equiv="refresh" content=" 1 , {VIDEO} "><p>Wait</p>',
        '<meta http-equiv="refresh" content="0; url=/next">',
    ],
)
async def test_a_page_that_goes_on_by_itself_is_followed(origin: Origin, target: Any, page: str) -> None:
    origin.put("/a", page.encode(), content_type="text/html")
    origin.put_redirect("/next", VIDEO)
    assert await target("/a") == VIDEO


@pytest.mark.parametrize(
    "body",
    [
        b"<html><head><meta http-equiv='refresh' content='30'></head>an article</html>",
        b"<html>an article</html>",
        b"",
        b"\x00\x01" * 1000,
        bytes(2_000_000),
    ],
)
async def test_a_page_that_leads_nowhere_is_left_to_others(
    origin: Origin, context: SourceContext, body: bytes
) -> None:
    origin.put("/a", body, content_type="text/html")
    with pytest.raises(NotHandled):
        await ShortLinks((f"{origin.host}:{origin.port}",)).resolve(Request(url=origin.url("/a")), context)


@pytest.mark.parametrize(
    ("location", "error", "asked"),
    [
        ("/a", HttpFailure, 11),
        ("http://127.0.0.2:1/", BlockedAddress, 1),
        ("http://169.254.169.254/latest/meta-data", BlockedAddress, 1),
        ("intent://x#Intent;scheme=x;end", HttpFailure, 1),
        ("file:///etc/passwd", HttpFailure, 1),
    ],
)
async def test_a_way_that_leads_nowhere_good_is_an_error(
    origin: Origin, context: SourceContext, location: str, error: type[JobError], asked: int
) -> None:
    origin.put_redirect("/a", location)
    source = ShortLinks((f"{origin.host}:{origin.port}", "127.0.0.2:1", "169.254.169.254"))
    with pytest.raises(error):
        await source.resolve(Request(url=origin.url("/a")), context)
    assert len(origin.requests) == asked


async def test_pages_that_go_on_in_a_circle_end(origin: Origin, context: SourceContext) -> None:
    origin.put("/a", b'<meta http-equiv="refresh" content="0; url=/a">', content_type="text/html")
    with pytest.raises(NotHandled):
        await ShortLinks((f"{origin.host}:{origin.port}",)).resolve(Request(url=origin.url("/a")), context)
    assert len(origin.requests) < 12


async def test_a_link_that_is_gone_says_so(origin: Origin, context: SourceContext) -> None:
    source = ShortLinks((f"{origin.host}:{origin.port}",))
    with pytest.raises(NotFound):
        await source.resolve(Request(url=origin.url("/nothing")), context)


async def test_a_share_link_is_followed_over_the_sites_own_pages(origin: Origin, share: Any) -> None:
    origin.put_redirect("/share/a", "/redirect/a")
    origin.put_redirect("/redirect/a", f"{CLIP}?_r=1&_t=abc")
    assert await share("/share/a") == CLIP
    assert len(origin.requests) == 2


async def test_a_site_that_wants_a_login_first_still_tells_where_it_leads(origin: Origin, share: Any) -> None:
    origin.put_redirect(
        "/share/a", "https://www.facebook.com/login/?next=https%3A%2F%2Fwww.facebook.com%2Freel%2F12"
    )
    assert await share("/share/a") == "https://www.facebook.com/reel/12"


@pytest.mark.parametrize("answer", ["page", "gone", "elsewhere"])
async def test_a_share_link_that_tells_nothing_is_left_to_its_site(
    origin: Origin, share: Any, answer: str
) -> None:
    if answer == "page":
        origin.put("/share/a", b"<html>Please sign in</html>", content_type="text/html")
    elif answer == "elsewhere":
        origin.put_redirect("/share/a", "intent://x")
    with pytest.raises(NotHandled):
        await share("/share/a")


@pytest.mark.parametrize(
    ("fault", "error"), [(Fault(status=503), HttpFailure), (Fault(drop_after=0), NetworkFailure)]
)
async def test_a_share_link_whose_site_is_ill_is_tried_later(
    origin: Origin, share: Any, fault: Fault, error: type[JobError]
) -> None:
    origin.put("/share/a", b"x").always = fault
    with pytest.raises(error):
        await share("/share/a")


async def test_a_share_link_to_a_private_address_is_refused(origin: Origin, share: Any) -> None:
    origin.put_redirect("/share/a", "http://10.0.0.1/")
    with pytest.raises(BlockedAddress):
        await share("/share/a")


async def test_a_shortener_that_asks_for_patience_gets_it(origin: Origin, context: SourceContext) -> None:
    origin.put("/a", b"x").always = Fault(status=429, retry_after="7")
    with pytest.raises(RateLimited) as caught:
        await ShortLinks((f"{origin.host}:{origin.port}",)).resolve(Request(url=origin.url("/a")), context)
    assert caught.value.retry_after_s == 7
