"""What the pages tell people to type is what the program takes."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from tui.cli import reeldeck

ROOT = Path(__file__).parents[2]
#: These are made from the commands themselves.
GENERATED = {"cli.md", "commands.md"}
PAGES = [
    ROOT / "README.md",
    *(page for page in sorted((ROOT / "docs").glob("*.md")) if page.name not in GENERATED),
]
_BLOCK = re.compile(r"^```sh\n(.*?)^```|((?:^    \S.*\n)+)", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`(reeldeck [^`]+)`")
_CALL = re.compile(r"(?:^|[;&|(] *|\$\(|exec (?:-it )?reeldeck )(?:\S*/)?reeldeck( [^;&|)]*)?(?=$|[;&|)])")


def typed_in(text: str) -> list[str]:
    """What stands behind `reeldeck` in a page's blocks and lines."""
    blocks = [first or second for first, second in _BLOCK.findall(text)]
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    calls = [found[1] or "" for line in lines for found in _CALL.finditer(line.partition("  #")[0].strip())]
    return [*calls, *(inline.removeprefix("reeldeck") for inline in _INLINE.findall(text))]


def fault_of(typed: str) -> str | None:
    """Why the program would not take *typed*; what stands for something else in it is not looked at."""
    command: click.Command = reeldeck
    context = click.Context(reeldeck)
    for word in shlex.split(typed, comments=True):
        if word.startswith("-") and not re.fullmatch(r"-\d+|-[a-z]+\w{2,}|-", word):
            known = {name for option in command.get_params(context) for name in option.opts}
            if word.partition("=")[0].rstrip(",") not in known:
                return f"{command.name} has no {word}"
        elif isinstance(command, click.Group) and word.islower():
            found = command.get_command(context, word.rstrip(","))
            if found is None:
                return f"{command.name} has no command {word}"
            command = found
    return None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_in_the_pages_are_those_that_there_are(page):
    faults = {typed: fault for typed in typed_in(page.read_text()) if (fault := fault_of(typed))}
    assert not faults


def test_a_command_that_is_gone_would_be_seen():
    page = (
        "```sh\nreeldeck auth added x   # no\nsudo x && reeldeck get --fast URL\n```\n`reeldeck odd --ok`\n"
    )
    assert typed_in(page) == [" auth added x", " get --fast URL", " odd --ok"]
    assert all(fault_of(typed) for typed in typed_in(page))
    assert fault_of(" auth add youtube ~/c.txt --name alt") is None
