"""Programs that do the same work in turns, and what each of them took."""

from __future__ import annotations

import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

#: Slower runs than this are ended: they have lost.
TIMEOUT_S = 120.0


@dataclass(frozen=True, slots=True)
class Run:
    """What one run took. CPU is user and system time of the program and all that it waited for."""

    wall_s: float
    cpu_s: float
    rss_bytes: int


@dataclass(slots=True)
class Taken:
    """All runs of one contestant."""

    runs: list[Run] = field(default_factory=list)
    #: Why it did not finish.
    failure: str | None = None

    @property
    def wall_s(self) -> float:
        """Median."""
        return statistics.median(run.wall_s for run in self.runs)

    @property
    def cpu_s(self) -> float:
        """Median."""
        return statistics.median(run.cpu_s for run in self.runs)

    @property
    def rss_bytes(self) -> int:
        """The largest."""
        return max(run.rss_bytes for run in self.runs)


#: Runs once with a fresh folder as the place for its files.
Contestant = Callable[[Path], Run]
#: Looks at the folder after a run; raises ValueError when the result is wrong.
Check = Callable[[Path], None]


def race(contestants: Mapping[str, Contestant], *, rounds: int, check: Check) -> dict[str, Taken]:
    """Let all run in turns, *rounds* times, in another order each time. Every result is checked."""
    taken = {name: Taken() for name in contestants}
    names = list(contestants)
    for number in range(rounds):
        for name in names[number % len(names) :] + names[: number % len(names)]:
            if taken[name].failure is not None:
                continue
            with tempfile.TemporaryDirectory(prefix="reeldeck-bench-") as folder:
                try:
                    os.sync()  # nobody pays for what others wrote
                    run = contestants[name](Path(folder))
                    check(Path(folder))
                except (ValueError, subprocess.SubprocessError, OSError) as error:
                    taken[name].failure = str(error).splitlines()[0][:100] if str(error) else "failed"
                else:
                    taken[name].runs.append(run)
    return taken


def program(*argv: str) -> Contestant:
    """A program that writes into its working folder. It is started anew for each run, as its users do."""

    def run(folder: Path) -> Run:
        began = time.perf_counter()
        process = subprocess.Popen(
            argv, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        try:
            _, told = process.communicate(timeout=TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise
        wall_s = time.perf_counter() - began
        if process.returncode:
            raise ValueError(f"status {process.returncode}: {told.decode(errors='replace').strip()[-80:]}")
        return Run(wall_s, *_spent())

    return run


@cache
def _ledger() -> list[float]:
    """CPU time of children up to the last look."""
    return [0.0]


def _spent() -> tuple[float, int]:
    """CPU time of the children that ended since the last call, and the memory of the largest of all."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    total, ledger = usage.ru_utime + usage.ru_stime, _ledger()
    spent_s, ledger[0] = total - ledger[0], total
    return spent_s, usage.ru_maxrss * 1024


def installed(name: str) -> bool:
    """Whether a program is there to be raced against."""
    return shutil.which(name) is not None


class Warm:
    """Reeldeck in a process of its own that is up and running, as the engine is: `bench.worker`.

    Args:
        options: Of `[network]`; and `limits`, those of `[limits]`.
    """

    def __init__(self, **options: Any) -> None:
        self._options = options

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.worker", json.dumps(self._options)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        self._ask({"work": "nothing"}, Path())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def does(self, work: str, **request: Any) -> Contestant:
        """A contestant: one kind of `bench.worker`'s work."""
        return lambda folder: self._ask({"work": work, **request}, folder)

    def _ask(self, request: Mapping[str, Any], folder: Path) -> Run:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({**request, "folder": str(folder)}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        answer: dict[str, Any] = json.loads(line) if line else {"error": "the process ended"}
        if "error" in answer:
            raise ValueError(answer["error"])
        return Run(answer["wall_s"], answer["cpu_s"], answer["rss_bytes"])


def shell(line: str) -> Contestant:
    """A line for `sh`, for work that takes several programs."""
    return program("sh", "-ec", line)
