"""How lists of a broadcast are laid over one another."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.errors import ParserFailure
from core.net.hls import timeline as timeline_module
from core.net.hls.playlist import ByteRange, MediaPlaylist, Segment
from core.net.hls.timeline import Gap, Timeline, file_name


def segment(number: int, *, folder: str = "live", seconds: float = 2.0) -> Segment:
    return Segment(f"https://cdn.example/{folder}/{number}.aac?s={folder}", seconds, None, None, None, False)


def window(first: int, names: range, *, folder: str = "live", is_live: bool = True) -> MediaPlaylist:
    """A list whose first segment has the sequence *first*."""
    segments = tuple(segment(number, folder=folder) for number in names)
    return MediaPlaylist("https://cdn.example/live/index.m3u8", segments, is_live, first_sequence=first)


@pytest.fixture
def timeline() -> Timeline:
    return Timeline()


def test_windows_that_overlap_give_each_segment_one_position(timeline):
    assert list(timeline.add_window(window(10, range(10, 14)))) == [10, 11, 12, 13]
    assert list(timeline.add_window(window(12, range(12, 16)))) == [12, 13, 14, 15]
    assert (timeline.last, timeline.gaps(range(10, 16))) == (15, [])


def test_what_lies_between_two_windows_is_a_gap(timeline):
    timeline.add_window(window(0, range(3)))
    timeline.add_window(window(10, range(10, 12)))
    kept = [0, 2, 10, 11]
    assert timeline.gaps(kept) == [Gap(1, 2), Gap(3, 10)]
    assert timeline.seconds_of(Gap(1, 2), usual_s=5) == 2.0
    assert timeline.seconds_of(Gap(3, 10), usual_s=5) == 35.0


def test_what_is_known_and_not_there_at_the_end_is_a_gap_too(timeline):
    timeline.add_window(window(0, range(5)))
    assert timeline.gaps([1, 2]) == [Gap(0, 1), Gap(3, 5)]


def test_without_anything_there_is_no_gap(timeline):
    assert timeline.gaps([]) == []
    timeline.add_window(window(0, range(2)))
    assert timeline.gaps([]) == []


def test_an_empty_list_changes_nothing(timeline):
    assert timeline.add_window(window(7, range(0))) == {}
    assert timeline.last is None


def test_numbers_that_begin_anew_go_on_behind_what_is_there(timeline):
    timeline.add_window(window(100, range(4)))
    found = timeline.add_window(window(0, range(3)))  # the same names, as encoders give them
    assert list(found) == [104, 105, 106]
    assert list(timeline.add_window(window(1, range(1, 5)))) == [105, 106, 107, 108]


def test_a_stale_copy_of_a_list_is_no_new_beginning(timeline):
    timeline.add_window(window(10, range(10, 14)))
    assert list(timeline.add_window(window(8, range(8, 12)))) == [8, 9, 10, 11]
    assert timeline.shift == 0


def test_names_go_before_numbers_where_both_are_known(timeline):
    timeline.add_window(window(10, range(10, 14)))
    assert list(timeline.add_window(window(9, range(11, 15)))) == [11, 12, 13, 14]


def test_after_a_stop_the_numbers_go_on_as_they_were(timeline):
    for position in range(100, 110):
        timeline.know(position, f"{position - 100}.aac", 2.0)
    timeline.shift = 100
    assert list(timeline.add_window(window(8, range(8, 12)))) == [108, 109, 110, 111]


def test_an_encoder_that_began_anew_while_we_were_stopped_is_noticed(timeline):
    for position in range(100):
        timeline.know(position, f"{position}.aac", 2.0)
    assert list(timeline.add_window(window(3, range(3, 7)))) == [100, 101, 102, 103]


def test_a_list_from_elsewhere_is_laid_over_by_names(timeline):
    timeline.add_window(window(100, range(4, 8)))
    whole = window(0, range(9), folder="replay", is_live=False)
    assert timeline.holds_end(whole)
    assert list(timeline.add_other(whole)) == list(range(96, 105))
    assert timeline.shift == 0


def test_a_list_that_is_short_does_not_hold_the_end(timeline):
    timeline.add_window(window(100, range(4, 8)))
    assert not timeline.holds_end(window(0, range(7), folder="replay"))
    assert timeline.holds_end(window(0, range(8), folder="replay"))


def test_a_list_that_shares_nothing_is_left_alone_unless_it_is_all_there_is(timeline):
    strange = window(0, range(50, 53))
    assert list(timeline.add_other(strange)) == [0, 1, 2]
    assert timeline.add_other(window(0, range(90, 93))) == {}
    assert not timeline.holds_end(window(0, range(90, 93)))


def test_byte_ranges_of_one_file_are_told_apart():
    whole = segment(1)
    part = Segment(whole.url, 1.0, ByteRange(10, 5), None, None, False)
    assert (file_name(whole), file_name(part)) == ("1.aac", "1.aac 10+5")


def test_a_broadcast_without_end_does_not_fill_the_memory(timeline, monkeypatch):
    monkeypatch.setattr(timeline_module, "MAX_POSITIONS", 10)
    timeline.add_window(window(0, range(8)))
    with pytest.raises(ParserFailure):
        timeline.add_window(window(8, range(8, 12)))


@given(
    st.lists(st.integers(1, 4), min_size=1, max_size=30),
    st.integers(0, 1000),
    st.sampled_from([0, 17, -3]),
)
def test_whatever_the_steps_nothing_is_twice_and_a_whole_list_brings_the_rest(steps, first, other_shift):
    timeline, position, seen = Timeline(), 0, dict[int, str]()
    for step in steps:
        position += step
        names = range(max(0, position - 2), position)
        for at, one in timeline.add_window(window(first + names.start, names)).items():
            assert seen.setdefault(at, file_name(one)) == file_name(one)
    assert len(set(seen.values())) == len(seen)
    whole = window(max(0, first + other_shift), range(position), folder="replay", is_live=False)
    for at, one in timeline.add_other(whole).items():
        assert seen.setdefault(at, file_name(one)) == file_name(one)
    assert [seen[at] for at in sorted(seen)] == [f"{number}.aac" for number in range(position)]
    assert timeline.gaps(seen) == []
