"""`backup`, `restore` and `migrate`: the database in a file of its own, and back again."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from importlib.metadata import version
from pathlib import Path

import click

from core.config.edit import API_HASH_FILE, ConfigFile, without_secrets
from core.config.load import config_path, load_settings
from core.config.settings import Settings
from core.domain.errors import EngineUnreachable, StoreFailure
from core.domain.text import for_terminal
from core.ops import backup as archive
from core.ops import restore as restoring
from core.store.copying import Contents, copy_blocking, judge_blocking
from core.store.folder import private_file, settle_blocking
from core.store.lock import DataDirLock
from tui.console.connect import engine, run_async
from tui.console.output import json_line, line, size
from tui.console.questions import ask_consent

_file = click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
_json = click.option("--json", "as_json", is_flag=True, help="One JSON object.")


@click.command()
@_file
@click.option("--with-secrets", is_flag=True,
              help="Also Telegram's login and the configuration's secrets: guard FILE as those.")  # fmt: skip
@_json
def backup(file: Path, *, with_secrets: bool, as_json: bool) -> None:
    """Write the database and the configuration to FILE, while the engine goes on.

    In it is every job that was answered for before this began. An older backup of that name is replaced once
    the new one is whole. Downloaded files are not in it, and neither are cookie files.
    """
    manifest = run_async(write_backup(load_settings(), file.absolute(), with_secrets=with_secrets))
    if as_json:
        json_line({"file": str(file.absolute()), **manifest.to_json()})
    else:
        line(f"{file}: {told(manifest)}")


async def write_backup(settings: Settings, to: Path, *, with_secrets: bool) -> archive.Manifest:
    """Back up the running engine's database, or that of one that does not run; what is in the file.

    Raises:
        ReeldeckError: It cannot be read, or not be written there.
    """
    # A slip is told before the work, not after it.
    archive.refuse_strangers_blocking(to)
    with archive.translated(to):
        folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix=f".{to.name}.", dir=to.parent))
    try:
        files = {archive.DATABASE: folder / archive.DATABASE}
        await _copy_database(settings, files[archive.DATABASE])
        contents = await asyncio.to_thread(judge_blocking, files[archive.DATABASE])
        files |= await asyncio.to_thread(_others_blocking, settings, folder, with_secrets=with_secrets)
        return await asyncio.to_thread(
            archive.pack_blocking,
            to,
            files,
            version=version("reeldeck"),
            schema=contents.schema,
            job_count=contents.job_count,
            has_secrets=with_secrets,
            now=time.time(),
        )
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


async def _copy_database(settings: Settings, to: Path) -> None:
    """From the running engine; where none runs, from the file that nobody has open then."""
    with suppress(EngineUnreachable):
        async with engine(settings) as running:
            # Only to learn whether there is one: a copy that breaks off is no reason to try another way.
            await running.status()
        async with engine(settings) as running:
            await asyncio.to_thread(private_file, to)
            with archive.translated(to), closing(await asyncio.to_thread(to.open, "wb")) as copy:
                async for chunk in running.backup():
                    await asyncio.to_thread(copy.write, chunk)
        return
    with _own(settings) as database:
        if not database.exists():
            raise StoreFailure(f"there is no database at {database}", hint="Check paths.data_dir.")
        await asyncio.to_thread(copy_blocking, database, to, is_live=False)


def _others_blocking(settings: Settings, folder: Path, *, with_secrets: bool) -> dict[str, Path]:
    """The configuration and, with secrets, the login, as they are now."""
    found = {}
    if config_path().exists():
        found[archive.CONFIG] = folder / archive.CONFIG
        text = ConfigFile(config_path()).text
        private_file(found[archive.CONFIG])
        found[archive.CONFIG].write_text(text if with_secrets else without_secrets(text), encoding="utf-8")
    session = _session(settings) if with_secrets else None
    if session is not None and session.exists():
        found[archive.SESSION] = folder / archive.SESSION
        # It is a database too, which the engine writes to.
        copy_blocking(session, found[archive.SESSION], is_live=True)
    api_hash = config_path().parent / API_HASH_FILE
    if with_secrets and api_hash.exists():
        found[archive.API_HASH] = folder / archive.API_HASH
        private_file(found[archive.API_HASH])
        shutil.copyfile(api_hash, found[archive.API_HASH])
    return found


def _session(settings: Settings) -> Path:
    from userbot.session import SessionFile  # noqa: PLC0415 -- Telethon comes with it

    return SessionFile(settings).path


@click.command()
@_file
@click.option("--check", "only_check", is_flag=True, help="Look FILE through and say what it holds, no more.")
@click.option(
    "--with-secrets", is_flag=True, help="Also Telegram's login, in place of the one that is there."
)
@click.option(
    "--with-config", is_flag=True, help="Also the configuration, in place of the one that is there."
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@_json
def restore(
    file: Path, *, only_check: bool, with_secrets: bool, with_config: bool, yes: bool, as_json: bool
) -> None:
    """Put the backup FILE in the database's place.

    No engine may run. FILE is looked through first; the database that was there is kept beside it. What jobs
    have fetched so far is deleted, since they begin anew; finished files stay.
    """
    settings = load_settings()
    if only_check:
        with restoring.proven(file, settings.paths.tmp, known_schema=_known_schema()) as proven:
            _show(file, proven, as_json=as_json)
        return
    with _own(settings) as database:
        restoring.sweep_blocking(database.parent)
        with restoring.proven(file, database.parent, known_schema=_known_schema()) as proven:
            _show(file, proven, as_json=as_json)
            if database.exists() and not yes:
                ask_consent(f"Put it in the place of {database}?")
            _restore(settings, proven, database)
            _put(proven, archive.CONFIG, config_path(), replace=with_config)
            if with_secrets:
                _put(proven, archive.SESSION, _session(settings), replace=True)
                _put(proven, archive.API_HASH, config_path().parent / API_HASH_FILE, replace=True)
    click.echo("Restored. Start the engine with: reeldeck serve", err=True)


def _show(file: Path, proven: restoring.Proven, *, as_json: bool) -> None:
    if as_json:
        json_line(proven.manifest.to_json())
    else:
        line(f"{file} is sound: {told(proven.manifest)}")


def _restore(settings: Settings, proven: restoring.Proven, database: Path) -> None:
    restoring.forget_downloads_blocking(settings.paths.tmp)
    aside = restoring.swap_blocking(proven.folder / archive.DATABASE, database)
    if aside is not None:
        click.echo(for_terminal(f"The database that was there is now {aside}"), err=True)


def _put(proven: restoring.Proven, name: str, to: Path, *, replace: bool) -> None:
    """Put another member of the backup where it belongs, and keep what was there."""
    if name not in proven.manifest.files:
        return
    if to.exists() and not replace:
        return
    with archive.translated(to):
        if to.exists():
            kept = to.with_name(f"{to.name}.before-restore-{int(time.time())}")
            to.rename(kept)
            click.echo(for_terminal(f"{to.name} that was there is now {kept}"), err=True)
        to.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = to.with_name(f".{to.name}.restored")
        draft.unlink(missing_ok=True)
        private_file(draft)
        shutil.copyfile(proven.folder / name, draft)
        settle_blocking(draft, to)
    click.echo(for_terminal(f"{to} is put back."), err=True)


@click.command()
@_json
def migrate(*, as_json: bool) -> None:
    """Bring the database to this version's schema, which the engine does at its start as well.

    No engine may run. A copy of the older database is kept beside it. The database of a newer version is
    refused and left alone.
    """
    settings = load_settings()
    with _own(settings) as database:
        before = _schema_of(database)
        if before:
            run_async(_migrate(settings))
        known = _known_schema()
    if as_json:
        json_line({"database": str(database), "before": before, "now": known if before else []})
    elif not before:
        line(f"There is no database at {database} yet: the engine makes one when it starts.")
    elif before == known:
        line(f"{database} is up to date ({known[-1]}).")
    else:
        line(f"{database}: {before[-1]} is now {known[-1]}. The copy of before is beside it.")


async def _migrate(settings: Settings) -> None:
    from core.store.store import Store  # noqa: PLC0415 -- the ORM takes a while

    store = await Store.open(settings.paths.data_dir, settings.store.url, on_commit=lambda _: None)
    await store.close()


def _schema_of(database: Path) -> list[str]:
    if not database.exists():
        return []
    contents: Contents = judge_blocking(database)
    return list(contents.schema)


def _known_schema() -> list[str]:
    from core.store.schema import known  # noqa: PLC0415 -- the ORM takes a while

    return known()


@contextmanager
def _own(settings: Settings) -> Iterator[Path]:
    """The database file while no engine can open it. Raises EngineRunning."""
    from core.store.sqlite import locate  # noqa: PLC0415 -- as above

    database = locate(settings.paths.data_dir, settings.store.url)
    lock = DataDirLock(settings.paths.data_dir)
    lock.acquire()
    try:
        yield database
    finally:
        lock.release()


def told(manifest: archive.Manifest) -> str:
    """A backup in a line."""
    whole = sum(entry.size_bytes for entry in manifest.files.values())
    kept = ", ".join(manifest.files)
    secrets = ", with secrets" if manifest.has_secrets else ""
    return (
        f"{manifest.job_count} job{'s' if manifest.job_count != 1 else ''} of {manifest.created}"
        f" (Reeldeck {manifest.version}, {manifest.schema[-1]}); {kept}{secrets}; {size(whole)}"
    )
