"""Files that are there already become entries of the library.

Nothing is moved or changed unless it is asked for.
"""

from __future__ import annotations

import asyncio
import logging
import os
import stat
import time
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from core.config.settings import Settings
from core.domain.errors import InvalidRequest, MediaFailure
from core.domain.job import Kind
from core.domain.library import Imported, MediaItem
from core.domain.media import MediaInfo, Tags
from core.domain.text import for_log
from core.library.archive import NameTakenError, choose_blocking, place_blocking
from core.library.paths import filled_name
from core.links.identify import identify
from core.media.digest import sha256
from core.media.prober import Prober
from core.sources.archive_org.item import FILM_EXTENSIONS, SOUND_EXTENSIONS
from core.store.store import Store

log = logging.getLogger("reeldeck.engine")

SOURCE = "import"
EXTENSIONS = FILM_EXTENSIONS | SOUND_EXTENSIONS | {"ts"}
#: Names that are read from a folder at a time.
BATCH = 200
#: Figures are told no more often.
TELL_S = 0.25


@dataclass(frozen=True, slots=True)
class _Found:
    """A file as the folder tells of it."""

    path: Path
    size_bytes: int
    modified: float


class Importer:
    """Reads folders.

    Args:
        store: Where files are entered.
        prober: Opens them.
        settings: Say where our own files are, and how archived ones are called.
    """

    def __init__(self, store: Store, prober: Prober, settings: Settings) -> None:
        self._store = store
        self._prober = prober
        self._archive = settings.paths.archive
        self._template = settings.archive.template
        self._not_read = {settings.paths.tmp, settings.paths.log, settings.paths.runtime}
        self._is_busy = False

    async def run(self, folder: str, *, is_moving: bool) -> AsyncGenerator[Imported, None]:
        """Enter the sounds and films below *folder*; figures now and then, the last ones with `is_done`.

        Whatever was entered stays so when it is ended early; asked for again, it passes over that quickly.

        Args:
            folder: An absolute path. Symbolic links and hidden folders in it are left alone.
            is_moving: Move what is new into the archive. A file that is there twice stays where it is.

        Raises:
            InvalidRequest: It is no folder that can be read, or another import goes on.
        """
        root = Path(folder)
        if not root.is_absolute() or not await asyncio.to_thread(os.access, root, os.R_OK | os.X_OK):
            raise InvalidRequest("that is no folder that can be read", hint="Give the path of a folder.")
        if not await asyncio.to_thread(root.is_dir):
            raise InvalidRequest("that is a file", hint="Give the path of the folder that it is in.")
        if self._is_busy:
            raise InvalidRequest("another import goes on", hint="Wait for its end, or end it.")
        self._is_busy = True
        try:
            async with aclosing(self._import(root, is_moving=is_moving)) as telling:
                async for figures in telling:
                    yield figures
        finally:
            self._is_busy = False

    async def _import(self, root: Path, *, is_moving: bool) -> AsyncGenerator[Imported, None]:
        figures, told = Imported(), time.monotonic()
        yield figures
        async for found in self._files(root):
            figures = replace(
                figures, total=figures.total + 1, total_bytes=figures.total_bytes + found.size_bytes
            )
        yield figures
        async for found in self._files(root):
            figures = await self._take(root, found, figures, is_moving=is_moving)
            if time.monotonic() - told >= TELL_S:
                yield figures
                figures, told = replace(figures, problems=()), time.monotonic()
        log.info("a folder was imported", extra={"added": figures.added, "refused": figures.refused})
        yield replace(figures, is_done=True)

    async def _files(self, root: Path) -> AsyncGenerator[_Found, None]:
        walk = self._walk_blocking(root)
        while batch := await asyncio.to_thread(_next_blocking, walk):
            for found in batch:
                yield found

    def _walk_blocking(self, root: Path) -> Iterator[_Found]:
        for parent, folders, names in os.walk(root):
            here = Path(parent)
            folders[:] = sorted(
                name for name in folders if not name.startswith(".") and here / name not in self._not_read
            )
            for name in sorted(names):
                path = here / name
                if path.suffix.lower()[1:] not in EXTENSIONS or name.startswith(".") or path.is_symlink():
                    continue
                found = _facts_of_blocking(path)
                if found is not None:
                    yield found

    async def _take(self, root: Path, found: _Found, figures: Imported, *, is_moving: bool) -> Imported:
        figures = replace(figures, seen=figures.seen + 1, seen_bytes=figures.seen_bytes + found.size_bytes)
        path = str(found.path)
        known = await self._store.entries.known(path, size_bytes=found.size_bytes, modified=found.modified)
        if known is not None:
            if is_moving and known.source_type == SOURCE and not await self._store.copies.of(known):
                figures = replace(figures, moved=figures.moved + await self._archive_file(known, found))
            return replace(figures, known=figures.known + 1)
        try:
            return await self._read(root, found, figures, is_moving=is_moving)
        except MediaFailure as error:
            # It begins with the file's name.
            why = error.detail.removeprefix(f"{for_log(found.path.name)}: ")
            problems = (*figures.problems, f"{path}: {why}")
            return replace(figures, refused=figures.refused + 1, problems=problems)

    async def _read(self, root: Path, found: _Found, figures: Imported, *, is_moving: bool) -> Imported:
        if not _is_text(str(found.path)):
            raise MediaFailure("its name is no text in UTF-8")
        digest = await sha256(found.path)
        if await asyncio.to_thread(_facts_of_blocking, found.path) != found:
            raise MediaFailure("it is being written")
        same = await self._store.copies.with_content(digest)
        for item in same:
            if item.file_path == str(found.path) and item.removed is None:
                await self._move_entry(item, found)  # Only its time is another.
                return replace(figures, known=figures.known + 1)
        for item in same:
            if item.removed is not None or not await asyncio.to_thread(Path(item.file_path).is_file):
                await self._move_entry(item, found)
                return replace(figures, found_again=figures.found_again + 1)
        info = await self._prober.probe(found.path)
        tags = await self._prober.tags(found.path)
        facts = _facts(root, found, info, tags)
        item_id = await self._store.entries.enter({**facts, "sha256": digest, "created": time.time()})
        if same:
            return replace(figures, added=figures.added + 1, copies=figures.copies + 1)
        if is_moving:
            item = await self._store.library.get(item_id)
            figures = replace(figures, moved=figures.moved + await self._archive_file(item, found))
        return replace(figures, added=figures.added + 1)

    async def _archive_file(self, item: MediaItem, found: _Found) -> bool:
        """Move an entered file into the archive; False where it is there.

        A crash on the way leaves an entry without its file, which an import of the archive mends.
        """
        if found.path.is_relative_to(self._archive):
            return False
        facts = {
            "source": SOURCE,
            "id": f"i{item.id}",
            "chat": "",
            "media_id": item.media_id or f"i{item.id}",
        }
        relative = filled_name(
            self._template,
            facts,
            Tags(artist=item.artist, album=item.album, date=item.date),
            title=item.title or found.path.stem,
            created=found.modified,
            extension=found.path.suffix.lower()[1:],
        )
        while True:
            final = await asyncio.to_thread(choose_blocking, self._archive, relative)
            try:
                await asyncio.to_thread(place_blocking, found.path, final)
            except NameTakenError:
                continue
            break
        await self._move_entry(item, replace(found, path=final))
        return True

    async def _move_entry(self, item: MediaItem, found: _Found) -> None:
        await self._store.entries.move(item, str(found.path), modified=found.modified, now=time.time())


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _facts_of_blocking(path: Path) -> _Found | None:
    """None when it went away meanwhile, and when it is a pipe or the like, which may never end."""
    try:
        facts = path.stat()
    except OSError:
        return None
    if not stat.S_ISREG(facts.st_mode):
        return None
    return _Found(path, facts.st_size, facts.st_mtime)


def _next_blocking(walk: Iterator[_Found]) -> Sequence[_Found]:
    return list(islice(walk, BATCH))


def _facts(root: Path, found: _Found, info: MediaInfo, tags: Tags) -> dict[str, object]:
    """What an entry says of a file: its tags, and where they are silent, its name and folder."""
    film, folder = info.video, found.path.parent
    link = tags.source_url or ""
    identity = identify(link) if link else None
    return {
        "source_type": SOURCE,
        "media_id": str(identity) if identity else None,
        # Never where it lies here: what is sent to chats says where it came from.
        "url": link,
        "title": tags.title or found.path.stem,
        "artist": tags.artist,
        "album": tags.album or (folder.name if folder != root else None),
        "track_number": tags.track_number,
        "date": tags.date,
        "kind": Kind.VIDEO if film else Kind.AUDIO,
        "container": info.container,
        "duration_s": info.duration_s,
        "size_bytes": info.size_bytes,
        "width": film.width if film else None,
        "height": film.height if film else None,
        "file_path": str(found.path),
        "modified": found.modified,
    }
