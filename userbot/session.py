"""The file that is the login: whoever has it is the account. Its owner alone may read it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from telethon.sessions import SQLiteSession

from core.config.settings import Settings
from core.domain.errors import InvalidRequest, ReeldeckError, SessionLost, StoreFailure
from core.store.folder import private_file, private_folder
from userbot.server import use_server

#: Telethon appends this to names without it.
_SUFFIX = ".session"


class SessionBusy(InvalidRequest):
    """Another process uses the login, or makes a new one.

    The same key from two places at once can make Telegram end it for good (AUTH_KEY_DUPLICATED).
    """

    summary = "Another process uses this Telegram login"
    default_hint = "Stop the engine first: reeldeck stop"


class SessionFile:
    """The login of one account on disk.

    Args:
        settings: Name the file, and the server that it is a login to.
    """

    def __init__(self, settings: Settings) -> None:
        telegram = settings.telegram
        usual = "bot.session" if telegram.bot_token else "telegram.session"
        path = telegram.session_file or settings.paths.data_dir / usual
        self.path = path if path.name.endswith(_SUFFIX) else path.with_name(path.name + _SUFFIX)
        self._server = telegram.server

    @property
    def stamp(self) -> tuple[int, int] | None:
        """Another one after every change of the file; None when there is none."""
        seen = self._stat()
        return seen and (seen.st_ino, seen.st_mtime_ns)

    @property
    def inode(self) -> int | None:
        """Another one when the file was replaced, whatever was written to it before."""
        seen = self._stat()
        return seen and seen.st_ino

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Keep every other process of ours away from this login. Raises SessionBusy."""
        self._make_folder()
        # Beside it, not on it: a new login takes the place of the file.
        lock = os.open(self.path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise SessionBusy from error
            yield
        finally:
            os.close(lock)

    def open(self) -> SQLiteSession:
        """The login for a client, which closes it.

        Raises:
            SessionLost: The file is no login.
            SessionBusy, StoreFailure: It cannot be opened now.
            ConfigError: The server that it is to lead to cannot be used.
        """
        return self._opened(self.path)

    @contextlib.contextmanager
    def replacement(self) -> Iterator[SQLiteSession]:
        """An empty login that takes the file's place when this block is left without an error."""
        draft = self.path.with_name(f".{self.path.stem}.new{_SUFFIX}")
        draft.unlink(missing_ok=True)
        try:
            yield self._opened(draft)
            os.replace(draft, self.path)  # noqa: PTH105 -- says that it is the atomic one
        finally:
            draft.unlink(missing_ok=True)

    def delete(self) -> None:
        """Forget the login."""
        self.path.unlink(missing_ok=True)

    def _stat(self) -> os.stat_result | None:
        try:
            return self.path.stat()
        except OSError:
            return None

    def _opened(self, path: Path) -> SQLiteSession:
        self._make_folder()
        # SQLite gives its journal the mode of the database.
        private_file(path)
        try:
            session = SQLiteSession(str(path))
        except (sqlite3.DatabaseError, TypeError, ValueError) as error:
            raise _unopened(path, error) from error
        try:
            use_server(session, self._server)
        except BaseException:
            session.close()
            raise
        return session

    def _make_folder(self) -> None:
        """A folder that is there already has the mode that its owner gave it."""
        if not self.path.parent.is_dir():
            private_folder(self.path.parent)


def _unopened(path: Path, error: Exception) -> ReeldeckError:
    """Why a session file cannot be opened: that it cannot be now does not mean that it is none."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_NOTADB) & 0xFF  # the rest details it
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return SessionBusy("another program has its file open")
    if code in {sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_ERROR}:
        return SessionLost(f"{path} is no session file that can be read")
    return StoreFailure(f"{path}: {error}", hint="Give this user the right and the room to write there.")
