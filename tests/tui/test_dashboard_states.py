"""What the pages say when there is nothing to show, when something is amiss, and by which keys to go on."""

from __future__ import annotations

import json

import pytest

from core.domain.errors import EngineUnreachable
from core.domain.job import JobStatus, iso
from tests.fakes import scene
from tui.keymap import own_keys

PAGES = "123456"
BEFORE_ALL = 1_000_000_000.0


async def test_every_page_says_that_no_engine_answers_and_how_to_start_one(dashboard, engine):
    engine.fail_next("stream", EngineUnreachable())
    async with dashboard((100, 24), waits=False, backoff_s=(60.0,)) as shown:
        for page in PAGES:
            await shown.press(page)
            await shown.shows("engine lost", "looking again in", "Ctrl+r now")
            assert "Loading" not in shown.text
            if page != "6":  # the log is read from its file
                await shown.shows("The engine does not answer", "reeldeck serve")


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (
            {"free_bytes": 2**30},
            "The disk is almost full: 1.00 GiB free, 2.00 GiB kept · jobs wait",
        ),
        ({"is_away": True}, "This machine does not reach the internet · jobs go on when"),
        ({"engine_facts": {"version": "0.9\x1b[2J"}}, "Engine 0.9␛[2J, dashboard"),
        (
            {"engine_facts": {"now": iso(BEFORE_ALL)}},
            "The engine's machine says it is 2001-09-09 · sites refuse that",
        ),
        ({"engine_facts": {"now": iso(scene.NOW + 7300)}}, "is 2 h ahead of this one"),
    ],
)
async def test_every_page_says_what_is_amiss_with_an_engine_that_answers(
    dashboard, engine, clock, facts, words
):
    for name, value in facts.items():
        setattr(engine, name, value)
    async with dashboard() as shown:
        for page in (*PAGES, "comma"):
            await shown.press(page)
            await shown.shows(words)
        await shown.press("escape", "1", "question_mark")
        await shown.shows("keys of the jobs page", words)


async def test_the_page_of_a_job_says_what_is_amiss_and_help_names_no_key_that_it_lacks(dashboard, engine):
    engine.free_bytes = 2**30
    engine.add_many(1)
    async with dashboard(backoff_s=(60.0,)) as shown:
        await shown.press("enter")
        await shown.shows("q Close", "The disk is almost full: 1.00 GiB free")
        engine.cut_streams()
        await shown.shows("looking again in", "Ctrl+r now")
        await shown.press("escape", "question_mark")
        await shown.shows("keys of the jobs page", "looking again in")
        assert "Ctrl+r now" not in shown.text


async def test_an_engine_that_is_as_it_should_be_has_no_banner(dashboard, engine):
    async with dashboard() as shown:
        await shown.shows("No jobs yet")
        await shown.until(lambda: shown.app.deck.sync.status)
        assert not shown.app.screen.view.banner.display


async def test_a_page_without_anything_names_three_next_steps(dashboard, engine, tmp_path):
    engine.telegram = {"state": "online"}
    file = tmp_path / "log.jsonl"
    file.touch()
    async with dashboard(log_file=file) as shown:
        await shown.shows("No jobs yet", "a  add a link", "$  reeldeck add URL", "?  see all keys")
        await shown.press("3")
        await shown.shows(
            "No logins yet", "a  add a cookie file", "$  reeldeck auth add", "h  how to get one"
        )
        await shown.press("4")
        await shown.shows(
            "No chats are watched", "a  choose a chat", "$  reeldeck telegram watch", "?  see all"
        )
        await shown.press("5")
        await shown.shows("The library is empty", "a  add a link", "$  reeldeck library import", "?  see all")
        await shown.press("6")
        await shown.shows("Nothing was written yet", "the newest last")


async def test_what_finds_nothing_says_how_to_find_something(dashboard_on, tmp_path):
    engine = scene.a_day(tmp_path / "log.jsonl")
    async with dashboard_on(engine, log_file=tmp_path / "log.jsonl") as shown:
        await shown.press("slash", *"zzz")
        await shown.shows("No job matches this filter", "/    change it", "Esc  show all jobs")
        engine.media = []
        await shown.press("escape", "5", "slash", *"zzz")
        await shown.shows("Nothing has these words", "/    change the search", "Esc  show all")
        await shown.press("escape", "6", "slash", *"zzz")
        await shown.shows("No line matches", "/    change the words", "v    another level")


#: Own keys for everything that a sentence names.
OWN = {
    "add": "F2", "filter": "F3", "back": "F4", "help": "F5", "previous_view": "F6", "next_view": "F7",
    "open": "F8", "retry": "F9", "pause": "F10", "check": "F11", "add_login": "F12", "how_to": "Ctrl+b",
    "level": "Ctrl+e", "open_job": "Ctrl+f", "job_log": "Ctrl+g", "follow": "Ctrl+o", "bottom": "Ctrl+l",
    "change": "Ctrl+k", "reset_limit": "Ctrl+n", "reconnect": "Ctrl+t", "add_chat": "Ctrl+v",
    "copy_url": "Ctrl+w", "cancel": "Ctrl+x", "send_again": "Ctrl+y",
}  # fmt: skip


async def test_sentences_name_the_keys_that_people_chose(dashboard, engine, tmp_path):
    engine.telegram = {"state": "online"}
    file = tmp_path / "log.jsonl"
    file.write_text(json.dumps({"event": "x", "level": "info", "job_id": 1}) + "\n")
    async with dashboard((99, 40), log_file=file, keys=own_keys(OWN), backoff_s=(60.0,)) as shown:
        await shown.shows("F2  add a link", "F5  see all keys")
        await shown.press("f7")
        await shown.shows("F6 F7  look at another part", "F4     all jobs")
        await shown.press("f4", "3")
        await shown.shows("F12     add a cookie file", "Ctrl+b  how to get one")
        await shown.press("ctrl+b")
        await shown.shows("Add the file here with  F12")
        await shown.press("escape", "4")
        await shown.shows("Ctrl+v  choose a chat")
        await shown.press("6")
        await shown.shows("Job 1: Ctrl+f shows it, Ctrl+g its lines.")
        await shown.press("ctrl+o")
        await shown.shows("Ctrl+o or Ctrl+l follows")
        await shown.press("comma")
        await shown.shows("Ctrl+k switches it")
        await shown.press("j")
        await shown.shows("comes back with Ctrl+n")
        await shown.press("f4", "1")
        job = engine.add(title="A talk", status=JobStatus.RUNNING)
        engine.set(job.id, title="A long talk")
        await shown.shows("A long talk")
        await shown.press("ctrl+w")
        await shown.shows("Ctrl+w again shows it")
        await shown.press("f10")
        await shown.shows("Paused 1 · F10 goes on")
        engine.add_login(reason=None)
        shown.app.deck.sync.look()
        await shown.press("3")
        await shown.shows("F11 asks the site")
        engine.cut_streams()
        await shown.shows("Ctrl+t now")
