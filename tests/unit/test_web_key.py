from __future__ import annotations

import pytest

from core.domain.errors import ConfigError
from tui.web.key import Key


@pytest.fixture
def file(tmp_path):
    return tmp_path / "data" / "web-token"


def test_the_token_is_made_once_for_its_owner_alone_and_kept(file):
    key = Key.ensure(file)
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    assert Key.ensure(file) == Key.read(file) == key
    assert [each.name for each in file.parent.iterdir()] == ["web-token"], "no draft is left"


def test_a_new_token_makes_all_that_followed_from_the_old_one_worthless(file):
    old = Key.ensure(file)
    new = Key.ensure(file, renew=True)
    assert not new.opens(old.token)
    assert not new.knows(old.cookie)
    assert not new.is_place(old.place)


def test_neither_place_nor_cookie_shows_the_token(file):
    key = Key.ensure(file)
    assert len({key.token, key.place, key.cookie}) == 3
    assert key.opens(key.token)
    assert key.knows(key.cookie)
    assert not key.opens(key.cookie)
    assert not key.knows(key.token)


@pytest.mark.parametrize("given", ["", "é", "\udc80", "x" * 100_000])
def test_whatever_is_given_as_a_token_is_only_wrong(file, given):
    assert not Key.ensure(file).opens(given)


def test_a_token_that_others_may_have_read_is_refused_with_the_command_that_makes_another(file):
    Key.ensure(file)
    file.chmod(0o640)
    with pytest.raises(ConfigError, match="mode 0640") as caught:
        Key.ensure(file)
    assert "--new-token" in caught.value.hint
    Key.ensure(file, renew=True)


@pytest.mark.parametrize("content", [b"", b"short\n", b"\xff" * 43, b"a" * 44])
def test_what_is_no_token_is_refused(file, content):
    Key.ensure(file)
    file.write_bytes(content)
    with pytest.raises(ConfigError, match="holds no token"):
        Key.read(file)


def test_a_place_where_nothing_can_be_written_is_said(tmp_path):
    (tmp_path / "data").write_text("a file")
    with pytest.raises(ConfigError, match="cannot be written"):
        Key.ensure(tmp_path / "data" / "web-token")
