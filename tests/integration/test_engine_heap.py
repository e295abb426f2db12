"""Memory that large buffers took, measured in a process of its own."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

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


def _kept_kib(how: str) -> int:
    return int(subprocess.run([sys.executable, "-c", _WORK, how], check=True, capture_output=True).stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc keeps what was freed")
def test_freed_buffers_between_small_blocks_go_back_to_the_system():
    kept_kib = _kept_kib("tamed")
    assert kept_kib < 6 * 1024
    assert kept_kib < _kept_kib("as it comes") / 2
