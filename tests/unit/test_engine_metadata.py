"""What previews found is kept for an hour at most, within bounds, and for the same request alone."""

from __future__ import annotations

import pytest

from core.domain.job import Kind, Request
from core.domain.media import Resolution, Role, Track, Transport
from core.engine.metadata import MARGIN_S, MAX_AGE_S, MetadataCache

URL = "https://example.org/watch?v=1"


class Clock:
    now = 1_000_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def cache(clock):
    return MetadataCache(clock=clock)


def found(title="a", **more):
    return Resolution(source="site", title=title, **more)


async def test_what_was_found_is_known_for_an_hour(cache, clock):
    await cache.put(Request(url=URL), found(), None)
    clock.now += MAX_AGE_S - 1
    known = cache.get(Request(url=URL))
    assert known is not None
    assert (known.found, known.profile_id, known.found_at) == (found(), None, 1_000_000.0)
    clock.now += 1
    assert cache.get(Request(url=URL)) is None
    assert (len(cache), cache.size_bytes) == (0, 0)


async def test_an_address_that_ends_earlier_is_known_no_longer_than_that(cache, clock):
    await cache.put(Request(url=URL), found(expires=clock.now + 600), 3)
    clock.now += 600 - MARGIN_S - 1
    assert cache.get(Request(url=URL)) is not None
    clock.now += 1
    assert cache.get(Request(url=URL)) is None
    await cache.put(Request(url=URL), found(expires=clock.now), None)
    assert len(cache) == 0


@pytest.mark.parametrize(
    "other",
    [
        {"url": URL + "2"},
        {"kind": Kind.AUDIO},
        {"quality": "720p"},
        {"format": "22"},
        {"profile": "main"},
        {"source": "ytdlp"},
    ],
)
async def test_another_request_is_not_answered_with_it(cache, other):
    await cache.put(Request(url=URL), found(), None)
    assert cache.get(Request(**{"url": URL} | other)) is None


async def test_another_writing_of_the_link_or_another_requester_is_the_same(cache):
    await cache.put(Request(url=URL), found(), None)
    same = Request(url="HTTPS://EXAMPLE.org:443/watch?utm_source=x&v=1", user_id=5, priority=9, force=True)
    assert cache.get(same) is not None


async def test_what_is_live_is_not_kept_and_replaces_what_was(cache):
    live = Track(role=Role.MUXED, transport=Transport.HLS, url="https://example.org/live.m3u8", is_live=True)
    await cache.put(Request(url=URL), found(), None)
    await cache.put(Request(url=URL), found(tracks=(live,)), None)
    assert cache.get(Request(url=URL)) is None


async def test_the_longest_unused_is_thrown_out_first(clock):
    cache = MetadataCache(clock=clock, max_entries=2)
    one, two, three = (Request(url=f"{URL}{number}") for number in range(3))
    await cache.put(one, found("1"), None)
    await cache.put(two, found("2"), None)
    assert cache.get(one) is not None
    await cache.put(three, found("3"), None)
    assert [cache.get(request) is not None for request in (one, two, three)] == [True, False, True]


async def test_all_together_stay_below_the_bound_and_one_beyond_it_is_not_kept(clock):
    size = len(repr(found("x" * 1000)))
    cache = MetadataCache(clock=clock, max_bytes=3 * size)
    for number in range(5):
        await cache.put(Request(url=f"{URL}{number}"), found("x" * 1000), None)
    assert (len(cache), cache.size_bytes) == (3, 3 * size)
    await cache.put(Request(url=URL), found("x" * 4 * size), None)
    assert (len(cache), cache.size_bytes) == (3, 3 * size)


async def test_putting_again_and_forgetting_keep_the_size_right(cache):
    await cache.put(Request(url=URL), found("x" * 1000), None)
    await cache.put(Request(url=URL), found("x"), None)
    assert cache.size_bytes == len(repr(found("x")))
    cache.forget(Request(url=URL))
    cache.forget(Request(url=URL))
    assert (len(cache), cache.size_bytes) == (0, 0)
