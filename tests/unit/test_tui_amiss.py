from __future__ import annotations

import importlib.metadata

import pytest

from core.domain.job import iso
from core.domain.text import cell_width
from tests.unit.test_tui_present import HOSTILE, text_of
from tui.amiss import SKEW_S, amiss, made_at, own_version

HEARD = made_at() + 10**6
WELL = {
    "engine": {"version": own_version(), "now": iso(HEARD)},
    "disk": {"free_bytes": 2, "min_free_bytes": 1},
    "network": {"is_away": False},
}


def told(**facts) -> str:
    return text_of(amiss({**WELL, **facts}, HEARD, 120)).strip()


def test_nothing_is_said_of_an_engine_that_is_well_or_says_nothing():
    assert told() == ""
    assert amiss({}, HEARD, 80) == ()
    assert told(engine={"now": iso(HEARD - SKEW_S / 2)}) == ""
    assert told(engine={"now": "half past three"}) == ""
    assert told(engine={"now": 5}) == ""


def test_each_trouble_says_what_comes_of_it():
    assert told(disk={"free_bytes": 2**20, "min_free_bytes": 2**30}) == (
        "The disk is almost full: 1.00 MiB free, 1.00 GiB kept · jobs wait"
    )
    assert told(network={"is_away": True}).endswith("jobs go on when it does")
    assert "2 h behind this one" in told(engine={"now": iso(HEARD - 7300)})
    assert "2 h ahead of this one" in told(engine={"now": iso(HEARD + 7300)})
    assert told(engine={"now": "2001-09-09T00:00:00.000Z"}).startswith(
        "The engine's machine says it is 2001-09-09"
    )
    assert told(engine={"version": "0.9"}).endswith("reeldeck stop, reeldeck serve")


def test_what_matters_most_is_told_first():
    full = {"free_bytes": 1, "min_free_bytes": 2}
    assert told(disk=full, network={"is_away": True}).startswith("The disk")
    assert told(disk=full, engine={"now": iso(1.0)}).startswith("The engine's machine")


@pytest.mark.parametrize("width", [0, 10, 80, 200])
@pytest.mark.parametrize("version", HOSTILE)
def test_a_line_has_its_width_whatever_the_engine_says(width, version):
    line = text_of(amiss({"engine": {"version": version}}, HEARD, width))
    assert not line or cell_width(line) == width


def test_the_day_of_a_part_of_this_program_is_known():
    year = int(importlib.metadata.version("yt-dlp").split(".")[0])
    assert made_at() / 31_556_952 + 1970 >= year
