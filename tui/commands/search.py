"""`search`: what was fetched, by words and filters."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator

import click

from core.domain.errors import InvalidRequest
from core.domain.interface import EngineInterface
from core.domain.library import LibraryPage, MediaItem
from core.domain.text import for_terminal
from tui.commands.library import send_items
from tui.console.connect import any_engine, engine, run_async
from tui.console.output import is_terminal, json_line, line, size, span, table

#: Items in one answer.
PAGE = 500

#: click leaves the lines of a paragraph alone after a \b.
_LANGUAGE = """Search what was fetched. QUERY is words, and filters in any order.

\b
word              title, lecturer or uploader, series, link; also as a beginning
"two words"       just so, side by side
title: by: in:    words of the title, the lecturer or uploader, the series
source:youtube    or several: source:youtube,soundcloud
kind:audio        or kind:video
tag:music         or several; `reeldeck library tags` lists them
chat: user:       where it was asked for (a number, or words of a watched chat's title), by whom (a number)
duration>1h30m    also < <= = >=; 90s, 1:30:00
size<50MB         also KB, GB, MiB
date>=2024-05     when it is from; also after:2024-01-31 and before:2024
-word             not that; goes before filters too

Arabic is found with and without its vowel signs, whatever its alef, ya, ta marbuta and hamza; Latin with and
without accents. Where nothing has a word as it was typed, words that are near are looked for. A query that
begins with a dash goes after two of them: reeldeck search -- -word
"""


@click.command(help=_LANGUAGE)
@click.argument("words", metavar="QUERY...", nargs=-1, required=True)
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="How many at most.")
@click.option("--send-to", "chat", metavar="CHAT", help="Send what is found there, after a question.")
@click.option("--yes", is_flag=True, help="Send without a question.")
@click.option("--counts", is_flag=True, help="Only count what is found, by kind, source and tag.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def search(
    words: tuple[str, ...], limit: int, chat: str | None, *, yes: bool, counts: bool, as_json: bool
) -> int:
    """Search what was fetched; the query's language stands in the help."""
    query = query_of(words)
    if counts:
        run_async(_count(query, as_json=as_json))
        return 0
    if chat is None:
        run_async(_search(query, limit, as_json=as_json))
        return 0
    return run_async(_send_found(query, limit, chat, yes=yes, as_json=as_json))


async def _count(query: str, *, as_json: bool) -> None:
    async with any_engine() as (running, _):
        found = await running.facets(query)
    if as_json:
        json_line(found.to_json())
        return
    rows = [
        (str(count), name, value)
        for name, each in (("kind", found.kind), ("source", found.source), ("tag", found.tag))
        for value, count in each.items()
    ]
    table(("FILES", "OF", "WHICH"), rows, flexible=2)
    if not found.is_all:
        click.echo(f"Only the newest {found.counted} were counted.", err=True)


def query_of(words: tuple[str, ...]) -> str:
    """The query that a shell has cut into *words*; what it took the quotes from gets them back."""
    return " ".join(map(_quoted, words)) if len(words) > 1 else words[0]


def _quoted(word: str) -> str:
    key, colon, value = word.partition(":")
    if " " not in word or '"' in word:
        return word
    if colon and key.removeprefix("-").isalpha():
        return f'{key}:"{value}"'
    return f'-"{word[1:]}"' if word.startswith("-") else f'"{word}"'


async def _search(query: str, limit: int, *, as_json: bool) -> None:
    async with any_engine() as (running, _):
        await _show_found(running, query, limit, as_json=as_json)


async def _send_found(query: str, limit: int, chat: str, *, yes: bool, as_json: bool) -> int:
    async with engine() as running:
        found = await _show_found(running, query, limit, as_json=False, is_quiet=as_json)
        if not found:
            return 1
        if len(found) > 1 and not yes:
            if not is_terminal(sys.stdin):
                hint = "Narrow the search, lower --limit, or give --yes."
                raise InvalidRequest(
                    f"{len(found)} files are found, and nobody is here to be asked", hint=hint
                )
            click.confirm(f"Send these {len(found)} files to {chat}?", abort=True, err=True)
        return await send_items(running, [item.id for item in found], chat, as_json=as_json)


async def _show_found(
    running: EngineInterface, query: str, limit: int, *, as_json: bool, is_quiet: bool = False
) -> list[MediaItem]:
    """Print what is found, unless *is_quiet*."""
    pages = [page async for page in _pages(running, query, limit)]
    found = [item for page in pages for item in page.items][:limit]
    if is_quiet:
        return found
    if as_json:
        for item in found:
            json_line(item.to_json())
        return found
    if (meant := pages[0].meant) is not None:
        click.echo(f"Nothing has these words; near them: {for_terminal(meant)}", err=True)
    if not found:
        click.echo("Nothing found.", err=True)
        return found
    table(("ID", "KIND", "LENGTH", "SIZE", "DATE", "BY", "TITLE"), [_row(item) for item in found], flexible=6)
    click.echo()
    for item in found:
        line(item.file_path + (" (kept long enough, deleted)" if item.removed is not None else ""))
    if pages[-1].next is not None or sum(len(page.items) for page in pages) > limit:
        click.echo("There is more: narrow the search, or raise --limit.", err=True)
    return found


async def _pages(engine: EngineInterface, query: str, limit: int) -> AsyncIterator[LibraryPage]:
    """What is found, until there are *limit* items."""
    after = None
    while limit > 0:
        page = await engine.library(query, limit=min(limit, PAGE), after=after)
        yield page
        limit -= len(page.items)
        if (after := page.next) is None:
            return


def _row(item: MediaItem) -> tuple[str, ...]:
    return (
        str(item.id),
        item.kind.value,
        span(item.duration_s) if item.duration_s else "",
        size(item.size_bytes),
        item.date or "",
        item.artist or "",
        item.title or item.url,
    )
