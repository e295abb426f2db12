"""The dialog for all jobs of a playlist together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from textual.app import ComposeResult
from textual.containers import Vertical

from core.domain.errors import ReeldeckError
from core.domain.interface import GroupAction
from core.domain.job import JobStatus
from core.domain.text import for_terminal
from tui.deck import Deck
from tui.present import SEPARATOR, Line
from tui.screens.dialog import Dialog
from tui.widgets.lines import LineBar

_S = JobStatus
#: Keys, what they do, and the jobs that it is for.
CHOICES: Mapping[str, tuple[GroupAction, frozenset[JobStatus]]] = {
    "p": ("pause", frozenset({_S.PENDING, _S.QUEUED, _S.RUNNING})),
    "u": ("resume", frozenset({_S.PAUSED})),
    "x": ("cancel", frozenset({_S.PENDING, _S.QUEUED, _S.RUNNING, _S.PAUSED})),
    "r": ("retry", frozenset({_S.FAILED, _S.CANCELLED})),
}
#: Past forms, for what was done.
DONE: Mapping[GroupAction, str] = {
    "pause": "Paused",
    "resume": "Resumed",
    "cancel": "Cancelled",
    "retry": "Started again:",
}
#: Answered for: show only its jobs.
SHOW = "show"


class PlaylistScreen(Dialog):
    """Answers with a GroupAction and how many jobs it is for, with SHOW, or with None.

    Args:
        deck: What all screens share.
        group_id: The playlist.
    """

    BINDINGS = [
        *((key, f"choose('{key}')", name) for key, (name, _) in CHOICES.items()),
        ("f", "show", "Show"),
        ("escape,q,enter,P", "dismiss(None)", "Close"),
    ]

    def __init__(self, deck: Deck, group_id: int) -> None:
        super().__init__()
        self._deck = deck
        self._group_id = group_id
        self._title = f"Playlist {group_id}"
        self._counts: Mapping[JobStatus, int] | None = None
        self._lines = LineBar(id="playlist-lines", is_ascii=deck.is_ascii)

    def compose(self) -> ComposeResult:
        """What it holds, what can be done."""
        with Vertical(id="playlist", classes="box"):
            yield self._lines

    def on_mount(self) -> None:
        """The engine knows all its jobs; here may be only some."""
        self.call_after_refresh(self.paint)
        self.run_worker(self._load(), group="load")

    def on_resize(self) -> None:
        """Lines are cut anew."""
        self.call_after_refresh(self.paint)

    def count_of(self, key: str) -> int:
        """How many jobs the action of a key is for."""
        counts = self._counts or {}
        return sum(counts.get(status, 0) for status in CHOICES[key][1])

    async def _load(self) -> None:
        try:
            group = await self._deck.client.group(self._group_id)
        except ReeldeckError as error:
            self._deck.say_error(error)
            self.dismiss(None)
            return
        self._counts = {status: int(group["counts"].get(status.value, 0)) for status in JobStatus}
        if group.get("title"):
            self._title += f" {SEPARATOR} {group['title']}"
        self.paint()

    def paint(self) -> None:
        """Show the figures, once they are here."""
        cells = self._lines.size.width
        states = "Loading …"
        if self._counts is not None:
            counts = [f"{count} {status.value.lower()}" for status, count in self._counts.items() if count]
            states = ", ".join(counts) or "no jobs"
        lines: list[Line] = [
            ((for_terminal(self._title, cells=cells), "strong"),),
            ((for_terminal(states, cells=cells), "dim"),),
            (),
        ]
        for key, (name, _) in CHOICES.items():
            count = self.count_of(key)
            is_on = bool(count)
            what = f"  {name:<7} {count or 'none'}" if self._counts is not None else f"  {name}"
            lines.append(
                ((f" {key}", "key" if is_on else "key.off"), (what, "label" if is_on else "label.off"))
            )
        lines += [
            ((" f", "key"), ("  show only its jobs", "label")),
            (),
            (("Esc", "key"), (" close", "label")),
        ]
        self._lines.styles.height = len(lines)
        self._lines.show(lines)

    def action_choose(self, key: str) -> None:
        """Answer with an action, unless it is for no job."""
        if self.count_of(key):
            self.dismiss((CHOICES[key][0], self.count_of(key)))

    def action_show(self) -> None:
        """Answer that its jobs are to be shown."""
        self.dismiss(SHOW)


def outcome_words(action: GroupAction, answer: Mapping[str, Any]) -> str:
    """One line on what came of an action."""
    changed, refused = answer["changed"], answer["refused"]
    jobs = f"{changed} job{'s' * (changed != 1)} of the playlist"
    return f"{DONE[action]} {jobs}" + (
        f" {SEPARATOR} {refused} had moved on by themselves" if refused else ""
    )
