"""The table that measurements are told in."""

from __future__ import annotations

from bench.figures import Figure, at_most, at_most_times, machine, table


def test_each_figure_stands_beside_what_it_is_held_to():
    figures = [
        at_most("start", 0.5, "s", limit=2),
        at_most_times("page", 3.0, "ms", baseline=1.0, times=2),
        Figure(work="list", measured=12_345.6, unit="jobs"),
    ]
    head, *rows, verdict, missed = table(figures).splitlines()
    assert head.split() == ["work", "measured", "compared", "with", "ratio", "goal"]
    assert [" ".join(row.split()) for row in rows] == [
        "start 0.5 s ≤ 2 s met",
        "page 3 ms 1 ms 3.00x ≤ 2x SHORT",
        "list 12,346 jobs",
    ]
    assert (verdict, missed) == ("1 of 2 goals met", "  falls short: page")


def test_a_goal_that_is_just_reached_is_met():
    assert at_most("a", 2.0, "s", limit=2).is_met
    assert at_most_times("a", 2.0, "s", baseline=1.0, times=2).is_met


def test_the_machine_is_told_with_what_changes_figures():
    assert all(word in machine() for word in ("cores", "load", "Python", "SQLite", "reeldeck"))
