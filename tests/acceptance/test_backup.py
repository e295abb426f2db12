"""`reeldeck backup`, `restore` and `migrate` as their users run them."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import tarfile
from contextlib import closing

import pytest

from core.store.copying import judge_blocking
from core.store.lock import DataDirLock
from tests.fakes.media import audio_m4a, made_once
from tests.fakes.stored import opened

#: Each is a dozen commands.
pytestmark = pytest.mark.timeout(120)


async def test_a_backup_of_a_running_engine_brings_its_jobs_back(reeldeck, origin):
    origin.put("/tone.m4a", made_once(audio_m4a, "tone.m4a").read_bytes())
    file = reeldeck.home / "b.tar"
    (reeldeck.home / "config.toml").write_text(
        '# mine\n[telegram]\napi_hash = "canary-secret"\n[limits]\nmax_queue_length = 77\n'
    )
    async with reeldeck.serve() as engine:
        assert (await reeldeck.run("add", origin.url("/tone.m4a"), "--wait")).code == 0
        made = await reeldeck.run("backup", str(file), "--json")
        assert made.code == 0, made.err
        assert made.rows[0]["job_count"] == 1
        later, busy, checked = await asyncio.gather(
            reeldeck.run("add", origin.url("/later.m4a"), "--json"),
            reeldeck.run("restore", str(file), "--yes"),
            reeldeck.run("restore", "--check", str(file)),
        )
        assert (later.code, checked.code) == (0, 0)
        assert (busy.code, "already running" in busy.err) == (44, True)
        engine.send_signal(signal.SIGKILL)
        await engine.wait()
    with tarfile.open(file) as tar:
        stream = tar.extractfile("config.toml")
        assert stream is not None
        text = stream.read().decode()
    assert "# mine" in text
    assert "max_queue_length = 77" in text
    assert b"canary-secret" not in file.read_bytes()
    restored = await reeldeck.run("restore", str(file), "--yes")
    assert restored.code == 0, restored.err
    assert "config" not in restored.err, "one that is there is not replaced unasked"
    (aside,) = (reeldeck.home / "data").glob("reeldeck.db.before-restore-*")
    with closing(sqlite3.connect(aside)) as connection:
        assert connection.execute("SELECT COUNT(*) FROM jobs").fetchone() == (2,)
    assert judge_blocking(reeldeck.database).schema == ("0001_initial",)
    with closing(sqlite3.connect(reeldeck.database)) as connection:
        assert connection.execute("SELECT status FROM jobs").fetchall() == [("COMPLETED",)]


async def test_the_backup_of_a_stopped_engine_moves_to_another_machine(reeldeck, tmp_path):
    async with opened(reeldeck.home / "data"):
        pass
    (reeldeck.home / "config.toml").write_text(
        '[telegram]\napi_hash_file = "secrets/telegram_api_hash"\n[sources.x]\nct0 = "canary-secret"\n'
    )
    (reeldeck.home / "secrets").mkdir()
    (reeldeck.home / "secrets" / "telegram_api_hash").write_text("canary-hash\n")
    (reeldeck.home / "secrets" / "telegram_api_hash").chmod(0o600)
    session = reeldeck.home / "data" / "telegram.session"
    with closing(sqlite3.connect(session)) as connection:
        connection.execute("CREATE TABLE sessions (auth_key)")
    file = tmp_path / "b.tar"
    made = await reeldeck.run("backup", str(file), "--with-secrets")
    assert made.code == 0, made.err
    assert file.stat().st_mode & 0o777 == 0o600
    new = {
        "REELDECK_PATHS__DATA_DIR": str(tmp_path / "new"),
        "REELDECK_CONFIG": str(tmp_path / "c" / "new.toml"),
    }
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "new.toml").touch()
    restored = await reeldeck.run("restore", str(file), "--with-secrets", "--with-config", "--yes", **new)
    assert restored.code == 0, restored.err
    assert "canary-secret" in (tmp_path / "c" / "new.toml").read_text()
    assert (tmp_path / "c" / "new.toml").stat().st_mode & 0o777 == 0o600
    api_hash = tmp_path / "c" / "secrets" / "telegram_api_hash"
    assert (api_hash.read_text(), api_hash.stat().st_mode & 0o777) == ("canary-hash\n", 0o600)
    assert (await reeldeck.run("config", "check", **new)).code == 0
    with closing(sqlite3.connect(tmp_path / "new" / "telegram.session")) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("sessions",)]
    assert judge_blocking(tmp_path / "new" / "reeldeck.db").schema == ("0001_initial",)


async def test_migrate_refuses_the_database_of_a_newer_version(reeldeck, tmp_path):
    folders = [tmp_path / name for name in ("nothing", "busy", "present", "newer")]
    for folder in folders[1:]:
        async with opened(folder):
            pass
    lock = DataDirLock(tmp_path / "busy")
    lock.acquire()
    with closing(sqlite3.connect(tmp_path / "newer" / "reeldeck.db")) as connection:
        connection.execute("INSERT INTO tortoise_migrations VALUES (99, 'store', '0099_future', 0)")
        connection.commit()
    nothing, busy, present, newer = await asyncio.gather(
        *(reeldeck.run("migrate", REELDECK_PATHS__DATA_DIR=str(folder)) for folder in folders)
    )
    lock.release()
    assert (nothing.code, "There is no database" in nothing.out) == (0, True)
    assert busy.code == 44
    assert "up to date" in present.out
    assert newer.code == 45
    assert "newer Reeldeck" in newer.err
