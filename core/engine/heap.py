"""The C heap of an engine: what large buffers took goes back to the system when they are gone."""

from __future__ import annotations

import ctypes

# Parameters of mallopt(3), from glibc's malloc.h.
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_M_ARENA_MAX = -8

#: glibc's own default; but naming it stops glibc from raising it to 32 MiB once a larger block was freed.
_MMAP_BYTES = 128 * 1024
#: Each arena keeps its own free blocks; by default there may be eight for each core.
_ARENAS = 2


def give_memory_back() -> bool:
    """Have blocks of 128 KiB and more mapped one by one; whether this C library can be told so.

    What is fetched stands in buffers of some hundred KiB for moments. On the heap each leaves a hole that the
    smaller ones between them keep from the system: forty MiB after eight HLS downloads at once. It holds for
    the process.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        # musl gives memory back by itself; macOS has no such call.
        return False
    wanted = {_M_MMAP_THRESHOLD: _MMAP_BYTES, _M_TRIM_THRESHOLD: _MMAP_BYTES, _M_ARENA_MAX: _ARENAS}
    return all(mallopt(parameter, value) == 1 for parameter, value in wanted.items())
