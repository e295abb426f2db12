"""The session file and the server that it leads to."""

from __future__ import annotations

import contextlib
import sqlite3
import stat

import pytest
from telethon.crypto import AuthKey

from core.config.settings import TelegramServer
from core.domain.errors import ConfigError, SessionLost
from userbot.server import use_server
from userbot.session import SessionBusy, SessionFile


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_the_file_is_made_for_its_owner_alone(make_settings):
    file = SessionFile(make_settings())
    with file.lock():
        file.open().close()
    assert (mode(file.path), mode(file.path.parent)) == (0o600, 0o700)


def test_a_name_without_the_suffix_gets_it_as_telethon_does(make_settings, tmp_path):
    file = SessionFile(make_settings(telegram={"session_file": tmp_path / "login"}))
    assert file.path == tmp_path / "login.session"


def test_a_bot_does_not_take_the_place_of_a_person(make_settings):
    person = SessionFile(make_settings(telegram={"session_file": None}))
    bot = SessionFile(make_settings(telegram={"session_file": None, "bot_token": "1:x"}))
    assert (person.path.name, bot.path.name) == ("telegram.session", "bot.session")


def test_one_process_at_a_time_has_it(make_settings):
    with SessionFile(make_settings()).lock(), pytest.raises(SessionBusy):
        SessionFile(make_settings()).lock().__enter__()
    with SessionFile(make_settings()).lock():
        pass


def test_a_new_login_takes_its_place_at_once_or_not_at_all(make_settings):
    file = SessionFile(make_settings())
    with contextlib.suppress(KeyError), file.replacement() as draft:
        draft.close()
        raise KeyError
    assert file.inode is None
    with file.replacement() as draft:
        draft.close()
    first = file.stamp
    with file.replacement() as draft:
        draft.close()
    assert file.stamp != first
    assert [each.name for each in file.path.parent.iterdir()] == ["telegram.session"]
    assert mode(file.path) == 0o600


def test_a_file_that_is_no_session_needs_a_login(make_settings):
    file = SessionFile(make_settings())
    file.path.parent.mkdir()
    file.path.write_text("this is no database, whatever it is called")
    with pytest.raises(SessionLost, match="no session file"):
        file.open()


def test_a_file_that_is_open_elsewhere_is_busy_and_not_lost(make_settings, monkeypatch):
    file = SessionFile(make_settings())
    file.open().close()
    plain = sqlite3.connect
    with contextlib.closing(plain(file.path)) as other:
        other.execute("BEGIN EXCLUSIVE")
        # SQLite waits for five seconds where nobody says how long.
        monkeypatch.setattr(sqlite3, "connect", lambda *where, **options: plain(*where, timeout=0, **options))
        with pytest.raises(SessionBusy, match="another program"):
            file.open()
    file.open().close()


@pytest.mark.parametrize(
    "statement", ["DROP TABLE sessions", "DELETE FROM version", "ALTER TABLE sessions ADD x"]
)
def test_a_file_of_another_kind_needs_a_login(make_settings, statement):
    file = SessionFile(make_settings())
    session = file.open()
    session.auth_key = AuthKey(bytes(256))
    session.save()
    session.close()
    with contextlib.closing(sqlite3.connect(file.path)) as other:
        other.execute(statement)
        other.commit()
    with pytest.raises(SessionLost, match="no session file"):
        file.open()


def test_an_address_that_moved_keeps_the_login_and_another_data_centre_keeps_its_own(make_settings):
    settings = make_settings()
    session = SessionFile(settings).open()
    session.auth_key = AuthKey(bytes(range(256)))
    use_server(session, TelegramServer(dc_id=2, host="127.0.0.1", port=4000))
    assert (session.port, session.auth_key.key) == (4000, bytes(range(256)))
    session.set_dc(4, "127.0.0.1", 4004)
    session.auth_key = AuthKey(bytes(256))
    use_server(session, TelegramServer(dc_id=2, host="127.0.0.1", port=4000))
    assert (session.dc_id, session.port) == (4, 4004)
    session.close()


@pytest.mark.parametrize("host", [None, "8.8.8.8", "telegram.example"])
def test_a_key_of_ones_own_is_trusted_at_private_addresses_only(make_settings, host):
    settings = make_settings()
    key = settings.telegram.server.public_key_file
    server = {"host": host, "public_key_file": key}
    with pytest.raises(ConfigError, match="private address"):
        SessionFile(make_settings(telegram={"server": server})).open()


def test_what_is_no_key_is_told(make_settings, tmp_path):
    (tmp_path / "key.pem").write_text("-----BEGIN PUBLIC KEY-----")
    server = {"host": "127.0.0.1", "public_key_file": tmp_path / "key.pem"}
    with pytest.raises(ConfigError, match="no RSA key"):
        SessionFile(make_settings(telegram={"server": server})).open()
