"""SHA-256 beside the event loop."""

from __future__ import annotations

import asyncio
import hashlib
import os
import threading

import pytest

from core.domain.errors import MediaFailure
from core.media.digest import _sha256, sha256


@pytest.mark.parametrize("size", [0, 1, 1024 * 1024, 3 * 1024 * 1024 + 7])
async def test_the_digest_is_that_of_the_whole_file(tmp_path, size):
    content = os.urandom(size)
    path = tmp_path / "file"
    path.write_bytes(content)
    assert await sha256(path) == hashlib.sha256(content).hexdigest()


async def test_the_loop_goes_on_meanwhile_and_a_cancelled_digest_stops(tmp_path):
    path = tmp_path / "endless"
    path.symlink_to("/dev/zero")
    before = threading.active_count()
    task = asyncio.create_task(sha256(path))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    # Only returns because the thread does.
    await asyncio.get_running_loop().shutdown_default_executor()
    assert threading.active_count() <= before


def test_a_digest_that_was_told_to_stop_reads_nothing(tmp_path):
    path = tmp_path / "endless"
    path.symlink_to("/dev/zero")
    stop = threading.Event()
    stop.set()
    assert _sha256(path, stop) == hashlib.sha256().hexdigest()


async def test_a_file_that_is_gone_is_a_failure_of_ours(tmp_path):
    with pytest.raises(MediaFailure, match="gone cannot be read: No such file"):
        await sha256(tmp_path / "gone")
