"""`doctor`: check this installation and say how to mend it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from core.client.locate import socket_path
from core.config.load import config_path, load_settings
from core.config.settings import Settings
from core.domain.errors import EngineRunning, ReeldeckError
from core.media.ffmpeg import locate
from core.ops.doctor import Facts, Finding, Level, examine
from core.store.lock import DataDirLock
from core.store.sqlite import locate as database_path
from core.store.store import Store
from tui.console.connect import engine, run_async
from tui.console.output import has_colours, json_line, line, styled


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def doctor(*, as_json: bool) -> int:
    """Check this installation and say how to mend it. Fails when anything is broken."""
    found = run_async(findings())
    for finding in found:
        if as_json:
            json_line(asdict(finding))
        else:
            _show(finding)
    return int(any(finding.level is Level.FAIL for finding in found))


async def findings() -> list[Finding]:
    """What every check sees, here and now."""
    try:
        settings = load_settings()
    except ReeldeckError as error:
        # Without it nothing else can be judged.
        return [Finding("Configuration", Level.FAIL, error.detail, error.hint)]
    status = await _status(settings)
    facts = Facts(
        settings=settings,
        config_file=config_path(),
        socket=_socket(settings),
        now=datetime.now(UTC),
        ffmpeg=_ffmpeg(settings),
        engine=status,
        database="in use by the engine"
        if not isinstance(status, ReeldeckError)
        else await _database(settings),
        telegram=await _telegram(settings, status),
    )
    return await asyncio.to_thread(examine, facts)


async def _status(settings: Settings) -> Mapping[str, Any] | ReeldeckError:
    try:
        async with engine(settings) as running:
            return await running.status()
    except ReeldeckError as error:
        return error


def _socket(settings: Settings) -> Path | ReeldeckError:
    try:
        return socket_path(settings)
    except ReeldeckError as error:
        return error


def _ffmpeg(settings: Settings) -> str | ReeldeckError:
    try:
        found = locate(settings.media.ffmpeg_path)
    except ReeldeckError as error:
        return error
    return f"{found.version}, {found.origin}: {found.path}"


async def _database(settings: Settings) -> str | ReeldeckError:
    """Look through the database, which nobody else has open."""
    data_dir = settings.paths.data_dir
    try:
        if not database_path(data_dir, settings.store.url).exists():
            return "none yet"
    except ReeldeckError as error:
        return error
    lock = DataDirLock(data_dir)
    try:
        lock.acquire()
    except EngineRunning:
        return "in use by another process"
    except ReeldeckError as error:
        return error
    try:
        store = await Store.open(data_dir, settings.store.url, on_commit=lambda _: None)
        try:
            await store.check()
        finally:
            await store.close()
    except ReeldeckError as error:
        return error
    finally:
        lock.release()
    count = sum(store.counts.values())
    return f"{store.path} is sound, {count} job{'s' if count != 1 else ''}"


async def _telegram(settings: Settings, status: Mapping[str, Any] | ReeldeckError) -> Finding | None:
    if not settings.telegram.enabled:
        return None
    from userbot.checkup import check_up  # noqa: PLC0415 -- Telethon comes with it

    told = None if isinstance(status, ReeldeckError) else status.get("telegram") or {}
    return await check_up(settings, told)


def _show(finding: Finding) -> None:
    level = styled(f"{finding.level:<4}", finding.level, colours=has_colours(sys.stdout))
    click.echo(f"{level}  ", nl=False, color=has_colours(sys.stdout))
    line(f"{finding.name:<13} {finding.detail}")
    if finding.fix:
        line(f"{'':<19} → {finding.fix}")
