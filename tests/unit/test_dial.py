"""The order in which addresses are tried."""

from __future__ import annotations

import pytest

from core.net.http.dial import _interleaved


@pytest.mark.parametrize(
    ("found", "order"),
    [
        ([], []),
        (["1.1.1.1"], ["1.1.1.1"]),
        (["a::1", "a::2", "1.1.1.1", "1.1.1.2"], ["a::1", "1.1.1.1", "a::2", "1.1.1.2"]),
        (["1.1.1.1", "1.1.1.2", "a::1"], ["1.1.1.1", "a::1", "1.1.1.2"]),
        (["1.1.1.1", "1.1.1.2", "1.1.1.3"], ["1.1.1.1", "1.1.1.2", "1.1.1.3"]),
    ],
)
def test_families_take_turns_and_the_resolvers_choice_comes_first(found: list[str], order: list[str]) -> None:
    assert _interleaved(found) == order
