"""Copies of the database: made while others write to it, judged before anybody trusts them.

These block, and need neither the ORM nor the one connection that writes.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from core.domain.errors import StoreFailure
from core.store.folder import private_file
from core.store.sqlite import as_store_error

#: A reader waits for a checkpoint; nothing else keeps it.
_PATIENCE_S = 30.0

#: https://www.sqlite.org/fileformat2.html#the_database_header
_MAGIC = b"SQLite format 3\0"


@dataclass(frozen=True, slots=True)
class Contents:
    """What a database holds."""

    #: Names of the migrations that it has seen, oldest first.
    schema: tuple[str, ...]
    job_count: int


def copy_blocking(source: Path, to: Path, *, is_live: bool) -> None:
    """Write the database *source*, as it is when this begins, to the new file *to* (0600).

    Everything that was committed before is in it, nothing of what is committed later, and nobody who writes
    waits for it. The copy is one file, without a log beside it.

    Args:
        source: The database.
        to: In a folder that is there.
        is_live: An engine has it open. Else the caller holds the `DataDirLock`, and what a killed engine left
            in the log is taken over first.

    Raises:
        StoreFailure: It cannot be read or written.
        DiskFull: It does not fit.
    """
    # A second connection that could write would bring SQLite's checkpoints of two processes together, which
    # SQLite before 3.51.3 did not always survive. A reader never makes one.
    address = f"file:{quote(str(source))}?mode={'ro' if is_live else 'rw'}"
    private_file(to)
    try:
        with (
            closing(sqlite3.connect(address, uri=True, timeout=_PATIENCE_S)) as reading,
            closing(sqlite3.connect(to)) as writing,
        ):
            # Whoever keeps the copy sees to it that it is on disk.
            writing.execute("PRAGMA synchronous = OFF")
            # All pages in one step, which is one snapshot: in several, each commit would begin it anew.
            reading.backup(writing)
            writing.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.Error as error:
        raise as_store_error(error) from error


def judge_blocking(path: Path) -> Contents:
    """Look a copy through, all of it, and say what it holds. Nobody else may have it open.

    Raises:
        StoreFailure: It is damaged, or no database of ours.
    """
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=rw", uri=True)) as connection:
            connection.execute("PRAGMA foreign_keys = ON")
            found = [row[0] for row in connection.execute("PRAGMA integrity_check")]
            found = [line for line in found if line != "ok"]
            found += [
                f"a row of {row[0]} has no {row[2]}" for row in connection.execute("PRAGMA foreign_key_check")
            ]
            if found:
                raise StoreFailure(f"the copy is damaged: {found[0]}", hint="Make another one.")
            names = connection.execute(
                "SELECT name FROM tortoise_migrations WHERE app = 'store' ORDER BY name"
            )
            schema = tuple(row[0] for row in names)
            (job_count,) = connection.execute("SELECT COUNT(*) FROM jobs").fetchone()
    except sqlite3.OperationalError as error:
        raise StoreFailure(
            f"{path.name} is no database of Reeldeck ({error})", hint="Name another file."
        ) from error
    except sqlite3.Error as error:
        raise as_store_error(error) from error
    return Contents(schema, job_count)


def fold_log_blocking(path: Path) -> None:
    """Bring what stands in the log beside *path* into it, so that the one file is all of it.

    Raises:
        StoreFailure: It is damaged.
        DiskFull: There is no room for that.
    """
    with path.open("rb") as stream:
        if stream.read(len(_MAGIC)) != _MAGIC:
            # SQLite would delete a log that it cannot read.
            raise StoreFailure(f"{path} is no database")
    try:
        with closing(sqlite3.connect(path)) as connection:
            # Fails where anybody else has it open.
            connection.execute("PRAGMA journal_mode = DELETE")
            connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as error:
        raise as_store_error(error) from error
