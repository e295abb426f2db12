"""The terminal in the page: xterm.js, as the package textual-serve brings it.

textual-serve shows Textual programs in browsers. Its one script holds xterm.js, additions to it, and a page
that starts where an element has the class `textual-terminal`. Ours has none, and wants the parts only: on its
way out the script gets a statement that names them, `globalThis.xterm`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.resources import files
from typing import Self

from core.domain.errors import NotInstalled
from core.sources.ytdlp.install import install_command

#: As the extra `web` in pyproject.toml has it.
PACKAGE = "textual-serve==1.1.3"
#: What our page is given → where theirs keeps one of it.
_PARTS = {"Terminal": "terminal", "FitAddon": "fitAddon", "Unicode11Addon": "unicode11Addon"}
#: Theirs begins here, after everything that it is made of.
_THEIR_PAGE = "window.onload="


@dataclass(frozen=True, slots=True)
class TerminalFiles:
    """What a browser needs to draw a terminal."""

    script: str
    style: str

    @classmethod
    def load(cls) -> Self:
        """From the installed package.

        Raises:
            NotInstalled: There is none, or another than the one we know.
        """
        try:
            static = files("textual_serve") / "static"
            script = (static / "js" / "textual.js").read_text("utf-8")
            style = (static / "css" / "xterm.css").read_text("utf-8")
        except (ModuleNotFoundError, FileNotFoundError) as error:
            raise _missing("the terminal for browsers") from error
        return cls(with_parts(script), style)


def with_parts(script: str) -> str:
    """The *script* of textual-serve with its parts in `globalThis.xterm`.

    Raises:
        NotInstalled: They are not where the version that we know has them.
    """
    before, begins, after = script.partition(_THEIR_PAGE)
    named = []
    for part, field in _PARTS.items():
        found = re.search(rf"this\.{field}=new ([\w$]+\.{part})\b", before)
        if not begins or found is None:
            raise _missing(f"{PACKAGE}; another version is")
        named.append(f"{part}:{found[1]}")
    return f"{before}globalThis.xterm={{{','.join(named)}}};{begins}{after}"


def _missing(what: str) -> NotInstalled:
    hint = f"Install it: {install_command(PACKAGE)}  (the extra reeldeck[web] brings it along)"
    return NotInstalled(what, hint=hint)
