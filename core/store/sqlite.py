"""All that is SQLite's own: the file, its pragmas, immediate transactions, backup, check, and its errors.

Tortoise loads this module as a connection engine: `client_class` is what it looks for.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast

from tortoise.backends.base.client import TransactionContext
from tortoise.backends.sqlite.client import (
    SqliteClient,
    SqliteTransactionContext,
    SqliteTransactionWrapper,
)
from tortoise.exceptions import BaseORMException

from core.domain.errors import ConfigError, DiskFull, ReeldeckError, StoreFailure
from core.store.folder import private_file, settle_blocking
from core.store.rows import Row

T = TypeVar("T")

#: RETURNING came with this version.
MIN_VERSION = (3, 35, 0)

_PRAGMAS = {
    "busy_timeout": 10_000,
    "journal_mode": "WAL",
    # An accepted job survives a power cut.
    "synchronous": "FULL",
    "foreign_keys": "ON",
    # The log is reused rather than cut after each checkpoint.
    "journal_size_limit": 16 * 1024**2,
    # Pages, 16 MiB: in a large database each commit touches others, and each checkpoint writes them anew.
    "wal_autocheckpoint": 4000,
    "cache_size": -16_384,
    "temp_store": "MEMORY",
}

_CURES = {
    sqlite3.SQLITE_READONLY: ("is read-only", "Give this user the right to write it."),
    sqlite3.SQLITE_CANTOPEN: (
        "cannot be opened",
        "Check that its folder exists and that this user may write there.",
    ),
    sqlite3.SQLITE_CORRUPT: ("is damaged", "Put back a backup: reeldeck restore FILE"),
    sqlite3.SQLITE_NOTADB: ("is no database", "Move it away, or put back a backup: reeldeck restore FILE"),
    sqlite3.SQLITE_BUSY: (
        "is locked by another program",
        "Close what else has it open; a copy is made with: reeldeck backup FILE",
    ),
    sqlite3.SQLITE_IOERR: ("cannot be read or written", "Check the disk and its free space."),
}
_CURES[sqlite3.SQLITE_LOCKED] = _CURES[sqlite3.SQLITE_BUSY]


class ImmediateTransaction(SqliteTransactionWrapper):
    """A transaction that takes the write lock when it begins.

    A deferred one that reads first is refused at its first write when another process wrote in between,
    whatever the busy timeout.
    """

    async def begin(self) -> None:
        """Wait for the write lock and take it."""
        await self._connection.execute_fetchall("BEGIN IMMEDIATE")

    async def execute_script(self, query: str) -> None:
        """Run one statement: a script would commit what was done before it."""
        await self.execute_query(query)


class StoreClient(SqliteClient):
    """The one connection."""

    is_closed = False

    async def create_connection(self, with_db: bool) -> None:  # noqa: FBT001 -- Tortoise's signature
        """Connect once; Tortoise would connect anew after a close."""
        if self.is_closed:
            raise StoreFailure("the store is closed", hint="Start the engine again.")
        await super().create_connection(with_db)

    def _in_transaction(self) -> TransactionContext:
        return SqliteTransactionContext(ImmediateTransaction(self), self._lock)

    async def transact(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run *work* in the connection's thread, in a transaction; rolled back when it raises.

        All of it in one visit to that thread: each costs more than most statements. Only for tasks that are
        never cancelled: others would get the connection while *work* is at it.
        """
        async with self.acquire_connection() as connection:
            return await connection._execute(_transact_blocking, connection._conn, work)  # type: ignore[no-any-return]  # noqa: SLF001 -- there is no public way

    async def rows(self, sql: str, *values: Any) -> Sequence[Row]:
        """All rows of a query, between two transactions of the writer.

        Raises:
            StoreFailure: It cannot be read.
        """
        try:
            _, found = await self.execute_query(sql, list(values))
        except (sqlite3.Error, BaseORMException) as error:
            raise as_store_error(error) from error
        return cast("Sequence[Row]", found)

    async def close(self) -> None:
        """Close for good."""
        self.is_closed = True
        await super().close()


def _transact_blocking(connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], T]) -> T:
    connection.execute("BEGIN IMMEDIATE")
    try:
        result = work(connection)
        connection.commit()
    except BaseException:
        connection.rollback()
        raise
    return result


client_class = StoreClient


def locate(data_dir: Path, url: str | None) -> Path:
    """The database file that `store.url` names.

    Raises:
        ConfigError: It names something else than a file.
    """
    if url is None:
        return data_dir / "reeldeck.db"
    scheme, _, path = url.partition("://")
    if scheme != "sqlite" or not path.strip("/") or path == ":memory:":
        raise ConfigError("store.url is not supported", hint="Use sqlite:///path/to/file, or leave it out.")
    return data_dir / Path(path).expanduser()


def connection_config(path: Path) -> dict[str, Any]:
    """Tortoise's description of a connection to *path*.

    Raises:
        StoreFailure: The SQLite library is too old.
    """
    if sqlite3.sqlite_version_info < MIN_VERSION:
        needed = ".".join(map(str, MIN_VERSION))
        raise StoreFailure(
            f"SQLite {sqlite3.sqlite_version} is too old", hint=f"Use a Python with SQLite {needed} or newer."
        )
    return {"engine": __name__, "credentials": {"file_path": str(path), **_PRAGMAS}}


async def require_wal(client: StoreClient) -> None:
    """Make sure that the file system can do what durability rests on.

    Raises:
        StoreFailure: It cannot: mostly a network disk.
    """
    (row,) = await client.rows("PRAGMA journal_mode")
    if row["journal_mode"] != "wal":
        raise StoreFailure(
            "the disk cannot hold a write-ahead log", hint="Keep paths.data_dir on a local disk."
        )


async def back_up(client: StoreClient, to: Path) -> None:
    """Write a copy of the whole database, as it is now, to the new file *to* (0600).

    Raises:
        StoreFailure: It cannot be written.
        DiskFull: It does not fit.
    """
    draft = to.with_name(f"{to.name}.partial")
    draft.unlink(missing_ok=True)
    # VACUUM INTO fills an empty file but would make one that others can read.
    private_file(draft)
    await client.rows("VACUUM INTO ?", str(draft))
    # Whatever has the name is whole, whenever the power went.
    settle_blocking(draft, to)


async def faults(client: StoreClient) -> list[str]:
    """What SQLite's own check finds wrong, one line each. Everything else waits while it looks."""
    damage = [str(row["quick_check"]) for row in await client.rows("PRAGMA quick_check")]
    orphans = [
        f"a row of {row['table']} refers to a missing row of {row['parent']}"
        for row in await client.rows("PRAGMA foreign_key_check")
    ]
    return [line for line in damage if line != "ok"] + orphans


def as_store_error(error: Exception) -> ReeldeckError:
    """The error of our tree that says what *error* of the driver or Tortoise means and how to mend it."""
    # Tortoise wraps the driver's errors as the first argument of its own.
    cause = error.args[0] if error.args and isinstance(error.args[0], sqlite3.Error) else error
    code = getattr(cause, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return DiskFull("the database cannot grow")
    if code in _CURES:
        what, hint = _CURES[code]
        return StoreFailure(f"the database {what} ({cause})", hint=hint)
    return StoreFailure(str(cause))


def is_driver_error(error: Exception) -> bool:
    """Whether *error* comes from the database rather than from a command's own code."""
    # OverflowError: a number that needs more than 64 bits.
    return isinstance(error, (sqlite3.Error, BaseORMException, OverflowError))
