"""Questions in plain lines: for any terminal, and for answers that come from a pipe."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Callable
from typing import TypeVar

import click

from core.domain.errors import ReeldeckError
from core.domain.text import for_terminal
from tui.console.exits import complain
from tui.console.questions import ask_secret

T = TypeVar("T")


class Answers:
    """Whoever answers.

    Args:
        takes_defaults: Nobody does: every question is answered by its default.
    """

    def __init__(self, *, takes_defaults: bool) -> None:
        self.takes_defaults = takes_defaults

    def say(self, text: str = "") -> None:
        """Tell something, in one line or several; what is too long for the terminal goes on below."""
        columns = shutil.get_terminal_size().columns
        for line in text.splitlines() or [""]:
            # A path stays whole, to be copied.
            shown = textwrap.wrap(for_terminal(line), columns, break_long_words=False, break_on_hyphens=False)
            click.echo("\n".join(shown))

    def ask(self, question: str, read: Callable[[str], T], *, default: str) -> T:
        """Ask until *read* takes the answer; an empty answer is *default*.

        Raises:
            click.Abort: Ctrl-C, or no more answers.
        """
        shown = f"{question} [{default}]" if default else question
        while True:
            given = default if self.takes_defaults else self._line(shown)
            try:
                return read(given.strip() or default)
            except ReeldeckError as error:
                if self.takes_defaults:
                    raise
                complain(error)

    def agrees(self, question: str, *, default: bool) -> bool:
        """Ask for yes or no."""
        if self.takes_defaults:
            return default
        return click.confirm(for_terminal(question), default=default, err=True)

    def secret(self, question: str) -> str:
        """Ask for what nobody may read on the screen; empty where nothing was given."""
        if self.takes_defaults:
            return ""
        return ask_secret(question)

    def _line(self, question: str) -> str:
        return str(click.prompt(for_terminal(question), default="", show_default=False, err=True))
