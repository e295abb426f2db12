"""`library tag` and `library tags`: what people call files."""

from __future__ import annotations

from collections.abc import Sequence

import click

from core.domain.errors import ReeldeckError
from tui.console.connect import any_engine, run_async
from tui.console.exits import complain
from tui.console.output import json_line, line, table

_json = click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")


# A tag may begin with any letter: "-h" takes the tag h.
@click.command(
    context_settings={"ignore_unknown_options": True}, add_help_option=False, options_metavar="[--json]"
)
@click.argument("words", metavar="ID... +TAG... -TAG...", nargs=-1, required=True, type=click.UNPROCESSED)
@_json
@click.help_option("--help")
def tag(words: Sequence[str], *, as_json: bool) -> int:
    """Give files tags, and take others from them: reeldeck library tag 12 14 +music "+live session" -later

    `reeldeck search tag:music` finds them; `reeldeck library tags` lists all tags.
    """
    return run_async(_tag(*_ids_and_tags(words), as_json=as_json))


def _ids_and_tags(words: Sequence[str]) -> tuple[list[int], list[str], list[str]]:
    ids = [word for word in words if not word.startswith(("+", "-"))]
    if not ids or not all(word.isascii() and word.isdecimal() for word in ids):
        raise click.UsageError("name files by their numbers, and tags with a + or a - before them")
    add = [word[1:] for word in words if word.startswith("+")]
    remove = [word[1:] for word in words if word.startswith("-")]
    if not add and not remove:
        raise click.UsageError("which tags? +TAG gives one, -TAG takes it")
    return list(map(int, ids)), add, remove


async def _tag(ids: Sequence[int], add: Sequence[str], remove: Sequence[str], *, as_json: bool) -> int:
    code = 0
    async with any_engine() as (running, _):
        for item_id in ids:
            try:
                item = await running.tag_item(item_id, add=add, remove=remove)
            except ReeldeckError as error:
                complain(error, about=str(item_id))
                code = code or error.exit_code
            else:
                if as_json:
                    json_line(item.to_json())
                else:
                    line(f"{item.id}  {', '.join(item.tags) or 'no tags'}")
    return code


@click.command()
@_json
def tags(*, as_json: bool) -> None:
    """List the tags of the library, and how many files have each."""
    run_async(_tags(as_json=as_json))


async def _tags(*, as_json: bool) -> None:
    async with any_engine() as (running, _):
        found = await running.tags()
    if as_json:
        for each in found:
            json_line({"name": each.name, "count": each.count})
    elif found:
        table(("FILES", "TAG"), [(str(each.count), each.name) for each in found], flexible=1)
    else:
        click.echo("There are no tags. Give one: reeldeck library tag ID +TAG", err=True)
