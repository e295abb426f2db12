"""What the doctor makes of facts."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.config.settings import Limits, Network, Paths, Settings, Webhooks
from core.domain.errors import ConfigError, EngineUnreachable, StoreFailure
from core.ops import doctor
from core.ops.doctor import Facts, Level, examine


@pytest.fixture
def facts(tmp_path):
    """Facts of a healthy installation, with changes."""

    def make(*, paths=None, limits=None, **changes):
        settings = Settings(
            paths=Paths(data_dir=tmp_path / "data", **paths or {}),
            limits=Limits(min_free_disk_bytes=0) if limits is None else limits,
        )
        values = {
            "settings": settings, "config_file": tmp_path / "config.toml", "socket": tmp_path / "engine.sock",
            "now": datetime(2026, 11, 1, tzinfo=UTC), "ffmpeg": "9.0, bundled: /ffmpeg", "database": "sound",
            "engine": {"engine": {"version": "0.1.0", "pid": 7}},
        }  # fmt: skip
        return Facts(**values | changes)

    return make


def finding(facts, name):
    return next(found for found in examine(facts) if found.name == name)


def test_a_healthy_installation_has_no_failure(facts):
    found = examine(facts())
    assert [one.name for one in found if one.level is Level.FAIL] == []
    assert len({one.name for one in found}) == len(doctor.CHECKS)


def test_aria2c_is_missed_only_where_it_is_wanted(facts, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert finding(facts(), "aria2c").level is Level.OK
    wanted = Settings(paths=Paths(data_dir=tmp_path), network=Network(use_aria2c=True))
    found = finding(facts(settings=wanted), "aria2c")
    assert (found.level, "apt install aria2" in found.fix) == (Level.WARN, True)
    program = tmp_path / "aria2c"
    program.write_text("#!/bin/sh\necho aria2 version 1.36.0\n")
    program.chmod(0o755)
    assert finding(facts(settings=wanted), "aria2c").detail == f"1.36.0 at {program}"


def test_whatever_is_not_ok_says_what_to_do(facts):
    sick = facts(
        paths={"tmp_dir": "/proc/none"}, limits=Limits(min_free_disk_bytes=2**60),
        now=datetime(2020, 1, 1, tzinfo=UTC), ffmpeg=ConfigError("there is no ffmpeg"),
        engine=EngineUnreachable(), database=StoreFailure("2 faults"),
        socket=ConfigError("the folder is open to others", hint="chmod 700 it"),
    )  # fmt: skip
    found = examine(sick)
    failed = {one.name for one in found if one.level is Level.FAIL}
    assert failed == {"Clock", "Folders", "Disk", "ffmpeg", "Socket", "Database"}
    assert all(one.fix for one in found if one.level is not Level.OK)
    assert all(not one.fix for one in found if one.level is Level.OK)


def test_folders_that_do_not_exist_yet_are_judged_by_their_parents(facts, tmp_path):
    assert finding(facts(), "Folders").level is Level.OK
    (tmp_path / "data").write_text("a file")
    assert "data is not a folder" in finding(facts(), "Folders").detail


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission_is_named(facts, tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    assert f"{closed} cannot be written to" in finding(facts(paths={"log_dir": closed}), "Folders").detail


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="there is no second disk")
def test_archive_and_tmp_on_different_disks_are_slower(facts, tmp_path):
    if Path("/dev/shm").stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("they are one")
    found = finding(facts(paths={"tmp_dir": "/dev/shm/reeldeck-none"}), "Disk")
    assert found.level is Level.WARN
    assert "paths.tmp_dir" in found.fix


def test_an_old_ytdlp_is_a_warning(facts):
    released = doctor._released("yt-dlp")
    assert released is not None
    fresh = finding(facts(now=released + timedelta(days=3)), "yt-dlp")
    assert fresh.level is Level.OK
    assert ", 3 days old" in fresh.detail
    old = finding(facts(now=released + timedelta(days=100)), "yt-dlp")
    assert old.level is Level.WARN
    assert "reeldeck ytdlp update" in old.fix


@pytest.mark.parametrize(("found", "is_told"), [(None, True), (object(), False)])
def test_that_some_sites_want_a_browser_is_told_where_yt_dlp_cannot_greet_as_one(
    facts, monkeypatch, found, is_told
):
    monkeypatch.setattr(doctor, "find_spec", lambda _name: found)
    released = doctor._released("yt-dlp")
    assert ("reeldeck[impersonate]" in finding(facts(now=released), "yt-dlp").detail) is is_told


def test_scripts_of_another_release_are_a_warning(facts, monkeypatch):
    released = doctor._released("yt-dlp")
    monkeypatch.setattr(doctor, "_wanted_scripts", lambda: "9.9.9")
    found = finding(facts(now=released + timedelta(days=3)), "yt-dlp")
    assert found.level is Level.WARN
    assert "not 9.9.9" in found.detail
    assert "yt-dlp-ejs==9.9.9" in found.fix


def test_a_missing_ytdlp_is_a_failure(facts, monkeypatch):
    monkeypatch.setattr(doctor, "_released", lambda _: None)
    assert finding(facts(), "yt-dlp").level is Level.FAIL
    assert finding(facts(), "Clock").level is Level.OK


@pytest.mark.parametrize(
    ("answer", "level", "detail"),
    [
        ("deno 2.9.8 (stable)", Level.OK, "deno 2.9.8"),
        ("deno 2.3.0", Level.OK, "deno 2.3.0"),
        ("deno 1.40.1", Level.WARN, "deno 1.40.1 is too old, 2.3.0 is needed"),
        ("nonsense", Level.WARN, "deno of unknown version is too old"),
    ],
)
def test_a_javascript_runtime_must_be_new_enough(facts, tmp_path, monkeypatch, answer, level, detail):
    program = tmp_path / "deno"
    program.write_text(f"#!/bin/sh\necho '{answer}'\n")
    program.chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(doctor.sys, "executable", str(tmp_path / "python"))
    found = finding(facts(), "JavaScript")
    assert found.level is level
    assert found.detail.startswith(detail)


def test_without_a_javascript_runtime_youtube_may_fail(facts, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    found = finding(facts(), "JavaScript")
    assert found.level is Level.WARN
    assert "YouTube" in found.detail
    assert "deno" in found.fix
    assert "reeldeck[youtube]" in found.fix


def test_webhooks_want_a_secret_and_receivers_that_take_them(facts, tmp_path):
    secret = tmp_path / "secret"
    settings = Settings(
        paths=Paths(data_dir=tmp_path),
        webhooks=Webhooks(urls=("https://hooks.example/x",), secret_file=secret),
    )
    assert finding(facts(), "Webhooks").level is Level.OK
    missing = finding(facts(settings=settings), "Webhooks")
    assert (missing.level, "openssl rand" in missing.fix) == (Level.FAIL, True)
    secret.touch(mode=0o600)
    secret.write_text("s" * 40)
    assert finding(facts(settings=settings), "Webhooks").level is Level.OK
    row = {"host": "hooks.example", "waiting": 2, "failing_since": "2026", "error_message": "no answer"}
    engine = {"engine": {"version": "1", "pid": 1}, "webhooks": [row]}
    failing = finding(facts(settings=settings, engine=engine), "Webhooks")
    assert (failing.level, failing.detail) == (Level.WARN, "hooks.example: 2 wait, no answer")
    assert "/x" not in failing.detail
