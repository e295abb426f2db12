from __future__ import annotations

import json

import pytest

from tui.memory import Memory, keep, recall

LEFT = Memory(
    theme="reeldeck-light", sort="size", is_reversed=True, view="Failed", filter='state:fail "two words"',
    log_level="ERROR",
)  # fmt: skip


def test_what_is_kept_is_recalled(tmp_path):
    file = tmp_path / "new" / "dashboard.json"
    keep(file, LEFT)
    assert recall(file) == LEFT
    assert file.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in file.parent.iterdir()] == ["dashboard.json"]


def test_a_file_that_is_not_there_is_no_memory(tmp_path):
    assert recall(tmp_path / "x") == Memory()
    assert recall(tmp_path) == Memory()


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"x"', "[" * 10_000, "\x00", "9" * 40_000])
def test_a_damaged_file_is_no_memory(tmp_path, text):
    file = tmp_path / "dashboard.json"
    file.write_text(text)
    assert recall(file) == Memory()


@pytest.mark.parametrize(
    ("name", "value"),
    [("theme", "pink"), ("theme", 5), ("sort", ["size"]), ("is_reversed", "yes"), ("view", "Everything"),
     ("filter", "\x1b[2J"), ("filter", "x" * 10_000), ("filter", None), ("log_level", "TRACE")],
)  # fmt: skip
def test_what_is_wrong_in_it_is_left_out_and_the_rest_stays(tmp_path, name, value):
    file = tmp_path / "dashboard.json"
    keep(file, LEFT)
    file.write_text(json.dumps(json.loads(file.read_text()) | {name: value}))
    found = recall(file)
    assert getattr(found, name) == getattr(Memory(), name)
    others = {"theme", "sort", "view", "log_level"} - {name}
    assert all(getattr(found, each) == getattr(LEFT, each) for each in others)


def test_who_cannot_write_leaves_all_the_same(tmp_path):
    (tmp_path / "file").write_text("")
    keep(tmp_path / "file" / "dashboard.json", LEFT)
    (tmp_path / "dashboard.json").mkdir()
    keep(tmp_path / "dashboard.json", LEFT)
    assert {each.name for each in tmp_path.iterdir()} == {"file", "dashboard.json"}
