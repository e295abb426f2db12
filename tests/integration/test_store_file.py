"""The file: private, upgraded with a backup, refused when foreign or newer, whole after kill -9."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import os
import signal
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from tortoise.context import TortoiseContext
from tortoise.migrations.autodetector import MigrationAutodetector
from tortoise.migrations.operations import AlterModelOptions

from core.domain.errors import ConfigError, EngineRunning, StoreFailure
from core.domain.job import JobStatus
from core.store import fresh, schema
from core.store.lock import DataDirLock
from tests.fakes.stored import NOW, counted_one_by_one, job_in, new_job, opened


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def rows(path: Path, sql: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(path)
    try:
        found = connection.execute(sql).fetchall()
        connection.commit()
        return found
    finally:
        connection.close()


async def test_folder_and_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    data_dir = tmp_path / "deep" / "data"
    async with opened(data_dir) as store:
        await job_in(store, JobStatus.QUEUED)
        assert mode(data_dir) == 0o700
        names = {path.name: mode(path) for path in data_dir.iterdir()}
    assert names == {"reeldeck.db": 0o600, "reeldeck.db-wal": 0o600, "reeldeck.db-shm": 0o600}


async def test_rights_that_others_had_are_taken_back(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "reeldeck.db").touch(0o644)
    (tmp_path / "reeldeck.db").chmod(0o644)
    async with opened(tmp_path):
        assert (mode(tmp_path), mode(tmp_path / "reeldeck.db")) == (0o700, 0o600)


async def test_a_folder_that_cannot_be_made_says_which(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreFailure, match="file/data"):
        async with opened(tmp_path / "file" / "data"):
            pass


async def test_the_url_names_another_file(tmp_path: Path) -> None:
    async with opened(tmp_path / "data", url=f"sqlite://{tmp_path}/other.db") as store:
        assert store.path == tmp_path / "other.db"
        assert store.path.is_file()
    for url in ("postgres://localhost/x", "sqlite://", "sqlite://:memory:"):
        with pytest.raises(ConfigError, match="not supported"):
            async with opened(tmp_path / "data", url=url):
                pass


async def test_durability_is_not_left_to_defaults(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        seen = {}
        for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout", "mmap_size"):
            (row,) = await store._client.rows(f"PRAGMA {name}")
            seen[name] = next(iter(row))
    assert seen["busy_timeout"] >= 5000
    assert seen | {"busy_timeout": 0} == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "busy_timeout": 0,
        "mmap_size": 0,
    }


async def test_one_unfinished_job_per_key_is_a_law_of_the_database(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await job_in(store, JobStatus.QUEUED)
        path = store.path
    ((sql,),) = rows(path, "SELECT sql FROM sqlite_master WHERE name = 'jobs_unfinished_key'")
    assert str(sql).startswith("CREATE UNIQUE INDEX")
    for status in JobStatus:
        assert (f"'{status.value}'" in str(sql)) is not status.is_final
    columns = "url, source_type, kind, quality, priority, position, attempt, retry_count, url_hash, host,"
    columns += " bytes_done, created, updated, checkpoint, status, job_key"
    values = "'u', 's', 'auto', 'best', 0, 0, 0, 0, 'h', 'u', 0, 0, 0, '{}'"
    with pytest.raises(sqlite3.IntegrityError):
        rows(path, f"INSERT INTO jobs ({columns}) VALUES ({values}, 'PAUSED', 'key-of-a')")
    rows(path, f"INSERT INTO jobs ({columns}) VALUES ({values}, 'FAILED', 'key-of-a')")


async def test_the_migrations_make_what_the_models_say() -> None:
    async with TortoiseContext() as context:
        await context.init(config={"connections": {"default": "sqlite://:memory:"}, "apps": schema.APPS})
        assert context.apps is not None
        found = await MigrationAutodetector(context.apps, schema.APPS).changes()
    # Tortoise counts a model's docstring among its options.
    assert [op for writer in found for op in writer.operations if not isinstance(op, AlterModelOptions)] == []


async def test_all_is_there_after_reopening_and_starts_are_counted(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        job = await job_in(store, JobStatus.RUNNING)
        assert [await store.next_epoch(), await store.next_epoch()] == [1, 2]
        last = await store.events.last_seq()
    async with opened(tmp_path) as store:
        assert await store.jobs.get(job.id) == job
        assert await store.next_epoch() == 3
        assert await store.events.last_seq() == last
        assert dict(store.counts) == await counted_one_by_one(store)
        await store.check()


async def test_a_new_database_is_what_all_migrations_make(tmp_path: Path) -> None:
    path = tmp_path / "reeldeck.db"
    async with opened(tmp_path):
        pass
    with contextlib.closing(sqlite3.connect(path)) as database:
        assert fresh.written(database) == Path(fresh.__file__).with_name("schema.sql").read_text()
    assert rows(path, "SELECT name FROM tortoise_migrations") == [(name,) for name in schema.known()]


async def test_a_newer_schema_is_refused_and_left_alone(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        path = store.path
    rows(path, "INSERT INTO tortoise_migrations VALUES (99, 'store', '0099_future', 0)")
    before = path.read_bytes()
    with pytest.raises(StoreFailure, match=r"newer Reeldeck.*0099_future") as refused:
        async with opened(tmp_path):
            pass
    assert "Update Reeldeck" in refused.value.hint
    assert path.read_bytes() == before


async def test_files_that_are_not_ours_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "reeldeck.db"
    rows(path, "CREATE TABLE theirs (x)")
    with pytest.raises(StoreFailure, match="another program"):
        async with opened(tmp_path):
            pass
    path.write_bytes(b"this is a text, not a database\n" * 100)
    with pytest.raises(StoreFailure, match="is no database") as refused:
        async with opened(tmp_path):
            pass
    assert "restore" in refused.value.hint


async def test_damage_is_found_by_the_check(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await store.jobs.submit_many([new_job(f"n{n}") for n in range(500)], now=NOW)
        path = store.path
    damaged = bytearray(path.read_bytes())
    half = len(damaged) // 2
    damaged[half : half + 3 * 4096] = os.urandom(3 * 4096)
    path.write_bytes(damaged)
    with pytest.raises(StoreFailure) as found:
        async with opened(tmp_path) as store:
            await store.check()
    assert "restore" in found.value.hint


NEXT = """
from tortoise import migrations
from tortoise.migrations import operations as ops
class Migration(migrations.Migration):
    dependencies = [("store", "{before}")]
    operations = [ops.RunSQL("{sql}")]
"""


@pytest.fixture
def later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """`later(sql, …)` makes this version know a further migration for each *sql*."""
    folder = tmp_path / "later_migrations"

    def know(*statements: str) -> None:
        source = Path(schema.migrations.__path__[0])
        folder.mkdir()
        for name in ("__init__.py", "0001_initial.py"):
            (folder / name).write_text((source / name).read_text())
        names = ["0001_initial", *(f"{n:04d}_later" for n in range(2, len(statements) + 2))]
        for before, name, sql in zip(names, names[1:], statements, strict=False):
            (folder / f"{name}.py").write_text(NEXT.format(before=before, sql=sql))
        package: ModuleType = importlib.import_module("later_migrations")
        monkeypatch.setattr(schema, "migrations", package)
        monkeypatch.setitem(schema.APPS["store"], "migrations", "later_migrations")

    monkeypatch.syspath_prepend(tmp_path)
    yield know
    for name in [name for name in sys.modules if name.startswith("later_migrations")]:
        del sys.modules[name]


async def test_an_older_database_is_backed_up_and_upgraded(tmp_path: Path, later) -> None:
    data_dir = tmp_path / "data"
    async with opened(data_dir) as store:
        job = await job_in(store, JobStatus.QUEUED)
    later("CREATE TABLE more (x INT)")
    async with opened(data_dir) as store:
        assert await store.jobs.get(job.id) == job
        path = store.path
    assert rows(path, "SELECT name FROM tortoise_migrations ORDER BY name")[-1] == ("0002_later",)
    assert rows(path, "SELECT * FROM more") == []
    (backup,) = data_dir.glob("reeldeck.db.before-0002_later-*")
    assert mode(backup) == 0o600
    assert rows(backup, "SELECT id FROM jobs") == [(job.id,)]
    assert rows(backup, "SELECT name FROM sqlite_master WHERE name = 'more'") == []
    async with opened(data_dir):
        assert len(list(data_dir.glob("*.before-*"))) == 1


async def test_an_upgrade_that_fails_half_way_changes_nothing(tmp_path: Path, later) -> None:
    data_dir = tmp_path / "data"
    async with opened(data_dir) as store:
        path = store.path
    tables = rows(path, "SELECT name FROM sqlite_master ORDER BY name")
    later("CREATE TABLE more (x INT)", "CREATE TABLE jobs (x INT)")
    with pytest.raises(StoreFailure, match="already exists"):
        async with opened(data_dir):
            pass
    assert rows(path, "SELECT name FROM sqlite_master ORDER BY name") == tables
    assert rows(path, "SELECT name FROM tortoise_migrations") == [("0001_initial",)]


def test_a_second_lock_is_refused_and_names_the_process(tmp_path: Path) -> None:
    lock = DataDirLock(tmp_path / "data")
    lock.acquire()
    with pytest.raises(EngineRunning, match=f"process {os.getpid()}"):
        DataDirLock(tmp_path / "data").acquire()
    assert mode(lock.path) == 0o600
    lock.release()
    lock.release()
    again = DataDirLock(tmp_path / "data")
    again.acquire()
    again.release()


def child(code: str, *args: Path | str) -> subprocess.Popen[str]:
    root = Path(__file__).resolve().parents[2]
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, args)], cwd=root, stdout=subprocess.PIPE, text=True
    )


HOLD = """
import sys
from pathlib import Path
from core.store.lock import DataDirLock
lock = DataDirLock(Path(sys.argv[1]))
lock.acquire()
sys.stdout.write("held\\n")
sys.stdout.flush()
sys.stdin.read()
"""


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    lock = DataDirLock(tmp_path)
    with child(HOLD, tmp_path) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(EngineRunning, match=f"process {holder.pid}"):
            lock.acquire()
        holder.kill()
    lock.acquire()
    lock.release()


WRITE = """
import asyncio, os, sys
from pathlib import Path
from core.domain.job import JobStatus
from core.store.store import Store
from tests.fakes.stored import new_job

async def write(store, name):
    n = 0
    while True:
        n += 1
        job = (await store.jobs.submit(new_job(f"{name}-{n}"), now=1.0)).job
        os.write(1, f"{job.id} QUEUED\\n".encode())
        await store.jobs.transition(job.id, JobStatus.QUEUED, JobStatus.CANCELLED, attempt=0, now=2.0)
        os.write(1, f"{job.id} CANCELLED\\n".encode())

async def main():
    store = await Store.open(Path(sys.argv[1]), None, on_commit=lambda committed: None)
    await asyncio.gather(*(write(store, f"{os.getpid()}-{n}") for n in range(6)))

asyncio.run(main())
"""


async def test_what_was_answered_survives_kill_9(tmp_path: Path) -> None:
    acknowledged: dict[int, str] = {}
    for lines in (37, 151, 263):
        with child(WRITE, tmp_path) as writer:
            assert writer.stdout is not None
            for _ in range(lines):
                job_id, status = writer.stdout.readline().split()
                acknowledged[int(job_id)] = status
            writer.send_signal(signal.SIGKILL)
            for line in writer.stdout.read().splitlines():
                job_id, status = line.split()
                acknowledged[int(job_id)] = status
        async with opened(tmp_path) as store:
            await store.check()
            assert dict(store.counts) == await counted_one_by_one(store)
            for job_id, status in acknowledged.items():
                job = await store.jobs.get(job_id)
                # The move may have been committed without its answer having been printed.
                assert job.status.value in {status, "CANCELLED"}
            last = await store.events.last_seq()
            every = await store.events.after(0, limit=10**6)
            assert [event.seq for event in every] == list(range(1, last + 1))
    assert len(acknowledged) > 200


FAIL = """
import asyncio, sys
from pathlib import Path
from core.store.store import Store

async def main():
    await Store.open(Path(sys.argv[1]), None, on_commit=lambda committed: None)
    sys.exit(3)

asyncio.run(main())
"""


def test_a_process_that_fails_without_closing_its_store_still_ends(tmp_path: Path) -> None:
    with child(FAIL, tmp_path) as process:
        try:
            assert process.wait(timeout=30) == 3
        finally:
            process.kill()


def test_the_store_package_and_its_lock_load_without_the_orm() -> None:
    code = "import sys, core.store.lock; sys.exit(not {'tortoise', 'aiosqlite'}.isdisjoint(sys.modules))"
    with child(code) as process:
        assert process.wait(timeout=30) == 0


async def test_two_stores_of_one_process_do_not_mix(tmp_path: Path) -> None:
    async with opened(tmp_path / "a") as first, opened(tmp_path / "b") as second:
        await asyncio.gather(
            first.jobs.submit(new_job("a"), now=NOW), second.jobs.submit_many([new_job("b")] * 2, now=NOW)
        )
        assert (await first.jobs.get(1)).url.endswith("/a")
        assert (await second.jobs.get(1)).url.endswith("/b")
