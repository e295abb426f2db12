"""Secrets that are planted in a proxy's address and in links, and where they must not turn up."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import psutil

from tests.acceptance.program import Program, children_of
from tests.fakes.media import made_once, video_mp4
from tests.fakes.origin import Fault, Origin
from tests.fakes.wire import socks_server

PASSWORD, SIGNATURE = "c4n4ry-password", "c4n4ry-signature"


def arguments(process: psutil.Process) -> Iterator[str]:
    """What everybody on the machine can read of a process and its children."""
    for each in (process, *process.children(recursive=True)):
        try:
            yield " ".join(each.cmdline())
        except psutil.NoSuchProcess:
            continue


def said_by(reeldeck: Program) -> Iterator[str]:
    """Everything that was logged, and the events of all jobs."""
    for log in (reeldeck.home / "data" / "logs").rglob("*"):
        if log.is_file():
            yield log.read_text()
    with sqlite3.connect(reeldeck.database) as database:
        yield from (str(row) for row in database.execute("SELECT * FROM job_events"))
    database.close()


async def test_a_proxys_password_and_a_links_signature_are_written_nowhere(
    reeldeck: Program, origin: Origin, tmp_path: Path
) -> None:
    film = made_once(video_mp4, "film.mp4").read_bytes()
    signed = f"?Signature={SIGNATURE}&Expires=4102444800"
    origin.put("/film.mp4", film)
    origin.put("/gone.mp4").always = Fault(status=503)
    page = f'<html><title>A page</title><video src="{origin.url("/film.mp4")}{signed}"></video></html>'
    origin.put("/page", page.encode(), content_type="text/html")
    async with socks_server(login=(b"owner", PASSWORD.encode())) as proxy:
        reeldeck.env |= {
            "REELDECK_NETWORK__PROXY": f"socks5h://owner:{PASSWORD}@127.0.0.1:{proxy.port}",
            "REELDECK_LOGGING__LEVEL": "DEBUG",
            "REELDECK_RETRIES__MAX_RETRIES": "0",
        }
        async with reeldeck.serve() as engine:
            links = [origin.url("/film.mp4") + signed, origin.url("/page"), origin.url("/gone.mp4") + signed]
            answers = [await reeldeck.run("add", link, "--wait", "--json") for link in links]
            assert [answer.code for answer in answers[:2]] == [0, 0], answers
            assert answers[2].code != 0
            seen = list(arguments(psutil.Process(engine.pid)))
            assert children_of(engine)
            failed = await reeldeck.job(answers[2].rows[0]["job"]["id"])
            told = [
                await reeldeck.run(*command)
                for command in (("status", "--json"), ("doctor",), ("config", "show"), ("logs",))
            ]
    assert set(proxy.logins) == {(b"owner", PASSWORD.encode())}
    assert not [text for text in (*seen, *said_by(reeldeck)) if "c4n4ry" in text]
    assert not [answer for answer in told if "c4n4ry" in answer.out + answer.err]
    # A failure's message and hint travel further than the link does, to chats for example.
    assert "c4n4ry" not in f"{failed['error_message']} {failed['error_hint']}"
    assert PASSWORD.encode() not in reeldeck.database.read_bytes()
