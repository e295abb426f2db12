"""A backup: one tar file that says of itself what it holds, and can prove it.

Its first member is `manifest.json` with the size and sha256 of each of the others. It is made beside its
final name and gets that name when it is whole and on disk. Everything here blocks.
"""

from __future__ import annotations

import errno
import hashlib
import io
import json
import shutil
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from core.domain.errors import DiskFull, InvalidRequest, ReeldeckError, StoreFailure
from core.domain.job import iso
from core.store.folder import private_file, settle_blocking

#: What else a backup may hold has other members, which older versions leave aside.
FORMAT = 1
MANIFEST = "manifest.json"
DATABASE = "reeldeck.db"
CONFIG = "config.toml"
SESSION = "telegram.session"
API_HASH = "telegram_api_hash"
#: In the order in which they stand in the file. No other name is ever read from one.
MEMBERS = (DATABASE, CONFIG, SESSION, API_HASH)
_MAX_MANIFEST_BYTES = 64 * 1024
_CHUNK_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Entry:
    """One file in a backup."""

    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a backup says of itself."""

    #: ISO 8601 UTC.
    created: str
    #: Of the Reeldeck that made it.
    version: str
    #: The migrations that its database has seen.
    schema: tuple[str, ...]
    job_count: int
    #: Whether the configuration stands in it with its secrets, and Telegram's login where there was one.
    has_secrets: bool
    files: Mapping[str, Entry]

    def to_json(self) -> dict[str, Any]:
        """As it is stored."""
        return {"format": FORMAT, **asdict(self)}


def pack_blocking(
    to: Path,
    files: Mapping[str, Path],
    *,
    version: str,
    schema: tuple[str, ...],
    job_count: int,
    has_secrets: bool,
    now: float,
) -> Manifest:
    """Put *files*, whose names are of MEMBERS, into the backup *to* (0600), in place of an older one.

    Raises:
        InvalidRequest: *to* is there and is no backup, or cannot be written.
        DiskFull: There is no room.
    """
    refuse_strangers_blocking(to)
    manifest = Manifest(
        created=iso(now) or "",
        version=version,
        schema=schema,
        job_count=job_count,
        has_secrets=has_secrets,
        files={name: _entry(files[name]) for name in MEMBERS if name in files},
    )
    draft = to.with_name(f".{to.name}.partial")
    with translated(to):
        draft.unlink(missing_ok=True)
        private_file(draft)
        try:
            with tarfile.open(draft, "w", format=tarfile.PAX_FORMAT) as tar:
                text = json.dumps(manifest.to_json(), indent=1).encode()
                tar.addfile(_member(MANIFEST, len(text), now), io.BytesIO(text))
                for name, entry in manifest.files.items():
                    with files[name].open("rb") as stream:
                        tar.addfile(_member(name, entry.size_bytes, now), stream)
            settle_blocking(draft, to)
        finally:
            draft.unlink(missing_ok=True)
    return manifest


def unpack_blocking(backup: Path, into: Path) -> Manifest:
    """Write the members of *backup* into the folder *into* (each 0600), each as its sha256 says it must be.

    Raises:
        InvalidRequest: It is no backup, cannot be read, or is one of a newer Reeldeck.
        StoreFailure: It is damaged.
        DiskFull: There is no room.
    """
    with translated(backup), _opened(backup) as tar:
        manifest = _read_manifest(tar, backup)
        needed = sum(entry.size_bytes for entry in manifest.files.values())
        if shutil.disk_usage(into).free < needed:
            raise DiskFull(f"{needed} bytes are needed in {into}")
        left = dict(manifest.files)
        for member in tar:
            if member.name in left and member.isfile():
                _extract(tar, member, left.pop(member.name), into / member.name)
        if left:
            raise _damaged(f"{min(left)} is missing")
    return manifest


def read_manifest_blocking(backup: Path) -> Manifest:
    """What *backup* says that it holds; nothing else of it is read.

    Raises:
        InvalidRequest: It is no backup, cannot be read, or is one of a newer Reeldeck.
    """
    with translated(backup), _opened(backup) as tar:
        return _read_manifest(tar, backup)


def refuse_strangers_blocking(to: Path) -> None:
    """Raise InvalidRequest when *to* has no folder, or is something else than a backup."""
    if not to.parent.is_dir():
        raise InvalidRequest(f"the folder {to.parent} does not exist", hint="Make it, or name another.")
    if to.exists():
        try:
            read_manifest_blocking(to)
        except ReeldeckError as error:
            raise InvalidRequest(
                f"{to} is there already, and is no backup", hint="Name another file, or remove it."
            ) from error


def _entry(file: Path) -> Entry:
    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
        return Entry(stream.tell(), digest)


def _member(name: str, size_bytes: int, now: float) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.mode, info.mtime = size_bytes, 0o600, int(now)
    return info


@contextmanager
def _opened(backup: Path) -> Iterator[tarfile.TarFile]:
    try:
        # "r:", not "r": nothing is ever unpacked that was packed to be huge.
        with tarfile.open(backup, "r:") as tar:
            yield tar
    except tarfile.TarError as error:
        raise _foreign(backup) from error


def _read_manifest(tar: tarfile.TarFile, backup: Path) -> Manifest:
    first = tar.next()
    stream = tar.extractfile(first) if first is not None and first.name == MANIFEST else None
    if stream is None:
        raise _foreign(backup)
    try:
        told = json.loads(stream.read(_MAX_MANIFEST_BYTES))
        if told["format"] > FORMAT:
            raise InvalidRequest(
                f"{backup} was made by a newer Reeldeck ({told['version']})", hint="Update Reeldeck first."
            )
        return Manifest(
            created=str(told["created"]),
            version=str(told["version"]),
            schema=tuple(map(str, told["schema"])),
            job_count=int(told["job_count"]),
            has_secrets=bool(told["has_secrets"]),
            files={name: Entry(**told["files"][name]) for name in MEMBERS if name in told["files"]},
        )
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise _foreign(backup) from error


def _extract(tar: tarfile.TarFile, member: tarfile.TarInfo, entry: Entry, to: Path) -> None:
    stream = tar.extractfile(member)
    assert stream is not None, "a regular file has contents"
    private_file(to)
    with to.open("wb") as copy:
        digest = _copy(stream, copy)
    if (member.size, digest) != (entry.size_bytes, entry.sha256):
        raise _damaged(f"{member.name} is not what it was")


def _copy(stream: IO[bytes], to: IO[bytes]) -> str:
    """Copy to the end; the sha256 of what was copied."""
    digest = hashlib.sha256()
    while chunk := stream.read(_CHUNK_BYTES):
        digest.update(chunk)
        to.write(chunk)
    return digest.hexdigest()


@contextmanager
def translated(file: Path) -> Iterator[None]:
    """What the system says of *file*, as our errors."""
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise DiskFull(str(file.parent)) from error
        raise InvalidRequest(
            f"{file}: {error.strerror or error}", hint="Name another file, or change its owner or mode."
        ) from error


def _foreign(backup: Path) -> InvalidRequest:
    return InvalidRequest(f"{backup} is no backup of Reeldeck", hint="Make one: reeldeck backup FILE")


def _damaged(what: str) -> StoreFailure:
    return StoreFailure(f"the backup is damaged: {what}", hint="Use another one; nothing was changed.")
