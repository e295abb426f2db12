"""Text laid out in lines."""

from __future__ import annotations

from tui.paragraphs import fold
from tui.present import width_of


def test_lines_that_are_too_long_go_on_below_their_last_span():
    lines = [
        (("No jobs yet", "strong"),),
        (),
        (("a", "key"), ("   add a link, or just paste one here", "dim")),
    ]
    assert fold(lines, 80) == lines
    assert fold(lines, 24) == [
        *lines[:2],
        (("a", "key"), ("   add a link, or just", "dim")),
        (("    paste one here", "dim"),),
    ]


def test_no_line_is_wider_than_there_is_room_for():
    line = (("$", "key"), ("  " + "مكتبة 東京 word " * 9, "dim"))
    for cells in range(6, 60):
        assert all(width_of(each) <= cells for each in fold([line], cells))
