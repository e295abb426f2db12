"""Files as a messenger needs them: probed, with a picture, and in parts where they are too large."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

from core.domain.errors import MediaFailure, NotFound
from core.domain.job import Job
from core.domain.media import MediaInfo, Picture, Tags
from core.engine.telegram.leavings import Leavings
from core.engine.toolbox import Toolbox
from core.media.split import SplitTools, split

#: What the parts are, beside them: written once all are there.
_LIST = "parts.json"
_STEM = "file"
#: Films begin in the dark: where a picture is taken, as a share of the duration.
LOOK_AT = 0.1


class FileDesk:
    """Reads and cuts finished files.

    Args:
        tools: What does it.
        leavings: Says where parts are kept.
    """

    def __init__(self, tools: Toolbox, leavings: Leavings) -> None:
        self._tools = tools
        self._leavings = leavings
        self._one_at_a_time = asyncio.Lock()

    async def probe(self, path: str) -> MediaInfo:
        """What is in a file.

        Raises:
            MediaFailure: It is no media file, or damaged.
        """
        return await self._tools.prober.probe(Path(path))

    async def picture(self, path: str, *, max_side: int, max_bytes: int) -> Picture | None:
        """What it looks like, None when there is nothing to be seen."""
        try:
            info = await self._tools.prober.probe(Path(path), measure=False)
            return await self._tools.prober.picture(
                Path(path), at_s=(info.duration_s or 0) * LOOK_AT, longest=max_side, max_bytes=max_bytes
            )
        except MediaFailure:
            return None

    async def parts_of(self, job: Job, *, max_bytes: int) -> list[str]:
        """Paths of the parts of a job's file; the file itself where it is small enough.

        Raises:
            NotFound: The job's file is gone.
            SizeLimit, MediaFailure, DiskFull, StageTimeout, Stalled: As `core.media.split`.
        """
        if job.file_path is None or not await asyncio.to_thread(Path(job.file_path).is_file):
            raise NotFound("the file is gone", hint=f"Fetch it again: reeldeck add --force {job.url}")
        folder = self._leavings.folder_of(job.id)
        async with self._one_at_a_time:
            if (made := await asyncio.to_thread(_made_blocking, folder, max_bytes)) is not None:
                return made
            await asyncio.to_thread(folder.mkdir, mode=0o700, parents=True, exist_ok=True)
            timeouts = self._tools.settings.timeouts
            tools = SplitTools(
                ffmpeg=self._tools.ffmpeg,
                prober=self._tools.prober,
                timeout_s=timeouts.postprocess_s,
                stall_s=timeouts.stall_s,
            )
            parts = await split(
                tools, Path(job.file_path), folder / _STEM, limit_bytes=max_bytes, tags=Tags(title=job.title)
            )
            paths = [str(part.path) for part in parts]
            await asyncio.to_thread(_note_blocking, folder, max_bytes, paths)
        return paths


def _made_blocking(folder: Path, max_bytes: int) -> list[str] | None:
    """The parts that were made before, if they are all there."""
    try:
        told = json.loads((folder / _LIST).read_text())
    except (OSError, ValueError):
        return None
    paths: list[str] = told["paths"]
    return paths if told["max_bytes"] == max_bytes and all(Path(path).is_file() for path in paths) else None


def _note_blocking(folder: Path, max_bytes: int, paths: Sequence[str]) -> None:
    (folder / _LIST).write_text(json.dumps({"max_bytes": max_bytes, "paths": list(paths)}))
