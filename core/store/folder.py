"""Folders and files that only their owner may read."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from core.domain.errors import StoreFailure

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def private_folder(path: Path) -> None:
    """Make *path* (0700), or take other people's rights away from it when it is there and ours.

    Raises:
        StoreFailure: It cannot be made.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        _keep_others_out(path)
    except OSError as error:
        raise _unusable(path, error) from error


def private_file(path: Path) -> None:
    """Make an empty *path* (0600), or take other people's rights away from it when it is there and ours.

    Raises:
        StoreFailure: It cannot be made.
    """
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
        _keep_others_out(path)
    except OSError as error:
        raise _unusable(path, error) from error


def settle_blocking(draft: Path, path: Path) -> None:
    """Give a finished *draft* the name *path* in the same folder, in one step and on disk.

    Raises:
        StoreFailure: It cannot be written.
    """
    try:
        with draft.open("rb") as stream:
            os.fsync(stream.fileno())
        draft.replace(path)
        sync_folder_blocking(path.parent)
    except OSError as error:
        raise _unusable(path, error) from error


def sync_folder_blocking(folder: Path) -> None:
    """Have the names in *folder* on disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _keep_others_out(path: Path) -> None:
    seen = path.stat()
    if seen.st_mode & _OTHERS and seen.st_uid == os.geteuid():
        path.chmod(stat.S_IMODE(seen.st_mode) & ~_OTHERS)


def _unusable(path: Path, error: OSError) -> StoreFailure:
    return StoreFailure(
        f"{path}: {error.strerror}", hint="Give this user the right to write there, or set paths.data_dir."
    )
