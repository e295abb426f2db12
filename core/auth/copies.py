"""Private copies of cookie files, one per attempt: yt-dlp writes the file that it is given, and must not
write the owner's.
"""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Sequence
from pathlib import Path

from core.auth.cookies import HEADER, Cookie
from core.domain.errors import DiskFull

_SUFFIX = ".cookies"


def make_copy_blocking(folder: Path, cookies: Sequence[Cookie]) -> Path:
    """Write *cookies* to a new file (0600) in *folder* (made 0700 when it is not there)."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    text = "".join(f"{line}\n" for line in (HEADER, "", *(cookie.line for cookie in cookies)))
    return _write_blocking(folder, text)


def copy_again_blocking(copy: Path) -> Path:
    """A copy of a copy, beside it."""
    return _write_blocking(copy.parent, copy.read_text(encoding="utf-8"))


def _write_blocking(folder: Path, text: str) -> Path:
    path = folder / f"login-{secrets.token_hex(4)}{_SUFFIX}"
    # In one step with its rights: between making and chmod others could open it.
    try:
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        path.unlink(missing_ok=True)
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise DiskFull(f"at {folder}") from error
        raise
    return path


def sweep_blocking(tmp_dir: Path) -> None:
    """Delete the copies that an engine which crashed has left in the folders below *tmp_dir*."""
    for folder in tmp_dir.glob("*"):
        delete_copies_blocking(folder)


def delete_copies_blocking(folder: Path) -> None:
    """Delete every copy in *folder*, also those of an attempt that crashed."""
    for path in folder.glob(f"login-*{_SUFFIX}*"):
        path.unlink(missing_ok=True)
