"""The options that say what is wanted of a link; `get`, `add` and `info` share them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from core.domain.job import Kind, Request

_WANTED = (
    click.option("--audio", "kind", flag_value=Kind.AUDIO, type=Kind, help="The sound only."),
    click.option("--video", "kind", flag_value=Kind.VIDEO, type=Kind, help="The film, not the sound alone."),
    click.option("--quality", metavar="Q", default="best", show_default=True, help="720p, audio_192 …"),
    click.option("--format", "format_", metavar="F", help="A format id of the source."),
    click.option("--source", metavar="NAME", help="Use this source, not the one that matches."),
)
_SUBMITTED = (
    click.option("--force", is_flag=True, help="Download again what is there or on its way."),
    click.option("--json", "as_json", is_flag=True, help="One JSON object a line."),
)


def request_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a request; `request_of` reads them."""
    for option in reversed(_WANTED + _SUBMITTED):
        command = option(command)
    return command


def wanted_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add those of them that say what is wanted, not what is done about it."""
    for option in reversed(_WANTED):
        command = option(command)
    return command


def request_of(
    url: str,
    *,
    kind: Kind | None,
    quality: str,
    format_: str | None,
    source: str | None,
    force: bool,
    **more: Any,
) -> Request:
    """The request for *url* as the options say."""
    return Request(
        url=url, kind=kind or Kind.AUTO, quality=quality, format=format_, source=source, force=force, **more
    )
