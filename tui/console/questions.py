"""Questions whose answers may come from a pipe, or from nobody."""

from __future__ import annotations

import sys

import click

from core.domain.text import for_terminal


def ask_secret(question: str) -> str:
    """Ask for a secret; empty where nothing was given.

    Raises:
        click.Abort: Ctrl-C, or there are no more answers.
    """
    if sys.stdin.isatty():
        asked = click.prompt(
            for_terminal(question), hide_input=True, default="", show_default=False, err=True
        )
        return str(asked).strip()
    # click would ask the terminal although the answers come from elsewhere, and warn where there is none.
    click.echo(f"{for_terminal(question)}: ", err=True)
    line = sys.stdin.readline()
    if not line:
        raise click.Abort
    return line.strip()


def ask_consent(question: str) -> None:
    """Let pass whoever says yes, and scripts that have nobody to ask: they mean what they say.

    Raises:
        click.Abort: The answer is another one, or a person went away.
    """
    if sys.stdin.isatty():
        click.confirm(for_terminal(question), abort=True, err=True)
        return
    click.echo(f"{for_terminal(question)} [y/N]: ", nl=False, err=True)
    answer = sys.stdin.readline()
    click.echo(answer.strip(), err=True)
    if answer and answer.strip().lower() not in {"y", "yes"}:
        raise click.Abort
