"""Bytes of uploads and files, on disk: parts as they come, joined when a message takes them
(core.telegram.org/api/files).
"""

from __future__ import annotations

import hashlib
import os
import struct
from pathlib import Path
from typing import Any

from telethon.tl import types

from tests.fakes.telegram.state import State, Stored
from tests.fakes.telegram.wire import Refused

PART_BYTES = 512 * 1024
MAX_PARTS = 4000
_BLOCK = 1024 * 1024
#: From this size on clients must use saveBigFilePart.
_BIG_BYTES = 10 * _BLOCK


class Files:
    """What is uploaded and what is stored, below *folder*."""

    def __init__(self, folder: Path, state: State) -> None:
        self._folder, self._state = folder, state
        #: Without Premium; with it twice as many.
        self.max_parts = MAX_PARTS
        folder.mkdir(parents=True, exist_ok=True)

    def path(self, stored: int) -> Path:
        """Where the bytes of a stored file are."""
        return self._folder / f"{stored}"

    def save_part(self, account: int, file_id: int, index: int, data: bytes) -> bool:
        """Take one part, in any order, again if need be. Raises Refused for what the service refuses."""
        premium = self._state.accounts[account].premium
        if not 0 <= index < self.max_parts * (2 if premium else 1):
            raise Refused("FILE_PART_INVALID")
        if not data:
            raise Refused("FILE_PART_EMPTY")
        if len(data) > PART_BYTES:
            raise Refused("FILE_PART_TOO_BIG")
        self._state.uploads.setdefault(f"{account}:{file_id}", {})[index] = len(data)
        handle = os.open(self._parts(account, file_id), os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            os.pwrite(handle, data, index * PART_BYTES)
        finally:
            os.close(handle)
        return True

    def join(self, account: int, given: Any) -> Stored:
        """An InputFile or InputFileBig as a stored file. Raises Refused: parts are missing or do not fit."""
        key = f"{account}:{given.id}"
        sizes = self._state.uploads.get(key, {})
        _check_parts(sizes, given.parts)
        joined, total = self._joined(account, given, sizes)
        is_big = isinstance(given, types.InputFileBig)
        if not is_big and given.md5_checksum and given.md5_checksum != _md5(joined):
            raise Refused("MD5_CHECKSUM_INVALID")
        if is_big != (total > _BIG_BYTES):
            raise Refused("FILE_PARTS_INVALID")
        stored = self.keep(joined)
        del self._state.uploads[key]
        self._parts(account, given.id).unlink(missing_ok=True)
        return stored

    def keep(self, source: Path | bytes) -> Stored:
        """Store bytes, or a file that is moved here."""
        stored = Stored(self._state.fresh_id(), 0, "application/octet-stream", 0, 0)
        path = self.path(stored.id)
        if isinstance(source, bytes):
            path.write_bytes(source)
        else:
            source.rename(path)
        stored.size_bytes = path.stat().st_size
        stored.width, stored.height = jpeg_size(path)
        self._state.files[stored.id] = stored
        return stored

    def read(self, stored: Stored, request: Any) -> bytes:
        """A range of a file, within the rules of upload.getFile. Raises Refused."""
        offset, limit = request.offset, request.limit
        unit = 1024 if request.precise else 4096
        if offset < 0 or offset % unit:
            raise Refused("OFFSET_INVALID")
        if limit <= 0 or limit % unit or limit > _BLOCK or (not request.precise and _BLOCK % limit):
            raise Refused("LIMIT_INVALID")
        if not request.precise and offset // _BLOCK != (offset + limit - 1) // _BLOCK:
            raise Refused("LIMIT_INVALID")
        with self.path(stored.id).open("rb") as file:
            file.seek(offset)
            return file.read(limit)

    def _parts(self, account: int, file_id: int) -> Path:
        return self._folder / f"upload-{account}-{file_id}"

    def _joined(self, account: int, given: Any, sizes: dict[int, int]) -> tuple[Path, int]:
        """The parts side by side. They lie PART_BYTES apart, so whole parts are in place already."""
        parts = self._parts(account, given.id)
        total = sum(sizes.values())
        if sizes[0] == PART_BYTES or len(sizes) == 1:
            return parts, total
        joined = parts.with_suffix(".joined")
        with parts.open("rb") as source, joined.open("wb") as target:
            for index in range(given.parts):
                source.seek(index * PART_BYTES)
                target.write(source.read(sizes[index]))
        parts.unlink()
        return joined, total


def _check_parts(sizes: dict[int, int], expected: int) -> None:
    if not sizes or len(sizes) > expected:
        raise Refused("FILE_PARTS_INVALID")
    for index in range(expected):
        if index not in sizes:
            raise Refused(f"FILE_PART_{index}_MISSING")
    first, last = sizes[0], sizes[expected - 1]
    if any(sizes[index] != first for index in range(expected - 1)) or last > first:
        raise Refused("FILE_PART_SIZE_CHANGED")
    if expected > 1 and (first % 1024 or PART_BYTES % first):
        raise Refused("FILE_PART_SIZE_INVALID")


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()


def jpeg_size(path: Path) -> tuple[int, int]:
    """Width and height by a JPEG's frame header; zeros for anything else."""
    with path.open("rb") as file:
        if file.read(2) != b"\xff\xd8":
            return 0, 0
        while len(head := file.read(4)) == 4:
            marker, length = struct.unpack(">HH", head)
            if 0xFFC0 <= marker <= 0xFFC3:
                height, width = struct.unpack(">xHH", file.read(5))
                return width, height
            file.seek(length - 2, os.SEEK_CUR)
    return 0, 0
