"""A QR code in a terminal is the code, whatever the terminal's colours."""

from __future__ import annotations

import re

import pytest
import segno

from tui.commands.telegram_login import qr_text

LINK = "tg://login?token=" + "AbCd-_0123" * 5


def modules(text, *, ink):
    """Rows of modules, True for dark, as somebody sees them who reads *ink* as dark."""
    rows = []
    for line in re.sub(r"\x1b\[[\d;]*m", "", text).splitlines():
        halves = {"█": (True, True), "▀": (True, False), "▄": (False, True), " ": (False, False)}
        rows.append([halves[char][0] is ink for char in line])
        rows.append([halves[char][1] is ink for char in line])
    return rows


@pytest.mark.parametrize("colours", [True, False])
def test_every_module_is_where_it_belongs(colours):
    code = segno.make(LINK, error="l", micro=False)
    wanted = [[bool(module) for module in row] for row in code.matrix_iter(border=4)]
    # With colours ink is black on white; without, light on the terminal's dark ground.
    assert modules(qr_text(LINK, colours=colours), ink=colours)[: len(wanted)] == wanted


def test_it_fits_a_usual_terminal_and_sets_its_own_colours_where_it_may():
    lines = qr_text(LINK, colours=True).splitlines()
    assert all(line.startswith("\x1b[30;107m") and line.endswith("\x1b[0m") for line in lines)
    assert len(lines) < 24
    assert "\x1b" not in qr_text(LINK, colours=False)
