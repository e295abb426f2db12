from __future__ import annotations

import dataclasses

import pytest

from core.domain import errors
from core.domain.job import Job, Stage
from core.engine import breaker as module
from core.engine.breaker import Breaker, Breakers, BreakerState, Verdict, verdict_on
from core.sources.direct import Direct
from core.sources.ytdlp.source import ytdlp_sources

CLOSED, OPEN, HALF_OPEN = BreakerState.CLOSED, BreakerState.OPEN, BreakerState.HALF_OPEN
WORKS, FAILS, SILENT = Verdict.WORKS, Verdict.FAILS, Verdict.SILENT


def hear(breaker: Breaker, *verdicts: Verdict, now: float = 0.0, retry_after_s: float | None = None) -> None:
    for job_id, verdict in enumerate(verdicts, start=100):
        breaker.ended(job_id, verdict, retry_after_s=retry_after_s, now=now)


@pytest.fixture
def opened() -> Breaker:
    """A breaker that opened at 0."""
    breaker = Breaker("youtube")
    hear(breaker, *[FAILS] * module.OPENS_AFTER)
    assert breaker.state(0) is OPEN
    return breaker


def probe(breaker: Breaker, verdict: Verdict, *, at: float, retry_after_s: float | None = None) -> None:
    breaker.started(1, now=at)
    breaker.ended(1, verdict, retry_after_s=retry_after_s, now=at)


@pytest.mark.parametrize(
    "error",
    [
        errors.NetworkFailure(),
        errors.HttpFailure(remote_status=503),
        errors.HttpFailure(),
        errors.RateLimited(),
        errors.ExtractorFailure(),
        errors.StageTimeout(),
        errors.Stalled(),
    ],
)
def test_failures_of_the_source_and_of_the_way_to_it_count(error):
    assert verdict_on(error, Stage.RESOLVE) is FAILS


@pytest.mark.parametrize(
    "error", [None, errors.NotFound(), errors.AuthRequired(), errors.HttpFailure(remote_status=403)]
)
def test_an_answer_of_the_source_shows_that_it_works(error):
    assert verdict_on(error, Stage.RESOLVE) is WORKS


@pytest.mark.parametrize(
    ("error", "stage"),
    [
        (errors.DiskFull(), Stage.DOWNLOAD),
        (errors.MediaFailure(), Stage.VALIDATE),
        (errors.Unknown(), Stage.RESOLVE),
        (errors.BlockedAddress(), Stage.RESOLVE),
        (errors.StageTimeout(), Stage.POSTPROCESS),
    ],
)
def test_trouble_of_this_machine_says_nothing_of_the_source(error, stage):
    assert verdict_on(error, stage) is SILENT


def test_every_class_of_failure_has_a_verdict_that_somebody_chose():
    chosen = (*module._FAILURES, *module._ANSWERS)
    silent = {
        cls
        for cls in errors.ERRORS.values()
        if issubclass(cls, errors.JobError) and not issubclass(cls, chosen)
    }
    assert silent == {
        errors.BlockedAddress,
        errors.DiskFull,
        errors.FloodWait,
        errors.MediaFailure,
        errors.SessionLost,
        errors.Unknown,
        errors.UnsupportedSource,
    }


def test_it_opens_after_five_failures_in_a_row():
    breaker = Breaker("youtube")
    hear(breaker, *[FAILS] * 4)
    assert (breaker.state(0), breaker.free(0), breaker.retry_at) == (CLOSED, None, None)
    hear(breaker, FAILS, now=5)
    assert (breaker.state(5), breaker.free(5)) == (OPEN, 0)
    assert (breaker.since, breaker.retry_at) == (5, 5 + module.FIRST_WAIT_S)


def test_a_success_in_between_starts_the_count_anew_and_silence_does_not():
    breaker = Breaker("youtube")
    hear(breaker, *[FAILS] * 4, WORKS, *[FAILS] * 4)
    assert breaker.state(0) is CLOSED
    hear(breaker, SILENT, FAILS)
    assert breaker.state(0) is OPEN


def test_failures_far_apart_do_not_add_up():
    breaker = Breaker("youtube")
    for count in range(20):
        hear(breaker, FAILS, now=count * module.WINDOW_S / 3)
    assert breaker.state(20 * module.WINDOW_S) is CLOSED


def test_after_the_wait_one_job_is_let_through_and_its_success_closes(opened):
    now = module.FIRST_WAIT_S
    assert (opened.state(now), opened.free(now)) == (HALF_OPEN, 1)
    opened.started(7, now=now)
    assert (opened.state(now), opened.free(now), opened.retry_at) == (HALF_OPEN, 0, None)
    opened.ended(7, WORKS, retry_after_s=None, now=now)
    assert (opened.state(now), opened.free(now), opened.since) == (CLOSED, None, None)
    hear(opened, *[FAILS] * 4)
    assert opened.state(now) is CLOSED


def test_each_probe_that_fails_doubles_the_wait_up_to_a_quarter_of_an_hour(opened):
    waits = []
    for _ in range(7):
        now = opened.retry_at
        probe(opened, FAILS, at=now)
        assert opened.state(now) is OPEN
        waits.append(opened.retry_at - now)
    assert waits == [60, 120, 240, 480, 900, 900, 900]
    assert opened.since == 0


def test_a_probe_that_says_nothing_makes_way_for_the_next(opened):
    now = module.FIRST_WAIT_S
    probe(opened, SILENT, at=now)
    assert (opened.state(now), opened.free(now)) == (HALF_OPEN, 1)


def test_a_long_download_does_not_keep_others_from_trying(opened):
    now = module.FIRST_WAIT_S
    opened.started(1, now=now)
    assert opened.free(now + module.PROBE_S - 1) == 0
    assert opened.free(now + module.PROBE_S) == 1
    opened.started(2, now=now + module.PROBE_S)
    assert opened.free(now + module.PROBE_S) == 0
    opened.ended(1, WORKS, retry_after_s=None, now=now + module.PROBE_S)
    assert opened.state(now + module.PROBE_S) is CLOSED


def test_a_longer_retry_after_is_kept_to(opened):
    probe(opened, FAILS, at=30, retry_after_s=3600)
    assert opened.retry_at == 30 + 3600
    probe(opened, FAILS, at=opened.retry_at, retry_after_s=1)
    assert opened.retry_at == 30 + 3600 + 120


def test_jobs_that_began_before_the_trouble_neither_close_it_nor_lengthen_it(opened):
    hear(opened, WORKS, FAILS, FAILS, now=10)
    assert (opened.state(10), opened.retry_at) == (OPEN, module.FIRST_WAIT_S)
    hear(opened, FAILS, now=10, retry_after_s=500)
    assert opened.retry_at == 510


@pytest.fixture
def breakers():
    return Breakers([Direct(), *ytdlp_sources()])


def job(url, source="direct"):
    values = dict.fromkeys(field.name for field in dataclasses.fields(Job))
    return Job(**values | {"id": 1, "url": url, "source_type": source})


def test_a_source_of_one_site_has_one_breaker_and_any_other_one_for_each_host(breakers):
    assert breakers.get("direct") is None
    assert breakers.get("ytdlp") is None
    assert breakers.get("youtube") is breakers.of(job("https://youtu.be/x", "youtube"))
    dead = breakers.of(job("https://dead.test/a"))
    hear(dead, *[FAILS] * 5)
    other = breakers.of(job("https://dead.test:8443/a"))
    assert (dead.source, dead.host, other.host) == ("direct", "dead.test", "dead.test:8443")
    assert breakers.of(job("https://dead.test/b")) is dead
    assert breakers.open_hosts("direct", 0) == [dead]
    assert breakers.open_hosts("ytdlp", 0) == []
    assert breakers.of(job("https://dead.test/b", "nobody")) is None


def test_hosts_are_remembered_as_long_as_something_is_held_against_them(breakers):
    for host, failures in (("fine", 0), ("shaky", 1), ("dead", 5), ("tried", 5)):
        hear(breakers.of(job(f"https://{host}.test/")), *[FAILS] * failures)

    def held(now):
        breakers.forget(now)
        return {breaker.host for breaker in breakers if breaker.host}

    breakers.of(job("https://tried.test/")).started(1, now=module.FIRST_WAIT_S)
    assert held(module.WINDOW_S) == {"shaky.test", "dead.test", "tried.test"}
    assert held(module.WINDOW_S + 1) == {"dead.test", "tried.test"}
    assert held(module.FIRST_WAIT_S + module.LONGEST_WAIT_S + 1) == {"tried.test"}


def test_a_person_who_knows_better_lets_one_job_try_at_once(opened):
    opened.forgive(1)
    assert (opened.state(1), opened.free(1)) == (HALF_OPEN, 1)
    opened.started(7, now=1)
    assert opened.free(1) == 0
    opened.forgive(2)
    assert opened.free(2) == 0
    opened.ended(7, WORKS, retry_after_s=None, now=3)
    assert opened.state(3) is CLOSED


def test_forgiving_never_makes_the_wait_longer_and_a_closed_breaker_stays_closed(opened):
    now = module.FIRST_WAIT_S + 100
    opened.forgive(now)
    assert opened.retry_at == module.FIRST_WAIT_S
    closed = Breaker("youtube")
    closed.forgive(0)
    assert closed.state(0) is CLOSED


def test_what_failed_while_our_own_network_was_away_is_pardoned(breakers):
    before, meanwhile = breakers.get("vimeo"), breakers.get("youtube")
    hear(before, *[FAILS] * 5, now=10)
    hear(meanwhile, FAILS, FAILS, now=10)
    hear(meanwhile, FAILS, FAILS, FAILS, now=20)
    assert meanwhile.state(20) is OPEN
    breakers.pardon(20)
    assert (before.state(20), meanwhile.state(20)) == (OPEN, CLOSED)


def test_it_says_why_it_opened_until_it_closes():
    breaker = Breaker("youtube")
    for _ in range(5):
        breaker.ended(1, FAILS, retry_after_s=None, now=0, reason="NETWORK_ERROR")
    assert breaker.reason == "NETWORK_ERROR"
    probe(breaker, WORKS, at=breaker.retry_at)
    assert breaker.reason is None
