"""What the page loads: all of it is here, and what others wrote is as they published it."""

from __future__ import annotations

import hashlib
import re

import pytest

from tui.web.pages import STATIC

#: File → npm package and version, file in it; digest of that without its last line, which names a source map.
VENDORED = {
    "xterm.js": (
        "@xterm/xterm@6.0.0 lib/xterm.mjs",
        "3fd3d0046d2604ea5860235e2f96625a2fab158dcf3d4cfb0f7c1655559a5d9a",
    ),
    "xterm.css": (
        "@xterm/xterm@6.0.0 css/xterm.css",
        "854a7c0fb70e8b1a083c16797ab827299fb18744f5ad34f227b48337e33293c6",
    ),
    "addon-fit.js": (
        "@xterm/addon-fit@0.11.0 lib/addon-fit.mjs",
        "aa22c5f28e4d64118ac0e7d60276b3384188e59dd104c96e43760d6e2cedd771",
    ),
    "addon-unicode11.js": (
        "@xterm/addon-unicode11@0.9.0 lib/addon-unicode11.mjs",
        "3d33542f6b5690e38df686d30d642ded9f94e4587468d9548aa43aaebebdb21d",
    ),
}
LIBRARY = STATIC / "xterm"
OURS = sorted(path.name for path in STATIC.iterdir() if path.is_file())


@pytest.mark.parametrize("name", sorted(VENDORED))
def test_the_terminal_in_the_page_is_as_its_authors_published_it(name):
    origin, digest = VENDORED[name]
    assert hashlib.sha256((LIBRARY / name).read_bytes()).hexdigest() == digest, origin


def test_the_library_has_its_licence_beside_it():
    assert "Permission is hereby granted" in (LIBRARY / "LICENSE").read_text()
    assert {path.name for path in LIBRARY.iterdir()} == {*VENDORED, "LICENSE"}


@pytest.mark.parametrize("name", OURS)
def test_the_page_loads_only_what_is_beside_it(name):
    text = (STATIC / name).read_text()
    named = re.findall(r'(?:src|href)="([^"]+)"', text) + re.findall(
        r'^import .* from "([^"]+)"', text, re.MULTILINE
    )
    for each in named:
        assert (STATIC / each.removeprefix("/static/").removeprefix("./")).is_file(), each
    assert not re.findall(r"(?:https?:)?//(?!www\.w3\.org/2000/svg)[a-z]+\.[a-z]", text)


def test_the_page_and_the_server_mean_the_same_by_a_closing_code():
    from tui.web.tabs import Closing

    told = dict(re.findall(r"([A-Z_]+) = (4\d{3})", (STATIC / "line.js").read_text()))
    assert {name: int(code) for name, code in told.items()} == {
        code.name: code.value for code in Closing if code >= 4000
    }
