"""`collect`: fetch the media of a Telegram chat."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from typing import Any, Self

import click

from core.domain.errors import InvalidRequest, NoSuchJob
from core.domain.interface import EngineInterface
from core.domain.job import Job
from core.domain.messenger import Collect, Collected
from tui.console.connect import engine, run_async
from tui.console.exits import first_code
from tui.console.follow import Follower
from tui.console.output import is_terminal, json_line, line, size
from tui.console.progress import progress_view
from tui.figures import collect_progress, collect_summary
from tui.moments import moment_of

TYPES = ("audio", "video", "voice", "document")
#: Jobs that are asked for at the same time.
_AT_ONCE = 8


class _Types(click.ParamType[frozenset[str]]):
    """Names of types with commas between them."""

    name = "types"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> frozenset[str]:
        """The names."""
        names = frozenset(name.strip().lower() for name in value.split(",") if name.strip())
        for name in sorted(names.difference(TYPES)):
            self.fail(f"{name!r} is none of {', '.join(TYPES)}.", param, ctx)
        return names


class _Moment(click.ParamType[float]):
    """A date, or a date and time, as people here write it (ISO 8601)."""

    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Seconds since the epoch; without a time zone it is local time."""
        try:
            return moment_of(value)
        except InvalidRequest as error:
            self.fail(f"{error.detail}.", param, ctx)


@click.command(context_settings={"ignore_unknown_options": True})  # CHAT may be negative
@click.argument("chat", metavar="CHAT")
@click.option("--limit", type=click.IntRange(min=0), default=0, help="Messages at most; 0 is all.")
@click.option(
    "--type", "types", type=_Types(), default="audio,video", show_default=True,
    help="Which media: audio, video, voice, document.",
)  # fmt: skip
@click.option("--since", type=_Moment(), metavar="DATE", help="Sent then or later.")
@click.option("--until", type=_Moment(), metavar="DATE", help="Sent before.")
@click.option("--grep", metavar="WORDS", help="With these words in the text or the file's name.")
@click.option("--topic", type=click.IntRange(min=1), metavar="N", help="Only a topic of a forum.")
@click.option("--dry-run", is_flag=True, help="Only look: how many, and how large.")
@click.option("--wait", is_flag=True, help="Return when the jobs are finished.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def collect(chat: str, *, topic: int | None, wait: bool, as_json: bool, **wanted: Any) -> int:
    """Fetch the media of a Telegram chat. Each message becomes a job, once.

    CHAT is its @name, its id (see `reeldeck telegram chats --known`) or a link. Asked for again, it goes on:
    with what is new, then with what is older than all it has seen.
    """
    asked = Collect(chat=chat, topic_id=topic, **wanted)
    return run_async(_collect(asked, as_json=as_json, wait=wait))


async def _collect(wanted: Collect, *, as_json: bool, wait: bool) -> int:
    async with engine() as running:
        ids: list[int] = []
        figures = Collected()
        with _Counter(is_shown=not as_json and is_terminal(sys.stderr)) as counter:
            async for figures in running.collect(wanted):
                ids += figures.jobs
                counter.show(figures)
                if as_json:
                    json_line(figures.to_json())
        if not as_json:
            _tell(figures, is_dry=wanted.dry_run)
        finished = await _finish(running, ids, as_json=as_json) if wait else []
    if as_json:
        for job in finished:
            json_line({"job": job.to_json()})
    return first_code([], finished)


class _Counter:
    """One line on a terminal's stderr that counts."""

    def __init__(self, *, is_shown: bool) -> None:
        self._is_shown = is_shown

    def __enter__(self) -> Self:
        return self

    def show(self, figures: Collected) -> None:
        """Count."""
        if self._is_shown:
            click.echo(f"\r\x1b[K{collect_progress(figures, size)}", err=True, nl=False)

    def __exit__(self, *end: object) -> None:
        if self._is_shown:
            click.echo("\r\x1b[K", err=True, nl=False)


def _tell(figures: Collected, *, is_dry: bool) -> None:
    if is_dry:
        for title in figures.sample:
            line(title)
        if figures.found > len(figures.sample):
            line(f"… and {figures.found - len(figures.sample)} more")
    line(collect_summary(figures, size, is_dry=is_dry))


async def _finish(running: EngineInterface, ids: Sequence[int], *, as_json: bool) -> list[Job]:
    """Wait for the jobs; they as they ended."""
    slots = asyncio.Semaphore(_AT_ONCE)

    async def one(job_id: int) -> Job | None:
        async with slots:
            try:
                return await running.job(job_id)
            except NoSuchJob:
                return None  # somebody has cleared it

    jobs = [job for job in await asyncio.gather(*map(one, dict.fromkeys(ids))) if job is not None]
    with progress_view(plain=as_json) as view:
        is_alone = as_json or not is_terminal(sys.stderr)
        return await Follower(running, view, leaves_parked=is_alone).follow(jobs)
