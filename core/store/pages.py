"""Pages of lists that are read by id, newest first, and the cursors that lead from one to the next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

from core.domain.errors import InvalidRequest
from core.domain.snapshot import Page

MAX_PAGE = 1000
#: Greater than every id.
PAST_ALL = 2**63 - 1


class _Numbered(Protocol):
    @property
    def id(self) -> int: ...


T = TypeVar("T", bound=_Numbered)


def size_of(limit: int) -> int:
    """How many a page holds where *limit* were asked for."""
    return min(max(limit, 1), MAX_PAGE)


def below(after: str | None) -> int:
    """The id that a page ends before: the one in the last page's `next`, or greater than all.

    Raises:
        InvalidRequest: It did not come from a page.
    """
    if after is None:
        return PAST_ALL
    if not (after.isascii() and after.isdigit() and len(after) < 19):
        raise bad_cursor()
    return int(after)


def page_of(found: Sequence[T], limit: int) -> Page[T]:
    """The first *limit* of what was found. One more than these tells that there is a next page."""
    return Page(found[:limit], str(found[limit - 1].id) if len(found) > limit else None)


def bad_cursor() -> InvalidRequest:
    """The refusal of a cursor that did not come from a page."""
    return InvalidRequest("the cursor is not one that a page gave", hint="Begin again without `after`.")
