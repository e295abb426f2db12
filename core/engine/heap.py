"""The memory of an engine: what is not used any more goes back soon, however long it runs."""

from __future__ import annotations

import ctypes
import gc

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


def leave_out_what_stands() -> None:
    """Have the search for garbage pass over what is there by now, which stays until the end.

    What a job leaves behind in circles waits for a search of everything. CPython makes one when a quarter of
    what the last one left has been added: with the 160,000 objects of all modules that is after thousands of
    jobs, and nothing else is done for its 90 ms.
    """
    gc.freeze()
    # Of what is left now, which is next to nothing, a quarter is soon there again.
    gc.collect()
