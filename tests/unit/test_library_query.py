"""The language of searches, and where it says that it does not understand."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.errors import InvalidRequest
from core.domain.library import Bound, Facet, LibraryQuery, Words
from core.library.query import MAX_TERMS, parse


def words(*phrase: str, **more: object) -> Words:
    return Words(phrases=(phrase,), **more)


def test_words_phrases_and_their_fields_are_told_apart() -> None:
    query = parse('Tafsir -part "just SO" title:kahf by:"Ibn Kathir" in:series -artist:x')
    assert query == LibraryQuery(
        words=(
            words("tafsir"),
            words("part", is_negated=True),
            words("just", "so", is_prefix=False),
            words("kahf", column="title"),
            words("ibn", "kathir", column="artist", is_prefix=False),
            words("series", column="album"),
            words("x", column="artist", is_negated=True),
        )
    )


def test_arabic_quotes_are_quotes_and_words_are_folded() -> None:
    assert parse("«شَرْح الأربعين»").words == (words("شرح", "الاربعين", is_prefix=False),)


def test_facets_take_several_values() -> None:
    assert parse("source:YouTube,x -kind:audio chat:-100 user=7").facets == (
        Facet(name="source", values=("youtube", "x")),
        Facet(name="kind", values=("audio",), is_negated=True),
        Facet(name="chat", values=("-100",)),
        Facet(name="user", values=("7",)),
    )


def test_a_chat_is_named_by_words_of_its_title_too() -> None:
    chats = {-5: "Film Club Köln", -6: "Book club", -7: "نادي الأفلام"}
    for text, numbers in (
        ("chat:club", ("-5", "-6")),
        ('chat:"club koln"', ("-5",)),
        ("chat:الافلام,-9", ("-7", "-9")),
    ):
        assert parse(text, chats).facets == (Facet(name="chat", values=numbers),)


@pytest.mark.parametrize(
    ("text", "column", "operator", "value"),
    [
        ("duration>180", "duration_s", ">", 180.0),
        ("duration<=1h30m", "duration_s", "<=", 5400.0),
        ("duration>=1:30:00", "duration_s", ">=", 5400.0),
        ("duration<2:05", "duration_s", "<", 125.0),
        ("duration:90s", "duration_s", "=", 90.0),
        ("size<50MB", "size_bytes", "<", 50e6),
        ("size>1.5GiB", "size_bytes", ">", 1.5 * 2**30),
        ("size>=2k", "size_bytes", ">=", 2048.0),
        ("size=17", "size_bytes", "=", 17.0),
        ("after:2024-01-31", "day", ">=", "2024-01-31"),
        ("before:2024", "day", "<", "2024-01-01"),
        ("date>=2024-05", "day", ">=", "2024-05-01"),
        ("date>2024", "day", ">=", "2024~"),
        ("date<=2024-02", "day", "<", "2024-02~"),
    ],
)
def test_figures_and_days_have_units_and_sides(text, column, operator, value) -> None:
    assert parse(text).bounds == (Bound(column=column, operator=operator, value=value),)
    if ":" not in text:
        (bound,) = parse(f"-{text}").bounds
        assert bound.is_negated


def test_a_date_may_be_a_whole_year() -> None:
    first, last = parse("date:2024").bounds
    assert (first.operator, first.value, last.operator, last.value) == (">=", "2024-01-01", "<", "2024~")
    assert str(first.value) <= "2024-12-31" < str(last.value) < "2025-01-01"


@pytest.mark.parametrize(
    "text", ["Re: hello", "12:30", "http://a.example/b", "x=1", "a<b", "& - |", "", "Surah :"]
)
def test_what_only_looks_like_a_field_is_text(text: str) -> None:
    query = parse(text)
    assert (query.facets, query.bounds) == ((), ())


@pytest.mark.parametrize(
    ("text", "column", "says"),
    [
        ("talk foo:bar", 6, "no field 'foo'"),
        ('talk "never closed', 6, "never closed"),
        ('by:"open', 4, "never closed"),
        ("talk title:", 6, "title: has no value"),
        ('by:""', 1, "has no value"),
        ("size<many", 6, "takes a size"),
        ("size<5iB", 6, "takes a size"),
        ("شرح duration>soon", 14, "takes a time"),
        ("after:yesterday", 7, "takes a day"),
        ("date>2024-13", 6, "takes a day"),
        ("after>2024", 6, "takes a colon"),
        ("kind:film", 6, "audio or video"),
        ("talk chat:friends", 11, "no watched chat called 'friends'"),
        ("user:ann", 6, "the number of a person"),
        ("title>x", 6, "takes a colon"),
        ("-date:2024", 7, "before: or after:"),
        ("a " * (MAX_TERMS + 1), 2 * MAX_TERMS + 1, "at most"),
        ("x" * 501, 501, "at most 500"),
    ],
)
def test_errors_point_at_the_column(text: str, column: int, says: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse(text)
    assert f"column {column}: " in str(caught.value)
    assert says in str(caught.value) + caught.value.hint


def test_a_mistyped_field_is_told_its_right_name() -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse("sorce:youtube")
    assert "Did you mean source:?" in caught.value.hint


@given(st.text(alphabet=st.sampled_from('abأ"“:-<>=,. 12hM\x00\ud800*^(){}'), max_size=60))
def test_every_text_is_a_query_or_is_refused(text: str) -> None:
    with suppress(InvalidRequest):
        parse(text)
