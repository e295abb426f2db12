"""What is done now and then, from the dashboard to a real engine through its socket."""

from __future__ import annotations

import dataclasses
import shutil
import tarfile
import time
from pathlib import Path

import pytest
from textual.widgets import Input

from core.client.locate import socket_path
from core.domain.errors import EngineUnreachable, StoreFailure
from core.domain.job import JobStatus, Request
from core.domain.library import Imported
from core.domain.messenger import Collected
from core.domain.token import AuditEntry, Scope
from tests.fakes.api import settings_in
from tests.fakes.hooks import a_receiver
from tests.fakes.media import audio_mp3, made_once
from tests.tui.conftest import Dashboard, calls
from tui.here import Check

#: Attempts to connect that fail, so that an engine stays lost.
PATIENT = 10_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two files with the same content."""
    made = tmp_path / "mine"
    made.mkdir()
    for name in ("Harbour.mp3", "Harbour again.mp3"):
        shutil.copyfile(made_once(audio_mp3, "tone.mp3"), made / name)
    return made


def fill(dashboard: Dashboard, field: str, text: Path | str) -> None:
    """Put a long text into a field of the dialog."""
    dashboard.app.screen.query_one(f"#{field}", Input).value = str(text)


async def test_a_folder_is_imported_and_what_is_there_twice_deleted(on_engine, folder):
    async with on_engine() as (engine, dashboard):
        await dashboard.press("O")
        await dashboard.shows("Operations", "Import a folder", "Duplicates", "Tokens")
        await dashboard.press("i")
        fill(dashboard, "import-folder", f"{folder}x")
        await dashboard.press("enter")
        await dashboard.shows("→")
        await dashboard.press("backspace", "enter")
        await dashboard.shows("2 entered, 1 of them the same as another")
        await dashboard.press("d")
        await dashboard.shows("Duplicates  1", "more than needed", "THE SAME CONTENT")
        await dashboard.press("D")
        await dashboard.shows("Delete 1 file", "The oldest of each stays")
        await dashboard.press("y")
        await dashboard.shows("Deleted 1 file", "Nothing is there twice")
        assert len(list(folder.iterdir())) == 1
        assert len((await engine.library()).items) == 1


async def test_files_that_are_to_be_moved_are_asked_for_twice(on_engine, folder):
    async with on_engine() as (engine, dashboard):
        await dashboard.press("5", "i")
        fill(dashboard, "import-folder", folder)
        await dashboard.press("tab", "right", "enter")
        await dashboard.shows("Enter again does it")
        assert not (await engine.library()).items
        await dashboard.press("enter")
        await dashboard.shows("moved into the archive")
        assert len(list(folder.iterdir())) == 1, "one that is there twice stays"


async def test_a_token_is_made_shown_once_used_and_ended(on_engine):
    async with on_engine() as (engine, dashboard):
        await dashboard.press("O", "t")
        await dashboard.shows("There are no tokens")
        await dashboard.press("a", "enter")
        await dashboard.shows("a token needs a name")
        await dashboard.press(*"phone", "tab", "right", "enter")
        await dashboard.shows("it is not shown again")
        secret = dashboard.lines[2].strip()
        token = await engine.judge_token(secret)
        assert token is not None
        assert token.scopes == {Scope.READ, Scope.SUBMIT}
        await dashboard.press("escape")
        await dashboard.shows("Tokens  1", "read, submit")
        assert secret not in dashboard.text
        await dashboard.press("D")
        await dashboard.shows("with open streams")
        await dashboard.press("y")
        await dashboard.shows("phone opens nothing any more", "ended")
        assert await engine.judge_token(secret) is None
        await dashboard.press("q", "a")
        await dashboard.shows("Changes  2", "socket", "DELETE /api/v1/tokens/1")


async def test_finished_jobs_are_cleared_after_a_question_with_their_number(on_engine, origin):
    origin.put("/a.mp3", made_once(audio_mp3, "tone.mp3").read_bytes())
    async with on_engine() as (engine, dashboard):
        await dashboard.press("O", "x")
        await dashboard.shows("There is no finished job")
        await engine.submit(Request(url=origin.url("/a.mp3")))
        await dashboard.until(lambda: engine._store.counts[JobStatus.COMPLETED] == 1)
        await dashboard.until(lambda: dashboard.app.deck.sync.counts.get(JobStatus.COMPLETED) == 1)
        await dashboard.press("x")
        await dashboard.shows("Forget 1 finished job")
        await dashboard.press("y")
        await dashboard.shows("Forgot 1 finished job; their files stay")
        assert not sum(engine._store.counts.values())
        assert len((await engine.library()).items) == 1


async def test_a_search_is_counted_and_narrowed_to_what_was_chosen(on_engine, folder):
    async with on_engine() as (engine, dashboard):
        async for _ in engine.import_folder(str(folder)):
            pass
        await engine.tag_item(1, add=["live session"])
        await dashboard.press("5")
        await dashboard.shows("Library  2")
        await dashboard.press("f")
        await dashboard.shows("2 in the library", "kind", "audio", "live session")
        await dashboard.press("G", "down", "down", "down", "enter")
        await dashboard.shows("Library  1", 'tag:"live session"')


async def test_a_backup_is_written_while_the_engine_goes_on(on_engine, tmp_path, monkeypatch):
    from tui.console.here import ThisMachine

    monkeypatch.setenv("REELDECK_PATHS__DATA_DIR", str(tmp_path / "data"))
    async with on_engine() as (_, dashboard):
        monkeypatch.setenv("REELDECK_API__SOCKET_PATH", str(socket_path(settings_in(tmp_path / "api"))))
        dashboard.app.deck.here = ThisMachine()
        file = tmp_path / "kept.tar"
        await dashboard.press("O", "b")
        fill(dashboard, "backup-file", file)
        await dashboard.press("enter")
        await dashboard.shows("kept.tar: 0 jobs")
        with tarfile.open(file) as archive:
            assert "reeldeck.db" in archive.getnames()
        await dashboard.press("b")
        fill(dashboard, "backup-file", tmp_path / "none" / "x.tar")
        await dashboard.press("enter")
        await dashboard.shows("→")


# What an engine in memory is quicker to bring about


async def test_a_chat_is_counted_before_it_is_fetched(dashboard, engine):
    engine.watch(-100, "Film club")
    engine.telegram = {"state": "online", "account": "me", "wait_until": None}
    sample = ("A film", "Another")
    engine.collected = [Collected(seen=9, found=2, size_bytes=2**20, sample=sample, is_done=True)]
    async with dashboard() as shown:
        await shown.press("4")
        await shown.shows("Film club")
        await shown.press("c", "enter")
        await shown.shows("9 messages, 2 fit", "A film, Another", "fetch them")
        await shown.press("tab", "right")
        await shown.shows("count what fits")
        await shown.press("enter")
        await shown.shows("fetch them")
        engine.collected = [Collected(seen=9, found=2, added=2, is_done=True)]
        await shown.press("enter")
        await shown.shows("2 new jobs, 0 known")
    first, second, third = (wanted for (wanted,) in calls(engine, "collect"))
    assert first.chat == "-100"
    assert [first.dry_run, second.dry_run, third.dry_run] == [True, True, False]
    assert third == dataclasses.replace(second, dry_run=False)
    assert second.types == {"audio"}


async def test_what_cannot_be_collected_is_told_in_the_dialog(dashboard, engine):
    async with dashboard() as shown:
        await shown.press("O", "enter", "enter")
        await shown.shows("which chat?")
        await shown.press(*"@club", "tab", "tab", *"yesterday", "enter")
        await shown.shows("is no date")
        assert not calls(engine, "collect")


async def test_problems_of_an_import_stay_on_the_screen(dashboard, engine):
    engine.imported = [Imported(added=1, refused=1, problems=("/x/broken.mp3: no media",), is_done=True)]
    async with dashboard() as shown:
        await shown.press("O", "i", *"/x", "enter")
        await shown.shows("1 entered, 1 refused", "/x/broken.mp3: no media")


async def test_receivers_are_tested_and_hurried(dashboard, engine):
    engine.receivers = [
        a_receiver(waiting=3, failing_since="2026-01-01T00:00:00.000Z", error_message="refused")
    ]
    async with dashboard() as shown:
        await shown.press("O", "w")
        await shown.shows("Webhooks  1", "hooks1.example", "failing", "refused")
        await shown.press("t")
        await shown.shows("hooks1.example took it")
        await shown.press("s")
        await shown.shows("3 tried now")


async def test_a_check_up_says_what_is_wrong_and_a_browser_makes_no_tokens(dashboard):
    class Machine:
        is_in_browser = True

        async def check_up(self) -> list[Check]:
            return [Check("ffmpeg", "ok", "7.1"), Check("Clock", "fail", "an hour behind", "Set it.")]

        async def back_up(self, to: Path) -> str:
            raise AssertionError(to)

    async with dashboard(size=(140, 40)) as shown:
        shown.app.deck.here = Machine()
        await shown.press("O", "o")
        await shown.shows("1 to look at", "an hour behind", "WHAT TO DO", "Set it.")
        await shown.press("r", "q")
        await shown.shows("what is done now and then")
        await shown.press("t", "a")
        await shown.shows("A browser makes no tokens")


async def test_a_page_that_is_refused_says_why_and_comes_when_it_is_opened_again(dashboard, engine):
    engine.fail_next("tokens", StoreFailure("the database is locked"))
    async with dashboard() as shown:
        await shown.press("O", "t")
        await shown.shows("This cannot be shown", "the database is locked")
        await shown.press("q", "t")
        await shown.shows("There are no tokens")


async def test_while_the_engine_is_lost_operations_say_why_not(dashboard, engine):
    async with dashboard() as shown:
        await shown.press("O")
        await shown.shows("Operations")
        for _ in range(PATIENT):
            engine.fail_next("stream", EngineUnreachable())
        engine.cut_streams()
        await shown.until(lambda: shown.app.deck.is_lost)
        await shown.press("t")
        await shown.shows("The engine is not connected")


@pytest.mark.parametrize("columns", [80, 100, 140])
async def test_what_an_operation_does_and_how_to_begin_is_never_cut(dashboard, columns):
    async with dashboard(size=(columns, 24)) as shown:
        await shown.press("O")
        await shown.shows("Who may use the HTTP API over TCP")
        assert "…" not in shown.text
        await shown.press("w")
        await shown.shows("Nobody is told")
        assert "…" not in shown.text


async def test_the_record_names_who_did_what(dashboard, engine):
    entry = AuditEntry(
        actor="token:phone", action="POST /api/v1/jobs/{id}/cancel", target="/api/v1/jobs/7/cancel",
        data={"jobs": list(range(20))}, created=time.time(),
    )  # fmt: skip
    await engine.record(entry)
    async with dashboard() as shown:
        await shown.press("O", "a")
        await shown.shows("Changes  1", "token:phone", "POST /api/v1/jobs/7/cancel", "and 8 more")
