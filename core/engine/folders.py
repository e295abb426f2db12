"""Folders of unfinished files: those of jobs, and private ones that are gone afterwards."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

#: Jobs' folders are called by their ids.
_PREFIX = "scratch-"


@asynccontextmanager
async def scratch_folder(tmp: Path) -> AsyncIterator[Path]:
    """A new folder (0700) below *tmp*."""
    await asyncio.to_thread(tmp.mkdir, mode=0o700, parents=True, exist_ok=True)
    folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix=_PREFIX, dir=tmp))
    try:
        yield folder
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


def sweep_blocking(tmp: Path) -> None:
    """Delete the scratch folders that an engine which crashed has left below *tmp*."""
    for folder in tmp.glob(f"{_PREFIX}*"):
        shutil.rmtree(folder, ignore_errors=True)


def clean_folder_blocking(folder: Path) -> None:
    """Throw away what a job fetched so far."""
    shutil.rmtree(folder, ignore_errors=True)
