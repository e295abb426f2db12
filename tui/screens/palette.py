"""The dialog that finds any action by a few letters of its name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input

from tui.action import PAGES, Action
from tui.actions import ACTIONS, NO_KEYS, OwnKeys, key_name
from tui.deck import Deck
from tui.fuzzy import fit_of
from tui.present import Line, Span, clip, fit, join_sides
from tui.screens.picking import PickingScreen
from tui.situation import Situation
from tui.widgets.lines import LineBar
from tui.widgets.roster import Roster
from tui.widgets.safe_input import SafeInput

_KEY_CELLS = 8
#: Keys that move about are known by whoever is here.
_UNLISTED = frozenset({"Move"})
#: What is about the page of operations itself.
_MOVES_THERE = frozenset({"run", "help", "back", "close"})


@dataclass(frozen=True, slots=True)
class Entry:
    """An action, and why it cannot be used now; empty when it can."""

    action: Action
    reason: str


def is_anywhere(action: Action, page: str) -> bool:
    """Operations are begun from every page: theirs is opened for it."""
    return page in PAGES and "operations" in action.screens and action.id not in _MOVES_THERE


def _score(typed: str, action: Action) -> int | None:
    """Its title counts; else words of what it does, as they are typed."""
    in_title = fit_of(typed, action.title)
    if in_title is not None:
        return in_title
    return -1000 if typed.strip().casefold() in action.help.casefold() else None


def entries_for(page: str, now: Situation, typed: str, own: OwnKeys = NO_KEYS) -> list[Entry]:
    """What *typed* finds, the best first: what works here, then what does not now, then what is elsewhere."""
    found: list[tuple[tuple[int, int], Entry]] = []
    listed: set[str] = set()
    for action in sorted(ACTIONS, key=lambda action: page not in action.screens):
        if action.group in _UNLISTED or action.id in listed | {"palette", "back"}:
            continue
        is_here = page in action.screens or is_anywhere(action, page)
        if action.id == "close" and not is_here:
            continue
        score = _score(typed, action)
        if score is None:
            continue
        listed.add(action.id)
        reason = action.reason(now) if is_here else f"On the {action.screens[0]} page"
        rank = (0 if not reason else 1 if is_here else 2) if not typed else 0 if not reason else 1
        shown = replace(action, keys=own.get(action.id, action.keys))
        found.append(((rank, -score if typed else 0), Entry(shown, reason)))
    found.sort(key=lambda each: each[0])
    return [entry for _, entry in found]


def entry_line(entry: Entry, now: Situation, cells: int) -> Line:
    """An action as a line of exactly *cells* cells: its key, its name, and what it does or why not."""
    action, off = entry.action, bool(entry.reason)
    key = key_name(action.keys[0]) if action.keys else ""
    title = action.title_now(now) if not off else action.title
    left: tuple[Span, ...] = (
        (f"{fit(key, _KEY_CELLS)}", "key.off" if off else "key"),
        (fit(title, 16), "dim" if off else "strong"),
        (f" {action.help}", "faint" if off else "dim"),
    )
    right: Line = ((f"  {entry.reason} ", "dim"),) if off else ()
    return join_sides(left, right, cells)


class PaletteScreen(PickingScreen):
    """Answers with the id of the action that was chosen, or None.

    Args:
        deck: What all screens share.
        page: The screen it is opened on.
        now: The situation there.
    """

    BINDINGS = [("ctrl+n", "move(1)", "Down"), ("ctrl+p", "move(-1)", "Up")]
    OTHER_LINES, MOST_LINES = 9, 20

    def __init__(self, deck: Deck, page: str, now: Situation) -> None:
        super().__init__(Roster(id="palette-list", is_ascii=deck.is_ascii))
        self._page, self._now, self._keys = page, now, deck.keys
        self._found: Sequence[Entry] = ()
        self._input = SafeInput(id="palette-input", placeholder="a few letters of what you want to do")
        self._note = LineBar(id="palette-note", is_ascii=deck.is_ascii)

    def compose(self) -> ComposeResult:
        """A line to type in, what it finds, and why the chosen one may not work."""
        with Vertical(id="palette", classes="box"):
            yield self._input
            yield self.roster
            yield self._note

    def on_mount(self) -> None:
        """Letters narrow it down."""
        self.roster.can_focus = False
        self._input.focus()

    def paint_rows(self, width: int) -> None:
        """What fits what was typed."""
        self._found = entries_for(self._page, self._now, self._input.value, self._keys)
        # It does not become smaller with every letter.
        self.make_room_for(self.MOST_LINES)
        self.roster.show_placeholder([(("Nothing is called so", "dim"),)])
        rows = [
            ((entry.action.id, entry.action.group), entry_line(entry, self._now, width))
            for entry in self._found
        ]
        self.roster.show_rows(rows)
        self._paint_note()

    def _paint_note(self) -> None:
        entry = self._chosen()
        line: Line = (("Enter", "key"), (" does it   ", "label"), ("Esc", "key"), (" closes", "label"))
        if entry is not None and entry.reason:
            line = (("not now: ", "warn"), (entry.reason, "text"))
        self._note.show([clip(line, self._note.size.width)])

    def _chosen(self) -> Entry | None:
        return (
            self._found[self.roster.row] if self.roster.count and self.roster.row < len(self._found) else None
        )

    def on_roster_moved(self) -> None:
        """Another one is chosen."""
        self._paint_note()

    def on_input_changed(self) -> None:
        """Each letter narrows it down; the best is chosen."""
        self.paint()
        self.roster.move_to(0)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """The action under the cursor; one that cannot be used says why."""
        event.stop()
        self.choose()

    def choose(self) -> None:
        """What can be done now."""
        entry = self._chosen()
        if entry is not None and not entry.reason:
            self.dismiss(entry.action.id)
