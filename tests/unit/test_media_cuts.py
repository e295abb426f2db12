"""Where a file is cut, so that every part is small enough."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.media.cuts import OVERHEAD_BYTES, OVERHEAD_PER_PACKET_BYTES, CutPoint, choose_cuts

PACKETS = 10


def points(*sizes: int) -> list[CutPoint]:
    """A key frame every second, with so many bytes up to the next one."""
    before = [sum(sizes[:number]) for number in range(len(sizes) + 1)]
    return [CutPoint(float(second), size, second * PACKETS) for second, size in enumerate(before)]


def weights(found: list[CutPoint], cuts: list[float]) -> list[int]:
    at = {point.time_s: point.weight_bytes for point in found}
    edges = [0, *(at[cut] for cut in cuts), found[-1].weight_bytes]
    return [end - begin for begin, end in pairwise(edges)]


def test_what_fits_is_not_cut():
    assert choose_cuts(points(1000, 1000), 100_000) == []


def test_parts_are_few_and_about_equally_large():
    limit = OVERHEAD_BYTES + 4 * (1000 + PACKETS * OVERHEAD_PER_PACKET_BYTES)
    assert choose_cuts(points(*[1000] * 9), limit) == [3.0, 6.0]


def test_key_frames_too_far_apart_cannot_be_helped():
    assert choose_cuts(points(1000, 90_000, 1000), OVERHEAD_BYTES + 50_000) is None
    assert choose_cuts(points(90_000), OVERHEAD_BYTES + 50_000) is None
    assert choose_cuts(points(1000, 1000), OVERHEAD_BYTES // 2) is None


def test_a_file_of_one_point_is_one_part():
    assert choose_cuts([CutPoint(0.0, 500, 1)], 100_000) == []


@given(
    st.lists(st.integers(1, 5_000_000), min_size=1, max_size=60),
    st.integers(OVERHEAD_BYTES, 20_000_000),
)
def test_no_part_is_ever_heavier_than_allowed(sizes, limit):
    found = points(*sizes)
    cuts = choose_cuts(found, limit)
    most = limit - OVERHEAD_BYTES
    if cuts is None:
        assert max(weights(found, [point.time_s for point in found[1:-1]])) > most
    else:
        assert cuts == sorted(set(cuts))
        assert max(weights(found, cuts)) <= most


@pytest.mark.parametrize("count", [2, 3, 5, 7])
def test_even_material_is_cut_evenly(count):
    found = points(*[1000] * (count * 10))
    total = found[-1].weight_bytes
    cuts = choose_cuts(found, OVERHEAD_BYTES + total // count + 2000)
    assert cuts is not None
    assert len(cuts) == count - 1
    sizes = weights(found, cuts)
    assert max(sizes) - min(sizes) <= total / (count * 10) + 1
