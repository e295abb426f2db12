from __future__ import annotations

from datetime import date, timedelta

import pytest

from core.domain.history import DayFigures
from tui.history import CHART_CELLS, bars, chart, success_text
from tui.present import width_of

TODAY = date(2026, 11, 21)


def figures(back: int = 0, source: str = "direct", **counts: int) -> DayFigures:
    day = (TODAY - timedelta(days=back)).isoformat()
    return DayFigures(day=day, source=source, **{"completed": 0, "failed": 0, "size_bytes": 0} | counts)


def test_bars_stand_on_the_ground_and_the_least_is_not_nothing():
    assert bars([0, 1, 4, 8], 1) == [" ▁▄█"]
    assert bars([0, 1, 100, 50], 2) == ["  █ ", " ▁██"]
    assert bars([], 1) == [""]
    assert bars([0, 0], 2) == ["  ", "  "]


def test_success_is_rounded_down():
    assert success_text([figures(completed=999, failed=1)]).endswith("99 %")
    assert success_text([figures(completed=3)]) == "3 done · 0 failed · 100 %"
    assert success_text([]) == ""


@pytest.mark.parametrize("width", [12, 20, CHART_CELLS, 80])
@pytest.mark.parametrize(
    "days", [[], [figures(completed=5, failed=2, size_bytes=2**30), figures(29, failed=1)]]
)
def test_a_chart_is_as_wide_as_its_place(width, days):
    for is_tall in (False, True):
        assert {width_of(line) for line in chart(days, "direct", TODAY, width, is_tall=is_tall)} == {width}


@pytest.mark.parametrize("size", [(80, 24), (140, 40)])
async def test_the_page_of_sources_charts_the_one_under_the_cursor(dashboard, engine, size):
    today = date.today().isoformat()  # noqa: DTZ011 -- people's days
    engine.ended = [
        DayFigures(day=today, source="direct", completed=4, failed=1, size_bytes=3 * 2**20),
        DayFigures(day=today, source="youtube", completed=1, failed=0, size_bytes=1),
    ]
    async with dashboard(size) as shown:
        await shown.press("2")
        await shown.shows("LAST 30 DAYS", "4 done · 1 failed · 80 %", "3.00 MiB in all", "runs", "today")
        await shown.press("j")
        await shown.shows("1 done · 0 failed · 100 %")


async def test_in_ascii_the_chart_is_of_plain_signs(dashboard, engine):
    today = date.today().isoformat()  # noqa: DTZ011 -- people's days
    engine.ended = [DayFigures(day=today, source="direct", completed=4, failed=1, size_bytes=9)]
    async with dashboard(is_ascii=True) as shown:
        await shown.press("2")
        await shown.shows("LAST 30 DAYS", "today")
        assert shown.text.isascii()
