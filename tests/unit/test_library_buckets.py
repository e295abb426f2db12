"""Figures and days as words of the index: nothing within a range is missed, and little beside it is found."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from core.domain.library import Bound
from core.library.query import parse
from core.store.buckets import covering, tokens_of

OPERATORS = {
    "<": lambda a, b: a < b, "<=": lambda a, b: a <= b, "=": lambda a, b: a == b,
    ">=": lambda a, b: a >= b, ">": lambda a, b: a > b,
}  # fmt: skip
figures = st.floats(0, 1e14) | st.sampled_from([0.0, 1.0, 2.0, 255.9, 256.0, 3600.0, 2.0**30])
days = st.dates().map(str) | st.sampled_from(["0000-01-01", "1979-12-31", "1980-01-01", "2060-01-01"])
ends = st.sampled_from(["2024~", "2024-02~", "1979-12~", "2059~"]) | days


def bounds(column: str, values: st.SearchStrategy) -> st.SearchStrategy[Bound]:
    operators = st.sampled_from([each for each in OPERATORS if column != "day" or each != "="])
    return st.builds(
        Bound, column=st.just(column), operator=operators, value=values, is_negated=st.booleans()
    )


def is_within(cells, bound: Bound) -> bool:
    return OPERATORS[bound.operator](cells[bound.column], bound.value) is not bound.is_negated


@given(
    figures,
    figures,
    days,
    st.lists(bounds("duration_s", figures) | bounds("size_bytes", figures) | bounds("day", ends), max_size=4),
)
def test_an_item_within_bounds_has_a_word_of_every_column_they_speak_of(length, size, day, asked) -> None:
    cells = {"duration_s": length, "size_bytes": int(size), "day": day}
    if all(is_within(cells, bound) for bound in asked):
        assert all(set(tokens_of(cells)) & set(words) for words in covering(asked))


@given(figures)
def test_words_are_of_one_letter_that_nobody_types(length) -> None:
    tokens = list(tokens_of({"duration_s": length, "size_bytes": None, "day": "2024-05-01"}))
    assert len(tokens) == len(set(tokens)) == 5
    assert all(len(token) == 1 and not token.isalnum() for token in tokens)


def test_a_narrow_range_takes_few_words_and_a_wide_one_not_many() -> None:
    for query, most in (
        ("duration>40m duration<41m", 2),
        ("duration>1h", 12),
        ("size<50MB", 32),
        ("after:2024-03 before:2024-09", 7),
        ("date:2024", 1),
        ("after:2015", 11),
        ("before:2016", 12),
    ):
        (words,) = covering(parse(query).bounds)
        assert 0 < len(words) <= most, query


def test_nothing_is_within_bounds_that_exclude_one_another() -> None:
    assert list(covering(parse("duration>2h duration<1h").bounds)) == [[]]
