"""Which ffmpeg is found, and what is said when none is."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import imageio_ffmpeg
import pytest

from core.domain.errors import ConfigError
from core.media import ffmpeg
from core.media.ffmpeg import locate


@pytest.fixture(autouse=True)
def forget():
    ffmpeg._locate.cache_clear()
    yield
    ffmpeg._locate.cache_clear()


def program(path: Path, words: str, status: int = 0) -> Path:
    path.write_text(f"#!/bin/sh\necho '{words}'\nexit {status}\n")
    path.chmod(0o755)
    return path


def test_the_configured_one_comes_first(tmp_path, monkeypatch):
    program(tmp_path / "ffmpeg", "ffmpeg version 5.1.9-0+deb12u1 Copyright")
    monkeypatch.setenv("PATH", str(tmp_path))
    own = program(tmp_path / "own", "ffmpeg version N-1-gabc Copyright")
    found = locate(own)
    assert (found.path, found.version, found.origin) == (own, "N-1-gabc", "configured")


def test_the_one_on_path_comes_next(tmp_path, monkeypatch):
    on_path = program(tmp_path / "ffmpeg", "ffmpeg version 5.1.9-0+deb12u1 Copyright")
    monkeypatch.setenv("PATH", str(tmp_path))
    found = locate(None)
    assert (found.path, found.version, found.origin) == (on_path, "5.1.9-0+deb12u1", "PATH")


@pytest.mark.parametrize("status", [0, 1])
def test_the_bundled_one_comes_last_also_when_that_on_path_is_broken(tmp_path, monkeypatch, status):
    program(tmp_path / "ffmpeg", "error while loading shared libraries", status)
    monkeypatch.setenv("PATH", str(tmp_path))
    found = locate(None)
    assert (str(found.path), found.origin) == (imageio_ffmpeg.get_ffmpeg_exe(), "bundled")
    assert re.search(r"\d+\.\d+", found.version)


def test_a_configured_one_that_does_not_run_is_not_replaced_silently(tmp_path):
    for path in (tmp_path / "nothing", program(tmp_path / "else", "ffplay"), tmp_path):
        with pytest.raises(ConfigError, match="does not run as ffmpeg") as caught:
            locate(path)
        assert "media.ffmpeg_path" in caught.value.hint


def test_without_any_the_cure_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(ConfigError, match="there is no ffmpeg") as caught:
        locate(None)
    assert "apt install ffmpeg" in caught.value.hint


def test_asking_again_runs_nothing(tmp_path, monkeypatch):
    own = program(tmp_path / "own", "ffmpeg version 7.1 Copyright")
    first = locate(own)
    own.unlink()
    assert locate(own) is first
