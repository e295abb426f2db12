"""The unfinished file, its note, and the threads that work on it."""

from __future__ import annotations

import asyncio
import threading
from types import SimpleNamespace

import pytest

from core.domain.errors import MediaFailure
from core.net.transfer import disk
from core.net.transfer.blocking import run_blocking
from core.net.transfer.digest import PrefixDigest
from core.net.transfer.journal import Journal
from core.net.transfer.part import PartFile
from tests.fakes.transfer import MIB, cancelled, noise, open_files, sha256


@pytest.fixture
def part(tmp_path):
    file = PartFile(tmp_path / "media")
    file.open()
    yield file
    file.close()
    assert open_files(tmp_path) == []


def test_bytes_are_written_where_they_belong(part):
    part.write_at(b"world", 6)
    part.write_at(memoryview(b"-hello -")[1:-1], 0)
    assert part.read_at(100, 0) == b"hello world"
    part.truncate(5)
    assert part.size_bytes == 5


def test_space_is_taken_without_changing_what_is_there(part):
    part.write_at(b"abc", 0)
    part.reserve_blocking(MIB)
    assert part.size_bytes == MIB
    assert part.read_at(4, 0) == b"abc\0"


def test_a_note_is_read_back_and_replaced_whole(part, tmp_path):
    assert part.read_note() is None
    part.note_blocking({"done": [1]})
    part.note_blocking({"done": [2]})
    assert part.read_note() == {"done": [2]}
    assert sorted(file.name for file in tmp_path.iterdir()) == ["media.part", "media.part.json"]


def test_publishing_leaves_the_file_alone(part, tmp_path):
    part.write_at(b"abc", 0)
    part.note_blocking({"done": [1]})
    part.publish_blocking()
    part.note_blocking({"done": [2]})  # a late claim
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("media", b"abc")]


def test_discarding_leaves_nothing(part, tmp_path):
    part.note_blocking({"done": [1]})
    part.discard_blocking()
    assert list(tmp_path.iterdir()) == []


async def test_what_is_claimed_was_flushed_before(part, monkeypatch):
    """The note is taken first, then the flush, then the note is written: never the other way round."""
    steps = []
    monkeypatch.setattr("core.net.transfer.disk.flush_blocking", lambda _: steps.append("flush"))
    await Journal(part).claim(lambda: steps.append("note") or {"n": len(steps)})
    assert steps == ["note", "flush"]
    assert part.read_note() == {"n": 1}


async def test_nothing_new_costs_no_flush(part, monkeypatch):
    journal = Journal(part)
    await journal.claim(lambda: {"done": [1]})
    monkeypatch.setattr("core.net.transfer.disk.flush_blocking", None)
    await journal.claim(lambda: {"done": [1]})


async def test_a_cancelled_caller_waits_for_its_thread():
    started, go_on, ended = threading.Event(), threading.Event(), []

    def work():
        started.set()
        go_on.wait()
        ended.append(True)

    task = asyncio.create_task(run_blocking(work))
    await asyncio.to_thread(started.wait)
    for _ in range(3):
        task.cancel()
        await asyncio.sleep(0)
        assert not task.done()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended == [True]


async def test_a_cancelled_callers_thread_may_fail():
    go_on = threading.Event()

    def work():
        go_on.wait()
        raise OSError("no")

    task = asyncio.create_task(run_blocking(work))
    await asyncio.sleep(0)
    task.cancel()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_digest_follows_what_arrives(part, monkeypatch):
    data = noise(40 * MIB)
    part.write_at(data, 0)
    digest = PrefixDigest(part.fd, None)
    steps = asyncio.Queue()
    loop = asyncio.get_running_loop()
    hash_blocking = PrefixDigest._hash_blocking

    def told_hash(self, end):
        hash_blocking(self, end)
        loop.call_soon_threadsafe(steps.put_nowait, end)

    monkeypatch.setattr(PrefixDigest, "_hash_blocking", told_hash)
    following = asyncio.create_task(digest.follow(lambda: 20 * MIB))
    assert await steps.get() == 16 * MIB
    await cancelled(following)
    assert await digest.finish(len(data)) == sha256(data)
    assert [steps.get_nowait(), steps.get_nowait()] == [32 * MIB, 40 * MIB]


async def test_a_digest_that_is_not_the_published_one_is_a_media_failure(part):
    part.write_at(b"abc", 0)
    with pytest.raises(MediaFailure, match="md5"):
        await PrefixDigest(part.fd, f"md5:{'0' * 32}").finish(3)


def test_large_pieces_are_written_whole(tmp_path):
    data = noise(3 * 64 * 1024 + 17)
    with (tmp_path / "f").open("w+b") as file:
        disk.pwrite_all(file.fileno(), data, 5)
        file.seek(0)
        assert file.read() == bytes(5) + data


class Clock:
    """A clock that a write moves on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now_s = 100.0
        monkeypatch.setattr(disk, "time", SimpleNamespace(monotonic=lambda: self.now_s))

    def write(self, strain: disk.Strain, took_s: float, other_waits_s: float = 0.0) -> None:
        with strain.watch(other_waits_s):
            self.now_s += took_s


def test_one_write_that_waited_is_soon_forgotten_and_several_are_not(monkeypatch):
    clock, strain = Clock(monkeypatch), disk.Strain()
    clock.write(strain, 0.001)
    assert not strain.is_felt
    clock.write(strain, 0.05)
    assert strain.is_felt
    clock.now_s += 0.3
    assert not strain.is_felt
    for _ in range(6):
        clock.write(strain, 0.05)
    clock.now_s += 4.0
    assert strain.is_felt
    clock.now_s += 60.0
    clock.write(strain, 0.05)
    clock.now_s += 0.3
    assert not strain.is_felt, "that was long ago"


def test_what_a_thread_waits_for_the_interpreter_is_not_the_disks_fault(monkeypatch):
    clock, strain = Clock(monkeypatch), disk.Strain()
    size = 512 * 1024
    clock.write(strain, 0.05, disk.waits_s(size))
    assert not strain.is_felt
    clock.write(strain, 0.1, disk.waits_s(size))
    assert strain.is_felt
