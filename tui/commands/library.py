"""`library`: single files, folders that are there already, and what is there twice."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import click

from core.domain.delivery import Delivery
from core.domain.errors import InvalidRequest, NotFound, ReeldeckError
from core.domain.interface import EngineInterface
from core.domain.library import Copies, Imported, LibraryEntry, MediaItem
from core.domain.text import for_terminal
from tui.commands.library_tags import tag, tags
from tui.console.connect import any_engine, engine, run_async
from tui.console.exits import complain
from tui.console.options import FILE
from tui.console.output import is_terminal, json_line, line, size, span, when
from tui.figures import import_progress, import_summary

_json = click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
_ids = click.argument("ids", metavar="ID...", type=FILE, nargs=-1, required=True)
#: Clears the line that the next figures are written into.
_AGAIN = "\r\x1b[K"


@click.group()
def library() -> None:
    """Show, open, tag, send and import files; find those that are there twice.

    `reeldeck search WORDS` finds files, and shows the numbers that are wanted here.
    """


library.add_command(tag)
library.add_command(tags)


@library.command()
@_ids
@_json
def show(ids: Sequence[int], *, as_json: bool) -> None:
    """Show all about files."""
    run_async(_show(ids, as_json=as_json))


async def _show(ids: Sequence[int], *, as_json: bool) -> None:
    async with any_engine() as (running, _):
        for number, item_id in enumerate(ids):
            entry = await running.library_entry(item_id)
            if as_json:
                json_line(entry.to_json())
                continue
            if number:
                click.echo()
            for name, text in _facts(entry):
                line(f"{name:<9} {text}")


def _facts(entry: LibraryEntry) -> list[tuple[str, str]]:
    item = entry.item
    place = " ".join(
        f"{name} {value}"
        for name, value in (("chat", item.chat_id), ("topic", item.topic_id), ("message", item.message_id))
        if value is not None
    )
    facts = [
        ("title", item.title),
        ("by", item.artist),
        ("with", item.performers),
        ("in", item.album),
        ("number", item.track_number),
        ("date", item.date),
        ("kind", " ".join(filter(None, (item.kind.value, item.container)))),
        ("length", span(item.duration_s) if item.duration_s else None),
        ("size", size(item.size_bytes)),
        ("picture", f"{item.width} x {item.height}" if item.width and item.height else None),
        ("link", item.url),
        ("source", item.source_type),
        ("job", item.job_id),
        ("tags", ", ".join(item.tags)),
        ("asked in", place),
        ("since", when(item.created)),
        ("file", item.file_path if entry.is_there else f"{item.file_path} (not there any more)"),
        ("sha256", item.sha256),
        *(("same as", f"{copy.id}  {copy.file_path}") for copy in entry.copies),
    ]
    return [(name, str(value)) for name, value in facts if value not in {None, ""}]


@library.command()
@_ids
def path(ids: Sequence[int]) -> None:
    """Print where files are, as in: mpv "$(reeldeck library path 12)"."""
    for item in run_async(_items(ids)):
        # To a program it is what it is; a terminal is shown no foreign signs.
        click.echo(for_terminal(item.file_path) if is_terminal(sys.stdout) else item.file_path)


@library.command("open")
@_ids
def open_(ids: Sequence[int]) -> None:
    """Open files with what this machine opens them with."""
    for item in run_async(_items(ids)):
        if click.launch(item.file_path):
            raise InvalidRequest(
                f"nothing here opens {for_terminal(item.file_path)}",
                hint="Over SSH nothing is shown; copy it with scp, or: reeldeck library send ID --to CHAT",
            )


async def _items(ids: Sequence[int]) -> list[MediaItem]:
    """Items whose files are there."""
    async with any_engine() as (running, _):
        entries = [await running.library_entry(item_id) for item_id in ids]
    for entry in entries:
        if not entry.is_there:
            hint = "If it was moved: reeldeck library import FOLDER"
            raise NotFound(f"{entry.item.file_path} is gone", hint=hint)
    return [entry.item for entry in entries]


@library.command()
@_ids
@click.option("--to", "chat", required=True, metavar="CHAT", help="Its id, @name or link.")
@_json
def send(ids: Sequence[int], chat: str, *, as_json: bool) -> int:
    """Send files to a Telegram chat; they go out one after the other."""
    return run_async(_send(ids, chat, as_json=as_json))


async def _send(ids: Sequence[int], chat: str, *, as_json: bool) -> int:
    async with engine() as running:
        return await send_items(running, ids, chat, as_json=as_json)


async def send_items(running: EngineInterface, ids: Sequence[int], chat: str, *, as_json: bool) -> int:
    """Send items, and say what became of each; the exit code of the first that cannot be sent."""
    code = 0
    for item_id in ids:
        try:
            sent = await running.send_item(item_id, chat)
        except ReeldeckError as error:
            complain(error, about=str(item_id))
            code = code or error.exit_code
        else:
            _tell_sent(item_id, sent, as_json=as_json)
    return code


def _tell_sent(item_id: int, sent: Delivery, *, as_json: bool) -> None:
    if as_json:
        json_line(sent.to_json())
    else:
        line(f"{item_id} goes to chat {sent.chat_id} (see: reeldeck deliveries)")


@library.command("import")
@click.argument("folder", type=click.Path(exists=True, file_okay=False))
@click.option("--move", is_flag=True, help="Move them into the archive; one that is there twice stays.")
@_json
def import_(folder: str, *, move: bool, as_json: bool) -> int:
    """Enter the sounds and films below FOLDER, by their content.

    They stay where and as they are, unless --move is given. What is entered already is passed over, so it
    can be ended and begun again. An entry whose file was moved there has it again.
    """
    return run_async(_import(str(Path(folder).resolve()), is_moving=move, as_json=as_json))


async def _import(folder: str, *, is_moving: bool, as_json: bool) -> int:
    figures = Imported()
    is_live = not as_json and is_terminal(sys.stderr)
    async with any_engine() as (running, _):
        async for figures in running.import_folder(folder, is_moving=is_moving):
            if as_json:
                json_line(figures.to_json())
                continue
            for problem in figures.problems:
                click.echo(f"{_AGAIN if is_live else ''}{for_terminal(problem)}", err=True)
            if is_live:
                click.echo(f"{_AGAIN}{import_progress(figures, size)}", nl=False, err=True)
    if not as_json:
        if is_live:
            click.echo(_AGAIN, nl=False, err=True)
        click.echo(import_summary(figures, twice="reeldeck library duplicates"))
    return 1 if figures.refused else 0


@library.command()
@click.option("--delete", is_flag=True, help="Delete all but the oldest of each, after a question.")
@click.option("--yes", is_flag=True, help="Ask nothing.")
@_json
def duplicates(*, delete: bool, yes: bool, as_json: bool) -> int:
    """List files that hold the very same bytes.

    Before one is deleted, the one that stays is read whole: it must be what it was. Jobs keep their file.
    """
    return run_async(_duplicates(delete=delete, yes=yes, as_json=as_json))


async def _duplicates(*, delete: bool, yes: bool, as_json: bool) -> int:
    async with any_engine() as (running, _):
        found = [each async for each in _all_copies(running)]
        for copies in found:
            if as_json:
                json_line(copies.to_json())
            else:
                _show_copies(copies)
        spare = [item.id for copies in found for item in copies.items[1:]]
        spare_bytes = sum(copies.spare_bytes for copies in found)
        if not as_json:
            more = "1 file" if len(spare) == 1 else f"{len(spare)} files"
            total = f"More than needed: {more}, {size(spare_bytes)}." if spare else "None."
            click.echo(total, err=True)
        if not delete or not spare:
            return 0
        if not yes and not is_terminal(sys.stdin):
            raise InvalidRequest(
                "nobody is here to be asked", hint="Give --yes to delete without a question."
            )
        if not yes and not click.confirm(f"Delete {len(spare)} files?", err=True):
            return 1
        return await _delete(running, spare, as_json=as_json)


async def _delete(running: EngineInterface, spare: Sequence[int], *, as_json: bool) -> int:
    code = 0
    for item_id in spare:
        try:
            kept = await running.delete_copy(item_id)
        except ReeldeckError as error:
            complain(error, about=str(item_id))
            code = code or error.exit_code
        else:
            if as_json:
                json_line({"deleted": item_id, "kept": kept.id})
            else:
                line(f"{item_id} is deleted; {kept.id} stays")
    return code


async def _all_copies(running: EngineInterface) -> AsyncIterator[Copies]:
    after = None
    while True:
        page = await running.copies(after=after)
        for copies in page.items:
            yield copies
        if (after := page.next) is None:
            return


def _show_copies(copies: Copies) -> None:
    first, *others = copies.items
    line(f"{first.id}  {size(first.size_bytes)}  {first.file_path}")
    for other in others:
        line(f"    {other.id}  {other.file_path}")
