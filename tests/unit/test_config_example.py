"""The example file says what the program does."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from core.config.example import example
from core.config.load import load_settings
from core.config.schema import ANY, leaves
from core.config.settings import Settings

FILE = Path(__file__).parents[2] / "config.example.toml"


def uncommented() -> str:
    return re.sub(r"(?m)^# (?=[a-z0-9_]+ = |\[)", "", FILE.read_text())


def test_the_committed_file_is_current():
    assert FILE.read_text() == example()


def test_as_it_is_it_changes_nothing(tmp_path):
    assert load_settings(FILE, {}) == Settings()


def test_with_every_key_taken_out_of_its_comment_it_is_valid(tmp_path):
    file = tmp_path / "config.toml"
    file.write_text(uncommented())
    file.chmod(0o600)
    settings = load_settings(file, {})
    defaults = Settings()
    assert settings.limits.model_copy(update={"quiet_hours": None}) == defaults.limits
    assert settings.timeouts == defaults.timeouts
    assert settings.sources.tariq_allah.sites


def test_every_key_is_in_it_with_a_description():
    content = tomllib.loads(uncommented())
    for path, field in leaves().items():
        table = content
        for part in path[:-1]:
            table = table["NAME" if part == ANY else part]
        assert path[-1] in table, path
        assert field.description, path
