"""Figures for Prometheus, in its text format 0.0.4.

Labels are names of states, sources and methods: never links, titles or hosts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from core.domain.job import from_iso

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_METHODS = frozenset({"GET", "HEAD", "POST", "PATCH", "PUT", "DELETE", "WS"})
_BREAKER_STATES = ("closed", "half_open", "open")
Sample = tuple[Mapping[str, str], float | None]


class Traffic:
    """Counts answers since the start."""

    def __init__(self) -> None:
        self._answers: Counter[tuple[str, str]] = Counter()

    def count(self, method: str, status: int) -> None:
        """An answer was given."""
        self._answers[method if method in _METHODS else "other", str(status)] += 1

    def samples(self) -> list[Sample]:
        """Answers by method and status."""
        return [
            ({"method": method, "status": status}, count)
            for (method, status), count in sorted(self._answers.items())
        ]


def render(status: Mapping[str, Any], traffic: Traffic, *, streams: int, tasks: int) -> str:
    """The whole page.

    Args:
        status: As `GET /status` answers.
        traffic: What the API answered.
        streams: Live streams that are open.
        tasks: Asyncio tasks of the engine's process.
    """
    return "".join(f"{line}\n" for line in _lines(status, traffic, streams, tasks))


def _lines(status: Mapping[str, Any], traffic: Traffic, streams: int, tasks: int) -> Iterator[str]:
    engine, disk, sources = status["engine"], status["disk"], status["sources"]
    yield from _metric("info", "gauge", "The version that runs", [({"version": engine["version"]}, 1)])
    yield from _one("uptime_seconds", "Time since the engine started", engine["uptime_s"])
    counts = [({"status": name}, count) for name, count in status["counts"].items()]
    yield from _metric("jobs", "gauge", "Jobs by state", counts)
    yield from _one("download_bytes_per_second", "Speed of all transfers together", status["speed_bps"])
    yield from _one("disk_free_bytes", "Room on the fullest disk in use", disk["free_bytes"])
    yield from _one("disk_min_free_bytes", "Below this nothing starts", disk["min_free_bytes"])
    yield from _one("resident_memory_bytes", "Memory of the engine's process", status["memory_bytes"])
    yield from _one("cpu_percent", "Processor time since it was last asked", status["cpu_percent"])
    for name, key in (("running", "in_flight"), ("queued", "queued"), ("waiting", "waiting")):
        samples = [({"source": each["name"]}, each[key]) for each in sources]
        yield from _metric(f"source_jobs_{name}", "gauge", f"Jobs of a source that are {name}", samples)
    resting = [
        ({"source": each["name"], "state": state}, float(each["breaker"]["state"] == state))
        for each in sources
        if each["breaker"]
        for state in _BREAKER_STATES
    ]
    yield from _metric("source_breaker", "gauge", "1 for the state of a source's breaker", resting)
    yield from _webhooks(status["webhooks"])
    yield from _one("tasks", "Things that the engine's process does at a time", tasks)
    yield from _one("api_streams", "Live streams that are open", streams)
    yield from _metric("api_answers_total", "counter", "Answers of the HTTP API", traffic.samples())


def _webhooks(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    # Numbered as in the configuration: hosts are no labels.
    receivers = [({"receiver": str(number)}, row) for number, row in enumerate(rows, start=1)]
    waiting = [(labels, row["waiting"]) for labels, row in receivers]
    yield from _metric("webhooks_waiting", "gauge", "Messages that a receiver has not taken yet", waiting)
    oldest = [(labels, from_iso(row["oldest"])) for labels, row in receivers]
    about = "When the first message that waits was written"
    yield from _metric("webhooks_oldest_timestamp_seconds", "gauge", about, oldest)
    for key, about in (
        ("sent", "Messages that were taken"),
        ("failed", "Tries that failed"),
        ("given_up", "Messages that nobody took for days"),
    ):
        counts = [(labels, row[key]) for labels, row in receivers]
        yield from _metric(f"webhooks_{key}_total", "counter", about, counts)


def _one(name: str, about: str, value: float | None) -> Iterator[str]:
    yield from _metric(name, "gauge", about, [({}, value)])


def _metric(name: str, kind: str, about: str, samples: Iterable[Sample]) -> Iterator[str]:
    yield f"# HELP reeldeck_{name} {about}"
    yield f"# TYPE reeldeck_{name} {kind}"
    for labels, value in samples:
        if value is not None:
            shown = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
            yield f"reeldeck_{name}{{{shown}}} {value}" if shown else f"reeldeck_{name} {value}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
