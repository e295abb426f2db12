"""A configuration that is changed by the program, and still is its owner's."""

from __future__ import annotations

import stat
import tomllib

import pytest

from core.config.edit import ConfigFile, without_secrets
from core.config.load import load_settings
from core.domain.errors import ConfigError, InvalidRequest
from tui.setup.account import read_ranges

MINE = """\
# mine
[telegram]  # here
api_id = 5 # old
api_hash = "s3cret"

[unknown]
list = [1,
        2] # spread
[sources.youtube]
proxy = "http://me:passw0rd@proxy:1"
"""


def test_comments_order_and_unknown_keys_stay(tmp_path):
    (tmp_path / "c.toml").write_text(MINE)
    file = ConfigFile(tmp_path / "c.toml")
    file.set(("telegram", "enabled"), True)
    file.set(("telegram", "api_id"), 5)
    file.set(("paths", "archive_dir"), "/films")
    file.remove(("telegram", "api_hash"))
    file.remove(("nothing", "there"))
    assert file.write_blocking()
    text = (tmp_path / "c.toml").read_text()
    for line in MINE.splitlines():
        assert line in text or "s3cret" in line
    read = tomllib.loads(text)
    assert read["telegram"] == {"api_id": 5, "enabled": True}
    assert read["paths"] == {"archive_dir": "/films"}
    assert not file.write_blocking(), "nothing changed since"


def test_a_new_file_is_private_and_an_old_one_keeps_its_mode(tmp_path):
    new = ConfigFile(tmp_path / "deep" / "c.toml")
    new.set(("limits", "max_parallel_jobs"), 2)
    assert new.write_blocking()
    assert stat.S_IMODE(new.path.stat().st_mode) == 0o600
    assert load_settings(new.path, {}).limits.max_parallel_jobs == 2
    new.path.chmod(0o644)
    again = ConfigFile(new.path)
    again.set(("limits", "max_parallel_jobs"), 3)
    again.write_blocking()
    assert stat.S_IMODE(new.path.stat().st_mode) == 0o644
    assert [path.name for path in new.path.parent.iterdir()] == ["c.toml"]


def test_what_a_link_leads_to_is_changed_and_the_link_stays(tmp_path):
    (tmp_path / "real.toml").write_text("")
    (tmp_path / "c.toml").symlink_to("real.toml")
    file = ConfigFile(tmp_path / "c.toml")
    file.set(("media", "hardware"), "off")
    file.write_blocking()
    assert (tmp_path / "c.toml").is_symlink()
    assert "hardware" in (tmp_path / "real.toml").read_text()


def test_what_cannot_be_read_or_written_is_told(tmp_path):
    (tmp_path / "c.toml").write_text("[[[")
    with pytest.raises(ConfigError, match=r"c\.toml"):
        ConfigFile(tmp_path / "c.toml")
    (tmp_path / "c.toml").write_text("telegram = 5\n")
    with pytest.raises(ConfigError, match="should be a table"):
        ConfigFile(tmp_path / "c.toml").set(("telegram", "enabled"), True)
    with pytest.raises(ConfigError, match="cannot be read"):
        ConfigFile(tmp_path)
    file = ConfigFile(tmp_path / "new")
    (tmp_path / ".new.new").mkdir()
    with pytest.raises(ConfigError, match="cannot be written"):
        file.write_blocking()


def test_secrets_are_left_out_wherever_they_stand(tmp_path):
    text = without_secrets(MINE)
    assert "s3cret" not in text
    assert "passw0rd" not in text
    assert "# api_hash was left out" in text
    assert tomllib.loads(text)["telegram"] == {"api_id": 5}
    assert "2] # spread" in text


@pytest.mark.parametrize(
    ("answer", "numbers"),
    [("", []), ("2", [2]), ("1 3-5", [1, 3, 4, 5]), ("5,1-2, 2", [1, 2, 5]), ("٣", [3])],
)
def test_numbers_are_picked_one_by_one_or_in_ranges(answer, numbers):
    assert read_ranges(answer, 5) == numbers


@pytest.mark.parametrize("answer", ["0", "6", "4-2", "-1", "x", "1-", "99999999999"])
def test_what_is_no_number_of_the_list_is_refused(answer):
    with pytest.raises(InvalidRequest, match="none of the numbers"):
        read_ranges(answer, 5)
