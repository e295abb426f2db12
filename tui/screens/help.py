"""The keys of a screen, made from the list of actions."""

from __future__ import annotations

import time

from textual.app import ComposeResult

from tui.actions import NO_KEYS, OwnKeys, actions_of, bindings_of, key_name
from tui.chrome import footer
from tui.deck import Deck
from tui.paragraphs import wrap
from tui.present import Line, fit, pad
from tui.screens.base import DeckScreen
from tui.screens.scrolling import ScrollActions
from tui.situation import Situation
from tui.widgets.banner import Banner
from tui.widgets.click_bar import ClickBar
from tui.widgets.lines import LineBar, LinePane

_KEYS_CELLS = 13
_FILTER_NOTES = (
    ("concert talk", "title or link contains both words"),
    ('"two words"', "exactly so"),
    ("!word", "not this one; works with all of these"),
    ("state:fail", "also run, wait, done, retry, login"),
    ("source:you,vimeo", "either source, by its beginning"),
    ("kind:audio id:102 group:7", "other fields; group is a playlist"),
)
_MOUSE_NOTE = (
    "The mouse is optional: a click selects, a double click opens, the wheel scrolls; tabs, column heads and "
    "the keys at the bottom can be clicked. To select text with the mouse hold Shift, on a Mac Option."
)
_NOTES = (_MOUSE_NOTE, "Leaving the dashboard stops nothing: the engine works on.")


class HelpScreen(ScrollActions, DeckScreen):
    """What can be done, and why not just now.

    Args:
        deck: What all screens share.
        page: The screen whose keys are shown.
        now: The situation there.
    """

    PAGE = "help"
    BINDINGS = bindings_of(PAGE)

    def __init__(self, deck: Deck, page: str, now: Situation) -> None:
        super().__init__(deck)
        self._page = page
        self._now = now
        self._top = LineBar(id="title", is_ascii=deck.is_ascii)
        self._banner = Banner(deck)
        self.pane = LinePane(id="help", is_ascii=deck.is_ascii)
        self._footer = ClickBar(id="footer", is_ascii=deck.is_ascii)

    def compose(self) -> ComposeResult:
        """A title, what is amiss, the keys, the way out."""
        yield self._top
        yield self._banner
        yield self.pane
        yield self._footer

    def on_mount(self) -> None:
        """Scrolling keys go to the page."""
        self.pane.focus()

    def on_resize(self) -> None:
        """One or two columns."""
        self.paint()

    def paint(self) -> None:
        """Everything here stands still but what is said of the engine."""
        width = self.size.width
        if width:
            self._top.show(
                [pad(((" reeldeck", "brand"), (f"  keys of the {self._page} page", "dim")), width)]
            )
            self._banner.paint(self.PAGE, time.time(), width)
            self.pane.show(help_lines(self._page, self._now, width, self.deck.keys))
            self._footer.show([footer(self.PAGE, self._now, width, self.deck.keys)])

    def do_back(self) -> None:
        """Back to where it was asked for."""
        self.dismiss()

    def do_close(self) -> None:
        """The same."""
        self.dismiss()


def help_lines(page: str, now: Situation, width: int, own: OwnKeys = NO_KEYS) -> list[Line]:
    """The page as lines: groups of keys, in two columns where there is room, then notes."""
    groups: dict[str, list[Line]] = {}
    is_wide = width >= 120
    cells = width // 2 if is_wide else width
    for action in actions_of(page, own):
        reason = action.reason(now)
        keys = " ".join(key_name(key) for key in action.keys)
        lines = groups.setdefault(action.group, [((f" {action.group.upper()}", "head"),)])
        line: Line = (
            (f"  {fit(keys, _KEYS_CELLS)} ", "key.off" if reason else "key"),
            (action.help, "dim" if reason else "text"),
        )
        lines.append(pad(line, cells))
        if reason:
            lines.append(pad(((" " * (_KEYS_CELLS + 3), "text"), (f"not now: {reason}", "dim")), cells))
    blocks = [[*lines, ()] for lines in groups.values()]
    filters: list[Line] = [((" FILTER", "head"),)]
    filters += [
        pad(((f"  {fit(text, 28)} ", "accent"), (what, "text")), cells) for text, what in _FILTER_NOTES
    ]
    if page == "jobs":
        blocks.append([*filters, ()])
    shown: list[Line] = [()]
    if is_wide:
        left, right = _balanced(blocks)
        for number in range(max(len(left), len(right))):
            first = left[number] if number < len(left) else ()
            second = right[number] if number < len(right) else ()
            shown.append((*pad(first, cells), *pad(second, width - cells)))
    else:
        shown += [line for block in blocks for line in block]
    return [*shown, *(((f" {text}", "dim"),) for note in _NOTES for text in wrap(note, min(width, 110) - 2))]


def _balanced(blocks: list[list[Line]]) -> tuple[list[Line], list[Line]]:
    left: list[Line] = []
    right: list[Line] = []
    half = sum(map(len, blocks)) / 2
    for block in blocks:
        (left if len(left) + len(block) / 2 <= half and not right else right).extend(block)
    return left, right
