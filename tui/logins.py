"""Logins as text: how each is, what its owner does next, how to get one out of a browser. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from core.domain.profile import Profile, ProfileReason, ProfileStatus
from core.domain.text import for_terminal
from tui.actions import KeyOf, keys_on
from tui.paragraphs import blank, fact_lines, heading, nothing_yet, paragraph, steps
from tui.present import (
    ARROW,
    DOT,
    HOLLOW,
    NOW,
    Line,
    Span,
    ago_text,
    clock_text,
    fit,
    join_sides,
    pad,
    until_text,
)

_R = ProfileReason
#: The word for each reason, at most nine cells, and what it means.
_REASONS: Mapping[ProfileReason, tuple[str, str]] = {
    _R.EXPIRING: ("ends soon", "Its cookies end within days."),
    _R.EXPIRED: ("expired", "Its cookies have ended."),
    _R.ROTATED: ("replaced", "The site has replaced the cookies: most often a browser went on using them."),
    _R.REFUSED: ("refused", "The site asked for a login although it was given this one."),
    _R.MISSING: ("unusable", "Its file cannot be read as a cookie file."),
}
_STATE_CELLS = 11
#: Columns right of the name from this width on, with their cells.
_BREAKPOINTS: tuple[tuple[int, Mapping[str, int]], ...] = (
    (92, {"ACCOUNT": 16, "USED": 10, "FAILED": 10, "CHECKED": 10, "ENDS": 9, "JOBS": 4}),
    (76, {"USED": 10, "FAILED": 10, "CHECKED": 10, "ENDS": 9, "JOBS": 4}),
    (54, {"USED": 10, "ENDS": 9, "JOBS": 4}),
    (0, {"JOBS": 4}),
)
HOW_TO = (
    "A login is a file with a site's cookies in Netscape's format (cookies.txt). Browser add-ons export it.",
    "1. Open a private window, so that no other tab uses the same session.",
    "2. Log in to the site there, and export its cookies to a file on the engine's machine.",
    "3. Close that window without logging out: a browser that goes on makes the site replace the cookies.",
    "4. Add the file here with  {add}  or in a shell:  reeldeck auth add SOURCE FILE",
    "Later put a newer export into the same place: it is used within seconds, and what waits for it goes on.",
    "The file is a key to the account: keep it where only you can read it (chmod 600).",
)
_KEYS = keys_on("auth")


def name_of(profile: Profile) -> str:
    """What people call a login: `youtube/main`. Not yet safe to print."""
    return f"{profile.source_type}/{profile.name}"


def needs_owner(profile: Profile, waiting: int) -> bool:
    """Only a person can mend it: it is not used any more, or *waiting* jobs found no use in it."""
    return profile.status is ProfileStatus.DISABLED or waiting > 0


def health_of(profile: Profile, waiting: int = 0, *, is_checking: bool = False) -> Span:
    """A sign and a word for how a login is, and their style."""
    if is_checking:
        return f"{NOW} checking", "state.run"
    if profile.reason is None:
        if profile.status is ProfileStatus.DISABLED:
            return "! off", "bad"
        if profile.last_success is None and profile.checked is None:
            return f"{HOLLOW} not tried", "dim"
        return f"{DOT} works", "good"
    word, _ = _REASONS[profile.reason]
    if profile.reason is _R.EXPIRING:  # used all the same
        return f"{DOT} {word}", "warn"
    return f"! {word}", "bad" if needs_owner(profile, waiting) else "warn"


def _columns(width: int) -> tuple[int, Mapping[str, int]]:
    cells = next(cells for least, cells in _BREAKPOINTS if width >= least)
    return max(0, width - _STATE_CELLS - 1 - sum(1 + each for each in cells.values()) - 1), cells


def login_heads(width: int) -> Line:
    """The line above the rows."""
    name_cells, cells = _columns(width)
    text = f"{'STATE':<{_STATE_CELLS}} {fit('LOGIN', name_cells)}"
    for name, each in cells.items():
        text += " " + fit(name, each, right=name == "JOBS")
    return pad(((text, "head"),), width)


def login_row(profile: Profile, waiting: int, now: float, width: int, *, is_checking: bool = False) -> Line:
    """One login as a line of exactly *width* cells."""
    name_cells, cells = _columns(width)
    state, style = health_of(profile, waiting, is_checking=is_checking)
    texts = {
        "ACCOUNT": profile.account or "",
        "USED": ago_text(profile.last_success, now) or "never",
        "FAILED": ago_text(profile.last_failure, now),
        "CHECKED": ago_text(profile.checked, now) or "never",
        "ENDS": until_text(profile.expires, now),
        "JOBS": str(waiting) if waiting else "",
    }
    spans: list[Span] = [
        (fit(state, _STATE_CELLS), style),
        (" " + fit(name_of(profile), name_cells), "strong"),
    ]
    for name, each in cells.items():
        calls = (name == "JOBS" and waiting) or (
            name == "ENDS" and profile.reason in {_R.EXPIRING, _R.EXPIRED}
        )
        spans.append((" " + fit(texts[name], each, right=name == "JOBS"), "warn" if calls else "dim"))
    return pad(tuple(spans), width)


def next_step(profile: Profile) -> str:
    """What the owner of a login does about its reason, in a sentence; empty when nothing is to be done."""
    path, source = profile.cookie_file_path, profile.source_type
    match profile.reason:
        case None:
            return ""
        case _ if path is None:
            return f"Renew the tokens of [sources.{source}], or add a file: reeldeck auth add {source} FILE"
        case _R.EXPIRING:
            return f"Before that, log in again and export the cookies to {path}."
        case _R.ROTATED:
            return (
                f"Log in again in a private window, export the cookies to {path} and close that window: "
                "jobs go on by themselves."
            )
        case _R.MISSING:
            return f"Export the cookies to {path} in Netscape's format: jobs go on by themselves."
        case _:
            return f"Log in again and export the cookies to {path}: jobs go on by themselves."


def login_detail(
    profile: Profile,
    waiting: int,
    now: float,
    width: int,
    *,
    is_checking: bool = False,
    key: KeyOf = _KEYS,
) -> list[Line]:
    """All about a login in lines of exactly *width* cells."""
    state, style = health_of(profile, waiting, is_checking=is_checking)
    lines = [join_sides(((f" {for_terminal(name_of(profile))}", "strong"),), ((f"{state} ", style),), width)]
    if profile.reason is not None:
        lines += paragraph(_REASONS[profile.reason][1], style, width)
        lines += paragraph(next_step(profile), "text", width, first=f"{ARROW} ")
    elif profile.checked is None and profile.last_success is None:
        asks = f"No job has used it yet. {key('check')} asks the site whether it takes it."
        lines += paragraph(asks, "dim", width)
    if waiting:
        lines += paragraph(f"{waiting} job{'s wait' if waiting > 1 else ' waits'} for it.", "warn", width)
    lines.append(blank(width))
    return lines + fact_lines(
        (
            ("account", profile.account or "", 1),
            ("used", _moment(profile.last_success, now), 1),
            ("failed", _moment(profile.last_failure, now) + _times(profile.failure_count_recent), 2),
            ("checked", _moment(profile.checked, now), 1),
            ("ends", _end(profile.expires, now), 1),
            ("added", clock_text(profile.created, now), 1),
            ("file", profile.cookie_file_path or "none: its tokens stand in the configuration", 4),
        ),
        width,
    )


def _moment(at: float | None, now: float) -> str:
    return f"{ago_text(at, now)} ({clock_text(at, now)})" if at is not None else ""


def _end(at: float | None, now: float) -> str:
    return f"{until_text(at, now)} ({clock_text(at, now)})" if at is not None else ""


def _times(count: int) -> str:
    return f", {count} times in a row" if count > 1 else ""


def no_logins(*, is_loaded: bool, is_lost: bool = False, key: KeyOf = _KEYS) -> list[Line]:
    """What stands in place of rows when there are none."""
    if not is_loaded:
        return nothing_yet("logins", is_lost=is_lost)
    return [
        (("No logins yet", "strong"),),
        (),
        (("Most sites need none. For what only members see:", "dim"),),
        (),
        *steps(
            (key("add_login"), "add a cookie file"),
            ("$", "reeldeck auth add SOURCE FILE, in any shell"),
            (key("how_to"), "how to get one out of a browser"),
        ),
    ]


def how_to_lines(width: int, key: KeyOf = _KEYS) -> list[Line]:
    """How to get a cookie file out of a browser."""
    lines: list[Line] = [heading("HOW TO EXPORT COOKIES", width), blank(width)]
    for each in HOW_TO:
        text = each.format(add=key("add_login"))
        is_step = text[0].isdigit()
        lines += paragraph(text[3:] if is_step else text, "text", width, first=text[:3] if is_step else "")
        if not is_step or text.startswith("4"):
            lines.append(blank(width))
    return lines
