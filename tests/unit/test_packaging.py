"""What is shipped beside the program says what is true of it."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = (ROOT / "packaging" / "Dockerfile").read_text()
UNIT = (ROOT / "packaging" / "systemd" / "reeldeck.service").read_text()


def test_the_image_is_built_from_what_is_locked_and_runs_as_nobody_special():
    assert "--require-hashes --requirement requirements.lock" in DOCKERFILE
    last = DOCKERFILE.rpartition("\nFROM ")[2]
    assert re.search(r"^USER [1-9]\d*:", last, re.MULTILINE)
    assert "HEALTHCHECK" in last
    assert not re.search(r"https?://", DOCKERFILE)


def test_what_the_image_copies_is_there_and_not_left_out():
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    names = {name for line in copied for name in line.split()}
    kept = (ROOT / "packaging" / "Dockerfile.dockerignore").read_text().splitlines()
    assert names == {line[1:] for line in kept if line.startswith("!")}
    assert all((ROOT / name).exists() for name in names)


def test_all_that_the_program_needs_is_locked_as_pinned():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    locked = (ROOT / "requirements.lock").read_text()
    for pin in [*project["dependencies"], *project["optional-dependencies"]["build"]]:
        name = re.escape(pin.replace("_", "-"))
        assert re.search(rf"^{name}( |$)", locked, re.MULTILINE), pin


def test_the_service_names_only_variables_that_there_are():
    from core.config.schema import field_at

    for name in re.findall(r"REELDECK_(\w+__\w+)=", UNIT):
        assert field_at(tuple(name.lower().split("__"))) is not None, name
    for credential in re.findall(r"LoadCredential=(\w+):", UNIT):
        assert field_at(tuple(credential.split("__"))) is not None, credential


def test_the_service_of_a_person_lives_and_ends_as_that_of_the_machine_does():
    own = (ROOT / "packaging" / "systemd" / "reeldeck.user.service").read_text()
    shared = (
        "Type",
        "NotifyAccess",
        "WatchdogSec",
        "Restart",
        "RestartSec",
        "TimeoutStopSec",
        "KillMode",
        "UMask",
    )
    for key in shared:
        (line,) = re.findall(rf"^{key}=.*$", UNIT, re.MULTILINE)
        assert line in own.splitlines()
    assert "ExecStart=%h/.local/bin/reeldeck serve" in own.splitlines()
