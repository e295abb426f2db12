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
from bench.race import TIMEOUT_S, Check, Contestant, Run, race
from bench.transfer import Event, Goal, run
from tests.fakes.media import audio_m4a

MB = 10**6
FAR_S = 0.05
#: By so much a process may grow over a transfer of any size: a window of parts, and copies of them.
MOST_MIB = 40.0
LECTURES = 1000


async def measure() -> list[Figure]:
    """Both ways, near and far, the memory that it takes, and many small files."""
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="reeldeck-bench-telegram-") as folder:
        home = Path(folder)
        with served(home / "near", _film(home / "100", 100)) as near:
            figures += near.raced("P11", "100 MB, no latency", up=3.0, down=1.4, rounds=5)
        with served(home / "far", _film(home / "25", 25), round_trip_s=FAR_S) as far:
            figures += far.raced("P11 far", "25 MB, 50 ms away", up=6.0, down=6.0, rounds=3)
        with served(home / "large", _film(home / "400", 400)) as large:
            figures += [
                at_most(f"P11 {way}: memory that 400 MB take", grown, "MiB", limit=MOST_MIB)
                for way, grown in large.grown().items()
            ]
        song = audio_m4a(home / "song.m4a", 8)
        with served(home / "many far", song, messages=LECTURES, round_trip_s=FAR_S) as many:
            figures += many.collected("P11 collect far", "50 ms away", times=4.0)
        # No goal: without distance there is nothing to wait for, and a loop does none of what proves a file.
        with served(home / "many", song, messages=LECTURES) as many:
            figures += many.collected("P11 collect", "no latency")
    return figures


class Served:
    """A Telegram that is up, with a file in messages of a chat, and that file here."""

    def __init__(self, told: Mapping[str, Any], stored: Path, file: Path, messages: int) -> None:
        self._told, self._stored, self._file, self._messages = told, stored, file, messages
        self._wanted = _sha256(file)

    def raced(self, name: str, about: str, *, up: float, down: float, rounds: int) -> Iterator[Figure]:
        """Telethon and Reeldeck in turns; ours is to be so many times as fast."""
        for way, times, check in (("up", up, self._check_sent), ("down", down, self._check_got)):
            ours, theirs = f"reeldeck {way}", f"telethon {way}"
            yield from run(self._event(f"{name} {way}", about, ours, theirs, times, check, rounds))

    def collected(self, name: str, distance: str, *, times: float = 0.0) -> Iterator[Figure]:
        """The whole chat, as jobs of a fresh engine, and as a script would do it."""
        about = f"{self._messages} files of {self._file.stat().st_size // 1000} kB, {distance}"
        ours, theirs = "reeldeck collect", "telethon loop"
        yield from run(self._event(name, about, ours, theirs, times, self._check_all, 1))

    def grown(self) -> dict[str, float]:
        """MiB by which a process grows over one transfer of ours, by way."""
        ways = {"reeldeck up": self._check_sent, "reeldeck down": self._check_got}
        grown = {}
        for way, check in ways.items():
            (taken,) = race({way: self._does(way)}, rounds=1, check=check).values()
            if taken.failure is not None:
                raise SystemExit(f"{way}: {taken.failure}")
            grown[way] = taken.rss_bytes / 2**20
        return grown

    def _event(
        self, name: str, about: str, ours: str, theirs: str, times: float, check: Check, rounds: int
    ) -> Event:
        return Event(
            id=name,
            about=about,
            ours={ours: self._does(ours)},
            peers={theirs: self._does(theirs)},
            goals=[Goal(contestant=ours, than=theirs, times=times)] if times else [],
            check=check,
            rounds=rounds,
        )

    def _does(self, way: str) -> Contestant:
        def work(folder: Path) -> Run:
            path = {"up": self._file, "down": folder / "out.bin"}.get(way.split()[1], folder)
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

        return work

    def _check_got(self, folder: Path) -> None:
        _compare(folder / "out.bin", self._wanted)

    def _check_sent(self, _: Path) -> None:
        newest = max(self._stored.iterdir(), key=lambda path: path.stat().st_mtime)
        _compare(newest, self._wanted)
        newest.unlink()

    def _check_all(self, folder: Path) -> None:
        found = sum(1 for _ in folder.rglob("*.m4a"))
        if found != self._messages:
            raise ValueError(f"{found} files came out")


@contextlib.contextmanager
def served(folder: Path, file: Path, *, messages: int = 1, round_trip_s: float = 0.0) -> Iterator[Served]:
    """A Telegram in a process of its own."""
    folder.mkdir()
    options = {
        "folder": str(folder),
        "file": str(file),
        "messages": messages,
        "round_trip_s": round_trip_s,
    }
    with subprocess.Popen(
        [sys.executable, "-m", "bench.telegram_ends", "serve", json.dumps(options)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            told = process.stdout.readline()
            if not told:
                raise SystemExit("the Telegram to measure with has not started")
            yield Served(json.loads(told), folder / "files", file, messages)
        finally:
            process.stdin.close()


def _film(path: Path, megabytes: int) -> Path:
    """What cannot be compressed."""
    with path.open("wb") as file:
        for _ in range(megabytes):
            file.write(os.urandom(MB))
    return path


def _compare(path: Path, wanted: str) -> None:
    if _sha256(path) != wanted:
        raise ValueError("the file is not the original")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
