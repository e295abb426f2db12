from __future__ import annotations

import pytest
from rich.cells import cell_len

from core.domain.limit import range_text, typed_value
from tests.fakes.limits import a_limit
from tests.unit.test_tui_present import HOSTILE, assert_is_safe, text_of
from tui.limits import (
    limit_detail,
    limit_heads,
    limit_row,
    switch_detail,
    switch_row,
)

SLOTS = a_limit()
RATE = a_limit("bandwidth_bps", 0, least=0, most=2**40)


@pytest.mark.parametrize("width", [20, 50, 79, 97, 140])
@pytest.mark.parametrize("about", HOSTILE)
def test_lines_are_safe_and_as_wide_as_they_must_be(width, about):
    limit = a_limit(about=about, value=9)
    lines = [limit_row(limit, width), limit_heads(width), *limit_detail(limit, width)]
    lines += [switch_row(width, is_on=True), *switch_detail(width, is_on=False)]
    for line in lines:
        assert cell_len(text_of(line)) == width
        assert_is_safe(text_of(line))


@pytest.mark.parametrize(
    ("limit", "text", "value"),
    [
        (SLOTS, "8", 8),
        (SLOTS, " 64 ", 64),
        (SLOTS, "65", None),
        (SLOTS, "0", None),
        (SLOTS, "1.5", None),
        (SLOTS, "1k", None),
        (SLOTS, "many", None),
        (SLOTS, "", None),
        (SLOTS, "-1", None),
        (SLOTS, "9" * 400, None),
        (RATE, "0", 0),
        (RATE, "2.5M", 2_621_440),
        (RATE, "2,5 MiB/s", 2_621_440),
        (RATE, "500k", 512_000),
        (RATE, "2T", None),
        (RATE, "٣", None),
    ],
)
def test_values_are_read_as_people_type_them(limit, text, value):
    assert typed_value(limit, text) == value


def test_ranges_say_what_nought_means():
    assert range_text(SLOTS) == "1 to 64"
    assert range_text(RATE).startswith("0 (no limit) to ")
    assert "no limit" in text_of(limit_row(RATE, 97))
