"""The owner's quiet hours: when they end, on whatever the local clock does. Owns no clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Self

from core.config.settings import Settings

#: `[sources.NAME] quiet_hours` that means: none, whatever `limits.quiet_hours` says.
OFF = "off"


@dataclass(frozen=True, slots=True)
class QuietHours:
    """A span of local time of every day; one that ends before it begins ends on the next day.

    A span is from one instant to another, so that a clock that is set back does not begin it anew. A time
    that a clock set forward leaves out counts as the instant after.
    """

    begin: time
    end: time

    @classmethod
    def parse(cls, text: str) -> Self:
        """The hours that a setting such as `23:00-07:30` names."""
        begin, end = (time.fromisoformat(part) for part in text.split("-"))
        return cls(begin, end)

    def until(self, now: float, zone: tzinfo | None = None) -> float | None:
        """When the span that *now* lies in ends; None outside of it.

        Args:
            now: Seconds since the epoch, as is the answer.
            zone: Instead of this machine's time zone.
        """
        today = datetime.fromtimestamp(now, zone).date()
        for day in (today - timedelta(days=1), today):
            last = day + timedelta(days=1) if self.end <= self.begin else day
            end = _instant(last, self.end, zone)
            if _instant(day, self.begin, zone) <= now < end:
                return end
        return None


def _instant(day: date, at: time, zone: tzinfo | None) -> float:
    return datetime.combine(day, at, zone).timestamp()


class QuietTimes:
    """The quiet hours of every source.

    Args:
        settings: `limits.quiet_hours`, and what `[sources.NAME]` says instead.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        #: Asked for all sources whenever a job may start.
        self._hours: dict[str, QuietHours | None] = {}

    def until(self, source: str, now: float) -> float | None:
        """When the quiet hours of *source* end that *now* lies in, seconds since the epoch; None outside."""
        if source not in self._hours:
            text = self._settings.sources.of(source).quiet_hours or self._settings.limits.quiet_hours
            self._hours[source] = None if text in {None, OFF} else QuietHours.parse(str(text))
        hours = self._hours[source]
        return None if hours is None else hours.until(now)
