"""How many connections are used: as many as pay, and no more than the server bears."""

from __future__ import annotations

import asyncio

import pytest

from core.domain.errors import NotFound
from core.net.seats import Seats, seating_of
from core.net.transfer import ramp, ranges
from tests.fakes.origin import Fault, Origin
from tests.fakes.transfer import MIB, Fetcher, noise

pytestmark = pytest.mark.usefixtures("short_waits")


async def test_an_origin_that_throttles_each_connection_gets_many(it):
    data = noise(24 * MIB)
    resource = it.origin.put("/f", data)
    resource.rate_bps = 2 * MIB
    it.assert_whole(await it.file("/f", connections=16), data)
    assert resource.peak_active >= 16  # an answer that is left counts until the origin hears of it
    assert it.origin.bytes_sent("/f") < 1.2 * len(data)


async def test_a_fast_origin_gets_few(it):
    data = noise(32 * MIB)
    resource = it.origin.put("/f", data)
    it.assert_whole(await it.file("/f", connections=16), data)
    assert resource.peak_active <= 4  # a trial at most


async def test_one_connection_is_enough_when_one_is_allowed(it):
    data = noise(2 * MIB)
    resource = it.origin.put("/f", data)
    resource.rate_bps = 2 * MIB
    it.assert_whole(await it.file("/f", connections=1), data)
    assert len(it.origin.asked("/f")) == 1


@pytest.mark.parametrize(
    "validators", [{"etag": None, "last_modified": None}, {"etag": 'W/"1"', "last_modified": None}]
)
async def test_without_a_validator_there_is_one_connection(it, validators):
    data = noise(2 * MIB)
    resource = it.origin.put("/f", data, **validators)
    resource.rate_bps = MIB
    it.assert_whole(await it.file("/f", connections=8), data)
    assert resource.peak_active == 1


async def test_a_server_that_refuses_more_connections_still_gives_the_file(it):
    data = noise(6 * MIB)
    resource = it.origin.put("/f", data)
    resource.rate_bps, resource.max_active = MIB, 3
    it.assert_whole(await it.file("/f", connections=16), data)
    assert it.origin.bytes_sent("/f") < 1.5 * len(data)


async def test_a_connection_that_is_refused_for_good_is_given_up(it):
    data = noise(2 * MIB)
    resource = it.origin.put("/f", data)
    resource.rate_bps = MIB
    task = asyncio.create_task(it.file("/f", connections=8))
    await it.origin.wait_for_requests("/f", 1)
    resource.always = Fault(status=403)
    await it.origin.wait_for_requests("/f", 2)
    resource.always = Fault()
    it.assert_whole(await task, data)


async def test_when_the_last_connection_fails_for_good_its_error_is_the_files(it):
    data = noise(4 * MIB)
    resource = it.origin.put("/f", data).fail(Fault(drop_after=MIB // 4))
    resource.rate_bps = 2 * MIB
    resource.always = Fault(status=404)
    with pytest.raises(NotFound):
        await it.file("/f", connections=8)
    resource.always = Fault()
    resource.rate_bps = None
    fetched = await it.file("/f")
    it.assert_whole(fetched, data)
    assert fetched.resumed_bytes >= MIB // 4


async def test_a_slow_piece_is_shared_out_at_the_end(it):
    """One answer drips; the others take over what is left of it."""
    data = noise(16 * MIB)
    resource = it.origin.put("/f", data)
    resource.rate_bps = 2 * MIB
    resource.fail(Fault(hold_after=MIB // 4))
    it.assert_whole(await it.file("/f", connections=8), data)
    first = it.origin.asked("/f")[0]
    assert first.sent_bytes == MIB // 4


def test_the_ramp_doubles_while_the_throughput_does():
    it = ramp.Ramp(16)
    received, now, widths = 0, 0.0, []
    while now < 1.5:
        widths.append(it.width)
        it.observe(now, received)
        received += it.width * 10_000
        now += 0.05
    assert sorted(set(widths)) == [1, 2, 4, 8, 16]


def test_the_ramp_goes_back_when_more_connections_bring_no_more():
    it = ramp.Ramp(16)
    widths = []
    for step in range(60):
        it.observe(step * 0.05, step * 10_000)
        widths.append(it.width)
    assert set(widths) == {1, 2}
    assert widths[-1] == 1


def test_the_ramp_tries_again_after_a_rest():
    it = ramp.Ramp(16)
    tried_at = []
    for step in range(2000):
        before = it.width
        it.observe(step * 0.05, step * 10_000)
        if it.width > before:
            tried_at.append(step * 0.05)
    assert len(tried_at) == 3
    assert tried_at[2] - tried_at[1] > 1.8 * (tried_at[1] - tried_at[0])


def test_connections_that_a_burst_made_look_useless_are_soon_tried_again():
    """Each answer begins with a burst, beside which twice the connections bring no more."""
    it = ramp.Ramp(2)
    received, now = 40_000, 0.0
    while now < 3.0:
        it.observe(now, received)
        received += it.width * 5_000 + (40_000 if now < 0.2 else 0)
        now += 0.05
    assert it.width == 2


def test_long_after_a_refusal_one_more_is_tried():
    it = ramp.Ramp(16, start=4)
    it.limit_to(3)
    widths = []
    for step in range(900):
        it.observe(step * 0.05, step**2 * 10_000)
        widths.append(it.width)
    assert sorted(set(widths)) == [3, 4]


def test_the_ramp_stays_below_what_the_server_bears():
    it = ramp.Ramp(16)
    it.limit_to(3)
    for step in range(100):
        it.observe(step * 0.05, step**2 * 10_000)
    assert it.width == 3
    it.limit_to(0)
    assert it.width == 1


def neighbour(it, name):
    """Another job's fetcher: of the same origin, through the same client."""
    folder = it.folder.with_name(name)
    folder.mkdir()
    return Fetcher(it.origin, it.http, folder)


async def test_jobs_share_the_connections_to_a_host(it):
    it.http.seats = Seats(4)
    data = noise(3 * MIB)
    resource = it.origin.put("/f", data)
    resource.rate_bps = 2 * MIB
    jobs = [it, *(neighbour(it, f"job{number}") for number in range(2, 5))]
    first = asyncio.create_task(jobs[0].file("/f", connections=16))
    await it.origin.wait_for_requests("/f", 4)
    others = [asyncio.create_task(job.file("/f", connections=16)) for job in jobs[1:]]
    for job in jobs[1:]:
        await job.has_told(lambda done, _: done > 0)
    assert not first.done()  # it gave up what the others needed
    for job, fetched in zip(jobs, await asyncio.gather(first, *others), strict=True):
        job.assert_whole(fetched, data)
    assert it.http.seats.taken(seating_of(it.origin.url("/f"))) == 0
    assert resource.peak_active < 8  # the origin hears a little late of those that were left


async def test_who_waits_for_a_connection_does_not_stand_still(it):
    it.http.seats = Seats(1)
    data = noise(MIB)
    it.origin.put("/held", data).fail(Fault(hold_after=1000))
    it.origin.put("/f", data)
    first = asyncio.create_task(it.file("/held", stall_s=60))
    await it.origin.held.wait()
    other = neighbour(it, "other")
    waiting = asyncio.create_task(other.file("/f", stall_s=0.4))
    for _ in range(12):  # each a twentieth of a second after the one before
        await other.has_told(lambda done, _: done == 0)
    it.origin.release.set()
    it.assert_whole(await first, data)
    other.assert_whole(await waiting, data)


async def test_segments_take_seats_too(it):
    it.http.seats = Seats(2)
    parts = [noise(1000, seed) for seed in range(12)]
    for index, part in enumerate(parts):
        it.origin.put(f"/{index}.ts", part)
    listed = "".join(f"#EXTINF:1,\n{index}.ts\n" for index in range(12))
    it.origin.put("/l.m3u8", f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n{listed}#EXT-X-ENDLIST\n".encode())
    it.assert_whole(await it.hls("/l.m3u8"), b"".join(parts))
    assert it.origin.connections <= 3


async def test_a_redirected_file_sits_where_it_comes_from(it):
    data = noise(2 * MIB)
    async with Origin() as node:
        resource = node.put("/f", data)
        resource.fail(Fault(hold_after=MIB))
        it.origin.put_redirect("/f", node.url("/f"))
        task = asyncio.create_task(it.file("/f"))
        await it.has_told(lambda done, _: done >= MIB)
        assert it.http.seats.taken(seating_of(it.origin.url("/f"))) == 0
        assert it.http.seats.taken(seating_of(node.url("/f"))) >= 1
        node.release.set()
        it.assert_whole(await task, data)


async def test_a_connection_that_is_much_slower_than_the_others_is_replaced(it, monkeypatch):
    monkeypatch.setattr(ranges, "_PATIENCE_S", 0.2)
    data = noise(8 * MIB)
    resource = it.origin.put("/f", data)
    resource.rate_bps = 4 * MIB
    resource.fail(Fault()).fail(Fault(rate_bps=20_000))
    async with asyncio.timeout(10):  # what nobody could take over of it would last longer
        it.assert_whole(await it.file("/f", connections=4), data)
    slow = it.origin.asked("/f")[1]
    assert slow.sent_bytes < MIB


async def test_an_origin_that_throttles_long_ranges_is_asked_for_short_ones(it):
    data = noise(6 * MIB)
    resource = it.origin.put("/f", data)

    def draw(seen):
        first, last = seen.range or (0, None)
        asked = (len(data) if last is None else last + 1) - first
        return Fault(rate_bps=1000) if asked > MIB else Fault()

    resource.draw = draw
    it.assert_whole(await it.file("/f", max_range_bytes=MIB), data)
    assert all(seen.range[1] - seen.range[0] < MIB for seen in it.origin.asked("/f"))
