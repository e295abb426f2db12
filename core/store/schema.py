"""Bring the database to the present schema, or refuse it. Runs before anything else reads it."""

from __future__ import annotations

import logging
import pkgutil
import sqlite3
import time
from pathlib import Path
from typing import Any

from tortoise.exceptions import BaseORMException
from tortoise.migrations.executor import MigrationExecutor
from tortoise.transactions import in_transaction

from core.domain.errors import StoreFailure
from core.store import migrations, models
from core.store.fresh import create
from core.store.sqlite import StoreClient, as_store_error, back_up

log = logging.getLogger("reeldeck.store")

#: Tortoise's app label of our models.
APP = "store"
APPS: dict[str, dict[str, Any]] = {
    APP: {
        "models": models.MODULES,
        "migrations": migrations.__name__,
        "default_connection": "default",
    }
}


def known() -> list[str]:
    """Names of the migrations of this version, oldest first."""
    return sorted(module.name for module in pkgutil.iter_modules(migrations.__path__))


async def upgrade(client: StoreClient, path: Path) -> None:
    """Apply the migrations that *path* lacks, all in one transaction, after a backup of what was there.

    Needs a current Tortoise context whose default connection is *client*.

    Raises:
        StoreFailure: The database is newer than this version, or not ours, or cannot be changed.
        DiskFull: There is no room for the backup or the new schema.
    """
    applied, names = await _applied(client), known()
    if newer := sorted(set(applied) - set(names)):
        raise StoreFailure(
            f"{path} was written by a newer Reeldeck (its schema has {', '.join(newer)})",
            hint="Update Reeldeck, or put back the backup made before the update: reeldeck restore FILE",
        )
    due = [name for name in names if name not in applied]
    if not due:
        return
    try:
        if applied:
            backup = path.with_name(f"{path.name}.before-{due[0]}-{int(time.time())}")
            await back_up(client, backup)
            log.warning("the database gets a new schema", extra={"schema": due[-1], "backup": str(backup)})
            await migrate()
        else:
            await create(client)
    except (sqlite3.Error, BaseORMException) as error:
        raise as_store_error(error) from error


async def migrate() -> None:
    """Apply the migrations that the database of the current Tortoise context lacks, in one transaction."""
    # The executor alone would commit a migration and note it as applied in two steps.
    async with in_transaction("default") as transaction:
        await MigrationExecutor(transaction, APPS).migrate(direction="forward")


async def _applied(client: StoreClient) -> list[str]:
    """Names of the applied migrations; none for a new, empty database."""
    tables = {row["name"] for row in await client.rows("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not tables:
        return []
    if "tortoise_migrations" not in tables:
        raise StoreFailure("the file is a database of another program", hint="Set store.url to another file.")
    return [
        row["name"] for row in await client.rows("SELECT name FROM tortoise_migrations WHERE app = ?", APP)
    ]
