"""What becomes of a failed attempt, by error class."""

from __future__ import annotations

import pytest

from core.config.settings import Retries
from core.domain import errors
from core.domain.errors import ERRORS, JobError, RetryPolicy
from core.domain.events import EventType
from core.engine.retry import LOOK_AGAIN_S, decide

SETTINGS = Retries(max_retries=3, backoff_s=(60, 300, 900))
JOB_ERRORS = sorted((cls for cls in ERRORS.values() if issubclass(cls, JobError)), key=lambda cls: cls.code)


def test_a_network_failure_climbs_the_back_off_and_then_gives_up():
    waits = [
        decide(errors.NetworkFailure(), retry_count=n, settings=SETTINGS, chance=0.5).wait_s for n in range(3)
    ]
    assert waits == [60, 300, 900]
    last = decide(errors.NetworkFailure(), retry_count=3, settings=SETTINGS, chance=0.5)
    assert last.is_final
    assert last.event is EventType.MAX_RETRIES_REACHED


@pytest.mark.parametrize(("chance", "wait_s"), [(0.0, 54), (1.0, 66)])
def test_the_wait_varies_by_a_tenth_either_way(chance, wait_s):
    assert decide(errors.Stalled(), retry_count=0, settings=SETTINGS, chance=chance).wait_s == pytest.approx(
        wait_s
    )


def test_retry_after_wins_over_the_back_off_for_a_rate_limit():
    decision = decide(errors.RateLimited(retry_after_s=7), retry_count=2, settings=SETTINGS, chance=0.5)
    assert decision.wait_s == 7
    assert decision.counts


def test_retry_after_of_a_server_error_never_shortens_the_back_off():
    error = errors.HttpFailure(remote_status=503, retry_after_s=7)
    assert decide(error, retry_count=0, settings=SETTINGS, chance=0.5).wait_s == 60


@pytest.mark.parametrize(
    ("status", "is_final"), [(400, True), (403, True), (418, True), (500, False), (503, False)]
)
def test_only_server_errors_of_http_are_tried_again(status, is_final):
    decision = decide(errors.HttpFailure(remote_status=status), retry_count=0, settings=SETTINGS, chance=0.5)
    assert decision.is_final is is_final


def test_damaged_media_is_fetched_once_more_from_the_start():
    first = decide(errors.MediaFailure(), retry_count=0, settings=SETTINGS, chance=0.5)
    assert first.from_clean
    assert decide(errors.MediaFailure(), retry_count=1, settings=SETTINGS, chance=0.5).is_final


def test_waiting_for_the_disk_has_no_clock_and_uses_up_no_retry():
    decision = decide(errors.DiskFull(), retry_count=3, settings=SETTINGS, chance=0.5)
    assert (decision.waiting_for, decision.wait_s, decision.counts) == ("disk", None, False)


def test_something_scheduled_is_looked_at_when_the_site_says_or_after_a_while():
    at = decide(errors.NotYetAvailable(retry_after_s=42), retry_count=3, settings=SETTINGS, chance=0.5)
    assert (at.waiting_for, at.wait_s) == ("live", 42)
    assert (
        decide(errors.NotYetAvailable(), retry_count=0, settings=SETTINGS, chance=0.5).wait_s == LOOK_AGAIN_S
    )


def test_no_retries_at_all_can_be_asked_for():
    never = Retries(max_retries=0)
    for cls in (errors.NetworkFailure, errors.Unknown, errors.MediaFailure):
        assert decide(cls(), retry_count=0, settings=never, chance=0.5).is_final


@pytest.mark.parametrize("cls", JOB_ERRORS, ids=lambda cls: cls.code)
def test_every_class_has_words_a_policy_and_an_end(cls):
    error = cls("detail")
    assert error.summary
    assert error.hint
    assert not error.summary.endswith(".")
    assert isinstance(error.retry_policy, RetryPolicy)
    final_or_parked = decide(error, retry_count=99, settings=SETTINGS, chance=0.5)
    assert final_or_parked.is_final or final_or_parked.event is EventType.PARKED


def test_exit_codes_tell_the_job_classes_apart():
    codes = [cls.exit_code for cls in JOB_ERRORS]
    assert len(set(codes)) == len(codes)
    assert not {0, 1, 2} & set(codes)


def test_an_error_comes_back_from_its_code_with_its_hint():
    rebuilt = errors.from_code("SIZE_LIMIT", "5 GiB", hint="choose 480p")
    assert isinstance(rebuilt, errors.SizeLimit)
    assert (rebuilt.detail, rebuilt.hint) == ("5 GiB", "choose 480p")
    assert isinstance(errors.from_code("FROM_THE_FUTURE"), errors.Unknown)
