"""`logs`: what the engine wrote down, for people."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from core.config.load import load_settings
from core.domain.errors import ConfigError, InvalidRequest
from core.domain.job import from_iso
from core.ops.logs import LOG_FILE
from tui.console.output import line, when

LOOK_AGAIN_S = 0.3
_SHOWN_FIRST = frozenset({"time", "level", "event", "exception"})


@click.command()
@click.option("--job", "job_id", metavar="ID", type=click.IntRange(min=1), help="Only lines about this job.")
@click.option("-n", "--lines", "count", type=click.IntRange(min=1), default=50, show_default=True,
              help="How many of the newest lines.")  # fmt: skip
@click.option("-f", "--follow", is_flag=True, help="Go on with what comes.")
@click.option("--json", "as_json", is_flag=True, help="The lines as they are stored.")
def logs(job_id: int | None, count: int, *, follow: bool, as_json: bool) -> None:
    """Show what the engine wrote down, the newest last."""
    settings = load_settings()
    if not settings.logging.json_file:
        raise ConfigError("logging.json_file is off", hint="The lines went to the engine's stderr.")
    file = settings.paths.log / LOG_FILE
    if not follow and not file.exists():
        raise InvalidRequest(f"{file} does not exist yet", hint="An engine makes it: reeldeck serve")
    written = _Written(file)
    for entry in deque(_about(job_id, written.new()), maxlen=count):
        _show(entry, as_json=as_json)
    while follow:
        time.sleep(LOOK_AGAIN_S)
        for entry in _about(job_id, written.new()):
            _show(entry, as_json=as_json)


class _Written:
    """Reads a log that grows, and is replaced by a new one when it has grown enough."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._inode = 0
        self._offset = 0

    def new(self) -> Iterator[dict[str, Any]]:
        """The lines written since the last call; a line that is half written waits."""
        try:
            with self._file.open("rb") as stream:
                inode = self._file.stat().st_ino
                if inode != self._inode:
                    self._inode, self._offset = inode, 0
                stream.seek(self._offset)
                for raw in stream:
                    if not raw.endswith(b"\n"):
                        return
                    self._offset += len(raw)
                    if entry := _parse(raw):
                        yield entry
        except FileNotFoundError:
            return


def _parse(raw: bytes) -> dict[str, Any] | None:
    try:
        entry = json.loads(raw)
    except ValueError:
        return None  # torn by a crash
    return entry if isinstance(entry, dict) else None


def _about(job_id: int | None, entries: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    return (entry for entry in entries if job_id is None or entry.get("job_id") == job_id)


def _show(entry: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(entry))
        return
    rest = " ".join(f"{key}={_value(value)}" for key, value in entry.items() if key not in _SHOWN_FIRST)
    moment = from_iso(entry.get("time")) or 0.0
    line(
        f"{when(moment)}  {str(entry.get('level', '')).upper():<8} {entry.get('event', '')}  {rest}".rstrip()
    )
    for text in entry.get("exception") or ():
        line(f"    {text}")


def _value(value: object) -> str:
    return (
        value
        if isinstance(value, str) and value and " " not in value
        else json.dumps(value, ensure_ascii=False)
    )
