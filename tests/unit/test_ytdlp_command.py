"""`reeldeck ytdlp`: which one is used, in words and for programs, and the way back."""

from __future__ import annotations

import json

import pytest

from core.sources.ytdlp.overlay import Overlay, bundled
from tests.unit.conftest import run


@pytest.fixture
def overlay(home):
    return Overlay(home / "data")


def adopt(overlay: Overlay, version: str) -> None:
    draft = overlay.folder / ".new-x"
    draft.mkdir(parents=True)
    overlay.adopt(draft, version)


def test_what_is_used_is_told_with_what_reeldeck_came_with(overlay):
    assert run("ytdlp", "status")[1] == f"yt-dlp {bundled()}, which Reeldeck came with\n"
    adopt(overlay, "2099.1.1")
    assert run("ytdlp", "status")[1].startswith(f"yt-dlp 2099.1.1; Reeldeck came with {bundled()}")
    told = json.loads(run("ytdlp", "status", "--json")[1])
    assert told == {"version": "2099.1.1", "bundled": bundled(), "previous": None}


def test_the_way_back_leads_to_the_one_before_and_back_again(overlay):
    code, _, complaint = run("ytdlp", "rollback")
    assert (code, "nothing else was used" in complaint) == (2, True)
    adopt(overlay, "2099.1.1")
    assert run("ytdlp", "rollback")[1] == f"yt-dlp {bundled()} is used again.\n"
    assert run("ytdlp", "rollback")[1] == "yt-dlp 2099.1.1 is used again.\n"


def test_what_is_no_version_never_reaches_the_installer(overlay):
    code, _, complaint = run("ytdlp", "update", "--version", "--index-url=http://x")
    assert (code, "is no version of yt-dlp" in complaint) == (2, True)
    assert not overlay.folder.exists()
