"""What servers do wrong: each ends in the whole file, or in the named error."""

from __future__ import annotations

import asyncio

import pytest

from core.domain.errors import (
    AuthRequired,
    BlockedAddress,
    GeoBlocked,
    HttpFailure,
    NetworkFailure,
    NotFound,
    RateLimited,
    Stalled,
)
from core.net.transfer import retries
from tests.fakes.origin import Fault
from tests.fakes.transfer import MIB, fetcher, noise

pytestmark = pytest.mark.usefixtures("short_waits")

DATA = noise(2 * MIB + 5)
ALWAYS = 50


@pytest.fixture
async def it(tmp_path):
    async with fetcher(tmp_path / "job", read_s=1) as running:
        yield running


@pytest.mark.parametrize(
    ("fault", "times"),
    [
        pytest.param(Fault(drop_after=0), 3, id="closed without a byte"),
        pytest.param(Fault(drop_after=MIB), 1, id="cut"),
        pytest.param(Fault(drop_after=300_000), 6, id="cut again and again"),
        pytest.param(Fault(length_lie=-1000), 1, id="announces less than it has"),
        pytest.param(Fault(length_lie=1000, drop_after=10**9), 1, id="announces more, then closes"),
        pytest.param(Fault(status=500), 4, id="500"),
        pytest.param(Fault(status=503, retry_after="0"), 4, id="503 with Retry-After"),
        pytest.param(Fault(status=429, retry_after="0"), 4, id="429 with Retry-After"),
        pytest.param(Fault(status=408), 4, id="408"),
        pytest.param(Fault(status=416), 1, id="416"),
        pytest.param(Fault(ignore_range=True), 1, id="ignores the range"),
        pytest.param(Fault(content_range="bytes 5-9/2097157"), ALWAYS, id="another Content-Range"),
        pytest.param(Fault(content_range="bytes 0-2097156/*"), ALWAYS, id="Content-Range without a size"),
        pytest.param(Fault(content_range="bytes 0-9/10"), ALWAYS, id="Content-Range of less than comes"),
        pytest.param(Fault(content_range="potatoes"), ALWAYS, id="Content-Range that is none"),
        pytest.param(Fault(gzip=True), 2, id="compressed though not asked"),
        pytest.param(Fault(bad_chunk_after=MIB), 1, id="broken chunks"),
        pytest.param(Fault(hold_after=MIB), 1, id="silent"),
        pytest.param(Fault(hold_after=0), 1, id="silent after the head"),
    ],
)
async def test_it_heals(it, fault, times):
    it.origin.put("/f", DATA).fail(fault, times=times)
    it.assert_whole(await it.file("/f"), DATA)


@pytest.mark.parametrize(
    ("first", "then", "times"),
    [
        pytest.param(Fault(drop_after=MIB), Fault(ignore_range=True), 1, id="stops to do ranges"),
        pytest.param(Fault(drop_after=MIB), Fault(status=416), 1, id="416 in the middle"),
        pytest.param(Fault(drop_after=MIB), Fault(refuse_if_range=True), ALWAYS, id="cannot do If-Range"),
        pytest.param(
            Fault(drop_after=MIB), Fault(content_range="bytes 0-9/2097157"), 1, id="wrong part in the middle"
        ),
        pytest.param(
            Fault(drop_after=MIB), Fault(content_range=f"bytes {MIB}-{2 * MIB}/99999999"), 1, id="other size"
        ),
        pytest.param(Fault(drop_after=MIB), Fault(html=True), 2, id="a page in the middle"),
        pytest.param(Fault(drop_after=MIB), Fault(status=500), 4, id="down in the middle"),
    ],
)
async def test_it_heals_in_the_middle(it, first, then, times):
    resource = it.origin.put("/f", DATA).fail(first)
    resource.fail(then, times=times)
    it.assert_whole(await it.file("/f", connections=1), DATA)


async def test_a_server_that_cannot_do_if_range_keeps_what_was_fetched(it):
    it.origin.put("/f", DATA).fail(Fault(drop_after=MIB)).always = Fault(refuse_if_range=True)
    fetched = await it.file("/f")
    it.assert_whole(fetched, DATA)
    assert it.origin.asked("/f")[-1].range == (MIB, len(DATA) - 1)
    assert "if-range" not in it.origin.asked("/f")[-1].headers


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Fault(status=401), AuthRequired),
        (Fault(status=403), HttpFailure),
        (Fault(status=404), NotFound),
        (Fault(status=410), NotFound),
        (Fault(status=451), GeoBlocked),
        (Fault(status=500), HttpFailure),
        (Fault(status=429), RateLimited),
        (Fault(status=429, retry_after="3000"), RateLimited),
        (Fault(status=503, retry_after="3000"), HttpFailure),
        (Fault(drop_after=0), NetworkFailure),
        (Fault(drop_after=1000), NetworkFailure),
        (Fault(gzip=True), NetworkFailure),
        (Fault(bad_chunk_after=1000, ignore_range=True), NetworkFailure),
        (Fault(length_lie=1000, drop_after=10**9, ignore_range=True), NetworkFailure),
        (Fault(status=416), HttpFailure),
        (Fault(html=True), HttpFailure),
    ],
    ids=str,
)
async def test_it_fails_by_name(it, fault, expected):
    it.origin.put("/f", DATA).always = fault
    with pytest.raises(expected) as failure:
        await it.file("/f")
    assert type(failure.value) is expected
    if fault.status:
        assert failure.value.remote_status == fault.status
    if fault.retry_after:
        assert failure.value.retry_after_s == pytest.approx(3000, abs=5)
    assert not it.path.exists()
    assert len(it.origin.asked("/f")) <= 4 * (
        retries.MAX_RETRIES + 1
    )  # each connection's, where it came to them


async def test_a_file_that_changes_in_the_middle_is_fetched_again_from_the_start(it):
    old, new = noise(2 * MIB, seed=2), noise(2 * MIB, seed=3)
    resource = it.origin.put("/f", old, etag='"old"').fail(Fault(hold_after=MIB))
    task = asyncio.create_task(it.file("/f"))
    await it.origin.held.wait()
    resource.body, resource.etag = new, '"new"'
    it.assert_whole(await task, new)  # the held connection ends by the read timeout


async def test_a_changed_file_behind_a_server_that_ignores_if_range_is_noticed(it):
    old, new = noise(2 * MIB, seed=2), noise(2 * MIB, seed=3)
    resource = it.origin.put("/f", old, etag='"old"').fail(Fault(hold_after=MIB))
    resource.always = Fault(ignore_if_range=True)
    task = asyncio.create_task(it.file("/f"))
    await it.origin.held.wait()
    resource.body, resource.etag = new, '"new"'
    it.assert_whole(await task, new)


async def test_nodes_that_disagree_about_the_version_still_have_one_whole_answer(it):
    resource = it.origin.put("/f", DATA)
    for number in range(4):
        resource.fail(Fault(drop_after=MIB, etag=f'"{number}"'))
    it.assert_whole(await it.file("/f"), DATA)
    assert it.origin.asked("/f")[-1].range is None


class TestWithoutValidator:
    async def test_it_goes_on_after_comparing_what_is_there(self, it):
        it.origin.put("/f", DATA, etag=None, last_modified=None).fail(Fault(drop_after=MIB), times=1)
        it.assert_whole(await it.file("/f"), DATA)
        assert it.origin.asked("/f")[1].range == (MIB - 64 * 1024, len(DATA) - 1)

    async def test_it_begins_again_when_the_file_is_another_one(self, it):
        old, new = noise(2 * MIB, seed=2), noise(2 * MIB, seed=3)
        resource = it.origin.put("/f", old, etag=None, last_modified=None).fail(Fault(hold_after=MIB))
        task = asyncio.create_task(it.file("/f"))
        await it.origin.held.wait()
        resource.body = new
        it.assert_whole(await task, new)

    async def test_answers_too_short_to_compare_anything_end_as_a_failure(self, it):
        it.origin.put("/f", DATA, etag=None, last_modified=None).always = Fault(shorten_range=1000)
        with pytest.raises(NetworkFailure, match="nothing new"):
            await it.file("/f")

    async def test_a_weak_etag_is_none(self, it):
        it.origin.put("/f", DATA, etag='W/"1"', last_modified=None).fail(Fault(drop_after=MIB))
        it.assert_whole(await it.file("/f"), DATA)
        assert "if-range" not in it.origin.asked("/f")[1].headers


async def test_no_byte_for_too_long_is_a_standstill(it):
    it.origin.put("/f", DATA).always = Fault(hold_after=MIB)
    with pytest.raises(Stalled):
        await it.file("/f", stall_s=0.3)
    assert it.note.exists()


async def test_a_wait_that_the_server_asked_for_is_no_standstill(it):
    it.origin.put("/f", DATA).fail(Fault(status=503, retry_after="1"))
    it.assert_whole(await it.file("/f", stall_s=0.6), DATA)


async def test_a_redirect_to_a_private_address_is_blocked(it):
    it.origin.put_redirect("/f", "http://10.0.0.1/secret")
    with pytest.raises(BlockedAddress):
        await it.file("/f")
