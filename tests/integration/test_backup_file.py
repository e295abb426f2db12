"""The backup file: what it proves, what it refuses, and how a restore swaps it in."""

from __future__ import annotations

import asyncio
import io
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import httpx
import pytest

from core.client.http import HttpEngineClient
from core.domain.errors import DiskFull, EngineUnreachable, InvalidRequest, StoreFailure
from core.domain.job import JobStatus
from core.domain.token import Scope
from core.ops import backup as archive
from core.ops.backup import pack_blocking, read_manifest_blocking, unpack_blocking
from core.ops.restore import forget_downloads_blocking, proven, swap_blocking, sweep_blocking
from core.store.copying import judge_blocking
from tests.fakes.api import a_token, free_port, serving
from tests.fakes.engine import FakeEngine
from tests.fakes.stored import NOW, job_in, new_job, opened

KNOWN = ["0001_initial"]
ROOT = Path(__file__).resolve().parents[2]


def pack(to: Path, files: dict[str, Path], **changes):
    facts = {
        "version": "0.1.0",
        "schema": ("0001_initial",),
        "job_count": 1,
        "has_secrets": False,
        "now": NOW,
    }
    return pack_blocking(to, files, **facts | changes)


async def a_database(folder: Path, jobs: int = 1) -> Path:
    async with opened(folder / "made") as store:
        await store.jobs.submit_many([new_job(f"n{number}") for number in range(jobs)], now=NOW)
        await store.copy_to(folder / f"{jobs}.db")
    return folder / f"{jobs}.db"


async def a_backup(folder: Path) -> Path:
    pack(folder / "b.tar", {archive.DATABASE: await a_database(folder)})
    return folder / "b.tar"


async def test_what_goes_in_comes_out_and_is_for_its_owner_alone(tmp_path):
    config = tmp_path / "c"
    config.write_text("[limits]\n")
    made = pack(
        tmp_path / "b.tar",
        {archive.DATABASE: await a_database(tmp_path), archive.CONFIG: config},
        job_count=1,
    )
    assert (tmp_path / "b.tar").stat().st_mode & 0o777 == 0o600
    assert read_manifest_blocking(tmp_path / "b.tar") == made
    (tmp_path / "out").mkdir()
    assert unpack_blocking(tmp_path / "b.tar", tmp_path / "out") == made
    assert (tmp_path / "out" / archive.CONFIG).read_text() == "[limits]\n"
    assert judge_blocking(tmp_path / "out" / archive.DATABASE).job_count == 1
    assert {path.name for path in tmp_path.iterdir()} == {"made", "1.db", "c", "b.tar", "out"}


async def test_an_older_backup_is_replaced_and_anything_else_is_not(tmp_path):
    database = await a_database(tmp_path)
    pack(tmp_path / "b.tar", {archive.DATABASE: database}, version="old")
    pack(tmp_path / "b.tar", {archive.DATABASE: database}, version="new")
    assert read_manifest_blocking(tmp_path / "b.tar").version == "new"
    (tmp_path / "letter").write_text("dear")
    with pytest.raises(InvalidRequest, match="is no backup"):
        pack(tmp_path / "letter", {archive.DATABASE: database})
    assert (tmp_path / "letter").read_text() == "dear"
    with pytest.raises(InvalidRequest, match="does not exist"):
        pack(tmp_path / "none" / "b.tar", {archive.DATABASE: database})


async def test_a_changed_byte_or_a_missing_end_is_found(tmp_path):
    backup = await a_backup(tmp_path)
    whole = backup.read_bytes()
    (tmp_path / "out").mkdir()
    changed = bytearray(whole)
    changed[len(whole) // 2] ^= 1
    backup.write_bytes(changed)
    with pytest.raises(StoreFailure, match="not what it was"):
        unpack_blocking(backup, tmp_path / "out")
    for end in (len(whole) // 2, 2048):
        backup.write_bytes(whole[:end])
        with pytest.raises((StoreFailure, InvalidRequest), match=r"damaged|no backup"):
            unpack_blocking(backup, tmp_path / "out")


@pytest.mark.parametrize("text", ["[]", "{}", '{"format": 1}', "x", '{"format": "a"}'])
def test_a_tar_of_somebody_else_is_refused(tmp_path, text):
    with tarfile.open(tmp_path / "b.tar", "w") as tar:
        info = tarfile.TarInfo(archive.MANIFEST)
        info.size = len(text)
        tar.addfile(info, io.BytesIO(text.encode()))
    with pytest.raises(InvalidRequest, match="no backup of Reeldeck"):
        read_manifest_blocking(tmp_path / "b.tar")
    with pytest.raises(InvalidRequest, match="No such file"):
        read_manifest_blocking(tmp_path / "none")


async def test_the_backup_of_a_newer_version_is_refused(tmp_path):
    database = await a_database(tmp_path)
    pack(tmp_path / "b.tar", {archive.DATABASE: database})
    with (
        pytest.raises(StoreFailure, match="newer Reeldeck"),
        proven(tmp_path / "b.tar", tmp_path / "data", known_schema=["0000_older"]),
    ):
        pass
    told = json.loads(json.dumps(read_manifest_blocking(tmp_path / "b.tar").to_json())) | {"format": 99}
    with tarfile.open(tmp_path / "n.tar", "w") as tar:
        text = json.dumps(told).encode()
        info = tarfile.TarInfo(archive.MANIFEST)
        info.size = len(text)
        tar.addfile(info, io.BytesIO(text))
    with pytest.raises(InvalidRequest, match="newer Reeldeck"):
        read_manifest_blocking(tmp_path / "n.tar")


async def test_members_that_the_manifest_does_not_name_are_left_where_they_are(tmp_path):
    backup = await a_backup(tmp_path)
    with tarfile.open(backup, "a") as tar:
        for name in ("../evil", "/tmp/evil-reeldeck", "evil"):
            tar.addfile(tarfile.TarInfo(name))
        link = tarfile.TarInfo(archive.CONFIG)
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    (tmp_path / "out").mkdir()
    unpack_blocking(backup, tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == [archive.DATABASE]
    assert not (tmp_path / "evil").exists()


async def test_a_restore_without_room_changes_nothing(tmp_path, monkeypatch):
    backup = await a_backup(tmp_path)
    monkeypatch.setattr(archive.shutil, "disk_usage", lambda _: os.statvfs_result([0] * 10) and _Full())
    with pytest.raises(DiskFull), proven(backup, tmp_path / "data", known_schema=KNOWN):
        pass
    assert list((tmp_path / "data").iterdir()) == []


class _Full:
    free = 0


async def test_the_database_that_was_there_is_kept_with_what_stood_in_its_log(tmp_path):
    data = tmp_path / "data"
    async with opened(data) as store:
        job = await job_in(store, JobStatus.QUEUED, "kept")
    (data / "reeldeck.db-wal").touch()
    aside = swap_blocking(await a_database(tmp_path, 3), data / "reeldeck.db")
    assert aside is not None
    assert judge_blocking(aside).job_count == 1
    assert not (data / "reeldeck.db-wal").exists()
    async with opened(data) as store:
        assert sum(store.counts.values()) == 3
        assert (await store.jobs.get(1)).url != job.url


async def test_a_damaged_database_is_kept_as_it_is_and_replaced(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "reeldeck.db").write_bytes(b"noise" * 9000)
    (tmp_path / "data" / "reeldeck.db-wal").write_bytes(b"more")
    aside = swap_blocking(await a_database(tmp_path), tmp_path / "data" / "reeldeck.db")
    assert aside is not None
    assert aside.read_bytes() == b"noise" * 9000
    assert aside.with_name(f"{aside.name}-wal").read_bytes() == b"more"
    async with opened(tmp_path / "data") as store:
        await store.check()


#: Swaps in a copy of the new database again and again, and kills itself at one system call after the other.
SWAP = """
import os, shutil, signal, sys
from pathlib import Path
from core.ops.restore import swap_blocking

folder, calls = Path(sys.argv[1]), 0

def run(number):
    global calls
    data = folder / str(number)
    data.mkdir()
    for name in ("reeldeck.db", "new.db"):
        shutil.copy(folder / name, data)
    if (child := os.fork()) == 0:
        def hook(event, _):
            global calls
            if event in {"os.rename", "os.link", "os.remove", "open", "sqlite3.connect"}:
                calls += 1
                if calls == number:
                    os.kill(os.getpid(), signal.SIGKILL)
        sys.addaudithook(hook)
        swap_blocking(data / "new.db", data / "reeldeck.db")
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

number = 1
while run(number):
    number += 1
print(number)
"""


async def test_kill_9_at_any_step_of_a_restore_leaves_the_old_or_the_new(tmp_path):
    (await a_database(tmp_path, 5)).rename(tmp_path / "reeldeck.db")
    (await a_database(tmp_path, 7)).rename(tmp_path / "new.db")  # what was made before is in it
    jobs = {judge_blocking(tmp_path / name).job_count for name in ("reeldeck.db", "new.db")}
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", SWAP, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    steps = int(done.stdout)
    assert steps > 8
    found = [judge_blocking(tmp_path / str(n) / "reeldeck.db").job_count for n in range(1, steps + 1)]
    assert set(found) == jobs
    assert found == sorted(found), "once new, always new"


def test_leavings_of_killed_restores_and_downloads_of_unknown_jobs_go(tmp_path):
    for name in ("scratch-abc", "7", "theirs"):
        (tmp_path / name).mkdir()
    sweep_blocking(tmp_path)
    assert forget_downloads_blocking(tmp_path) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["theirs"]
    assert forget_downloads_blocking(tmp_path / "none") == 0


class Copying(FakeEngine):
    """Has a database in pieces, whose last may fail."""

    pieces: tuple[bytes | Exception, ...] = ()

    async def backup(self):
        for piece in self.pieces:
            if isinstance(piece, Exception):
                raise piece
            yield piece


async def test_over_the_socket_a_copy_comes_whole_or_as_an_error(tmp_path):
    engine = Copying()
    async with serving(engine, tmp_path) as server:
        client = HttpEngineClient(server.path)
        engine.pieces = (b"a" * 3_000_000, b"b")
        assert b"".join([chunk async for chunk in client.backup()]) == b"a" * 3_000_000 + b"b"
        engine.pieces = (DiskFull("no room"),)
        with pytest.raises(DiskFull, match="no room"):
            [chunk async for chunk in client.backup()]
        engine.pieces = (b"a" * 3_000_000, StoreFailure("gone"))
        with pytest.raises((EngineUnreachable, StoreFailure)):
            [chunk async for chunk in client.backup()]
        await client.close()


async def test_over_tcp_nobody_gets_the_database(tmp_path):
    async def good(_secret: str):
        return a_token(Scope.ADMIN)

    async with (
        serving(Copying(), tmp_path, token_check=good, tcp_port=free_port()) as server,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.tcp_port}", trust_env=False) as client,
    ):
        headers = {"authorization": "Bearer " + "x" * 43}
        answer = await client.get("/api/v1/backup", headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (403, "FORBIDDEN")
