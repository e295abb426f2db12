from __future__ import annotations

from typing import Any

import pytest

from core.sources.ytdlp.dash import segment_list

FORMAT: dict[str, Any] = {
    "protocol": "http_dash_segments",
    "url": "https://site.example/v/m.mpd",
    "fragment_base_url": "https://cdn.example/v/",
    "fragments": [{"path": "init.m4s"}, {"path": "1.m4s", "duration": 2.5}, {"url": "https://b.example/2"}],
}


def test_addresses_are_joined_and_lengths_kept() -> None:
    found = segment_list(FORMAT)
    assert found is not None
    assert [segment.url for segment in found.segments] == [
        "https://cdn.example/v/init.m4s",
        "https://cdn.example/v/1.m4s",
        "https://b.example/2",
    ]
    assert (found.duration_s, found.is_live, found.url) == (2.5, False, FORMAT["url"])


def test_a_parameter_that_every_segment_needs_is_added_or_replaced() -> None:
    fragments = [{"path": "1?a=1&token=old"}, {"path": "2"}]
    found = segment_list(FORMAT | {"fragments": fragments, "extra_param_to_segment_url": "token=new%20one"})
    assert found is not None
    assert [segment.url for segment in found.segments] == [
        "https://cdn.example/v/1?a=1&token=new+one",
        "https://cdn.example/v/2?token=new+one",
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"protocol": "ism"},
        {"fragments": "<generator object at 0x7f>"},
        {"fragments": []},
        {"fragments": None},
        {"fragments": [{"duration": 1}]},
        {"fragment_base_url": None},
    ],
)
def test_what_is_no_list_of_addresses_is_left_to_the_worker(change: dict[str, Any]) -> None:
    assert segment_list(FORMAT | change) is None
