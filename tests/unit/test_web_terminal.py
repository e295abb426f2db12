"""The terminal in the page comes from a package that is installed, none of it from here."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

import pytest

from core.domain.errors import NotInstalled
from tui.web.terminal import PACKAGE, TerminalFiles, with_parts

ROOT = Path(__file__).resolve().parents[2]
THEIRS = (
    "(()=>{class w{constructor(){this.terminal=new v.Terminal({}),this.fitAddon=new g.FitAddon,"
    "this.unicode11Addon=new $.Unicode11Addon,this.x}}window.onload=()=>{new w}})()"
)


def test_the_script_names_its_parts_once_they_are_made_and_stays_as_it_is_otherwise():
    ours = with_parts(THEIRS)
    named = "globalThis.xterm={Terminal:v.Terminal,FitAddon:g.FitAddon,Unicode11Addon:$.Unicode11Addon};"
    assert ours == THEIRS.replace("window.onload", f"{named}window.onload")


@pytest.mark.parametrize("gone", ["window.onload=", "new v.Terminal", "this.fitAddon", "Unicode11Addon"])
def test_a_script_whose_parts_lie_elsewhere_is_refused_with_the_version_to_install(gone):
    with pytest.raises(NotInstalled) as caught:
        with_parts(THEIRS.replace(gone, "other"))
    assert PACKAGE in caught.value.hint


def test_the_installed_package_has_them_all():
    drawing = TerminalFiles.load()
    assert drawing.script.count("globalThis.xterm={Terminal:") == 1
    assert ".xterm-helper-textarea" in drawing.style
    assert "url(" not in drawing.style, "nothing is loaded from elsewhere"
    assert "@import" not in drawing.style


def test_without_the_package_there_is_one_sentence_with_the_command_to_run(monkeypatch):
    monkeypatch.setitem(sys.modules, "textual_serve", None)
    with pytest.raises(NotInstalled, match="not installed: the terminal for browsers") as caught:
        TerminalFiles.load()
    assert f"install -U {PACKAGE}" in caught.value.hint
    assert "reeldeck[web]" in caught.value.hint


def test_the_extra_brings_the_version_that_the_page_was_made_for():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert extras["web"] == [PACKAGE]
    for lock in ("requirements.lock", "requirements-dev.lock"):
        assert f"\n{PACKAGE} " in (ROOT / lock).read_text(), lock
