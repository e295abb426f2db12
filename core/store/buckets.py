"""Figures and days as words of the index: ranges are looked for there, and few items are read. Pure.

A figure has a fine bucket, an eighth of an octave wide, and a coarse one, an octave; a day has its month, its
year and its decade. A range is covered by few of them: all that it holds, and a little more at its ends.

Each is a word of one letter, of Unicode's plane 15, which is for private use: nobody types it, and the index
of beginnings, which starts at two letters, does not hold it.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from core.domain.library import Bound, BoundColumn

#: The first letters of each alphabet.
_COARSE, _LENGTHS, _SIZES, _MONTHS, _YEARS, _DECADES = (0xF0000 + 0x400 * number for number in range(6))
#: Fine buckets of an octave.
_FINE = 8
#: A column's alphabet, and its octaves: 12 days, 16 TiB. What is greater is in the last one.
_FIGURES: Mapping[str, tuple[int, int]] = {"duration_s": (_LENGTHS, 20), "size_bytes": (_SIZES, 44)}
#: Days before and after these are as one decade.
_FIRST_YEAR, _LAST_YEAR = 1980, 2059
_YEAR = 12


def tokens_of(cells: Mapping[str, Any]) -> Iterator[str]:
    """The words that stand for an item's length, size and day."""
    for column, (alphabet, octaves) in _FIGURES.items():
        if cells[column] is not None:
            fine = _bucket(cells[column], octaves)
            yield chr(alphabet + fine)
            yield _octave(column, fine // _FINE)
    year, month = _month(str(cells["day"]))
    yield _decade(year)
    if _FIRST_YEAR <= year <= _LAST_YEAR:
        yield _whole(year)
        yield _part(year, month)


def covering(bounds: Iterable[Bound]) -> Iterator[list[str]]:
    """For each column that *bounds* speak of, words of which every item within them has one.

    An item that has one may still be outside.
    """
    lows: dict[BoundColumn, list[Any]] = defaultdict(list)
    highs: dict[BoundColumn, list[Any]] = defaultdict(list)
    for bound in bounds:
        is_above = (">" in bound.operator) is not bound.is_negated
        if bound.operator != "=":
            (lows if is_above else highs)[bound.column].append(bound.value)
        elif not bound.is_negated:
            lows[bound.column].append(bound.value)
            highs[bound.column].append(bound.value)
    for column in dict.fromkeys([*lows, *highs]):
        low, high = max(lows[column], default=None), min(highs[column], default=None)
        yield list(_days(low, high) if column == "day" else _figures(column, low, high))


def _bucket(figure: float, octaves: int) -> int:
    return min(int(_FINE * math.log2(max(figure, 1.0))), _FINE * octaves - 1)


def _octave(column: str, number: int) -> str:
    return chr(_COARSE + 0x100 * (column == "size_bytes") + number)


def _figures(column: str, low: float | None, high: float | None) -> Iterator[str]:
    alphabet, octaves = _FIGURES[column]
    first = 0 if low is None else _bucket(low, octaves)
    last = _FINE * octaves - 1 if high is None else _bucket(high, octaves)
    while first <= last:
        if first % _FINE == 0 and first + _FINE - 1 <= last:
            yield _octave(column, first // _FINE)
            first += _FINE
        else:
            yield chr(alphabet + first)
            first += 1


def _days(low: str | None, high: str | None) -> Iterator[str]:
    """From the month of *low* to that of *high*."""
    year, month = (0, 1) if low is None else _month(low)
    end = (9999, _YEAR) if high is None else _month(high)
    while (year, month) <= end:
        if year < _FIRST_YEAR or year > _LAST_YEAR:
            yield _decade(year)
            year, month = (_FIRST_YEAR if year < _FIRST_YEAR else 10_000), 1
        elif year % 10 == 0 and month == 1 and (year + 9, _YEAR) <= end:
            yield _decade(year)
            year += 10
        elif month == 1 and (year, _YEAR) <= end:
            yield _whole(year)
            year += 1
        else:
            yield _part(year, month)
            year, month = (year + 1, 1) if month == _YEAR else (year, month + 1)


def _month(day: str) -> tuple[int, int]:
    """Of a day, or of the end of a period: `2024~`, `2024-05~`."""
    return int(day[:4]), int(day[5:7] or _YEAR)


def _part(year: int, month: int) -> str:
    return chr(_MONTHS + (year - _FIRST_YEAR) * _YEAR + month - 1)


def _whole(year: int) -> str:
    return chr(_YEARS + year - _FIRST_YEAR)


def _decade(year: int) -> str:
    """All that is older than any, and all that is newer, is one."""
    return chr(_DECADES + min(max(year, _FIRST_YEAR - 1), _LAST_YEAR + 1) // 10)
