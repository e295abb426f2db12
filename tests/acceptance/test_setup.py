"""`reeldeck setup`: at a terminal, from a pipe, with defaults, again, and broken off."""

from __future__ import annotations

import asyncio
import json
import signal
import sqlite3
from contextlib import closing

import pytest

from tests.acceptance.program import REELDECK
from tests.acceptance.typist import at_a_terminal
from tests.fakes.telegram import FakeTelegram
from tests.fakes.telegram.fake import API_HASH, API_ID

#: Each is several commands, or a long conversation.
pytestmark = pytest.mark.timeout(120)
#: Nobody listens there.
LINK = "http://127.0.0.1:1/film"
COOKIES = "# Netscape HTTP Cookie File\n.youtube.com\tTRUE\t/\tTRUE\t2000000000\tSID\tcanary-cookie\n"


@pytest.fixture
def fresh(reeldeck):
    """No configuration and no variables for what is asked."""
    (reeldeck.home / "config.toml").unlink()
    del reeldeck.env["REELDECK_PATHS__DATA_DIR"]
    reeldeck.env["XDG_DATA_HOME"] = str(reeldeck.home / "share")
    return reeldeck


async def test_with_defaults_it_leaves_a_configuration_that_works(fresh):
    done = await fresh.run("setup", "--yes")
    assert done.code == 0, done.err
    config = fresh.home / "config.toml"
    assert config.stat().st_mode & 0o777 == 0o600
    assert "config example" in config.read_text()
    assert (await fresh.run("config", "check")).code == 0
    assert "ffmpeg" in done.out
    again = await fresh.run("setup", "--yes")
    assert (again.code, "(new)" in again.out) == (0, False)


async def test_answers_from_a_pipe_are_stored_and_secrets_stay_off_the_screen(fresh):
    cookies = fresh.home / "cookies.txt"
    cookies.write_text(COOKIES)
    data, archive = fresh.home / "d", fresh.home / "a"
    answers = [
        data, "relative", archive,              # folders; the second is refused and asked for again
        "y", "abc", "12345", "short", API_HASH, "n",  # Telegram, without a login
        "nosite", "youtube", cookies, "",       # a login of a site
    ]  # fmt: skip
    done = await fresh.run("setup", stdin="".join(f"{answer}\n" for answer in answers), TERM="dumb")
    assert done.code == 0, done.err
    shown = json.loads((await fresh.run("config", "show", "--json")).out)
    assert (shown["paths"]["data_dir"], shown["paths"]["archive_dir"]) == (str(data), str(archive))
    assert (shown["telegram"]["enabled"], shown["telegram"]["api_id"]) == (True, 12345)
    text = (fresh.home / "config.toml").read_text()
    secret = fresh.home / "secrets" / "telegram_api_hash"
    assert secret.read_text().strip() == API_HASH
    assert secret.stat().st_mode & 0o777 == 0o600
    assert API_HASH not in text + done.out + done.err
    assert "canary-cookie" not in text + done.out + done.err
    assert "chmod 600" in done.out
    for refused in ("no full path", "api_id is a number", "32 digits", "no source 'nosite'"):
        assert refused in done.err
    with closing(sqlite3.connect(data / "reeldeck.db")) as connection:
        (row,) = connection.execute("SELECT source_type, cookie_file_path FROM auth_profiles").fetchall()
    assert row == ("youtube", str(cookies))


async def test_what_was_answered_before_the_answers_end_is_stored(fresh):
    archive = fresh.home / "films"
    done = await fresh.run("setup", stdin=f"\n{archive}\ny\n12345\n")
    assert done.code == 130
    assert "go on with: reeldeck setup" in done.err
    shown = json.loads((await fresh.run("config", "show", "--json")).out)
    assert shown["paths"]["archive_dir"] == str(archive)
    assert shown["telegram"]["enabled"] is False


async def test_what_others_wrote_into_the_file_stays(reeldeck):
    config = reeldeck.home / "config.toml"
    config.write_text("# mine\n[limits] # few\nmax_parallel_jobs = 2\n\n[telegram]\napi_id = 7 # old\n")
    answers = f"{reeldeck.home / 'd'}\n{reeldeck.home / 'films'}\nn\n\n"
    done = await reeldeck.run("setup", stdin=answers)
    assert done.code == 0, done.err
    text = config.read_text()
    for line in ("# mine", "[limits] # few", "max_parallel_jobs = 2", "api_id = 7 # old"):
        assert line in text
    assert f'archive_dir = "{reeldeck.home / "films"}"' in text
    config.write_text("[limits]\nmax_paralel_jobs = 2\n")
    wrong = await reeldeck.run("setup", "--yes")
    assert (wrong.code, "config.toml:2" in wrong.err) == (2, True)
    assert config.read_text() == "[limits]\nmax_paralel_jobs = 2\n"


async def taken(telegram, program, link):
    """Wait until a link became the only job."""
    await telegram.until(lambda: telegram.counts["messages.sendReaction"] > 0)
    assert [job["url"] for job in (await program.run("jobs", "--json")).rows] == [link]


async def test_at_a_terminal_it_logs_in_and_watches_chosen_chats(fresh, tmp_path):
    async with FakeTelegram(tmp_path / "telegram") as telegram:
        alice = telegram.add_user("Alice", username="alice", password="correct horse")
        films = telegram.add_supergroup("Films", alice)
        telegram.add_supergroup("Talks", alice)
        telegram.post(alice, films, f"before it was watched: {LINK}1")
        key = fresh.home / "telegram.pem"
        key.write_text(telegram.public_key)
        dc_id, host, port = telegram.home
        (fresh.home / "config.toml").write_text(
            f'[telegram.server]\ndc_id = {dc_id}\nhost = "{host}"\nport = {port}\npublic_key_file = "{key}"\n'
        )
        async with at_a_terminal(str(REELDECK), "setup", env=fresh.env) as (typist, process):
            await typist.reads("working files [")
            typist.types("")
            await typist.reads("finished files [")
            typist.types("")
            await typist.reads("chats of a Telegram account? [y/N]")
            typist.types("y")
            await typist.reads("my.telegram.org")
            await typist.reads("api_id")
            typist.types(str(API_ID))
            await typist.reads("api_hash, which is not shown")
            typist.types(API_HASH)
            await typist.reads("Log the account in now? [Y/n]")
            typist.types("")
            await typist.reads("With a QR code")
            typist.types("n")
            await typist.reads("Phone number")
            typist.types(f"+{alice.phone}")
            await typist.reads("Code, sent in a Telegram app")
            typist.types(telegram.code_for(alice))
            await typist.reads("Password")
            typist.types("correct horse")
            await typist.reads("Logged in as Alice")
            await typist.reads("Numbers of chats to watch")
            typist.types("99")
            await typist.reads("none of the numbers")
            await typist.reads("Numbers of chats to watch")
            listed = [
                line.split() for line in typist.transcript.splitlines() if line.strip().endswith("Films")
            ]
            typist.types(listed[-1][0])
            await typist.reads("Films: watched from now on")
            await typist.reads("Source that a login is for")
            process.send_signal(signal.SIGINT)
            await typist.reads("go on with: reeldeck setup")
        assert process.returncode == 130
        assert API_HASH not in typist.transcript
        assert "correct horse" not in typist.transcript
        telegram.post(alice, films, f"watched, but nobody runs yet: {LINK}2")
        async with fresh.serve():
            await taken(telegram, fresh, f"{LINK}2")
            (chat,) = (await fresh.run("telegram", "chats", "--json")).rows
            assert (chat["title"], chat["mode"]) == ("Films", "auto")


async def test_the_login_of_a_setup_may_come_from_a_pipe(fresh, tmp_path):
    """Also its password, which click would ask a terminal for."""
    async with FakeTelegram(tmp_path / "telegram") as telegram:
        alice = telegram.add_user("Alice", password="correct horse")
        key = fresh.home / "telegram.pem"
        key.write_text(telegram.public_key)
        dc_id, host, port = telegram.home
        (fresh.home / "config.toml").write_text(
            f'[telegram.server]\ndc_id = {dc_id}\nhost = "{host}"\nport = {port}\npublic_key_file = "{key}"\n'
        )
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            str(REELDECK), "setup", env=fresh.env, stdin=pipe, stdout=pipe, stderr=pipe
        )
        told = asyncio.create_task(process.stdout.read())
        answers = [
            *("", "", "y", str(API_ID), API_HASH, "y", "n", f"+{alice.phone}"),
        ]
        process.stdin.write("".join(f"{each}\n" for each in answers).encode())
        asked = await process.stderr.readuntil(b"asks for another one)")
        # The code is known only now.
        process.stdin.write(f"{telegram.code_for(alice)}\nbattery\n\ncorrect horse\n".encode())
        process.stdin.close()
        asked += await process.stderr.read()
        await process.wait()
    assert b"That is not the password." in asked
    assert b"Logged in as Alice." in await told
    assert b"horse" not in asked + told.result()
    assert b"Traceback" not in asked
