"""Put a verified file where it stays: durable, atomic, and never over another file."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

from core.domain.errors import DiskFull

#: Names tried for a title that exists already: `title (2).mp4` and so on.
MAX_NAMESAKES = 10_000
#: File systems without hard links answer with one of these.
_NO_LINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})


class NameTakenError(Exception):
    """Another file got the chosen name first."""


def choose_blocking(archive_dir: Path, relative: Path) -> Path:
    """The absolute path of a name below *archive_dir* that is still free.

    Raises:
        DiskFull: The archive's folder cannot be made.
    """
    wanted = archive_dir / relative
    try:
        wanted.parent.mkdir(parents=True, exist_ok=True)
        is_inside = wanted.parent.resolve().is_relative_to(archive_dir.resolve())
    except OSError as error:
        raise _translate(error, archive_dir) from error
    if not is_inside:
        raise DiskFull(f"{relative.parent} leads out of the archive", hint="Remove the symbolic link there.")
    for number in range(1, MAX_NAMESAKES):
        name = wanted if number == 1 else wanted.with_name(f"{wanted.stem} ({number}){wanted.suffix}")
        if not os.path.lexists(name):
            return name
    raise DiskFull(f"{MAX_NAMESAKES} files are called {wanted.name!r}", hint="Add {id} to archive.template.")


def place_blocking(source: Path, final: Path, *, is_synced: bool = False) -> None:
    """Move *source* to *final*; file and folder are on disk afterwards.

    Repeatable: whatever an interrupted call left undone is finished.

    Args:
        source: A finished file.
        final: Its place.
        is_synced: What is in it is on the disk already.

    Raises:
        NameTakenError: *final* is somebody else's file.
        DiskFull: No room is left, or the archive cannot be written to.
    """
    try:
        if is_placed_blocking(source, final):
            return
        final.parent.mkdir(parents=True, exist_ok=True)
        if not is_synced:
            sync_blocking(source)
        try:
            _move_exclusive(source, final)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            near = final.with_name(f".{final.name}.part")
            shutil.copyfile(source, near)
            sync_blocking(near)
            _move_exclusive(near, final)
            source.unlink()
        sync_blocking(final.parent)
    except FileExistsError as error:
        raise NameTakenError(final) from error
    except OSError as error:
        raise _translate(error, final.parent) from error


def is_placed_blocking(source: Path, final: Path) -> bool:
    """Whether an earlier call moved *source* to *final*."""
    return not source.exists() and final.is_file()


def sync_blocking(path: Path) -> None:
    """Force a file or a folder onto the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _move_exclusive(source: Path, final: Path) -> None:
    """Rename that never replaces: a second name first, then the old one goes."""
    try:
        os.link(source, final, follow_symlinks=False)
    except FileExistsError:
        if not source.samefile(final):
            raise
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        # Only the engine writes here, so nobody takes the name between the look and the move.
        if final.exists():
            raise FileExistsError(final) from error
        source.rename(final)
        return
    source.unlink()


def _translate(error: OSError, folder: Path) -> DiskFull:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return DiskFull(f"no room is left in {folder}")
    return DiskFull(
        f"the archive {folder} cannot be written to ({error.strerror})",
        hint="Give this user write access to it, or set another paths.archive_dir. Jobs go on by themselves.",
    )
