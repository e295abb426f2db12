"""Quiet hours against real time zones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.config.settings import Settings
from core.engine.quiet import QuietHours, QuietTimes

CAIRO, BERLIN = ZoneInfo("Africa/Cairo"), ZoneInfo("Europe/Berlin")


def at(text: str, zone: ZoneInfo = BERLIN, *, fold: int = 0) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold).timestamp()


@pytest.mark.parametrize(
    ("now", "end"),
    [
        ("2026-06-01T00:59:59", None),
        ("2026-06-01T01:00:00", "2026-06-01T07:30:00"),
        ("2026-06-01T07:29:59", "2026-06-01T07:30:00"),
        ("2026-06-01T07:30:00", None),
    ],
)
def test_it_is_quiet_from_the_beginning_up_to_but_not_at_the_end(now, end):
    assert QuietHours.parse("01:00-07:30").until(at(now), BERLIN) == (at(end) if end else None)


@pytest.mark.parametrize(
    ("now", "end"),
    [
        ("2026-12-31T22:59:00", None),
        ("2026-12-31T23:00:00", "2027-01-01T07:00:00"),
        ("2027-01-01T00:00:00", "2027-01-01T07:00:00"),
        ("2027-01-01T06:59:00", "2027-01-01T07:00:00"),
        ("2027-01-01T07:00:00", None),
    ],
)
def test_hours_that_end_before_they_begin_go_over_midnight(now, end):
    assert QuietHours.parse("23:00-07:00").until(at(now), BERLIN) == (at(end) if end else None)


def test_hours_that_begin_when_they_end_are_always():
    hours = QuietHours.parse("08:00-08:00")
    assert hours.until(at("2026-06-01T08:00:00"), BERLIN) == at("2026-06-02T08:00:00")
    assert hours.until(at("2026-06-01T07:00:00"), BERLIN) == at("2026-06-01T08:00:00")


def test_a_clock_that_is_set_back_does_not_begin_them_anew():
    # 2026-10-25: 03:00 CEST becomes 02:00 CET, so that 02:30 comes twice.
    hours = QuietHours.parse("01:00-02:30")
    first, again = at("2026-10-25T02:30:00"), at("2026-10-25T02:10:00", fold=1)
    assert again > first
    assert hours.until(first - 60, BERLIN) == first
    assert hours.until(first, BERLIN) is None
    assert hours.until(again, BERLIN) is None


def test_an_end_that_a_clock_set_forward_leaves_out_is_the_instant_after():
    # 2026-03-29: 02:00 CET becomes 03:00 CEST.
    hours = QuietHours.parse("01:00-02:30")
    end = hours.until(at("2026-03-29T01:30:00"), BERLIN)
    assert end == at("2026-03-29T03:30:00")
    assert hours.until(at("2026-03-29T03:30:00"), BERLIN) is None


@given(
    st.datetimes(datetime(2025, 1, 1), datetime(2027, 12, 31)),  # noqa: DTZ001 -- made aware below
    st.times(), st.times(), st.sampled_from([CAIRO, BERLIN, ZoneInfo("UTC"), ZoneInfo("Pacific/Apia")]),
)  # fmt: skip
def test_the_end_is_always_ahead_within_a_day_and_not_quiet_itself(moment, begin, end, zone):
    hours = QuietHours(begin.replace(second=0, microsecond=0), end.replace(second=0, microsecond=0))
    now = moment.replace(tzinfo=UTC).timestamp()
    until = hours.until(now, zone)
    if until is None:
        return
    assert now < until <= now + timedelta(hours=25).total_seconds()
    if hours.begin != hours.end:
        assert hours.until(until, zone) is None


def test_a_source_has_its_own_hours_or_none_or_everybodys():
    settings = Settings.model_validate(
        {
            "limits": {"quiet_hours": "00:00-00:00"},
            "sources": {"x": {"quiet_hours": "off"}, "youtube": {"quiet_hours": "12:00-12:01"}},
        }
    )
    quiet, noon = QuietTimes(settings), datetime(2026, 6, 1, 12).timestamp()  # noqa: DTZ001 -- local on purpose
    assert quiet.until("direct", noon) == noon + 12 * 3600
    assert quiet.until("x", noon) is None
    assert quiet.until("youtube", noon) == noon + 60
    assert quiet.until("youtube", noon + 60) is None
    assert QuietTimes(Settings()).until("direct", noon) is None
