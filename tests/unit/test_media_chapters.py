"""Chapters as a site tells them, in the order and form that files need."""

from __future__ import annotations

from core.domain.media import Chapter, Resolution, Tags
from core.media.chapters import MAX_CHAPTERS, Span, ffmetadata, spans


def chapters(*starts_s: float) -> list[Chapter]:
    return [Chapter(start_s=start_s, title=f"at {start_s}") for start_s in starts_s]


def test_each_ends_where_the_next_begins_and_the_last_with_the_file():
    assert spans(chapters(30, 0, 12.5), 40.0) == [
        Span(0, 12_500, "at 0"),
        Span(12_500, 30_000, "at 12.5"),
        Span(30_000, 40_000, "at 30"),
    ]


def test_what_lies_outside_the_file_is_left_out():
    assert [span.start_ms for span in spans(chapters(-1, 0, 5, 40, 99), 40.0)] == [0, 5000]


def test_of_two_at_one_time_the_later_one_counts():
    assert len(spans(chapters(0, 5, 5.0001), 40.0)) == 2


def test_a_single_chapter_says_nothing():
    assert spans(chapters(0), 40.0) == []
    assert spans([], 40.0) == []


def test_without_a_known_length_the_last_one_lasts_a_second():
    assert spans(chapters(0, 5), None)[-1] == Span(5000, 6000, "at 5")


def test_a_chapter_without_a_name_gets_its_number():
    found = spans([Chapter(start_s=0, title=" \n"), Chapter(start_s=5, title="\u202eb\x07")], 40.0)
    assert [span.title for span in found] == ["1", "b"]


def test_there_is_an_end_to_how_many_are_taken():
    assert len(spans(chapters(*range(3 * MAX_CHAPTERS)), None)) == MAX_CHAPTERS


def test_a_title_cannot_add_lines_or_keys():
    text = ffmetadata([Span(0, 1000, "a=b;c#d\\e\\"), Span(1000, 2000, "[CHAPTER]")])
    assert text.splitlines() == [
        ";FFMETADATA1",
        *("[CHAPTER]", "TIMEBASE=1/1000", "START=0", "END=1000", r"title=a\=b\;c\#d\\e"),
        *("[CHAPTER]", "TIMEBASE=1/1000", "START=1000", "END=2000", "title=[CHAPTER]"),
    ]


def test_chapters_survive_in_a_checkpoint():
    found = Resolution(source="x", tags=Tags(title="t", chapters=tuple(chapters(0, 5))))
    assert Resolution.from_json(found.to_json()) == found
