"""The order of what matches a search, and what is asked of the index for it."""

from __future__ import annotations

import pytest

from core.domain.library import LibraryQuery
from core.library.query import parse
from core.store.expressions import Reach, matching, stages
from core.store.ranking import ranked


def order(query: str | LibraryQuery, *texts: tuple[str, ...]) -> list[int]:
    """Numbers of the texts, the best first; each is title, artist, album, other."""
    padded = [(number, (*text, "", "", "")[:4]) for number, text in enumerate(texts, 1)]
    return ranked(parse(query) if isinstance(query, str) else query, padded)


def test_titles_that_begin_so_come_first_then_those_that_hold_it() -> None:
    assert order(
        "slow bread", ("bread slow",), ("a slow bread",), ("slow bread",), ("x", "", "slow bread")
    ) == [3, 2, 1, 4]


def test_the_very_word_counts_for_more_than_a_longer_one_and_a_short_title_for_more_than_a_long_one() -> None:
    assert order("talk", ("the talks",), ("the talk",)) == [2, 1]
    assert order("talk", ("the talk about this and that",), ("the talk",)) == [2, 1]


def test_a_name_counts_for_more_than_a_link_and_of_equals_the_newest_are_first() -> None:
    assert order("ann", ("x", "", "", "ann"), ("y", "ann"), ("z", "ann")) == [3, 2, 1]


def test_a_word_of_a_field_counts_there_alone() -> None:
    assert order("by:ann talk", ("talk ann", "x"), ("talk", "ann")) == [2, 1]


def test_an_article_does_not_matter() -> None:
    assert order("الصيام", ("درس اخر",), ("احكام الصيام = صيام",)) == [2, 1]


@pytest.mark.parametrize("reach", [Reach.WIDE, Reach.EXACT])
def test_what_one_stage_gives_the_later_ones_leave_out(reach: Reach) -> None:
    found = stages(parse("slow bread kind:audio -salt duration>1h"), reach)
    assert len(found) == (3 if reach is Reach.WIDE else 4)
    assert all('"=kind=audio"' in stage and '"salt"' in stage for stage in found)
    assert '"=begins=slow"' in found[0]
    assert all("NOT" in stage for stage in found)


def test_what_cannot_be_met_asks_nothing() -> None:
    assert stages(parse("talk size>2MB size<1MB"), Reach.WIDE) == []


def test_only_what_was_named_is_left_out_and_signs_of_the_index_are_no_signs_to_it() -> None:
    assert matching(parse("talk -part")) == '(("talk" OR "talk" *)) NOT (("part"))'
    assert matching(parse('"a ^ b*"'), exactly=True) == '("a b")'
