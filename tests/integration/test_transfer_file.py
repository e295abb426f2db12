"""Whole files: what arrives, what is left behind, and what is refused."""

from __future__ import annotations

import hashlib
import itertools
import os
from dataclasses import replace

import pytest

from core.domain.errors import DiskFull, MediaFailure, NotFound, SizeLimit, Unknown
from core.net.transfer import disk
from tests.fakes.media import made_once, video_mp4
from tests.fakes.origin import Fault
from tests.fakes.transfer import MIB, noise

DATA = noise(3 * MIB + 17)


async def test_a_file_arrives_whole_and_nothing_else_is_left(it):
    it.origin.put("/f", DATA)
    fetched = await it.file("/f")
    it.assert_whole(fetched, DATA)
    assert (fetched.fetched_bytes, fetched.resumed_bytes) == (len(DATA), 0)
    assert len(it.origin.asked("/f")) == 1
    assert it.told[-1] == (len(DATA), len(DATA))


async def test_the_container_is_judged_by_the_content(it):
    film = made_once(video_mp4, "film.mp4").read_bytes()
    it.origin.put("/film.txt", film, content_type="text/plain")
    assert (await it.file("/film.txt")).container == "mp4"


@pytest.mark.parametrize("is_slow", [[True], [False, True, True, False]])
async def test_what_a_slow_disk_takes_aside_is_the_same(it, monkeypatch, is_slow):
    looks = itertools.cycle(is_slow)
    monkeypatch.setattr(disk.Strain, "is_felt", property(lambda _: next(looks)))
    it.origin.put("/f", DATA).fail(Fault(drop_after=MIB))
    it.assert_whole(await it.file("/f"), DATA)


async def test_an_empty_file_is_a_file(it):
    it.origin.put("/f", b"")
    it.assert_whole(await it.file("/f"), b"")


@pytest.mark.parametrize("fault", [Fault(chunked=True), Fault(until_close=True), Fault()])
async def test_a_server_without_ranges_or_length_is_fetched_in_one_go(it, fault):
    it.origin.put("/f", DATA, etag=None, last_modified=None).always = replace(fault, ignore_range=True)
    it.assert_whole(await it.file("/f"), DATA)


async def test_a_redirect_is_followed_for_every_part(it):
    it.origin.put_redirect("/old", it.origin.url("/new"))
    it.origin.put("/new", DATA).fail(Fault(drop_after=MIB))
    it.assert_whole(await it.file("/old"), DATA)
    assert [seen.range for seen in it.origin.asked("/new")] == [(0, None), (MIB, len(DATA) - 1)]


async def test_the_tracks_headers_go_along_but_not_its_range(it):
    it.origin.put("/f", DATA)
    await it.file("/f", headers={"Referer": "https://page.example/", "Range": "bytes=5-"})
    seen = it.origin.asked("/f")[0]
    assert seen.headers["referer"] == "https://page.example/"
    assert seen.headers["range"] == "bytes=0-"


async def test_ranges_are_no_longer_than_the_host_likes(it):
    it.origin.put("/f", DATA)
    it.assert_whole(await it.file("/f", max_range_bytes=MIB), DATA)
    ranges = [seen.range for seen in it.origin.asked("/f")]
    assert ranges == [(0, MIB - 1), (MIB, 2 * MIB - 1), (2 * MIB, 3 * MIB - 1), (3 * MIB, len(DATA) - 1)]
    assert it.origin.connections == 1


async def test_a_server_may_give_less_than_was_asked_for(it):
    it.origin.put("/f", DATA).always = Fault(shorten_range=MIB)
    it.assert_whole(await it.file("/f"), DATA)
    assert it.origin.bytes_sent("/f") == len(DATA)


@pytest.mark.parametrize("algorithm", ["md5", "sha1", "sha256", "SHA512"])
async def test_a_published_checksum_is_compared(it, algorithm):
    it.origin.put("/f", DATA)
    digest = hashlib.new(algorithm.lower(), DATA).hexdigest()
    it.assert_whole(await it.file("/f", checksum=f"{algorithm}:{digest.upper()}"), DATA)


async def test_a_wrong_checksum_is_a_media_failure_and_nothing_is_kept(it):
    it.origin.put("/f", DATA)
    with pytest.raises(MediaFailure, match="md5"):
        await it.file("/f", checksum=f"md5:{hashlib.md5(b'other').hexdigest()}")
    assert list(it.folder.iterdir()) == []


async def test_a_checksum_of_an_unknown_kind_is_our_fault(it):
    it.origin.put("/f", DATA)
    with pytest.raises(Unknown, match="crc64"):
        await it.file("/f", checksum="crc64:00")


async def test_an_announced_size_over_the_limit_is_refused_before_the_body(it):
    it.origin.put("/f", DATA)
    with pytest.raises(SizeLimit):
        await it.file("/f", max_bytes=MIB)
    assert not it.part.exists() or it.part.stat().st_size == 0


async def test_the_limit_holds_for_bodies_that_do_not_announce_a_size(it):
    it.origin.put("/f", DATA).always = Fault(infinite=True, ignore_range=True)
    with pytest.raises(SizeLimit):
        await it.file("/f", max_bytes=5 * MIB)
    assert it.part.stat().st_size < 8 * MIB


async def test_a_file_of_exactly_the_limit_is_fine(it):
    it.origin.put("/f", DATA).always = Fault(ignore_range=True, chunked=True)
    it.assert_whole(await it.file("/f", max_bytes=len(DATA)), DATA)


async def test_what_is_not_there_is_not_found(it):
    with pytest.raises(NotFound):
        await it.file("/nothing")


@pytest.mark.parametrize("call", ["posix_fallocate", "pwrite", "fdatasync", "fsync"])
async def test_a_full_disk_is_said_so_at_whatever_step(it, monkeypatch, call):
    it.origin.put("/f", DATA)

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, call, full)
        if call == "fdatasync":
            it.origin.put("/f", DATA).fail(Fault(hold_after=MIB))
        with pytest.raises(DiskFull, match="No space"):
            await it.file("/f")
    it.assert_whole(await it.file("/f"), DATA)


async def test_a_link_in_the_parts_place_is_not_followed(it, tmp_path):
    it.origin.put("/f", DATA)
    victim = tmp_path / "victim"
    victim.write_bytes(b"mine")
    it.part.symlink_to(victim)
    with pytest.raises(Unknown):
        await it.file("/f")
    assert victim.read_bytes() == b"mine"
