"""Words, as the index of three-letter pieces is asked for them."""

from __future__ import annotations

import pytest

from core.store.words import MAX_PIECES, pieces_of


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("talk", '"tal" "alk"'),
        ("lecture", '"lec" "tur" "ure"'),
        ("abcdef", '"abc" "def"'),
        ("abc abc bcd", '"abc" "bcd"'),
        ("  talk  of ", '"tal" "alk"'),
        ("مرحبا", '"مرح" "حبا"'),
        ('a"b"', '"a""b" """b"""'),
        ("a b cd", None),
        ("", None),
        ("zero\0byte", None),
    ],
)
def test_each_word_of_three_characters_or_more_is_asked_for_by_its_pieces(text, pieces):
    assert pieces_of(text) == pieces


def test_a_long_text_asks_for_no_more_than_tells_enough():
    assert pieces_of("".join(chr(0x4E00 + n) for n in range(500))).count(" ") == MAX_PIECES - 1
