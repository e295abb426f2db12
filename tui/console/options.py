"""The options that say what is wanted of a link; `get`, `add` and `info` share them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from core.domain.job import Kind, Request


class Number(click.IntRange):
    """The number by which something is known, counted from one."""

    def __init__(self, what: str, listed_by: str) -> None:
        """Say *what* it is the number of, and which command shows the numbers that there are."""
        super().__init__(min=1)
        self._what = what
        self._listed_by = listed_by

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read it, as click asks."""
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter:
            self.fail(f"{value!r} is no number of {self._what}; see them with: {self._listed_by}", param, ctx)


JOB = Number("a job", "reeldeck jobs")
FILE = Number("a file", "reeldeck search WORDS")

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
