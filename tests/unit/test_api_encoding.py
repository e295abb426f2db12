from __future__ import annotations

import json

from core.api.encoding import encode, job_view
from core.domain.job import job_from_json
from tests.fakes.engine import FakeEngine


def test_text_of_all_scripts_is_readable_in_the_body():
    assert encode({"title": "محاضرة 講義"}) == '{"title":"محاضرة 講義"}'.encode()


def test_half_a_surrogate_pair_from_a_hostile_title_still_makes_valid_json():
    assert json.loads(encode({"title": "a\ud800b"})) == {"title": "a\ud800b"}


def test_figures_that_are_not_finite_become_null():
    hostile = {
        "rate": float("inf"),
        "all": [1.5, float("nan")],
        "deep": ({"x": float("-inf")},),
        "t": "\udfff",
    }
    assert json.loads(encode(hostile)) == {
        "rate": None,
        "all": [1.5, None],
        "deep": [{"x": None}],
        "t": "\udfff",
    }


def test_control_characters_leave_escaped_so_that_no_line_of_the_stream_breaks():
    body = encode({"title": "a\r\nevent: progress\n\x1b[2J\0"})
    assert b"\n" not in body
    assert b"\r" not in body
    assert b"\x1b" not in body


def test_a_job_is_its_columns_and_what_hangs_on_it():
    job = FakeEngine().add(title="t", size_bytes=10, bytes_done=5)
    shown = job_view(job)
    assert shown["progress"] == 0.5
    assert shown["group"] is None
    assert shown["deliveries"] == []
    assert "checkpoint" not in shown
    assert job_from_json(json.loads(encode(shown))).title == "t"
