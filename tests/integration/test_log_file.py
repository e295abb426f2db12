"""Following a log that grows, is replaced, torn, emptied."""

from __future__ import annotations

import json

import pytest

from tui.log_file import LogFile


def write(file, *numbers, mode="a"):
    with file.open(mode) as stream:
        stream.writelines(json.dumps({"event": number}) + "\n" for number in numbers)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "log.jsonl"


@pytest.fixture
def follow(file):
    opened = []

    def make(**options):
        log = LogFile(file, **options)
        opened.append(log)
        return lambda: [entry["event"] for entry in log.new_blocking()]

    yield make
    for log in opened:
        log.close()


def test_each_look_tells_what_came_since(file, follow):
    look = follow()
    assert look() == []
    write(file, 1, 2)
    assert look() == [1, 2]
    write(file, 3)
    assert look() == [3]
    assert look() == []


def test_a_line_that_is_half_written_waits_for_its_end(file, follow):
    look = follow()
    file.write_text('{"event": 1}\n{"event"')
    assert look() == [1]
    with file.open("a") as stream:
        stream.write(": 2}\n")
    assert look() == [2]


def test_nothing_is_lost_when_the_file_is_rotated_between_two_looks(file, follow):
    look = follow()
    write(file, 1)
    assert look() == [1]
    write(file, 2)
    file.rename(file.with_suffix(".1"))
    write(file, 3)
    assert look() == [2, 3]


def test_a_file_that_is_away_for_a_moment_is_found_again(file, follow):
    look = follow()
    write(file, 1)
    look()
    file.unlink()
    assert look() == []
    write(file, 2)
    assert look() == [2]


def test_a_file_that_was_emptied_begins_anew(file, follow):
    look = follow()
    write(file, 1, 2)
    look()
    write(file, 3, mode="w")
    assert look() == [3]


def test_of_a_flood_only_the_end_is_read(file, follow):
    look = follow(most_bytes=200)
    write(file, *range(10_000))
    last = look()
    assert last[-1] == 9999
    assert 5 < len(last) < 20
    write(file, 7)
    assert look() == [7]


@pytest.mark.parametrize("torn", ["{", "[1]", '"x"', "\x00", "[" * 50_000])
def test_what_is_no_line_of_ours_is_passed_over(file, follow, torn):
    file.write_text(f'{torn}\n{{"event": 1}}\n')
    assert follow()() == [1]


def test_a_log_that_may_not_be_read_is_told(tmp_path):
    with pytest.raises(OSError, match=r".+"):
        list(LogFile(tmp_path).new_blocking())


def rotate(file, *numbers):
    """Write a file and replace it, as the engine does when one is full."""
    write(file, *numbers)
    for number in (2, 1):
        older = file.with_name(f"{file.name}.{number}")
        if older.exists():
            older.rename(file.with_name(f"{file.name}.{number + 1}"))
    file.rename(file.with_name(f"{file.name}.1"))


def test_the_first_look_goes_back_into_files_that_were_replaced(file, follow):
    rotate(file, 1, 2)
    rotate(file, 3, 4)
    write(file, 5)
    assert follow()() == [5]
    look = follow(earlier_bytes=10_000)
    assert look() == [1, 2, 3, 4, 5]
    rotate(file, 6)
    write(file, 7)
    assert look() == [6, 7]


def test_no_more_of_earlier_files_is_read_than_was_asked_for(file, follow):
    rotate(file, 10, 11, 12)
    rotate(file, 13, 14, 15)
    write(file, 16)
    one = len('{"event": 10}\n')
    assert follow(earlier_bytes=one)() == [16]
    assert follow(earlier_bytes=3 * one + 3)() == [14, 15, 16]
    assert follow(earlier_bytes=5 * one + 3)() == [12, 13, 14, 15, 16]
