"""Where the engine's socket is: one rule for the server that makes it and the faces that look for it."""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from pathlib import Path

from core.config.settings import Settings
from core.domain.errors import ConfigError

#: `sun_path` holds 108 bytes on Linux and 104 elsewhere, with a NUL at the end.
MAX_SOCKET_PATH_BYTES = 100
SOCKET_NAME = "engine.sock"


def socket_path(settings: Settings) -> Path:
    """The engine's Unix socket.

    A path that is too long for a socket is replaced by one in a folder below the system's folder for
    temporary files; the folder's name follows from the path, so everybody finds the same one.

    Raises:
        ConfigError: That folder exists and is not ours alone: somebody else could answer there.
    """
    wanted = settings.api.socket_path or settings.paths.runtime / SOCKET_NAME
    path = Path(os.path.realpath(wanted.parent)) / wanted.name
    if len(os.fsencode(path)) <= MAX_SOCKET_PATH_BYTES:
        return path
    folder = short_folder(path)
    if os.path.lexists(folder):
        check_private(folder)
    return folder / SOCKET_NAME


def short_folder(path: Path) -> Path:
    """The folder that stands in for a *path* that is too long."""
    digest = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
    # Not $TMPDIR: a service and a shell on the same machine rarely agree on it.
    base = Path("/tmp")  # noqa: S108 -- what is used below it is made 0700 and its owner checked
    return (base if base.is_dir() else Path(tempfile.gettempdir())) / f"reeldeck-{os.geteuid()}-{digest}"


def check_private(folder: Path) -> None:
    """Make sure that *folder* is a real folder, ours, and closed to others.

    Raises:
        ConfigError: It is not.
    """
    facts = folder.lstat()
    if not stat.S_ISDIR(facts.st_mode):
        raise ConfigError(f"{folder} is not a folder", hint="Move it away, or set api.socket_path.")
    if facts.st_uid != os.geteuid():
        hint = "Set api.socket_path to a place in a folder of your own."
        raise ConfigError(f"the folder {folder} of the socket belongs to somebody else", hint=hint)
    if facts.st_mode & 0o077:
        raise ConfigError(f"the folder {folder} of the socket is open to others", hint=f"chmod 700 {folder}")
