"""How far two words are apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.store.typos import distance, may_differ, pieces_of

WORDS = st.text(alphabet="abcد", max_size=8)


@pytest.mark.parametrize(
    ("one", "other", "slips"),
    [
        ("talk", "talk", 0),
        ("talk", "tlak", 1),
        ("talk", "tal", 1),
        ("talk", "stalk", 1),
        ("talk", "walk", 1),
        ("sourdough", "sourdogh", 1),
        ("النوويه", "النويية", 2),
        ("suleiman", "sulyeman", 2),
        ("abc", "xyz", 3),
        ("", "ab", 2),
    ],
)
def test_slips_are_counted(one: str, other: str, slips: int) -> None:
    assert distance(one, other, 5) == distance(other, one, 5) == slips


@given(WORDS, WORDS)
def test_a_lower_limit_only_cuts_the_count(one: str, other: str) -> None:
    assert distance(one, other, 2) == min(distance(one, other, 20), 3)


def test_long_words_may_differ_more() -> None:
    assert [may_differ(word) for word in ("talk", "talks", "talking")] == [1, 1, 2]


def test_a_word_is_known_by_its_pairs_of_letters_and_its_ends() -> None:
    assert pieces_of("درس") == ["^د", "در", "رس", "س$"]
