"""Words that may have been meant by a mistyped one: which to compare, and how far apart two are. Pure."""

from __future__ import annotations

#: Shorter words are too much like one another.
MIN_WORD_CHARS = 3
#: From so many letters on, two slips are forgiven.
_LONG_WORD_CHARS = 6


def pieces_of(word: str) -> list[str]:
    """The pairs of letters of *word*, with its beginning and its end: a slip changes three at most."""
    whole = f"^{word}$"
    return [whole[place : place + 2] for place in range(len(whole) - 1)]


def may_differ(word: str) -> int:
    """How many slips are forgiven in *word*."""
    return 2 if len(word) >= _LONG_WORD_CHARS else 1


def distance(a: str, b: str, limit: int) -> int:
    """Letters to change, add, leave out or swap with the next one to make *b* of *a*; *limit* + 1 when more.

    The optimal string alignment distance.
    """
    if abs(len(a) - len(b)) > limit:
        return limit + 1
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, char in enumerate(a, 1):
        above, before, row = before, row, [i]
        for j, other in enumerate(b, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (char != other))
            if i > 1 and j > 1 and char == b[j - 2] and a[i - 2] == other:
                cost = min(cost, above[j - 2] + 1)
            row.append(cost)
        if min(row) > limit:
            return limit + 1
    return min(row[-1], limit + 1)
