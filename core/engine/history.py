"""What ended on each of the last days. Days that are over are counted once and remembered for a while."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from datetime import time as clock_time

from core.domain.history import DayFigures
from core.store.store import Store

#: Days that can be asked for.
MOST_DAYS = 366
#: Records may be deleted and failed jobs started again: earlier days are counted again after this long.
REMEMBERED_S = 3600.0
#: … and the present one.
TODAY_S = 5.0


class History:
    """Counts day by day, each by one question that an index answers, so that nobody waits long for it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        #: When each day was counted, and the figures.
        self._known: dict[date, tuple[float, Sequence[DayFigures]]] = {}

    async def days(self, count: int, *, today: date | None = None) -> Sequence[DayFigures]:
        """The last *count* days on which something ended, the oldest first; *today* is the last of them."""
        last = today or datetime.now().astimezone().date()
        wanted = [last - timedelta(days=back) for back in reversed(range(count))]
        self._known = {day: known for day, known in self._known.items() if day >= last - timedelta(MOST_DAYS)}
        return [figures for day in wanted for figures in await self._day(day, is_last=day == last)]

    async def _day(self, day: date, *, is_last: bool) -> Sequence[DayFigures]:
        counted, figures = self._known.get(day, (float("-inf"), ()))
        if time.monotonic() - counted > (TODAY_S if is_last else REMEMBERED_S):
            begin, end = (_midnight(each) for each in (day, day + timedelta(days=1)))
            ended = await self._store.jobs.ended_between(begin, end)
            figures = [
                DayFigures(day=day.isoformat(), source=source, completed=done, failed=failed, size_bytes=size)
                for source, (done, failed, size) in sorted(ended.items())
            ]
            self._known[day] = (time.monotonic(), figures)
        return figures


def _midnight(day: date) -> float:
    return datetime.combine(day, clock_time.min).astimezone().timestamp()
