"""P11: files to and from Telegram beside plain Telethon, on a Telegram of this machine."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bench.figures import Figure, at_most
from bench.race import TIMEOUT_S, Contestant, Run, Taken, race
from bench.transfer import Event, Goal, run

MB = 10**6
FAR_S = 0.05
#: By so much the process may grow more for a file of four times the size.
FLAT_MIB = 8.0


async def measure() -> list[Figure]:
    """Both ways, near and far, and the memory that it takes."""
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="reeldeck-bench-telegram-") as folder:
        home = Path(folder)
        with served(home / "near", 100 * MB) as near:
            figures += near.raced("P11", "100 MB, no latency", up=3.0, down=1.4, rounds=5)
            small = near.grown()
        with served(home / "far", 25 * MB, round_trip_s=FAR_S) as far:
            figures += far.raced("P11 far", "25 MB, 50 ms away", up=6.0, down=6.0, rounds=3)
        with served(home / "large", 400 * MB) as large:
            figures += [
                at_most(f"P11 {way}: memory, 400 MB beside 100 MB", grown - small[way], "MiB", limit=FLAT_MIB)
                for way, grown in large.grown().items()
            ]
    return figures


class Served:
    """A Telegram that is up, with a file in a message, and that file here."""

    def __init__(self, told: Mapping[str, Any], stored: Path, file: Path) -> None:
        self._told, self._stored, self._file = told, stored, file
        self._wanted = _sha256(file)

    def raced(self, name: str, about: str, *, up: float, down: float, rounds: int) -> Iterator[Figure]:
        """Telethon and Reeldeck in turns; they are to win by so many times."""
        for way, times, check in (("up", up, self._check_sent), ("down", down, self._check_got)):
            ours, theirs = f"reeldeck {way}", f"telethon {way}"
            yield from run(
                Event(
                    id=f"{name} {way}",
                    about=about,
                    ours={ours: self._does(ours)},
                    peers={theirs: self._does(theirs)},
                    goals=[Goal(contestant=ours, than=theirs, times=times)],
                    check=check,
                    rounds=rounds,
                )
            )

    def grown(self) -> dict[str, float]:
        """MiB by which a process grows over one transfer of ours, by way."""
        taken: dict[str, Taken] = {}
        for way, check in (("reeldeck up", self._check_sent), ("reeldeck down", self._check_got)):
            taken |= race({way: self._does(way)}, rounds=1, check=check)
        for way, one in taken.items():
            if one.failure is not None:
                raise SystemExit(f"{way}: {one.failure}")
        return {way: one.rss_bytes / 2**20 for way, one in taken.items()}

    def _does(self, way: str) -> Contestant:
        def transfer(folder: Path) -> Run:
            path = self._file if way.endswith("up") else folder / "out"
            options = json.dumps({**self._told, "way": way, "path": str(path)})
            told = subprocess.run(
                [sys.executable, "-m", "bench.telegram_ends", "run", options],
                capture_output=True,
                text=True,
                timeout=TIMEOUT_S,
                check=False,
            )
            if told.returncode:
                raise ValueError(told.stderr.strip().splitlines()[-1])
            took = json.loads(told.stdout)
            return Run(took["wall_s"], took["cpu_s"], int(took["rss_bytes"]))

        return transfer

    def _check_got(self, folder: Path) -> None:
        _compare(folder / "out", self._wanted)

    def _check_sent(self, _: Path) -> None:
        newest = max(self._stored.iterdir(), key=lambda path: path.stat().st_mtime)
        _compare(newest, self._wanted)
        newest.unlink()


@contextlib.contextmanager
def served(folder: Path, size_bytes: int, *, round_trip_s: float = 0.0) -> Iterator[Served]:
    """A Telegram in a process of its own."""
    folder.mkdir()
    file = folder / "film.bin"
    with file.open("wb") as out:
        for _ in range(size_bytes // MB):
            out.write(os.urandom(MB))
    options = {"folder": str(folder), "file": str(file), "round_trip_s": round_trip_s}
    with subprocess.Popen(
        [sys.executable, "-m", "bench.telegram_ends", "serve", json.dumps(options)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield Served(json.loads(process.stdout.readline()), folder / "files", file)
        finally:
            process.stdin.close()
            process.wait()


def _compare(path: Path, wanted: str) -> None:
    if _sha256(path) != wanted:
        raise ValueError("the file is not the original")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
