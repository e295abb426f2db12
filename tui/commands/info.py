"""`info`: what a link leads to, before anything is downloaded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from core.domain.errors import NetworkFailure, NotYetAvailable, RateLimited, StageTimeout, Stalled
from core.domain.media import FormatInfo, Role
from core.domain.snapshot import MetadataPreview
from tui.console.connect import any_engine, run_async
from tui.console.options import request_of, wanted_options
from tui.console.output import json_line, line, size, span, table

#: What a job would try again by itself; nobody does so for a question.
_PASSING = (NetworkFailure, NotYetAvailable, RateLimited, StageTimeout, Stalled)
_LATER = "Ask again later. If it goes on, check the link, and that this machine reaches the site."
_ROLES = {Role.MUXED: "whole", Role.VIDEO: "picture", Role.AUDIO: "sound"}


@click.command()
@click.argument("url", metavar="URL")
@wanted_options
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def info(url: str, *, as_json: bool, **wanted: Any) -> None:
    """Show what a link leads to: its formats, or the items of a list.

    The format that would be downloaded is marked with a star; --quality and --format change which that is. A
    download of the same link within the hour does not look it up again.
    """
    run_async(_info(url, as_json=as_json, wanted=wanted))


async def _info(url: str, *, as_json: bool, wanted: dict[str, Any]) -> None:
    async with any_engine() as (running, _):
        try:
            seen = await running.preview(request_of(url, force=False, **wanted))
        except _PASSING as error:
            if error.hint == error.default_hint:
                error.hint = _LATER
            raise
    if as_json:
        json_line(seen.to_json())
        return
    for name, value in _facts(seen):
        line(f"{name:<8} {value}")
    if seen.formats:
        click.echo()
        header = ("", "FORMAT", "HOLDS", "FILE", "QUALITY", "CODECS", "SIZE", "NOTE")
        table(header, [_row(each) for each in seen.formats], flexible=7)
    if seen.sample:
        click.echo()
        for number, title in enumerate(seen.sample, 1):
            line(f"{number:>5}  {title}")
        if seen.entries and seen.entries > len(seen.sample):
            click.echo(f"{'':>5}  and {seen.entries - len(seen.sample)} more")


def _facts(seen: MetadataPreview) -> Iterator[tuple[str, str]]:
    yield "title", seen.title or seen.url
    yield "source", seen.source
    if seen.entries is None:
        yield "kind", seen.kind
    if seen.duration_s:
        yield "length", span(seen.duration_s)
    if seen.size_bytes is not None:
        yield "size", size(seen.size_bytes)
    if seen.entries is not None:
        yield "items", _items(seen.entries, seen.taken or 0)


def _items(entries: int, taken: int) -> str:
    if taken >= entries:
        return f"{entries} would become jobs"
    return f"{entries}; the first {taken} would become jobs (limits.max_playlist_items)"


def _row(each: FormatInfo) -> tuple[str, ...]:
    shown_size = size(each.size_bytes)
    return (
        "*" if each.is_chosen else "",
        each.id or "",
        _ROLES[each.role],
        each.container or "",
        " ".join(_quality(each)),
        each.codecs or "",
        f"~{shown_size}" if each.is_size_estimated and each.size_bytes is not None else shown_size,
        each.note or "",
    )


def _quality(each: FormatInfo) -> Iterator[str]:
    if each.height:
        yield f"{each.height}p" + (f"{each.fps:.0f}" if each.fps else "")
    if each.bitrate_bps:
        yield f"{each.bitrate_bps / 1000:.0f}k"
