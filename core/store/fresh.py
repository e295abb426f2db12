"""A new database at once: what all migrations make together stands beside this file as `schema.sql`."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from importlib.resources import files

from core.store.sqlite import StoreClient

_NAME = "schema.sql"
_HEAD = f"-- What all migrations make of an empty file. Written by docs/tables.py; {_NAME} is not edited.\n"
#: What SQLite and its full text index make themselves.
_MADE = "SELECT name FROM pragma_table_list WHERE type = 'shadow' OR name LIKE 'sqlite_%'"
_STATEMENTS = "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid"


async def create(client: StoreClient) -> None:
    """Make the whole present schema in the empty database of *client*, in one transaction.

    The migrations would come to the same, but each has Tortoise build all models anew: half a second.
    """
    script = files(__package__).joinpath(_NAME).read_text(encoding="utf-8")

    def make(connection: sqlite3.Connection) -> None:
        for statement in _split(script):
            connection.execute(statement)

    await client.transact(make)


def written(database: sqlite3.Connection) -> str:
    """The script that makes another database like *database*, which must be one that only migrations made."""
    made = {name for (name,) in database.execute(_MADE)}
    statements = [sql for name, sql in database.execute(_STATEMENTS) if name not in made]
    statements += [
        f"INSERT INTO tortoise_migrations (app, name, applied_at) "  # noqa: S608 -- names of our own
        f"VALUES ('{app}', '{name}', CURRENT_TIMESTAMP)"
        for app, name in database.execute("SELECT app, name FROM tortoise_migrations ORDER BY id")
    ]
    statements += [
        f"INSERT INTO engine VALUES ({', '.join(map(str, row))})"  # noqa: S608 -- numbers
        for row in database.execute("SELECT * FROM engine")
    ]
    return _HEAD + "".join(f"{sql};\n" for sql in statements)


def _split(script: str) -> Iterator[str]:
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
