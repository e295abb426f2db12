"""Copies made while others write, and schemas that change under `kill -9`."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from core.domain.errors import StoreFailure
from core.domain.job import JobStatus
from core.store.copying import copy_blocking, fold_log_blocking, judge_blocking
from tests.fakes.stored import NOW, job_in, new_job, opened

IS_LONG = os.environ.get("CAMPAIGN") == "long"
#: `make campaign` runs the long form.
WRITES, KILLS = (10_000, 50) if IS_LONG else (500, 5)
LANES = 50
ROOT = Path(__file__).resolve().parents[2]


def rows(path: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql).fetchall()


async def test_each_copy_made_while_jobs_come_is_whole_and_holds_what_was_answered(tmp_path):
    answered: list[int] = []
    copies: list[tuple[Path, int]] = []
    async with opened(tmp_path / "data") as store:

        async def write(lane: int) -> None:
            for number in range(WRITES // LANES):
                submitted = await store.jobs.submit(new_job(f"{lane}-{number}"), now=NOW)
                answered.append(submitted.job.id)

        async def copy_again_and_again() -> None:
            while len(answered) < WRITES:
                before = len(answered)
                path = tmp_path / f"copy-{len(copies)}.db"
                await store.copy_to(path)
                copies.append((path, before))

        await asyncio.gather(copy_again_and_again(), *(write(lane) for lane in range(LANES)))
    assert len(copies) >= 3
    for path, before in copies:
        assert judge_blocking(path).job_count >= before
        present = {row[0] for row in rows(path, "SELECT id FROM jobs")}
        assert present.issuperset(answered[:before])


async def test_a_copy_is_one_file_for_its_owner_alone(tmp_path):
    async with opened(tmp_path / "data") as store:
        await job_in(store, JobStatus.RUNNING)
        await store.copy_to(tmp_path / "copy.db")
        assert not (tmp_path / "copy.db-wal").exists()
    assert (tmp_path / "copy.db").stat().st_mode & 0o777 == 0o600
    assert judge_blocking(tmp_path / "copy.db").schema == ("0001_initial",)
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["copy.db"]


def test_what_a_killed_engine_left_in_the_log_is_in_the_copy(tmp_path):
    code = (
        "import asyncio, os, signal, sys\nfrom pathlib import Path\n"
        "from tests.fakes.stored import new_job\nfrom core.store.store import Store\n"
        "async def main():\n"
        "    store = await Store.open(Path(sys.argv[1]), None, on_commit=lambda _: None)\n"
        "    await store.jobs.submit(new_job('a'), now=1.0)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "asyncio.run(main())\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, check=False)
    assert done.returncode == -signal.SIGKILL
    assert (tmp_path / "reeldeck.db-wal").stat().st_size > 0
    copy_blocking(tmp_path / "reeldeck.db", tmp_path / "copy.db", is_live=False)
    assert judge_blocking(tmp_path / "copy.db").job_count == 1


def test_what_is_no_database_of_ours_is_told_from_one_that_is_damaged(tmp_path):
    (tmp_path / "text.db").write_bytes(b"this is a text\n" * 1000)
    with pytest.raises(StoreFailure, match="is no database"):
        judge_blocking(tmp_path / "text.db")
    with closing(sqlite3.connect(tmp_path / "theirs.db")) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    with pytest.raises(StoreFailure, match="no database of Reeldeck"):
        judge_blocking(tmp_path / "theirs.db")
    with pytest.raises(StoreFailure, match="no database"):
        fold_log_blocking(tmp_path / "text.db")


async def test_a_damaged_copy_is_found(tmp_path):
    async with opened(tmp_path / "data") as store:
        await store.jobs.submit_many([new_job(f"n{n}") for n in range(500)], now=NOW)
        await store.copy_to(tmp_path / "copy.db")
    damaged = bytearray((tmp_path / "copy.db").read_bytes())
    half = len(damaged) // 2 // 4096 * 4096
    damaged[half : half + 8192] = bytes(range(256)) * 32
    (tmp_path / "copy.db").write_bytes(damaged)
    with pytest.raises(StoreFailure, match=r"damaged|malformed"):
        judge_blocking(tmp_path / "copy.db")


LATER = """
from tortoise import migrations
from tortoise.migrations import operations as ops
class Migration(migrations.Migration):
    dependencies = [("store", "0001_initial")]
    operations = [
        ops.RunSQL("ALTER TABLE jobs ADD COLUMN more TEXT"),
        ops.RunSQL("UPDATE jobs SET more = url"),
        ops.RunSQL("CREATE INDEX jobs_more ON jobs (more)"),
    ]
"""
#: Upgrades one copy after the other, and kills itself each time a little later.
MIGRATE = """
import asyncio, importlib, os, shutil, signal, sqlite3, sys
from pathlib import Path
from core.store import schema
from core.store.store import Store

folder, kills = Path(sys.argv[1]), int(sys.argv[2])
schema.migrations = importlib.import_module("later_migrations")
schema.APPS["store"]["migrations"] = "later_migrations"
connect, ticks, at = sqlite3.connect, 0, 0

def tick():
    global ticks
    ticks += 1
    if ticks == at:
        os.kill(os.getpid(), signal.SIGKILL)

def watched(*arguments, **options):
    connection = connect(*arguments, **options)
    connection.set_progress_handler(tick, 500)
    return connection

sqlite3.connect = sqlite3.dbapi2.connect = watched

async def upgrade(data):
    store = await Store.open(data, None, on_commit=lambda _: None)
    await store.close()

def run(name):
    data = folder / name
    data.mkdir()
    shutil.copy(folder / "reeldeck.db", data)
    if (child := os.fork()) == 0:
        asyncio.run(upgrade(data))
        (folder / "ticks").write_text(str(ticks))
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

assert run("whole") == 0
step = int((folder / "ticks").read_text()) * 0.99 / (kills - 1)
print(*(run(str(number)) for number in range(kills) if (at := 1 + int(step * number))))
"""


async def test_kill_9_at_any_point_of_a_migration_leaves_old_or_new(tmp_path):
    async with opened(tmp_path / "data") as store:
        await store.jobs.submit_many([new_job(f"n{n}") for n in range(200)], now=NOW)
        await store.copy_to(tmp_path / "reeldeck.db")
        initial = Path(sys.modules["core.store.migrations"].__path__[0]) / "0001_initial.py"
    package = tmp_path / "later_migrations"
    package.mkdir()
    (package / "__init__.py").touch()
    shutil.copy(initial, package)
    (package / "0002_later.py").write_text(LATER)
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", MIGRATE, str(tmp_path), str(KILLS)],
        cwd=ROOT, env={"PYTHONPATH": f"{ROOT}:{tmp_path}"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    codes = list(map(int, done.stdout.split()))
    assert codes == [-signal.SIGKILL] * KILLS
    seen = set()
    for number in range(KILLS):
        data = tmp_path / str(number)
        schema, columns, indexes = _state(data / "reeldeck.db")
        assert (len(schema), "more" in columns, "jobs_more" in indexes) in {
            (1, False, False),
            (2, True, True),
        }
        seen.add(len(schema))
        assert judge_blocking(data / "reeldeck.db").job_count == 200
        for copy in data.glob("*.before-0002_later-*[0-9]"):
            assert judge_blocking(copy).schema == ("0001_initial",)
    assert seen == {1, 2}


def _state(database: Path) -> tuple[list[object], set[object], set[object]]:
    schema = [row[0] for row in rows(database, "SELECT name FROM tortoise_migrations ORDER BY name")]
    columns = {row[1] for row in rows(database, "PRAGMA table_info(jobs)")}
    indexes = {row[0] for row in rows(database, "SELECT name FROM sqlite_master WHERE type = 'index'")}
    return schema, columns, indexes
