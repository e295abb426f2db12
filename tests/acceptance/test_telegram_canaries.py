"""The secrets of an account, and where they must not turn up after all was done with it that can go wrong."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.acceptance.program import REELDECK, Program
from tests.acceptance.telegram import lead_to
from tests.acceptance.test_canaries import arguments
from tests.acceptance.typist import Typist, at_a_terminal
from tests.fakes.telegram import FakeTelegram
from tests.fakes.telegram.fake import API_HASH
from tests.fakes.telegram.state import Account

PASSWORD, WRONG = "c4n4ry-password", "c4n4ry-wrong"


@pytest.fixture
async def telegram(tmp_path):
    async with FakeTelegram(tmp_path / "telegram") as running:
        yield running


async def log_in(program: Program, telegram: FakeTelegram, account: Account) -> tuple[Typist, str]:
    """Log in with every answer wrong once; the terminal, and the code."""
    async with at_a_terminal(str(REELDECK), "--debug", "telegram", "login", env=program.env) as (typist, _):
        await typist.reads("Phone number")
        typist.types(f"+{account.phone}")
        await typist.reads("Code, sent in a Telegram app")
        typist.types("00000")
        await typist.reads("not the code")
        code = telegram.code_for(account)
        typist.types(code)
        for answer in (WRONG, PASSWORD):
            await typist.reads("Password")
            typist.types(answer)
        await typist.reads("Logged in as Alice")
    return typist, code


async def told_by(program: Program, *command: str) -> tuple[str, str]:
    """All that a command says."""
    answer = await program.run(*command)
    return answer.out, answer.err


def written(home: Path) -> Iterator[bytes]:
    """All files of the program but the login itself and its configuration."""
    for file in home.rglob("*"):
        is_own = file.name.startswith("telegram.session") or file.name == "config.toml"
        if file.is_file() and not is_own and "telegram" not in file.relative_to(home).parts:
            yield file.read_bytes()


def rows(database: Path) -> Iterator[bytes]:
    """All that is in all tables."""
    with contextlib.closing(sqlite3.connect(database)) as opened:
        for (table,) in opened.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            yield from (str(row).encode() for row in opened.execute(f'SELECT * FROM "{table}"'))


@pytest.mark.timeout(120)
async def test_the_secrets_of_an_account_are_written_nowhere_but_in_its_login(reeldeck, telegram):
    alice = telegram.add_user("Alice", username="alice", password=PASSWORD)
    lead_to(reeldeck, telegram)
    reeldeck.env["REELDECK_LOGGING__LEVEL"] = "DEBUG"
    typist, code = await log_in(reeldeck, telegram, alice)
    (auth_key,) = (key for key_id, key in telegram.state.auth_keys.items() if key_id in telegram.state.logins)
    said: list[str] = []
    async with reeldeck.serve() as engine:
        said += await told_by(reeldeck, "telegram", "chats", "--known")
        said += arguments(psutil.Process(engine.pid))
        asked = telegram.post(alice, alice, "/status")
        await telegram.until(lambda: any(one.reply_to == asked.uid for one in telegram.posts(alice, alice)))
        # What fails is told with all its circumstances; in the end the login is lost.
        telegram.cut_connections()
        telegram.fail("messages.getDialogs", "API_ID_INVALID")
        said += await told_by(reeldeck, "--debug", "telegram", "chats", "--known")
        telegram.revoke(alice)
        said += await told_by(reeldeck, "--debug", "telegram", "chats", "--known")
        await telegram.until(lambda: not telegram.connections)
        for command in (("status", "--json"), ("config", "show")):
            said += await told_by(reeldeck, *command)
    said += await told_by(reeldeck, "--debug", "telegram", "logout")

    # The number and the code are seen as they are typed; the passwords are not.
    assert "c4n4ry" not in typist.transcript
    secrets = [PASSWORD, WRONG, API_HASH, code, alice.phone]
    forms = [secret.encode() for secret in secrets]
    forms += [auth_key, auth_key.hex().encode(), repr(auth_key)[2:40].encode()]
    found = [*written(reeldeck.home), *rows(reeldeck.database), *(text.encode() for text in said)]
    assert [form for form in forms for text in found if form in text] == []
