"""The page of logins."""

from __future__ import annotations

import pytest

from core.domain.errors import EngineUnreachable, InvalidRequest, NetworkFailure
from core.domain.events import EventType
from core.domain.job import JobStatus
from core.domain.profile import ProfileReason, ProfileStatus
from tests.tui.conftest import calls
from tests.tui.test_dashboard_screen_safety import controls
from tests.unit.test_tui_present import HOSTILE

S, R = ProfileStatus, ProfileReason


async def test_without_logins_the_page_says_how_to_add_one(dashboard):
    async with dashboard() as shown:
        await shown.press("3")
        await shown.shows("No logins yet", "reeldeck auth add SOURCE FILE", "a Add login")
        await shown.press("c")
        await shown.shows("There is no login yet")


async def test_each_login_tells_how_it_is_and_what_to_do_next(dashboard, engine):
    engine.add_login(status=S.DISABLED, reason=R.ROTATED, account="Jane")
    engine.add_login("x")
    engine.add(source_type="youtube", status=JobStatus.PENDING, waiting_for="auth:main")
    async with dashboard() as shown:
        await shown.press("3")
        await shown.shows("! replaced", "youtube/main", "○ not tried", "x/main", "1 needs you")
        await shown.shows("export the cookies to /cookies/youtube.txt", "1 job waits for it", "Jane")
        await shown.press("j")
        await shown.shows("No job has used it yet", "/cookies/x.txt")


async def test_the_jobs_page_warns_when_a_login_needs_its_owner(dashboard, engine):
    login = engine.add_login()
    async with dashboard() as shown:
        await shown.shows("3 Auth  ")
        engine.logins[login.id] = engine.add_login(id=login.id, status=S.DISABLED, reason=R.EXPIRED)
        engine.emit(EventType.PROFILE_FALLBACK, **{"from": "main", "to": None})
        await shown.shows("3 Auth !1")


async def test_a_job_that_waits_for_a_login_calls_its_owner_until_it_goes_on(dashboard, engine):
    engine.add_login(status=S.DEGRADED, reason=R.REFUSED)
    job = engine.add(source_type="youtube", status=JobStatus.RUNNING)
    async with dashboard() as shown:
        await shown.until(lambda: shown.app.deck.sync.profiles)
        engine.move(job.id, JobStatus.PENDING, waiting_for="auth:main")
        await shown.shows("3 Auth !1")
        engine.move(job.id, JobStatus.QUEUED, waiting_for=None)
        await shown.until(lambda: "!1" not in shown.text)


async def test_a_check_says_that_it_is_under_way_and_what_came_of_it(dashboard, engine):
    login = engine.add_login()
    engine.site_answers.clear()
    async with dashboard() as shown:
        await shown.press("3")
        await shown.shows("youtube/main")
        await shown.press("c")
        await shown.shows("▸ checking")
        engine.site_answers.set()
        await shown.shows("● works", "youtube/main: works", "just now")
        await shown.press("c")
        await shown.until(lambda: len(calls(engine, "check_profile")) == 2)
        assert calls(engine, "check_profile") == [(login.id, True)] * 2


async def test_a_site_that_cannot_be_asked_is_told_so(dashboard, engine, monkeypatch):
    login = engine.add_login(last_success=1.0)

    async def read_only(profile_id, *, afresh=False):
        return login

    monkeypatch.setattr(engine, "check_profile", read_only)
    async with dashboard((120, 24)) as shown:
        await shown.press("3")
        await shown.shows("youtube/main")
        await shown.press("c")
        await shown.shows("youtube/main: works · this site has no way to ask: only the file was read")


async def test_all_logins_are_checked_side_by_side(dashboard, engine):
    for source in ("a", "b", "c"):
        engine.add_login(source)
    engine.site_answers.clear()
    async with dashboard() as shown:
        await shown.press("3")
        await shown.shows("c/main")
        await shown.press("C")
        await shown.until(lambda: shown.text.count("▸ checking") >= 3)
        engine.site_answers.set()
        await shown.until(lambda: "checking" not in shown.text)
        assert len(calls(engine, "check_profile")) == 3


@pytest.mark.parametrize("error", [NetworkFailure("no route"), EngineUnreachable(), InvalidRequest("gone")])
async def test_a_check_that_fails_says_why_and_leaves_the_login_as_it_is(dashboard, engine, error):
    engine.add_login(last_success=1.0)
    engine.fail_next("check_profile", error)
    async with dashboard((120, 24)) as shown:
        await shown.press("3")
        await shown.shows("youtube/main")
        await shown.press("c")
        await shown.shows(error.summary, "● works")
        assert "checking" not in shown.text


async def test_removing_is_asked_and_takes_the_row_away_at_once(dashboard, engine):
    engine.add_login()
    engine.add_login("x")
    async with dashboard() as shown:
        await shown.press("3")
        await shown.shows("youtube/main")
        await shown.press("j", "D")
        await shown.shows("Forget the login youtube/main? Its file stays.")
        await shown.press("escape")
        assert calls(engine, "remove_profile") == []
        await shown.press("D", "y")
        await shown.shows("Forgot youtube/main")
        await shown.until(lambda: "○ not tried youtube" not in shown.text)


async def test_a_refused_removal_is_told(dashboard, engine):
    engine.add_login()
    engine.fail_next("remove_profile", InvalidRequest("this login stands in the configuration"))
    async with dashboard((120, 24)) as shown:
        await shown.press("3")
        await shown.shows("youtube/main")
        await shown.press("D", "y")
        await shown.shows("stands in the configuration")


async def test_enter_shows_the_jobs_that_wait_for_the_login(dashboard, engine):
    engine.add_login()
    engine.add(title="Members", source_type="youtube", status=JobStatus.PENDING, waiting_for="auth:main")
    engine.add(title="Others", source_type="youtube")
    async with dashboard() as shown:
        await shown.press("3")
        await shown.shows("youtube/main")
        await shown.press("enter")
        await shown.shows("state:login source:youtube", "Members", "1 of 2")
        assert "Others" not in shown.text


async def test_the_path_is_copied_and_how_to_export_is_told(dashboard, engine):
    engine.add_login()
    async with dashboard() as shown:
        await shown.press("3")
        await shown.shows("youtube/main")
        await shown.press("Y")
        assert shown.app.clipboard == "/cookies/youtube.txt"
        await shown.press("h")
        await shown.shows("HOW TO EXPORT COOKIES", "private window")
        await shown.press("escape")
        await shown.until(lambda: "HOW TO" not in shown.text)


async def test_a_login_of_the_configuration_has_no_path_to_copy(dashboard, engine):
    engine.add_login(cookie_file_path=None)
    async with dashboard() as shown:
        await shown.press("3")
        await shown.shows("youtube/main")
        await shown.press("Y")
        await shown.shows("This login has no file")


async def test_the_cursor_stays_on_its_login_while_others_come_and_change_places(dashboard, engine):
    for source in ("b", "d"):
        engine.add_login(source)
    async with dashboard((120, 24)) as shown:
        await shown.press("3")
        await shown.shows("d/main")
        await shown.press("j")
        engine.add_login("a")
        engine.add_login("c", status=S.DISABLED, reason=R.MISSING)
        shown.app.deck.sync.look()
        await shown.shows("a/main", "c/main")
        assert [line[:28].split()[-1] for line in shown.lines if line.startswith("▌")] == ["d/main"]


async def test_a_click_chooses_and_a_double_click_opens(dashboard, engine):
    for source in ("a", "b"):
        engine.add_login(source)
    async with dashboard() as shown:
        await shown.press("3")
        await shown.shows("b/main")
        roster = shown.app.screen.roster
        await shown.pilot.click(roster, offset=(5, 1))
        await shown.shows("/cookies/b.txt")
        await shown.pilot.click(roster, offset=(5, 9))
        await shown.pilot.click(roster, offset=(5, 0), times=2)
        await shown.shows("state:login source:a")


async def test_an_engine_that_goes_is_told_on_this_page_too(dashboard, engine):
    engine.add_login()
    async with dashboard(backoff_s=(60.0,)) as shown:
        await shown.press("3")
        await shown.shows("youtube/main")
        engine.cut_streams()
        await shown.shows("looking again in", "youtube/main")
        await shown.press("c")
        await shown.shows("The engine is not connected")
        await shown.press("ctrl+r")
        await shown.until(lambda: "looking" not in shown.text)


# Adding


@pytest.fixture
def cookie_file(tmp_path):
    for name in ("cookies.txt", "cook\x1bies.txt", ".hidden"):
        (tmp_path / name).touch()
    (tmp_path / "more").mkdir()
    return tmp_path / "cookies.txt"


async def test_a_login_is_added_with_completed_source_and_path(dashboard, engine, cookie_file):
    async with dashboard((120, 30)) as shown:
        await shown.press("3", "a")
        await shown.shows("Add a login", "youtube")
        await shown.press("y", "o")
        await shown.until(lambda: shown.app.focused._suggestion == "youtube")
        await shown.press("right", "tab", *f"{cookie_file.parent}/")
        await shown.shows("Files: cookies.txt, more/")
        assert ".hidden" not in shown.text
        await shown.press("c")
        await shown.until(lambda: shown.app.focused._suggestion == str(cookie_file))
        await shown.press("right", "enter")
        await shown.shows("Added youtube/main", "○ not tried")
        assert calls(engine, "add_profile") == [("youtube", str(cookie_file), "main")]


async def test_enter_goes_to_what_is_still_empty(dashboard, engine):
    async with dashboard() as shown:
        await shown.press("3", "a")
        await shown.press("x", "enter")
        assert shown.app.focused.id == "login-file"
        await shown.press("tab", *["backspace"] * 4, "enter")
        assert shown.app.focused.id == "login-file"
        await shown.press("escape")
        await shown.shows("No logins yet")
        assert calls(engine, "add_profile") == []


async def test_a_refused_file_says_what_is_wrong_with_it_and_keeps_the_dialog(dashboard, engine):
    engine.fail_next("add_profile", InvalidRequest("line 3 of the cookie file has 2 fields", hint="Export."))
    async with dashboard((100, 30)) as shown:
        await shown.press("3", "a", "x", "tab", *"'~/c.txt'", "tab", "up", "enter")
        await shown.shows("line 3 of the cookie file has 2 fields", "→ Export.", "Add a login")
        assert calls(engine, "add_profile")[0][1].endswith("/c.txt")
        assert "~" not in calls(engine, "add_profile")[0][1]
        await shown.press("enter")
        await shown.shows("Added x/main")


async def test_what_no_source_or_file_begins_with_is_told(dashboard, tmp_path):
    async with dashboard((100, 30)) as shown:
        await shown.press("3", "a", *"zz")
        await shown.shows("No sources begin like this")
        await shown.press("tab", *f"{tmp_path}/none/x")
        await shown.shows("No files begin like this")
        await shown.press("down")
        await shown.shows("one of the same name is replaced")


@pytest.mark.parametrize("size", [(80, 24), (140, 40), (60, 15), (20, 5)])
async def test_hostile_names_put_no_control_character_on_the_page(dashboard, engine, size):
    for text in HOSTILE:
        engine.add_login(text or "x", text, account=text, cookie_file_path=f"/{text}", reason=R.MISSING)
    async with dashboard(size) as shown:
        await shown.press("3")
        await shown.until(lambda: shown.app.screen.roster.count == len(HOSTILE))
        for _ in HOSTILE:
            assert controls(shown.text) == []
            strips = shown.app.screen._compositor.render_strips()
            assert [strip.cell_length for strip in strips] == [size[0]] * size[1]
            await shown.press("j")
        await shown.press("D")
        await shown.pilot.pause()
        assert controls(shown.text) == []
