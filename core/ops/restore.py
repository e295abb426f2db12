"""Put a backup in the database's place: proven first, then swapped in one step, the old one kept.

The caller holds the `DataDirLock`. A crash at any moment leaves the old database or the new one, each whole.
Everything here blocks.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from core.domain.errors import ReeldeckError, StoreFailure
from core.ops.backup import DATABASE, Manifest, unpack_blocking
from core.store.copying import fold_log_blocking, judge_blocking
from core.store.folder import private_file, settle_blocking, sync_folder_blocking

#: As the engine calls its own folders for a moment, which it deletes when it starts.
_PREFIX = "scratch-"
_ASIDE = ".before-restore-"
#: Beside a database that is in use, or was when its program was killed.
_COMPANIONS = ("-wal", "-shm", "-journal")


@dataclass(frozen=True, slots=True)
class Proven:
    """A backup whose every byte was looked at."""

    manifest: Manifest
    #: Its members, each under its name.
    folder: Path


@contextlib.contextmanager
def proven(backup: Path, beside: Path, *, known_schema: list[str]) -> Iterator[Proven]:
    """*backup*, unpacked and looked through; gone afterwards, but for what was taken from it.

    Args:
        backup: The file.
        beside: A folder of the disk that it is for: only within a disk a swap is one step.
        known_schema: The migrations that this version knows.

    Raises:
        InvalidRequest: It is no backup.
        StoreFailure: It is damaged, or its database is newer than this version.
        DiskFull: There is no room to unpack it.
    """
    try:
        beside.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=beside))
    except OSError as error:
        raise StoreFailure(f"{beside}: {error.strerror}") from error
    try:
        manifest = unpack_blocking(backup, folder)
        if DATABASE not in manifest.files:
            raise StoreFailure("the backup holds no database", hint="Use another one.")
        contents = judge_blocking(folder / DATABASE)
        if newer := sorted(set(contents.schema) - set(known_schema)):
            raise StoreFailure(
                f"the backup was made by a newer Reeldeck (its schema has {', '.join(newer)})",
                hint=f"Update Reeldeck to {manifest.version} or newer first.",
            )
        yield Proven(manifest, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def sweep_blocking(beside: Path) -> None:
    """Delete what restores that were killed have left in a folder."""
    for left in beside.glob(f"{_PREFIX}*"):
        shutil.rmtree(left, ignore_errors=True)


def swap_blocking(new: Path, database: Path) -> Path | None:
    """Put the file *new*, on the same disk, in the place of *database*; where the old one is now.

    Raises:
        StoreFailure: It cannot be done; the old one is in its place.
        DiskFull: As above.
    """
    aside = _set_aside(database) if database.exists() else None
    try:
        for suffix in _COMPANIONS:
            # What stands in the old one's log must never be read into the new one.
            database.with_name(database.name + suffix).unlink(missing_ok=True)
        sync_folder_blocking(database.parent)
    except OSError as error:
        raise StoreFailure(f"{database}: {error.strerror}") from error
    settle_blocking(new, database)
    return aside


def _set_aside(database: Path) -> Path:
    """Give *database* a second name, under which it stays. It keeps the first until that is taken over."""
    # One that is damaged cannot take over its log, which is kept beside it then.
    with contextlib.suppress(ReeldeckError):
        fold_log_blocking(database)
    for left in database.parent.glob(f"{database.name}{_ASIDE}*"):
        # Of a restore that was killed before the swap.
        if left.samefile(database):
            left.unlink()
    aside = database.with_name(f"{database.name}{_ASIDE}{int(time.time())}")
    for suffix in ("", *_COMPANIONS):
        part = database.with_name(database.name + suffix)
        if part.exists():
            second = aside.with_name(aside.name + suffix)
            second.unlink(missing_ok=True)
            try:
                os.link(part, second)
            except OSError:
                # Some file systems know no second names.
                private_file(second)
                shutil.copyfile(part, second)
    sync_folder_blocking(database.parent)
    return aside


def forget_downloads_blocking(tmp: Path) -> int:
    """Delete what jobs have fetched so far, which other jobs may have the numbers of; how many folders."""
    if not tmp.is_dir():
        return 0
    folders = [path for path in tmp.iterdir() if path.name.isdecimal() and path.is_dir()]
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
    return len(folders)
