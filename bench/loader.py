"""A store with as many jobs as wanted, written by SQL in seconds: what years of use would leave behind."""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from core.domain.job import Request
from core.store.jobs import NewJob
from core.store.store import Store
from core.store.submission import _cells

#: Unfinished jobs are as many whatever the history: what waits does not grow with the years.
QUEUED, PARKED, PAUSED = 400, 80, 20
SOURCES = ("youtube", "direct", "x_spaces", "archive_org", "soundcloud")
GROUP_SIZE = 100
#: Chats take turns; one job of so many carries a rare word.
CHATS = 50
RARE_EVERY = 250
CREATED = 1_700_000_000.0


def link(number: int) -> NewJob:
    """The request that job *number* of a loaded store came from."""
    url = f"https://media{number % 97}.example.org/watch/{number:08d}/a-talk-of-some-length"
    digest = hashlib.sha256(url.encode()).hexdigest()
    return NewJob(
        request=Request(url=url, user_id=number % 7, chat_id=-(number % CHATS) - 1),
        source_type=SOURCES[number % len(SOURCES)],
        url=url,
        url_hash=digest,
        job_key=f"url:{digest}|auto|best|",
        media_id=f"site:{number}",
    )


async def load(data_dir: Path, jobs: int) -> None:
    """Fill a new store in *data_dir* with *jobs* jobs, two events each."""
    store = await Store.open(data_dir, None, on_commit=lambda _committed: None)
    path = store.path
    await store.close()
    await asyncio.to_thread(_load_blocking, path, jobs)


def _load_blocking(path: Path, jobs: int) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous = OFF")
    # Indexes are many times quicker made at the end; on tables of ours alone, not of the index of words.
    late = connection.execute(
        "SELECT type, name, sql FROM sqlite_master"
        " WHERE type IN ('index', 'trigger') AND sql IS NOT NULL AND tbl_name NOT LIKE 'jobs_text%'"
    ).fetchall()
    connection.execute("BEGIN")
    for kind, name, _ in late:
        connection.execute(f"DROP {kind} {name}")
    rows = _rows(jobs)
    first = next(rows)
    marks = ", ".join("?" * len(first))
    insert = f"INSERT INTO jobs ({', '.join(first)}) VALUES ({marks})"
    connection.executemany(insert, (tuple(row.values()) for row in chain([first], rows)))
    connection.execute(
        "INSERT INTO job_events (seq, job_id, type, data, created) SELECT 2 * id - 1, id, 'JOB_CREATED',"
        """ '{"source_type":"direct","url_domain":"media.example.org"}', created FROM jobs"""
    )
    connection.execute(
        "INSERT INTO job_events (seq, job_id, type, data, created) SELECT 2 * id, id, 'STATUS_CHANGED',"
        """ '{"from":"PENDING","to":"QUEUED"}', created FROM jobs"""
    )
    connection.execute(
        "INSERT INTO groups (id, job_id, title, total, created)"
        f" SELECT DISTINCT group_id, NULL, 'A series', {GROUP_SIZE}, {CREATED} FROM jobs"
    )
    for _, _, sql in late:
        connection.execute(sql)
    connection.execute("INSERT INTO jobs_text (jobs_text) VALUES ('rebuild')")
    connection.execute("COMMIT")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def _rows(jobs: int) -> Iterator[dict[str, object]]:
    """What a submission would store, and what became of it."""
    unfinished = ["QUEUED"] * QUEUED + ["PENDING"] * PARKED + ["PAUSED"] * PAUSED
    for number in range(jobs):
        left, created = jobs - number, CREATED + number
        # The newest are what is not finished; before them, one in fifty failed or was cancelled.
        status = unfinished[left - 1] if left <= len(unfinished) else _ended(number)
        is_over = left > len(unfinished)
        speaker = "a rare speaker" if number % RARE_EVERY == 0 else "somebody"
        yield _cells(link(number), created, created) | {
            "id": number + 1,
            "status": status,
            "attempt": int(is_over),
            "group_id": number // GROUP_SIZE + 1,
            "title": f"Talk {number} of {speaker}",
            "size_bytes": 10**7,
            "bytes_done": 10**7 * is_over,
            "waiting_for": "auth:main" if status == "PENDING" else None,
            "finished": created + 60 if is_over else None,
        }


def _ended(number: int) -> str:
    return {7: "FAILED", 32: "CANCELLED"}.get(number % 50, "COMPLETED")
