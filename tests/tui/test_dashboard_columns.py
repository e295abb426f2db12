from __future__ import annotations

import json

import pytest

from core.domain.job import JobStatus
from tui.memory import Memory
from tui.present import width_of
from tui.rows import CHOICES, column_heads, columns_for, row


def test_without_a_choice_columns_suit_the_width():
    assert columns_for(40).shown == set()
    assert columns_for(80).shown == {"id", "source", "speed", "left"}
    assert columns_for(140).shown == {"id", "source", "added", "speed", "left"}


def test_chosen_columns_show_where_there_is_room_and_no_others():
    assert columns_for(140, ["size", "id"]).shown == {"size", "id"}
    assert columns_for(140, list(CHOICES)).shown == set(CHOICES)
    assert columns_for(200, []).shown == set()
    assert columns_for(40, list(CHOICES)).shown < set(CHOICES)
    assert columns_for(80, list(CHOICES)).title >= 12


@pytest.mark.parametrize("width", [20, 40, 56, 80, 104, 140, 200])
@pytest.mark.parametrize("chosen", [None, (), ("size", "priority"), tuple(CHOICES)])
def test_rows_and_heads_are_as_wide_as_the_list(engine, width, chosen):
    job = engine.add(
        title="عنوان" * 9, status=JobStatus.RUNNING, size_bytes=10**12, bytes_done=10**11, priority=-12
    )
    columns = columns_for(width, chosen)
    assert width_of(row(job, columns, 0.0)) == width
    assert width_of(column_heads(columns, "size", is_reversed=False)) == width


async def test_columns_are_chosen_by_keys_and_remembered(dashboard, engine, tmp_path):
    engine.add(title="A talk", size_bytes=5 * 2**20)
    file = tmp_path / "dashboard.json"
    async with dashboard((120, 30), memory=file) as shown:
        assert "SIZE" not in shown.text
        await shown.press("c")
        await shown.shows("Columns  of the list", "● id", "○ size")
        await shown.press("j", "j", "space", "escape")
        await shown.shows("SIZE", "5.00 MiB")
    assert "size" in json.loads(file.read_text())["columns"]
    async with dashboard((120, 30), memory=file) as shown:
        await shown.shows("SIZE")
        await shown.press("c", "backspace")
        await shown.until(lambda: "SIZE" not in shown.text)
    assert json.loads(file.read_text())["columns"] is None


@pytest.mark.parametrize(
    ("stored", "kept"),
    [(None, None), ("id", None), ([], ()), (["left", "id", "x", 7, {}], ("id", "left"))],
)
def test_a_damaged_memory_of_columns_counts_for_nothing(stored, kept):
    assert Memory.of({"columns": stored}).columns == kept
