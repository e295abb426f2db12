"""Figures of the header that stand still while nothing happens."""

from __future__ import annotations

from tui.steady import SteadyStatus

GIB = 2**30


def status(free: float, *, memory: float = 64e6, load: float = 0.4) -> dict[str, object]:
    return {
        "engine": {"state": "running"},
        "disk": {"free_bytes": free, "min_free_bytes": GIB},
        "memory_bytes": memory,
        "cpu_percent": load,
    }


def test_what_moves_a_little_to_and_fro_is_shown_as_it_was():
    steady = SteadyStatus()
    first = steady.of(status(100.4 * GIB))
    assert first == status(100.4 * GIB)
    for free, memory, load in ((100.6, 65e6, 1.9), (100.3, 62e6, 0.0), (99.6, 66e6, 2.1)):
        assert steady.of(status(free * GIB, memory=memory, load=load)) == first


def test_what_has_moved_is_shown_at_once_and_held_there():
    steady = SteadyStatus()
    steady.of(status(100 * GIB))
    moved = status(98 * GIB, memory=80e6, load=40.0)
    assert steady.of(moved) == moved
    assert steady.of(status(98.5 * GIB, memory=81e6, load=41.0)) == moved


def test_an_engine_that_has_told_nothing_yet_has_no_figures():
    assert SteadyStatus().of({}) == {}
