"""`logs`: what the engine wrote down, for people."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

import click

from core.config.load import load_settings
from core.config.settings import LOG_FILE
from core.domain.errors import ConfigError, InvalidRequest
from core.domain.job import from_iso
from tui.console.options import JOB
from tui.console.output import line, when
from tui.log_file import LogFile

LOOK_AGAIN_S = 0.3
#: So much of what was written last is looked through.
EARLIER_BYTES = 64 * 2**20
_SHOWN_FIRST = frozenset({"time", "level", "event", "exception"})


@click.command()
@click.option("--job", "job_id", metavar="ID", type=JOB, help="Only lines about this job.")
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
    written = LogFile(file, earlier_bytes=EARLIER_BYTES)
    newest = deque(_about(job_id, written.new_blocking()), maxlen=count)
    for entry in newest:
        _show(entry, as_json=as_json)
    if not newest and not follow:
        about = f" about job {job_id}; its timeline: reeldeck job {job_id}" if job_id is not None else ""
        click.echo(f"Nothing is written{about}.", err=True)
    while follow:
        time.sleep(LOOK_AGAIN_S)
        for entry in _about(job_id, written.new_blocking()):
            _show(entry, as_json=as_json)


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
