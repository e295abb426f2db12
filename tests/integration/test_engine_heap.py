"""Memory that is not used any more goes back: measured in processes of their own, and job by job."""

from __future__ import annotations

import gc
import platform
import subprocess
import sys

import pytest

from core.domain.job import JobStatus
from core.engine.attempt import Attempt
from core.engine.runner import Run
from core.net.http.pump import Pump
from core.net.transfer.assembly import Assembly
from tests.fakes.media import made_once, video_mp4
from tests.integration.conftest import finish

#: Frees buffers of growing size, so that glibc would learn to keep them; then many between small blocks.
_WORK = """
import os, sys
import psutil
from core.engine.heap import give_memory_back

if sys.argv[1] == "tamed":
    assert give_memory_back()
for size in range(1, 9):
    bytes(size * 1024 * 1024)
before = psutil.Process().memory_info().rss
large, small = [], []
for _ in range(64):
    large.append(os.urandom(512 * 1024))
    small.append([os.urandom(4000) for _ in range(4)])
del large
print((psutil.Process().memory_info().rss - before) // 1024)
"""

#: What stays for ever, then circles that live too long to be found young; the most there were of them.
_CIRCLES = """
import gc, sys
from collections import deque
from core.engine.heap import leave_out_what_stands

class Circle:
    count = most = 0
    def __init__(self):
        self.own = self
        Circle.count += 1
        Circle.most = max(Circle.most, Circle.count)
    def __del__(self):
        Circle.count -= 1

stands = [[] for _ in range(100_000)]
gc.collect()
gc.set_threshold(70, 10, 10)
if sys.argv[1] == "tamed":
    leave_out_what_stands()
used = deque(maxlen=500)
for _ in range(60_000):
    used.append(Circle())
print(Circle.most)
"""


def _measured(work: str, how: str) -> int:
    return int(subprocess.run([sys.executable, "-c", work, how], check=True, capture_output=True).stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc keeps what was freed")
def test_freed_buffers_between_small_blocks_go_back_to_the_system():
    kept_kib = _measured(_WORK, "tamed")
    assert kept_kib < 6 * 1024
    assert kept_kib < _measured(_WORK, "as it comes") / 2


def test_circles_are_found_soon_whatever_else_there_is():
    most = _measured(_CIRCLES, "tamed")
    assert most < 12_000
    assert most < _measured(_CIRCLES, "as it comes") / 2


@pytest.mark.parametrize(
    ("path", "end"),
    [("/film.mp4", JobStatus.COMPLETED), ("/long.mp4", JobStatus.COMPLETED), ("/none", JobStatus.FAILED)],
)
async def test_a_job_that_has_ended_is_gone_without_a_search(run_engine, origin, path, end):
    film = made_once(video_mp4, "clip.mp4").read_bytes()
    origin.put("/film.mp4", film)
    # More than comes with the head: the rest goes past the loop's queues.
    origin.put("/long.mp4", film + (3 * 2**20).to_bytes(4) + b"free" + bytes(3 * 2**20 - 8))
    gc.collect()
    gc.disable()
    try:
        async with run_engine() as engine:
            job = await finish(engine, origin.url(path))
        left = [one for one in gc.get_objects() if isinstance(one, Attempt | Assembly | Pump | Run)]
    finally:
        gc.enable()
    assert job.status is end
    assert left == []
