"""Quick imports."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def loading() -> Iterator[None]:
    """Around imports that take a while: what they make stays, and no garbage is looked for in it.

    Python would look a hundred times, which takes a fifth of the time that the engine's modules need.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
