"""What may start: slots, limits, breakers, quiet hours and the network, taken together."""

from __future__ import annotations

import errno
from typing import Any

import pytest

from core.config.settings import Settings
from core.engine import openings as module
from core.engine.breaker import Breaker, Breakers, Verdict
from core.engine.openings import Opening, Openings
from core.net.reach import Reach
from core.sources.direct import Direct
from core.sources.ytdlp.source import ytdlp_sources

SOURCES = ("direct", "youtube", "vimeo")


class Night:
    """It is quiet for these until 99."""

    def __init__(self, *sources: str) -> None:
        self._sources = sources

    def until(self, source: str, _now: float) -> float | None:
        return 99.0 if source in self._sources else None


class Deck:
    def __init__(self, *, quiet: tuple[str, ...] = (), **sections: dict[str, Any]) -> None:
        self.breakers = Breakers([Direct(), *ytdlp_sources()])
        self.reach = Reach()
        sections = {"limits": {"max_parallel_jobs_per_source": 2}} | sections
        settings = Settings.model_validate(sections)
        self.openings = Openings(settings, SOURCES, self.breakers, Night(*quiet), self.reach)

    def at(self, now: float = 0.0, **in_flight: int) -> Opening | None:
        return self.openings.at(now, in_flight)

    def breaks(self, breaker: Breaker | None) -> Breaker:
        assert breaker is not None
        for number in range(5):
            breaker.ended(number, Verdict.FAILS, retry_after_s=None, now=0)
        return breaker


def test_with_nothing_in_the_way_as_many_as_any_source_may_have():
    assert Deck().at() == Opening(limit=2, sources=frozenset(), hosts=frozenset(), quiet=frozenset())


def test_no_more_than_there_are_slots():
    deck = Deck(limits={"max_parallel_jobs": 4, "max_parallel_jobs_per_source": 9})
    assert deck.at(direct=1, youtube=1).limit == 2
    assert deck.at(direct=4) is None


def test_full_sources_are_left_out_and_the_tightest_says_how_many_a_claim_may_bring():
    deck = Deck(limits={"max_parallel_jobs": 9}, sources={"vimeo": {"max_parallel": 1}})
    opening = deck.at(direct=3, youtube=1, vimeo=1)
    assert opening.sources == {"direct", "vimeo"}
    assert opening.limit == 1


def test_an_open_breaker_leaves_its_source_out_until_it_is_time_for_one_to_try():
    deck = Deck()
    breaker = deck.breaks(deck.breakers.get("youtube"))
    assert deck.at().sources == {"youtube"}
    opening = deck.at(breaker.retry_at)
    assert (opening.sources, opening.limit) == (frozenset(), 1)


def test_an_open_breaker_of_a_host_leaves_out_nothing_else():
    deck = Deck()
    breaker = Breaker("direct", "dead.test")
    deck.breakers._of_hosts["direct"]["dead.test"] = deck.breaks(breaker)
    assert deck.at() == Opening(
        limit=2, sources=frozenset(), hosts=frozenset({("direct", "dead.test")}), quiet=frozenset()
    )
    opening = deck.at(breaker.retry_at)
    assert (opening.hosts, opening.limit) == (frozenset(), 1)


def test_quiet_sources_are_named_apart_for_those_that_a_person_wants_all_the_same():
    opening = Deck(quiet=("youtube",)).at()
    assert (opening.sources, opening.quiet) == (frozenset(), {"youtube"})


def test_while_the_network_is_away_one_job_at_a_time_tries(monkeypatch):
    deck = Deck()
    for host in "abc":
        deck.reach.missed(host, 443, OSError(errno.ENETUNREACH, "no way"))
    assert deck.openings.is_network_away
    assert deck.at().limit == 1
    deck.openings.started()
    assert deck.at() is None
    monkeypatch.setattr(module, "TRIAL_S", 0.0)
    assert deck.at().limit == 1
    deck.reach.reached()
    assert deck.at().limit == 2


@pytest.mark.parametrize("now", [0.0, 1e9])
def test_an_engine_that_minds_no_hours_has_none(now):
    openings = Openings(Settings(), SOURCES, Breakers([]), None, Reach())
    assert openings.quiet_until("direct", now) is None
