"""When parked jobs may go on: enough room, folders that take a file, and no hurry where it helps nothing."""

from __future__ import annotations

import pytest

from core.domain.errors import DiskFull
from core.engine import disk as disk_module
from core.engine.disk import BALLAST_BYTES, REGAINED_BYTES, DiskGuard

MIB = 1024**2


@pytest.fixture
def free(monkeypatch):
    """Free bytes that every folder seems to have; the test changes them."""
    known = {"bytes": 1000 * MIB}
    monkeypatch.setattr(disk_module, "free_bytes", lambda _folder: known["bytes"])
    return known


@pytest.fixture
def guard(tmp_path, free):
    return DiskGuard([tmp_path], ballast=tmp_path / "ballast", min_free_bytes=100 * MIB)


async def test_a_download_that_would_touch_the_reserve_is_refused_with_the_figures(guard, free):
    await guard.require(899 * MIB)
    with pytest.raises(DiskFull, match="901 MiB are needed"):
        await guard.require(901 * MIB)


async def test_a_refused_download_waits_until_its_own_size_fits(guard, free):
    with pytest.raises(DiskFull):
        await guard.require(2000 * MIB)
    guard.failed_now()
    free["bytes"] = 2000 * MIB
    assert not await guard.has_recovered()
    free["bytes"] = 2100 * MIB
    assert await guard.has_recovered()


async def test_after_a_write_failed_more_must_be_free_than_then(guard, free):
    free["bytes"] = 101 * MIB
    guard.failed_now()
    assert not await guard.has_recovered()
    free["bytes"] += REGAINED_BYTES
    assert await guard.has_recovered()


async def test_a_failure_with_ample_room_is_not_tried_again_at_once(guard, monkeypatch):
    guard.failed_now()
    assert not await guard.has_recovered()
    monkeypatch.setattr(disk_module, "LOOK_AGAIN_S", 0.0)
    guard.failed_now()
    assert await guard.has_recovered()


async def test_a_folder_that_cannot_be_made_keeps_jobs_waiting(tmp_path, free):
    (tmp_path / "archive").write_text("a file")
    guard = DiskGuard([tmp_path / "archive"], ballast=tmp_path / "ballast", min_free_bytes=0)
    assert not await guard.has_recovered()
    (tmp_path / "archive").unlink()
    assert await guard.has_recovered()


async def test_the_ballast_is_held_only_while_there_is_room_and_can_be_dropped(guard, free, tmp_path):
    free["bytes"] = 100 * MIB + BALLAST_BYTES
    await guard.hold_ballast()
    assert not (tmp_path / "ballast").exists()
    free["bytes"] = 1000 * MIB
    await guard.hold_ballast()
    await guard.hold_ballast()
    assert (tmp_path / "ballast").stat().st_size == BALLAST_BYTES
    await guard.drop_ballast()
    await guard.drop_ballast()
    assert not (tmp_path / "ballast").exists()


async def test_a_look_that_showed_plenty_holds_for_a_moment_and_for_so_many_bytes(guard, free, monkeypatch):
    free["bytes"] = 3000 * MIB
    await guard.require(MIB)
    free["bytes"] = 0
    # So much more was free that nobody looks again for a second …
    await guard.require(1000 * MIB)
    # … but for what has no size, or would use up what was seen.
    for size in (None, 1000 * MIB):
        with pytest.raises(DiskFull):
            await guard.require(size)
    free["bytes"] = 3000 * MIB
    await guard.require(MIB)
    free["bytes"] = 0
    monkeypatch.setattr(disk_module, "PLENTY_S", 0.0)
    with pytest.raises(DiskFull):
        await guard.require(MIB)
