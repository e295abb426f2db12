"""Bookkeeping of bytes, against a plain set of positions."""

from __future__ import annotations

import random
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from core.net.transfer.ranges import Piece, Pieces, Ranges

SPANS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=12)


@given(SPANS, st.integers(0, 70))
def test_ranges_are_a_set_of_positions(spans, total):
    ranges = Ranges(spans)
    positions = {p for start, end in spans for p in range(start, end)}
    kept = list(ranges)
    assert {p for start, end in kept for p in range(start, end)} == positions
    assert all(one[1] < other[0] for one, other in pairwise(kept))
    assert ranges.total_bytes == len(positions)
    assert ranges.prefix_bytes == next(p for p in range(100) if p not in positions)
    missing = {p for start, end in ranges.missing(total) for p in range(start, end)}
    assert missing == set(range(total)) - positions


@given(st.integers(1, 2000), SPANS, st.integers(0, 2**32))
def test_whoever_fetches_what_every_byte_is_fetched_once(total, spans, seed):
    """Workers take, steal, by strides or not, advance, and give up at random; each byte came exactly once."""
    done = Ranges((start, min(end, total)) for start, end in spans if start < total)
    fetched = [0] * total
    for start, end in done:
        fetched[start:end] = [1] * (end - start)
    pieces, working, rng = Pieces(total, done), [], random.Random(seed)
    while True:
        stride = rng.choice([None, rng.randint(1, 300)])
        if (piece := pieces.take(stride) or pieces.steal(7, stride)) is not None:
            working.append(piece)
        if not working:
            break
        piece = rng.choice(working)
        step = min(rng.randint(1, 900), piece.remaining)
        for position in range(piece.position, piece.position + step):
            fetched[position] += 1
        piece.position += step
        assert pieces.written().total_bytes == sum(fetched)
        if piece.is_done or rng.random() < 0.5:
            working.remove(piece)
            pieces.finish(piece)
    assert fetched == [1] * total
    assert pieces.written().prefix_bytes == total


def test_half_of_what_remains_is_given_away():
    piece = Piece(0, 100, position=40)
    taken = piece.cut(minimum=10)
    assert (piece.end, taken.start, taken.end) == (70, 70, 100)


def test_strides_are_taken_from_the_front_of_what_is_left():
    pieces = Pieces(1000)
    first = pieces.take()
    first.position = 20
    others = [pieces.take(100) or pieces.steal(10, 100) for _ in range(3)]
    assert [(piece.start, piece.end) for piece in (first, *others)] == [
        (0, 120),
        (120, 220),
        (220, 320),
        (320, 420),
    ]
    assert pieces.has_more(None)


def test_towards_the_end_halves_are_smaller_than_strides():
    pieces = Pieces(100)
    first = pieces.take()
    taken = pieces.steal(10, 1000)
    assert (first.end, taken.start, taken.end) == (50, 50, 100)


def test_a_connection_asks_for_what_two_seconds_bring_it():
    assert _running(bps=1000, left_bytes=1_000_000).stride_bytes(4, answer_s=0.01) == 2000


def test_where_answers_take_long_it_asks_for_more():
    assert _running(bps=1000, left_bytes=1_000_000).stride_bytes(4, answer_s=0.5) == 20_000


def test_towards_the_end_it_asks_for_half_of_its_share_but_for_no_trifles():
    assert _running(bps=1000, left_bytes=8000).stride_bytes(4, answer_s=0.01) == 1000
    assert _running(bps=1000, left_bytes=800).stride_bytes(4, answer_s=0.01) == 250


def test_a_single_connection_asks_for_all():
    assert _running(bps=1000, left_bytes=8000).stride_bytes(1, answer_s=0.01) is None
    assert Pieces(1000).stride_bytes(4, answer_s=0.01) is None  # nor does anybody know how fast it is


def _running(*, bps: int, left_bytes: int) -> Pieces:
    """One piece, a second old, and as much as is said that nobody fetches yet."""
    pieces = Pieces(left_bytes + 10 * bps)
    piece = pieces.take(10 * bps)
    piece.position += bps
    pieces.measure(1.0)
    return pieces


def test_a_piece_too_small_to_share_is_kept():
    assert Piece(0, 100, position=85).cut(minimum=10) is None
    assert Piece(0, None).cut(minimum=10) is None


def test_the_piece_that_would_end_last_is_shared():
    pieces = Pieces(2000, Ranges([(1000, 1010)]))
    slow, fast = pieces.take(), pieces.take()
    slow.position, fast.position = 10, 1510
    pieces.measure(1.0)
    assert (slow.rate_bps, fast.rate_bps) == (10, 500)
    assert pieces.steal(minimum=1).end == slow.end + 495


def test_a_piece_that_stands_still_ends_last_of_all():
    pieces = Pieces(3000, Ranges([(1000, 1010)]))
    held, large = pieces.take(), pieces.take()
    held.position = 900
    pieces.measure(1.0)
    large.position = 1500
    pieces.measure(1.0)
    assert pieces.steal(minimum=1).end == 1000


def test_a_piece_much_slower_than_the_others_is_named_once_in_a_while():
    pieces = Pieces(4000, Ranges([(1000, 1001), (2000, 2001)]))
    running = [pieces.take() for _ in range(3)]
    named = []
    for _ in range(4):
        for piece, step in zip(running, (10, 100, 100), strict=True):
            piece.position += step
        pieces.measure(1.0)
        named.append(pieces.laggards())
    assert named == [[], [running[0]], [], [running[0]]]


def test_a_piece_alone_is_compared_with_those_that_have_ended():
    pieces = Pieces(2000, Ranges([(1000, 1001)]))
    slow, fast = pieces.take(), pieces.take()
    fast.position = 1999
    pieces.measure(1.0)
    pieces.finish(fast)
    assert pieces.take() is not None  # what is left of it
    pieces.measure(1.0)
    assert pieces.laggards() == [slow]


def test_the_only_piece_is_never_slow():
    pieces = Pieces(1000)
    pieces.take()
    for _ in range(5):
        pieces.measure(1.0)
        assert pieces.laggards() == []
