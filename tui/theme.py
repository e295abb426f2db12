"""The dashboard's colours: a dark theme, a light one, and one made of the terminal's own sixteen.

`present` names styles by what they mean (`state.fail`, `dim`); here each name becomes a rich style. Colour is
never the only carrier of a meaning, so the table for terminals without colour holds attributes only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.style import Style
from textual.app import App
from textual.theme import BUILTIN_THEMES, Theme

DARK = "reeldeck-dark"
LIGHT = "reeldeck-light"
TERMINAL = "reeldeck-terminal"

_DARK = {
    "ground": "#0e1217", "bar": "#171d26", "cursor": "#20364f", "cursor-idle": "#1b2430", "line": "#2c3744",
    "text": "#d5dce5", "strong": "#f3f6f9", "dim": "#94a0ae", "faint": "#7f8b99", "accent": "#6cb2ff",
    "run": "#6cb2ff", "wait": "#a3afbc", "retry": "#e6b450", "hold": "#ff9e64", "pause": "#b9a6f5",
    "done": "#63c7a0", "fail": "#ff7f6b", "cancel": "#94a0ae",
}  # fmt: skip
_LIGHT = {
    "ground": "#fcfcfa", "bar": "#eceff3", "cursor": "#cfe2f8", "cursor-idle": "#e6ebf0", "line": "#ccd4dc",
    "text": "#1c232b", "strong": "#05080b", "dim": "#55616d", "faint": "#5f6a76", "accent": "#0a5cc2",
    "run": "#0a5cc2", "wait": "#55616d", "retry": "#855800", "hold": "#a04600", "pause": "#6440bd",
    "done": "#0f6b47", "fail": "#b3261e", "cancel": "#596470",
}  # fmt: skip
_TERMINAL = {
    "ground": "default", "bar": "default", "cursor": "default", "cursor-idle": "default",
    "line": "bright_black", "text": "default", "strong": "default", "dim": "default", "faint": "default",
    "accent": "blue", "run": "blue", "wait": "default", "retry": "yellow", "hold": "yellow",
    "pause": "magenta", "done": "green", "fail": "red", "cancel": "default",
}  # fmt: skip


def _textual_theme(name: str, colours: Mapping[str, str], *, is_dark: bool) -> Theme:
    return Theme(
        name=name,
        primary=colours["accent"],
        secondary=colours["pause"],
        warning=colours["retry"],
        error=colours["fail"],
        success=colours["done"],
        accent=colours["accent"],
        foreground=colours["text"],
        background=colours["ground"],
        surface=colours["ground"],
        panel=colours["bar"],
        dark=is_dark,
        variables={
            "line": colours["line"],
            "dim": colours["dim"],
            "veil": f"{colours['ground']} 65%",
            "input-cursor-background": colours["accent"],
            "input-cursor-foreground": colours["ground"],
            "input-selection-background": colours["cursor"],
        },
    )


#: Textual's side of the themes: what the style sheet refers to.
THEMES = (
    _textual_theme(DARK, _DARK, is_dark=True),
    _textual_theme(LIGHT, _LIGHT, is_dark=False),
    Theme(
        name=TERMINAL,
        ansi=True,
        primary="ansi_blue",
        foreground="ansi_default",
        background="ansi_default",
        surface="ansi_default",
        panel="ansi_default",
        boost="ansi_default",
        variables=dict(BUILTIN_THEMES["ansi-dark"].variables)
        | {
            "line": "ansi_bright_black",
            "dim": "ansi_default",
            "veil": "ansi_default",
            "input-cursor-background": "ansi_default",
            "input-cursor-foreground": "ansi_default",
            "input-cursor-text-style": "reverse",
            "input-selection-background": "ansi_blue",
            "input-selection-foreground": "ansi_default",
        },
    ),
)

#: Attributes that carry a meaning also without colour.
_ATTRIBUTES: Mapping[str, Mapping[str, bool]] = {
    "strong": {"bold": True},
    "brand": {"bold": True},
    "key": {"bold": True},
    "head": {"bold": True},
    "mark": {"bold": True},
    "tab.on": {"bold": True, "underline": True},
    "state.fail": {"bold": True},
    "bad": {"bold": True},
    "bar.full": {"bold": True},
}
#: Style names whose colour goes by another name.
_COLOUR_OF = {
    "brand": "strong", "tab.on": "strong", "key": "accent", "mark": "accent", "spark": "run",
    "bar.full": "run", "label": "dim", "head": "dim", "tab": "dim", "key.off": "faint", "label.off": "faint",
    "rule": "line", "bar.rest": "line", "bar.held": "pause", "good": "done", "warn": "retry", "bad": "fail",
    "problem": "fail",
}  # fmt: skip
_NAMES = (
    "text", "strong", "dim", "faint", "accent", *_COLOUR_OF, "state.run", "state.wait", "state.retry",
    "state.hold", "state.pause", "state.done", "state.fail", "state.cancel",
)  # fmt: skip
#: On terminals that choose the colours themselves, faint text is the terminal's own dim.
_FAINT = frozenset(
    {"dim", "faint", "key.off", "label", "label.off", "head", "tab", "rule", "bar.rest", "state.cancel"}
)


class Look:
    """Styles by name for one theme.

    Args:
        colours: Colour by role; None when no colour may be used at all.
        is_native: The terminal chooses the colours: backgrounds are left to it.
    """

    def __init__(self, colours: Mapping[str, str] | None, *, is_native: bool) -> None:
        self.is_native = is_native
        self._styles: dict[str, Style] = {}
        for name in _NAMES:
            attributes: dict[str, Any] = dict(_ATTRIBUTES.get(name, {}))
            if is_native and name in _FAINT:
                attributes["dim"] = True
            role = _COLOUR_OF.get(name, name.removeprefix("state."))
            colour = colours[role] if colours else None
            self._styles[name] = Style(color=colour, **attributes)
        if is_native or colours is None:
            self._styles["row.cursor"] = Style(reverse=True)
            self._styles["row.idle"] = Style(underline=True)
        else:
            self._styles["row.cursor"] = Style(bgcolor=colours["cursor"])
            self._styles["row.idle"] = Style(bgcolor=colours["cursor-idle"])

    def __getitem__(self, name: str) -> Style:
        return self._styles[name]


_LOOKS = {
    DARK: Look(_DARK, is_native=False),
    LIGHT: Look(_LIGHT, is_native=False),
    TERMINAL: Look(_TERMINAL, is_native=True),
}
_MONOCHROME = Look(None, is_native=True)


def look_of(app: App[Any]) -> Look:
    """The styles of the theme that *app* shows now; without colours where NO_COLOR asks for that."""
    return _MONOCHROME if app.no_color else _LOOKS[app.theme]


def next_theme(name: str) -> str:
    """The theme that follows *name* when people step through them."""
    names = [theme.name for theme in THEMES]
    return names[(names.index(name) + 1) % len(names)]
