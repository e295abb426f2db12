"""The auth profiles: whose path is kept, and how they fare. What is in their files never comes here."""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import Any

from core.domain.errors import NoSuchEntry
from core.domain.profile import Profile, ProfileReason, ProfileStatus
from core.store.rows import Reader, Row, placeholders, to_cells
from core.store.transaction import Transaction
from core.store.writer import Writer

_NAMES = tuple(field.name for field in dataclasses.fields(Profile))
_COLUMNS = ", ".join(_NAMES)
_FACTS = frozenset(_NAMES) - {"id", "source_type", "name", "created"}


class AuthProfiles:
    """Reads auth profiles, and changes them through the writer."""

    def __init__(self, reader: Reader, writer: Writer) -> None:
        self._reader = reader
        self._writer = writer
        #: Sources without any, as most are, of which each job asks; and how many additions are under way.
        self._without: set[str] = set()
        self._adding = 0

    async def all(self, source: str | None = None) -> list[Profile]:
        """Every profile, or those of one source, in the order in which they were added."""
        if source in self._without and not self._adding:
            return []
        where, values = ("", ()) if source is None else ("WHERE source_type = ?", (source,))
        rows = await self._reader.rows(
            f"SELECT {_COLUMNS} FROM auth_profiles {where} ORDER BY source_type, id",  # noqa: S608 -- constants
            *values,
        )
        if source is not None and not rows and not self._adding:
            self._without.add(source)
        return [_profile(row) for row in rows]

    async def get(self, profile_id: int) -> Profile:
        """One profile.

        Raises:
            NoSuchEntry: There is none.
        """
        rows = await self._reader.rows(
            f"SELECT {_COLUMNS} FROM auth_profiles WHERE id = ?",  # noqa: S608 -- constants
            profile_id,
        )
        if not rows:
            raise _no_such(profile_id)
        return _profile(rows[0])

    async def put(
        self, source: str, name: str, *, cookie_file_path: str | None, expires: float | None, now: float
    ) -> Profile:
        """Add a profile, or give the one of this name a new path. Either way it begins in good health."""
        command = partial(
            _put, source=source, name=name, cookie_file_path=cookie_file_path, expires=expires, now=now
        )
        # Whoever is cancelled here leaves it counted: the command may still run.
        self._adding += 1
        added = await self._writer.run(command)
        self._without.discard(source)
        self._adding -= 1
        return added

    async def write(self, profile_id: int, **facts: Any) -> Profile:
        """Change columns of a profile.

        Raises:
            NoSuchEntry: There is none.
        """
        cells = to_cells(facts, _FACTS)
        return await self._writer.run(partial(_write, profile_id=profile_id, cells=cells))

    async def delete(self, profile_id: int) -> None:
        """Forget a profile; jobs that name it go on naming it."""
        await self._writer.run(partial(_delete, profile_id=profile_id))


async def _put(
    transaction: Transaction,
    *,
    source: str,
    name: str,
    cookie_file_path: str | None,
    expires: float | None,
    now: float,
) -> Profile:
    cells = {
        "source_type": source,
        "name": name,
        "cookie_file_path": cookie_file_path,
        "status": ProfileStatus.ACTIVE.value,
        "failure_count_recent": 0,
        "expires": expires,
        "created": now,
    }
    (row,) = await transaction.rows(
        f"INSERT INTO auth_profiles ({', '.join(cells)}) VALUES ({placeholders(len(cells))})"  # noqa: S608 -- constants
        " ON CONFLICT (source_type, name) DO UPDATE SET cookie_file_path = excluded.cookie_file_path,"
        " status = excluded.status, reason = NULL, failure_count_recent = 0, expires = excluded.expires,"
        " checked = NULL, account = NULL"
        f" RETURNING {_COLUMNS}",
        *cells.values(),
    )
    return _profile(row)


async def _write(transaction: Transaction, *, profile_id: int, cells: dict[str, Any]) -> Profile:
    assignments = ", ".join(f"{name} = ?" for name in cells)
    row = await transaction.row(
        f"UPDATE auth_profiles SET {assignments} WHERE id = ? RETURNING {_COLUMNS}",  # noqa: S608 -- column names are checked
        *(*cells.values(), profile_id),
    )
    if row is None:
        raise _no_such(profile_id)
    return _profile(row)


async def _delete(transaction: Transaction, *, profile_id: int) -> None:
    await transaction.execute("DELETE FROM auth_profiles WHERE id = ?", profile_id)


def _profile(row: Row) -> Profile:
    values = dict(zip(_NAMES, row, strict=True))
    values["status"] = ProfileStatus(values["status"])
    values["reason"] = ProfileReason(values["reason"]) if values["reason"] else None
    return Profile(**values)


def _no_such(profile_id: int) -> NoSuchEntry:
    return NoSuchEntry(f"there is no auth profile {profile_id}", hint="See: reeldeck auth list")
