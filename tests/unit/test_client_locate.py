from __future__ import annotations

import os
from pathlib import Path

import pytest

from core.client.locate import MAX_SOCKET_PATH_BYTES, check_private, short_folder, socket_path
from core.domain.errors import ConfigError
from tests.fakes.api import settings_in


def test_the_socket_lies_in_the_runtime_folder_or_where_it_was_put():
    assert socket_path(settings_in(Path("/data"))) == Path("/data/run/engine.sock")
    assert socket_path(settings_in(Path("/data"), socket_path="/srv/x.sock")) == Path("/srv/x.sock")


def test_links_on_the_way_lead_to_the_same_socket(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert socket_path(settings_in(tmp_path / "link")) == socket_path(settings_in(tmp_path / "real"))


def long(tmp_path: Path, name: str = "x") -> Path:
    return tmp_path / (name * 120)


def test_a_path_too_long_for_a_socket_is_replaced_by_the_same_short_one_for_everybody(tmp_path, monkeypatch):
    path = socket_path(settings_in(long(tmp_path)))
    assert len(os.fsencode(path)) <= MAX_SOCKET_PATH_BYTES
    assert path.parent.name.startswith(f"reeldeck-{os.geteuid()}-")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    assert socket_path(settings_in(long(tmp_path))) == path
    assert socket_path(settings_in(long(tmp_path, "y"))) != path


def test_lengths_are_counted_in_bytes(tmp_path):
    folder = Path("/" + "م" * 50)
    assert socket_path(settings_in(folder)).parent == short_folder(folder / "run" / "engine.sock")


@pytest.fixture
def folder(tmp_path):
    folder = short_folder(long(tmp_path) / "run" / "engine.sock")
    yield folder
    if folder.is_symlink() or folder.is_file():
        folder.unlink()
    elif folder.exists():
        folder.rmdir()


def test_a_short_folder_that_others_may_enter_is_not_trusted(tmp_path, folder):
    folder.mkdir(mode=0o700)
    assert socket_path(settings_in(long(tmp_path))) == folder / "engine.sock"
    folder.chmod(0o755)
    with pytest.raises(ConfigError):
        socket_path(settings_in(long(tmp_path)))


def test_a_short_folder_that_is_a_link_or_a_file_is_not_trusted(tmp_path, folder):
    folder.symlink_to(tmp_path)
    with pytest.raises(ConfigError):
        socket_path(settings_in(long(tmp_path)))
    folder.unlink()
    folder.touch()
    with pytest.raises(ConfigError):
        socket_path(settings_in(long(tmp_path)))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_somebody_elses_folder_is_not_trusted(tmp_path):
    tmp_path.chmod(0o700)
    check_private(tmp_path)
    os.chown(tmp_path, 65534, 65534)
    with pytest.raises(ConfigError, match="somebody else"):
        check_private(tmp_path)
