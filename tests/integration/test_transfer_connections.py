"""How many connections are used: as many as pay, and no more than the server bears."""

from __future__ import annotations

import asyncio

import pytest

from core.domain.errors import NotFound
from core.net.transfer import ramp, retries
from tests.fakes.origin import Fault
from tests.fakes.transfer import MIB, fetcher, noise


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch):
    monkeypatch.setattr(retries, "BASE_WAIT_S", 0.001)
    monkeypatch.setattr(retries, "MAX_WAIT_S", 0.01)


@pytest.fixture
async def it(tmp_path):
    async with fetcher(tmp_path / "job", read_s=2) as running:
        yield running


async def test_an_origin_that_throttles_each_connection_gets_many(it):
    data = noise(24 * MIB)
    resource = it.origin.put("/f", data)
    resource.rate_bps = 2 * MIB
    it.assert_whole(await it.file("/f", connections=16), data)
    assert resource.peak_active == 16
    assert it.origin.bytes_sent("/f") < 1.2 * len(data)


async def test_a_fast_origin_gets_few(it):
    data = noise(32 * MIB)
    resource = it.origin.put("/f", data)
    it.assert_whole(await it.file("/f", connections=16), data)
    assert resource.peak_active <= 2


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
    resource = it.origin.put("/f", data).fail(Fault(drop_after=MIB))
    resource.rate_bps = 2 * MIB
    resource.always = Fault(status=404)
    with pytest.raises(NotFound):
        await it.file("/f", connections=8)
    resource.always = Fault()
    resource.rate_bps = None
    fetched = await it.file("/f")
    it.assert_whole(fetched, data)
    assert fetched.resumed_bytes >= MIB


async def test_a_slow_piece_is_shared_out_at_the_end(it):
    """One answer drips; the others take over what is left of it."""
    data = noise(16 * MIB)
    resource = it.origin.put("/f", data)
    resource.rate_bps = 2 * MIB
    resource.fail(Fault(hold_after=MIB))
    it.assert_whole(await it.file("/f", connections=8), data)
    first = it.origin.asked("/f")[0]
    assert first.sent_bytes == MIB


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


def test_the_ramp_stays_below_what_the_server_bears():
    it = ramp.Ramp(16)
    it.limit_to(3)
    for step in range(100):
        it.observe(step * 0.05, step**2 * 10_000)
    assert it.width == 3
    it.limit_to(0)
    assert it.width == 1
