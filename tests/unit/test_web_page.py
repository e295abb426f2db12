"""What the page loads: all of it is here, but the terminal, which the server adds."""

from __future__ import annotations

import re

import pytest

from tui.web.pages import STATIC

OURS = sorted(path.name for path in STATIC.iterdir() if path.is_file())
#: Made of an installed package, see tui/web/terminal.py.
ADDED = {"/static/terminal.js", "/static/terminal.css"}


@pytest.mark.parametrize("name", OURS)
def test_the_page_loads_only_what_is_beside_it(name):
    text = (STATIC / name).read_text()
    named = re.findall(r'(?:src|href)="([^"]+)"', text) + re.findall(
        r'^import .* from "([^"]+)"', text, re.MULTILINE
    )
    for each in set(named) - ADDED:
        assert (STATIC / each.removeprefix("/static/").removeprefix("./")).is_file(), each
    assert not re.findall(r"(?:https?:)?//(?!www\.w3\.org/2000/svg)[a-z]+\.[a-z]", text)


def test_code_of_others_lies_nowhere_beside_it():
    assert {path.name for path in STATIC.rglob("*")} == {
        "icon.svg", "line.js", "page.css", "page.html", "page.js",
    }  # fmt: skip


def test_the_page_and_the_server_mean_the_same_by_a_closing_code():
    from tui.web.tabs import Closing

    told = dict(re.findall(r"([A-Z_]+) = (4\d{3})", (STATIC / "line.js").read_text()))
    assert {name: int(code) for name, code in told.items()} == {
        code.name: code.value for code in Closing if code >= 4000
    }
