"""Bearer tokens: names, scopes and hashes. The secrets themselves never come here."""

from __future__ import annotations

import json
from collections.abc import Collection
from functools import partial

from core.domain.errors import InvalidRequest, NoSuchEntry
from core.domain.token import Scope, Token
from core.store.rows import Reader, Row, to_json
from core.store.transaction import Transaction
from core.store.writer import Writer

_TOKEN = "id, name, scopes, created, last_used, revoked"  # noqa: S105 -- columns


class Tokens:
    """Reads tokens, and changes them through the writer."""

    def __init__(self, reader: Reader, writer: Writer) -> None:
        self._reader = reader
        self._writer = writer

    async def all(self) -> list[Token]:
        """Every token, revoked ones too, in the order in which they were made."""
        rows = await self._reader.rows(f"SELECT {_TOKEN} FROM tokens ORDER BY id")  # noqa: S608 -- constants
        return [_token(row) for row in rows]

    async def valid(self) -> dict[str, Token]:
        """The tokens that are not revoked, by their hashes."""
        rows = await self._reader.rows(
            f"SELECT {_TOKEN}, hash FROM tokens WHERE revoked IS NULL"  # noqa: S608 -- constants
        )
        return {row["hash"]: _token(row) for row in rows}

    async def add(self, name: str, hash_: str, scopes: Collection[Scope], *, now: float) -> Token:
        """Store a new token.

        Raises:
            InvalidRequest: One of this name is valid.
        """
        return await self._writer.run(
            partial(_add, name=name, hash_=hash_, scopes=to_json(sorted(scopes)), now=now)
        )

    async def revoke(self, token_id: int, *, now: float) -> Token:
        """End a token; a second time nothing happens.

        Raises:
            NoSuchEntry: There is none.
        """
        return await self._writer.run(partial(_revoke, token_id=token_id, now=now))

    async def used(self, token_id: int, *, now: float) -> None:
        """A token was used."""
        await self._writer.run(partial(_used, token_id=token_id, now=now))


async def _add(transaction: Transaction, *, name: str, hash_: str, scopes: str, now: float) -> Token:
    if await transaction.row("SELECT 1 FROM tokens WHERE name = ? AND revoked IS NULL", name):
        hint = "Choose another name, or revoke it: reeldeck tokens revoke NAME"
        raise InvalidRequest("there is a token of this name", hint=hint)
    (row,) = await transaction.rows(
        f"INSERT INTO tokens (name, hash, scopes, created) VALUES (?, ?, ?, ?) RETURNING {_TOKEN}",  # noqa: S608 -- constants
        *(name, hash_, scopes, now),
    )
    return _token(row)


async def _revoke(transaction: Transaction, *, token_id: int, now: float) -> Token:
    row = await transaction.row(
        f"UPDATE tokens SET revoked = COALESCE(revoked, ?) WHERE id = ? RETURNING {_TOKEN}",  # noqa: S608 -- constants
        *(now, token_id),
    )
    if row is None:
        raise NoSuchEntry(f"there is no token {token_id}", hint="See: reeldeck tokens list")
    return _token(row)


async def _used(transaction: Transaction, *, token_id: int, now: float) -> None:
    await transaction.execute("UPDATE tokens SET last_used = ? WHERE id = ?", now, token_id)


def _token(row: Row) -> Token:
    return Token(
        id=row["id"],
        name=row["name"],
        scopes=frozenset(Scope(each) for each in json.loads(row["scopes"])),
        created=row["created"],
        last_used=row["last_used"],
        revoked=row["revoked"],
    )
