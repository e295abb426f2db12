from __future__ import annotations

import pytest
from rich.cells import cell_len

from core.domain.errors import EngineUnreachable, InvalidRequest
from core.domain.library import LibraryEntry
from core.library.query import parse
from tests.fakes.library import an_item
from tests.unit.test_tui_present import HOSTILE, NOW, assert_is_safe, text_of
from tui.library import column_of, item_detail, item_heads, item_row, no_items, problem_lines

WIDTHS = [20, 40, 60, 79, 97, 140]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("text", HOSTILE)
def test_rows_and_details_are_safe_and_as_wide_as_they_must_be(width, text):
    item = an_item(title=text, artist=text, album=text, url=text, file_path=text, date=text, container=text)
    entry = LibraryEntry(item, is_there=False, copies=(item,))
    for line in (item_row(item, width), item_heads(width), *item_detail(item, entry, NOW, width)):
        assert cell_len(text_of(line)) == width
        assert_is_safe(text_of(line))


def test_a_row_tells_title_who_and_how_long_where_there_is_room():
    assert "A talk" in text_of(item_row(an_item(), 40))
    shown = text_of(item_row(an_item(), 97))
    assert all(text in shown for text in ("A talk", "Ann", "audio", "12:34", "5.00 MiB", "2024-05-01"))


def test_what_has_no_title_goes_by_its_link():
    assert "https://a.example/x" in text_of(item_row(an_item(title=None), 79))


def detail(item, entry=None) -> str:
    return "\n".join(text_of(line) for line in item_detail(item, entry, NOW, 60))


def test_the_detail_says_where_the_file_is_and_whether_it_is_still_there():
    item = an_item()
    assert "/archive/1.mp3" in detail(item)
    assert "moved or deleted" not in detail(item, LibraryEntry(item, is_there=True))
    assert "moved or deleted" in detail(item, LibraryEntry(item, is_there=False))


def test_the_detail_names_other_files_with_the_same_content():
    item, copy = an_item(), an_item(2)
    assert "/archive/2.mp3" in detail(item, LibraryEntry(item, is_there=True, copies=(copy,)))


def test_the_pointer_stands_under_the_fault():
    typed = "talk titel:x"
    with pytest.raises(InvalidRequest) as refused:
        parse(typed)
    assert column_of(refused.value) == typed.index("titel")
    pointer, told = (text_of(line) for line in problem_lines(refused.value, 3, 79))
    assert pointer.index("^") == 3 + typed.index("titel")
    assert "there is no field 'titel'" in told
    assert "title:?" in told


def test_a_fault_elsewhere_has_no_pointer():
    pointer, told = (text_of(line) for line in problem_lines(EngineUnreachable("gone"), 3, 60))
    assert "^" not in pointer
    assert "gone" in told


@pytest.mark.parametrize("width", WIDTHS)
def test_problems_are_safe_and_fit(width):
    for text in HOSTILE:
        for line in problem_lines(InvalidRequest(f"column 400: {text}", hint=text), 3, width):
            assert cell_len(text_of(line)) == width
            assert_is_safe(text_of(line))


def test_an_empty_list_says_what_to_do_next():
    def told(**state) -> str:
        known = {"is_live": True, "is_asked": True, "text": ""} | state
        return " ".join(text_of(line) for line in no_items(**known))

    assert "Loading" in told(is_asked=False)
    assert "does not answer" in told(is_asked=False, is_live=False)
    assert "Nothing has these words" in told(text="x")
    assert "The library is empty" in told()
