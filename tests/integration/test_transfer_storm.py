"""Faults, cancellations and new versions at random: in the end one version, whole, and nothing else."""

from __future__ import annotations

import asyncio
import random

import pytest

from core.domain.errors import JobError
from core.net.hls import fetch as hls
from core.net.transfer import journal
from tests.fakes.hls import adts, put_vod
from tests.fakes.origin import Fault
from tests.fakes.transfer import MIB, fetcher, open_files

ROUNDS = 8


@pytest.fixture
def rng(request, monkeypatch, short_waits):
    chance = random.Random(request.param)
    monkeypatch.setattr(journal, "CLAIM_BYTES", chance.choice([100_000, MIB]))
    monkeypatch.setattr(hls, "_AHEAD_BYTES", chance.choice([10_000, 24 * MIB]))
    return chance


@pytest.fixture
async def it(tmp_path):
    async with fetcher(tmp_path / "job", read_s=0.3) as running:
        yield running


def any_fault(rng, size):
    somewhere = rng.randrange(size + 1)
    return rng.choice(
        [
            Fault(),
            Fault(drop_after=somewhere),
            Fault(hold_after=somewhere),
            Fault(status=503),
            Fault(status=429, retry_after="0"),
            Fault(shorten_range=max(1, somewhere)),
            Fault(ignore_range=True),
            Fault(refuse_if_range=True),
            Fault(ignore_if_range=True),
            Fault(html=True),
            Fault(gzip=True),
        ]
    )


async def survived(it, rng, fetch):
    """What *fetch* gives, None when it was cancelled at random or has failed by name."""
    task = asyncio.create_task(fetch)
    if rng.random() < 0.5:
        await asyncio.wait({task}, timeout=rng.random() * 0.3)
        if rng.random() < 0.7:
            task.cancel()
    try:
        return await task
    except asyncio.CancelledError:
        pass  # perhaps just after the last step, so that the file is there
    except JobError:
        assert not it.path.exists()
    assert open_files(it.folder) == []
    return None


@pytest.mark.parametrize("rng", range(6), indirect=True)
async def test_a_file_comes_out_as_one_version_of_it(it, rng):
    size = rng.choice([1000, 300_000, 2 * MIB, 5 * MIB])
    versions = [rng.randbytes(size)]
    resource = it.origin.put("/f", versions[0], etag='"0"', last_modified=None)
    resource.rate_bps = rng.choice([None, 8 * MIB])
    fetched = None
    for number in range(ROUNDS):
        for _ in range(rng.randrange(6)):
            resource.fail(any_fault(rng, size))
        if rng.random() < 0.3:
            versions.append(rng.randbytes(size))
            resource.body, resource.etag = versions[-1], f'"{number + 1}"'
        fetched = await survived(it, rng, it.file("/f", connections=rng.choice([1, 8])))
        if fetched is not None:
            break
    resource._script.clear()
    fetched = fetched or await it.file("/f")
    assert it.path.read_bytes() in versions
    it.assert_whole(fetched, it.path.read_bytes())


@pytest.mark.parametrize("rng", range(6), indirect=True)
async def test_a_stream_comes_out_whole(it, rng):
    segments = [adts(rng.randbytes(rng.choice([10, 50_000, 500_000]))) for _ in range(rng.choice([3, 25]))]
    resources = put_vod(
        it.origin, segments, key=rng.choice([None, bytes(16)]), is_one_file=rng.random() < 0.3
    )
    fetched = None
    for _ in range(ROUNDS):
        for resource in rng.sample(resources, min(len(resources), 5)):
            for _ in range(rng.randrange(4)):
                resource.fail(any_fault(rng, 60_000))
        fetched = await survived(it, rng, it.hls("/vod/index.m3u8", window=rng.choice([1, 16])))
        if fetched is not None:
            break
    for resource in resources:
        resource._script.clear()
    it.assert_whole(fetched or await it.hls("/vod/index.m3u8"), b"".join(segments))
