"""What tests of commands share: an engine in memory, and the command line that reaches it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.fakes.engine import FakeEngine
from tui.cli import reeldeck
from tui.console import connect
from tui.console.exits import run_to_exit


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where commands keep their data and look for a configuration; they are run there."""
    monkeypatch.setenv("REELDECK_PATHS__DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def engine(home: Path, monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    """The engine that commands reach."""
    fake = FakeEngine()
    monkeypatch.setattr(connect, "HttpEngineClient", lambda _: fake)
    return fake


def run(*arguments: str, stdin: str | None = None) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a command line, as `main` runs it."""
    with CliRunner().isolation(input=stdin) as (out, err, _):
        code = run_to_exit(lambda: reeldeck.main(arguments, standalone_mode=False), debug=lambda: True)
        sys.stdout.flush()
        sys.stderr.flush()
        return code, out.getvalue().decode(), err.getvalue().decode()


def invoke(*arguments: str) -> Result:
    """What a command line that ends well has said; errors are raised as they are."""
    result = CliRunner().invoke(reeldeck, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    return result
