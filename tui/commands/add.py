"""`add`: give links to the engine, one or thousands."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any

import click

from core.domain.errors import InvalidRequest, ReeldeckError
from core.domain.interface import EngineInterface
from core.domain.job import Job, Request
from core.domain.snapshot import Submitted
from core.links.find import find_links
from tui.console.connect import engine, run_async
from tui.console.exits import complain, first_code
from tui.console.follow import Follower
from tui.console.options import request_of, request_options
from tui.console.output import is_terminal, json_line, line
from tui.console.progress import progress_view

#: Links in one request to the engine, which stores them in one transaction.
BATCH = 500


@dataclass(frozen=True, slots=True)
class Link:
    """A link and where it was found."""

    url: str
    #: `line 12`, or the link itself when it was an argument.
    place: str


@click.command()
@click.argument("urls", metavar="[URL]...", nargs=-1)
@click.option(
    "--file", "file", type=click.File(errors="replace"), help="Take the links in a text file; - is stdin."
)
@request_options
@click.option("--priority", type=int, default=0, show_default=True, help="Higher runs first.")
@click.option(
    "--wait",
    is_flag=True,
    help="Return when the jobs are finished; off a terminal also when one waits for a login.",
)
def add(urls: Sequence[str], file: IO[str] | None, *, as_json: bool, wait: bool, **wanted: Any) -> int:
    """Give links to the engine. A single - reads them from stdin, like --file -.

    A file holds a link a line; other words around it do not matter. Empty lines and lines that begin with #
    are left out. With --json each link is a line, as the API answers a batch: {"job": …, "joined": …}, or
    {"error": …, "url": …}.
    """
    if file is not None and urls:
        raise click.UsageError("Give links or a file, not both.")
    if tuple(urls) == ("-",):
        file = click.open_file("-", errors="replace")
    if file is not None:
        links = list(_links_in(file))
        if not links:
            name = getattr(file, "name", "stdin")
            raise InvalidRequest(f"there are no links in {name}", hint="Put one link on each line.")
    elif urls:
        links = [Link(url, url) for url in urls]
    else:
        raise click.UsageError("Give at least one link, or --file.")
    requests = [request_of(link.url, **wanted) for link in links]
    return run_async(_add(links, requests, as_json=as_json, wait=wait))


def _links_in(file: IO[str]) -> Iterator[Link]:
    for number, text in enumerate(file, 1):
        words = text.strip()
        if words and not words.startswith("#"):
            # A line without any link is handed on as it is: the engine says what is wrong with it.
            for url in find_links(words) or [words]:
                yield Link(url, f"line {number}")


async def _add(links: Sequence[Link], requests: Sequence[Request], *, as_json: bool, wait: bool) -> int:
    async with engine() as running:
        answers: list[Submitted | ReeldeckError] = []
        for start in range(0, len(requests), BATCH):
            batch = await running.submit_many(requests[start : start + BATCH])
            answers += batch
            if not (as_json and wait):
                for link, answer in zip(links[start:], batch, strict=False):
                    _tell(link, answer, as_json=as_json)
        finished = await _finish(running, answers, as_json=as_json) if wait else []
    if as_json and wait:
        ended = {job.id: job for job in finished}
        for link, answer in zip(links, answers, strict=True):
            shown = answer
            if isinstance(answer, Submitted):
                shown = Submitted(ended.get(answer.job.id, answer.job), answer.joined)
            _tell(link, shown, as_json=True)
    return first_code(answers, finished)


def _tell(link: Link, answer: Submitted | ReeldeckError, *, as_json: bool) -> None:
    """What became of one link."""
    if isinstance(answer, ReeldeckError):
        complain(answer, about=link.place)
        if as_json:
            json_line({"error": _problem(answer), "url": link.url})
    elif as_json:
        json_line({"job": answer.job.to_json(), "joined": answer.joined})
    else:
        there = f", there already ({answer.job.status})" if answer.joined else ""
        line(f"{answer.job.id}  {link.url}{there}")


def _problem(error: ReeldeckError) -> Mapping[str, str]:
    """The shape that the API gives errors."""
    return {"type": error.code, "title": error.summary, "detail": error.detail, "hint": error.hint}


async def _finish(
    running: EngineInterface, answers: Sequence[Submitted | ReeldeckError], *, as_json: bool
) -> list[Job]:
    """Wait for the jobs; they as they ended, and a playlist's items behind them."""
    jobs = [answer.job for answer in answers if isinstance(answer, Submitted)]
    with progress_view(plain=as_json) as view:
        is_alone = as_json or not is_terminal(sys.stderr)
        return await Follower(running, view, leaves_parked=is_alone).follow(jobs)
