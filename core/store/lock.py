"""One engine per data directory: a lock that the kernel gives back when its holder dies."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from core.domain.errors import EngineRunning, StoreFailure
from core.store.folder import private_folder


class DataDirLock:
    """An exclusive `flock` on `engine.lock`.

    The file stays when the lock is released: removing it would let two engines lock two files of one name.

    Args:
        data_dir: The folder that one engine owns; made (0700) when it is not there.
    """

    def __init__(self, data_dir: Path) -> None:
        self.path = data_dir / "engine.lock"
        self._fd: int | None = None

    def acquire(self) -> None:
        """Take the lock.

        Raises:
            EngineRunning: Another process has it; the message names its pid.
            StoreFailure: The folder cannot be used.
        """
        private_folder(self.path.parent)
        try:
            fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreFailure(f"{self.path}: {error.strerror}") from error
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(fd, 0)
            os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
        except BlockingIOError as error:
            holder = os.pread(fd, 32, 0).decode("ascii", "replace").strip()
            os.close(fd)
            raise EngineRunning(f"process {holder}" if holder.isdigit() else "") from error
        except OSError as error:
            os.close(fd)
            raise StoreFailure(
                f"{self.path} cannot be locked: {error.strerror}", hint="Keep paths.data_dir on a local disk."
            ) from error
        self._fd = fd

    def release(self) -> None:
        """Give the lock back; does nothing when it is not held."""
        if self._fd is not None:
            os.ftruncate(self._fd, 0)
            os.close(self._fd)
            self._fd = None
