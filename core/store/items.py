"""The library's items: written when their jobs end, in the same transaction, with what they are found by."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Any
from urllib.parse import urlsplit

from core.domain.errors import NoSuchEntry
from core.domain.folding import stem_of, words_of
from core.domain.job import Job, JobStatus, Kind
from core.domain.library import FacetName, MediaItem
from core.domain.tags import tag_key
from core.store.buckets import tokens_of
from core.store.rows import JOB, Reader, Row, job_of, placeholders, to_cell
from core.store.tag_counts import count
from core.store.transaction import Transaction
from core.store.typos import MIN_WORD_CHARS, pieces_of

ITEM_COLUMNS = tuple(field.name for field in dataclasses.fields(MediaItem))
#: As every SELECT of items lists them.
ITEM = ", ".join(ITEM_COLUMNS)
#: What the index is made of.
_INDEXED = (*ITEM_COLUMNS, "day")
#: What an entry is made of.
WRITTEN = (*(name for name in ITEM_COLUMNS if name not in {"id", "tags"}), "day", "modified")

#: Words of one column that are indexed at most.
MAX_WORDS = 200
#: What every item has: a word of one letter, as in `core.store.buckets`.
ANY_ITEM = "\U000f3fff"
#: Between the words of a column and their stems, so that no phrase goes from one to the other.
_STEMS = "="
_NO_FACET = re.compile(r"[^a-z0-9_.-]")
_DATE = re.compile(r"(\d{4})(-(?:0[1-9]|1[0-2]))?(-(?:0[1-9]|[12]\d|3[01]))?", re.ASCII)


def facet(name: FacetName, value: object) -> str:
    """The token that stands for a property in the index."""
    if name == "tag":
        return f"={name}={tag_key(str(value))}"
    return f"={name}={_NO_FACET.sub('_', str(value).lower())}"


def begins(word: str) -> str:
    """The token that says by which word a title begins."""
    return f"=begins={word}"


def item_of(row: Row) -> MediaItem:
    """A row that begins with ITEM_COLUMNS."""
    values = dict(zip(ITEM_COLUMNS, row, strict=False))
    return MediaItem(**{**values, "kind": Kind(values["kind"]), "tags": _tags(values)})


def _tags(cells: Mapping[str, Any]) -> tuple[str, ...]:
    tags = cells.get("tags")
    return tuple(json.loads(tags)) if tags else ()


async def add(transaction: Transaction, job: Job) -> None:
    """Put the file of a job that is done into the library; *job* has the checkpoint that its stages left.

    A file that another job has brought already stays as it is; one that took another's place replaces it.
    """
    if job.status is not JobStatus.COMPLETED or job.file_path is None:
        return
    await put(transaction, cells_of(job) | await _origin(transaction, job.id))


async def _origin(transaction: Transaction, job_id: int) -> dict[str, Any]:
    """The message that was the first to ask for a job's file, where one did."""
    row = await transaction.row(
        "SELECT reply_to, topic_id FROM deliveries WHERE job_id = ? AND reply_to IS NOT NULL"
        " ORDER BY id LIMIT 1",
        job_id,
    )
    return {"message_id": row["reply_to"], "topic_id": row["topic_id"]} if row is not None else {}


async def put(transaction: Transaction, cells: Mapping[str, Any]) -> int | None:
    """Enter a file by its path, or what is another file by now; its id, None where nothing changed.

    *cells* holds every column but the id and the tags, which stay.
    """
    others = ", ".join(f"{name} = excluded.{name}" for name in WRITTEN)
    row = await transaction.row(
        f"INSERT INTO media_items ({', '.join(WRITTEN)}) VALUES ({placeholders(len(WRITTEN))})"  # noqa: S608 -- constants
        f" ON CONFLICT (file_path) DO UPDATE SET {others}"
        " WHERE sha256 IS NOT excluded.sha256 OR removed IS NOT NULL RETURNING id, tags",
        *(cells[name] for name in WRITTEN),
    )
    if row is None:
        return None
    await index(transaction, row["id"], {**cells, "tags": row["tags"]})
    return int(row["id"])


async def get(reader: Reader, item_id: int) -> MediaItem:
    """One item.

    Raises:
        NoSuchEntry: There is none.
    """
    rows = await reader.rows(f"SELECT {ITEM} FROM media_items WHERE id = ?", item_id)  # noqa: S608 -- constants
    if not rows:
        raise NoSuchEntry(f"the library has no item {item_id}", hint="Search for it: reeldeck search WORDS")
    return item_of(rows[0])


async def rename(transaction: Transaction, job: Job) -> None:
    """Give the entry of a job, if there is one, the job's new title."""
    await _amend(transaction, "title = ? WHERE job_id = ?", job.title, job.id)


async def write_tags(transaction: Transaction, item_id: int, tags: Sequence[str]) -> None:
    """Give an item these tags in place of those that it had."""
    await _amend(transaction, "tags = ? WHERE id = ?", json.dumps(tags) if tags else None, item_id)


async def _amend(transaction: Transaction, what: str, value: str | None, which: int) -> None:
    row = await transaction.row(
        f"UPDATE media_items SET {what} RETURNING {', '.join(_INDEXED)}",  # noqa: S608 -- constants
        *(value, which),
    )
    if row is not None:
        await index(transaction, row["id"], dict(zip(_INDEXED, row, strict=True)))


async def remove(transaction: Transaction, file_path: str, *, but: int | None = None) -> None:
    """Take a file that is not there any more out of the library, unless it is the item *but*."""
    row = await transaction.row(
        "DELETE FROM media_items WHERE file_path = ? AND id IS NOT ? RETURNING id, tags", file_path, but
    )
    if row is not None:
        await transaction.execute("DELETE FROM media_text WHERE rowid = ?", row["id"])
        if tags := _tags({"tags": row["tags"]}):
            await count(transaction, tags, -1)


async def index(transaction: Transaction, item_id: int, cells: Mapping[str, Any]) -> None:
    """Let an item be found by what it is now."""
    await transaction.execute("DELETE FROM media_text WHERE rowid = ?", item_id)
    text = text_of(cells)
    await transaction.execute(
        f"INSERT INTO media_text (rowid, {', '.join(text)}) VALUES (?, {placeholders(len(text))})",  # noqa: S608 -- constants
        *(item_id, *text.values()),
    )
    await _learn(transaction, vocabulary_of(cells))


async def add_after(transaction: Transaction, *, job_id: int, limit: int) -> int | None:
    """`add` for the next jobs after this one; the id of the last of them, None when there are no more."""
    rows = await transaction.rows(
        f"SELECT {JOB} FROM jobs WHERE status = 'COMPLETED' AND id > ? ORDER BY id LIMIT ?",  # noqa: S608 -- constants
        *(job_id, limit),
    )
    jobs = [job_of(row) for row in rows]
    for job in jobs:
        await add(transaction, job)
    return jobs[-1].id if jobs else None


def cells_of(job: Job) -> dict[str, Any]:
    """What is kept of a finished job's file; tags and streams are what its stages left in the checkpoint."""
    tags = _mapping(_mapping(job.checkpoint.get("resolution")).get("tags"))
    info = _mapping(job.checkpoint.get("info"))
    streams = [_mapping(stream) for stream in info.get("streams") or ()]
    film = next((each for each in streams if each.get("type") == "video" and not each.get("is_cover")), None)
    created = job.finished or job.updated
    values = {
        "job_id": job.id,
        "source_type": job.source_type,
        "media_id": job.media_id,
        "url": job.url,
        "title": job.title or tags.get("title") or PurePath(job.file_path or "").stem,
        "artist": tags.get("artist"),
        "album": tags.get("album"),
        "track_number": tags.get("track_number"),
        "date": tags.get("date"),
        "kind": _kind(job, film, streams),
        "container": info.get("container"),
        "duration_s": info.get("duration_s") or job.duration_s,
        "size_bytes": job.size_bytes,
        "width": film.get("width") if film else None,
        "height": film.get("height") if film else None,
        "file_path": job.file_path,
        "sha256": job.sha256,
        "user_id": job.user_id,
        "chat_id": job.chat_id,
        "created": created,
        "performers": tags.get("performers"),
        "message_id": None,
        "topic_id": None,
        "removed": None,
        "modified": None,
        "day": day_of(tags.get("date"), created),
    }
    return {name: to_cell(name, value) for name, value in values.items()}


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _kind(job: Job, film: object, streams: Sequence[object]) -> Kind:
    if streams:
        return Kind.VIDEO if film else Kind.AUDIO
    return Kind.AUDIO if job.kind is Kind.AUDIO else Kind.VIDEO


def day_of(date: str | None, created: float) -> str:
    """The whole day that searches compare: of the thing where its date is known, else of its arrival."""
    found = _DATE.match(date or "")
    if found is None:
        return datetime.fromtimestamp(created, UTC).strftime("%Y-%m-%d")
    return found[1] + (found[2] or "-01") + (found[3] or "-01")


def text_of(cells: Mapping[str, Any]) -> dict[str, str]:
    """The columns of the index for an item."""
    link = urlsplit(cells["url"])
    # What has no link is known by the name of its file.
    place = link.path or PurePath(cells["file_path"]).stem
    tags = " ".join(_tags(cells))
    other = words_of(f"{tags} {cells['media_id'] or ''} {link.hostname or ''} {place}")
    return {
        "title": _indexed(words_of(cells["title"] or "")),
        "artist": _indexed(words_of(f"{cells['artist'] or ''} {cells['performers'] or ''}")),
        "album": _indexed(words_of(cells["album"] or "")),
        "other": " ".join(other[:MAX_WORDS]),
        "facets": " ".join(_facets(cells, link.hostname or "")),
    }


def _indexed(words: list[str]) -> str:
    words = words[:MAX_WORDS]
    stems = [stem for word in words if (stem := stem_of(word, conjunction=True)) is not None]
    return " ".join([*words, _STEMS, *stems] if stems else words)


def _facets(cells: Mapping[str, Any], host: str) -> Iterator[str]:
    yield ANY_ITEM
    yield facet("kind", cells["kind"])
    yield from tokens_of(cells)
    if words := words_of(cells["title"] or ""):
        yield begins(words[0])
    # People know a site by the name in its address; `youtube` and `youtube.com` both name it.
    labels = host.removeprefix("www.").split(".")
    sites = {cells["source_type"], ".".join(labels[-2:]), labels[-2] if len(labels) > 1 else host} - {""}
    yield from (facet("source", site) for site in sorted(sites))
    if cells["chat_id"] is not None:
        yield facet("chat", cells["chat_id"])
    if cells["user_id"] is not None:
        yield facet("user", cells["user_id"])
    yield from (facet("tag", name) for name in _tags(cells))


def vocabulary_of(cells: Mapping[str, Any]) -> set[str]:
    """Words that people may mistype."""
    names = ("title", "artist", "performers", "album")
    text = " ".join(cells[name] or "" for name in names)
    return {word for word in words_of(text)[:MAX_WORDS] if len(word) >= MIN_WORD_CHARS and word.isalpha()}


async def _learn(transaction: Transaction, words: Iterable[str]) -> None:
    wanted = sorted(words)
    if not wanted:
        return
    rows = await transaction.rows(
        f"INSERT INTO library_words (word) VALUES {', '.join(['(?)'] * len(wanted))}"  # noqa: S608 -- placeholders
        " ON CONFLICT (word) DO NOTHING RETURNING id, word",
        *wanted,
    )
    if rows:
        await transaction.execute_many(
            "INSERT INTO library_pieces (rowid, pieces) VALUES (?, ?)",
            [[row["id"], " ".join(pieces_of(row["word"]))] for row in rows],
        )
