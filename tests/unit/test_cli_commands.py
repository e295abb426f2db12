"""Commands against an engine in memory."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from core.config.settings import LOG_FILE
from core.domain.errors import ERRORS, EngineUnreachable, IllegalTransition
from core.domain.events import EventType
from core.domain.job import JobStatus, Kind, Request
from core.domain.snapshot import Submitted
from tests.fakes.engine import ENGINE_VERSION, FakeEngine
from tests.unit import conftest as commands
from tui.cli import COMMANDS, MEANT, reeldeck
from tui.console import connect

HEAVY = {
    "asyncio",
    "httpx",
    "pydantic",
    "rich",
    "textual",
    "tortoise",
    "fastapi",
    "yt_dlp",
    "av",
    "core.config",
}


class QuickEngine(FakeEngine):
    """Finishes every new job at once, in the way that *outcomes* says for its url."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        self.outcomes: dict[str, dict[str, object]] = {}

    async def submit(self, request: Request) -> Submitted:
        return self._ended(await super().submit(request))

    async def submit_many(self, requests):
        return [
            self._ended(answer) if isinstance(answer, Submitted) else answer
            for answer in await super().submit_many(requests)
        ]

    def _ended(self, answer: Submitted) -> Submitted:
        job = answer.job
        if job.status is JobStatus.QUEUED:
            self.move(job.id, JobStatus.RUNNING)
            path = Path(job.out_dir or self.folder) / f"{job.id}.mp4"
            path.parent.mkdir(exist_ok=True)
            path.touch()
            facts = {"status": JobStatus.COMPLETED, "file_path": str(path)} | self.outcomes.get(job.url, {})
            status = facts.pop("status")
            self.move(job.id, status, **facts)
        return answer


@pytest.fixture
def engine(home, monkeypatch):
    """The engine that commands reach."""
    fake = QuickEngine(home / "archive")
    monkeypatch.setattr(connect, "HttpEngineClient", lambda _: fake)
    return fake


@pytest.fixture
def run(engine):
    """Runs a command line as `main` does."""
    return lambda *arguments, stdin=None: Answer(*commands.run(*arguments, stdin=stdin))


class Answer:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    @property
    def rows(self):
        return [json.loads(line) for line in self.out.splitlines()]


def asked(engine, method):
    return [arguments for name, arguments in engine.calls if name == method]


class TestProgram:
    @pytest.mark.parametrize("name", COMMANDS)
    def test_each_command_exists_and_says_of_itself_what_the_list_says(self, name):
        command = reeldeck.get_command(None, name)
        assert command.name == name
        if name != "demo":
            assert command.help.replace("\n", " ").startswith(COMMANDS[name][1].split(";")[0].rstrip("."))

    def test_help_lists_every_command(self, run):
        answer = run("--help")
        assert answer.code == 0
        assert all(f"\n  {name} " in answer.out for name in COMMANDS)

    def test_help_imports_nothing_heavy(self):
        code = f"import sys, tui.cli; print(*({HEAVY!r} & set(sys.modules)))"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == ""

    def test_a_wrong_command_names_the_nearest(self, run):
        answer = run("stauts")
        assert answer.code == 2
        assert "Did you mean: reeldeck status?" in answer.err

    @pytest.mark.parametrize(
        ("typed", "meant"),
        [
            ("download", "reeldeck get"),
            ("dowload", "reeldeck get"),
            ("login", "reeldeck telegram login"),
            ("TUI", "reeldeck"),
            ("https://a.example/film", "reeldeck get URL"),
        ],
    )
    def test_words_of_other_programs_lead_to_ours(self, run, typed, meant):
        assert f"Did you mean: {meant}?" in run(typed).err

    def test_what_other_programs_say_is_no_command_of_ours(self):
        assert not MEANT.keys() & COMMANDS.keys()
        assert {meant.split()[0] for meant in MEANT.values() if meant} <= COMMANDS.keys() | {
            "--help",
            "--version",
        }

    def test_a_wrong_command_line_is_one_line_and_how_it_is_used(self, run):
        wrong, hint = run("job", "x").err.splitlines()
        assert (
            wrong == "error: Invalid value for 'ID': 'x' is no number of a job; see them with: reeldeck jobs"
        )
        assert hint.startswith("hint: Use it as: ")
        assert "job [OPTIONS] ID (more: " in hint

    def test_a_group_of_commands_alone_shows_its_help(self, run):
        answer = run("auth")
        assert answer.code == 2
        assert "\nCommands:\n" in answer.err

    @pytest.mark.parametrize(
        "arguments", [["get"], ["job"], ["job", "x"], ["jobs", "--status", "odd"], ["--odd"]]
    )
    def test_wrong_usage_is_2(self, run, arguments):
        answer = run(*arguments)
        assert answer.code == 2
        assert "--help" in answer.err

    def test_the_version_is_told(self, run):
        assert run("--version").out.startswith("reeldeck 0.")

    def test_without_a_terminal_the_dashboard_says_what_to_use_instead(self, run):
        answer = run()
        assert answer.code == 2
        assert "needs a terminal" in answer.err
        assert "reeldeck status" in answer.err

    def test_without_an_engine_reading_commands_say_how_to_start_one(self, run, engine):
        engine.fail_next("jobs", EngineUnreachable())
        answer = run("jobs")
        assert answer.code == 43
        assert answer.err == f"error: No engine is running\nhint: {EngineUnreachable.default_hint}\n"
        assert "reeldeck serve" in answer.err

    def test_where_no_engine_runs_there_is_nothing_to_stop(self, run, engine):
        engine.fail_next("status", EngineUnreachable())
        assert run("stop").err == "error: No engine is running\nhint: There is nothing to stop.\n"

    def test_a_job_that_nothing_is_written_about_is_told_so(self, run, home):
        log = home / "data" / "logs" / LOG_FILE
        log.parent.mkdir(parents=True)
        log.touch()
        assert "Nothing is written about job 7; its timeline: reeldeck job 7" in run("logs", "--job", "7").err

    def test_a_wrong_configuration_is_2_and_names_what_is_wrong(self, run, monkeypatch):
        monkeypatch.setenv("REELDECK_LIMITS__MAX_PARALLEL_JOBS", "many")
        answer = run("jobs")
        assert answer.code == 2
        assert "REELDECK_LIMITS__MAX_PARALLEL_JOBS" in answer.err

    def test_the_connection_is_closed_in_the_end(self, run, engine):
        run("jobs")
        assert engine.is_closed


class TestJobs:
    def test_jobs_are_listed_newest_first(self, run, engine):
        engine.add_many(3)
        lines = run("jobs").out.splitlines()
        assert lines[0].split() == ["ID", "STATUS", "STATE", "SOURCE", "TITLE", "SIZE"]
        assert [line.split()[0] for line in lines[1:]] == ["3", "2", "1"]

    def test_each_job_is_one_json_object(self, run, engine):
        jobs = engine.add_many(3)
        assert [row["id"] for row in run("jobs", "--json").rows] == [3, 2, 1]
        assert run("jobs", "--json", "--limit", "1").rows == [jobs[2].to_json()]

    def test_long_lists_are_read_page_by_page(self, run, engine):
        engine.add_many(1234)
        assert len(run("jobs", "--json", "--limit", "1100").rows) == 1100
        assert len(run("jobs", "--json", "--limit", "5000").rows) == 1234

    def test_lists_can_be_narrowed(self, run, engine):
        engine.add(status=JobStatus.FAILED, error_type="NOT_FOUND")
        engine.add(status=JobStatus.COMPLETED)
        engine.add(source_type="youtube")
        assert [row["id"] for row in run("jobs", "--status", "FAILED", "--json").rows] == [1]
        assert [
            row["id"] for row in run("jobs", "--status", "failed", "--status", "completed", "--json").rows
        ] == [2, 1]
        assert [row["id"] for row in run("jobs", "--source", "youtube", "--json").rows] == [3]
        assert "NOT_FOUND" in run("jobs", "--status", "failed").out

    def test_no_jobs_is_said_on_stderr(self, run):
        answer = run("jobs")
        assert answer.out == ""
        assert "reeldeck add URL" in answer.err

    def test_a_title_cannot_write_to_the_terminal(self, run, engine):
        engine.add(title="\x1b]0;owned\x07\x9b2J\u202e")
        for arguments in (["jobs"], ["jobs", "--json"], ["job", "1"], ["job", "1", "--json"]):
            assert not set(run(*arguments).out) & set("\x1b\x07\x9b\u202e")

    def test_a_job_is_shown_with_its_timeline(self, run, engine):
        engine.add(
            title="A title", size_bytes=2048, status=JobStatus.FAILED, finished=time.time(), profile="main",
            error_type="NOT_FOUND", error_message="x", error_hint="Look elsewhere.",
        )  # fmt: skip
        engine.emit(EventType.DOWNLOAD_FAILED, 1, message="two words\x1b[2J", http_status=404, nothing=None)
        shown = run("job", "1").out
        assert "A title" in shown
        assert "2.0 KiB" in shown
        assert ERRORS["NOT_FOUND"].summary in shown
        assert "Look elsewhere." in shown
        assert 'DOWNLOAD_FAILED          message="two words\\u001b[2J" http_status=404' in shown

    def test_a_job_as_json_holds_its_events(self, run, engine):
        engine.add()
        engine.emit(EventType.ARCHIVED, 1)
        (row,) = run("job", "1", "--json").rows
        assert row["id"] == 1
        assert [event["type"] for event in row["events"]] == ["ARCHIVED"]

    def test_a_job_that_is_not_there_is_40(self, run):
        assert run("job", "7").code == 40


class TestControl:
    @pytest.mark.parametrize(
        ("command", "before", "after"),
        [
            ("pause", JobStatus.QUEUED, "PAUSED"),
            ("resume", JobStatus.PAUSED, "QUEUED"),
            ("cancel", JobStatus.RUNNING, "CANCELLED"),
            ("retry", JobStatus.FAILED, "QUEUED"),
        ],
    )
    def test_jobs_are_acted_on_by_their_ids(self, run, engine, command, before, after):
        for _ in range(3):
            engine.add(status=before)
        answer = run(command, "1", "3", "3", "--json")
        assert answer.code == 0
        assert [(row["id"], row["status"]) for row in answer.rows] == [(1, after), (3, after)]
        assert len(asked(engine, command)) == 2

    @pytest.mark.parametrize(
        ("arguments", "statuses"),
        [
            (["pause", "--all"], {"QUEUED", "RUNNING", "PENDING"}),
            (["resume", "--all"], {"PAUSED"}),
            (["cancel", "--all", "--yes"], {"QUEUED", "RUNNING", "PENDING", "PAUSED"}),
            (["retry", "--failed"], {"FAILED"}),
            (["retry", "--all"], {"FAILED", "CANCELLED"}),
        ],
    )
    def test_options_choose_jobs_by_their_state(self, run, engine, arguments, statuses):
        jobs = {engine.add(status=status).id: status for status in JobStatus}
        assert run(*arguments).code == 0
        acted = {jobs[job_id] for (job_id,) in asked(engine, arguments[0])}
        assert acted == statuses

    def test_what_was_chosen_by_its_state_and_is_in_another_by_now_is_no_fault(self, run, engine):
        engine.add(status=JobStatus.FAILED)
        engine.add(status=JobStatus.FAILED)
        engine.fail_next("retry", IllegalTransition("job 9 already downloads the same as job 2"))
        answer = run("retry", "--failed")
        assert (answer.code, len(answer.out.splitlines())) == (0, 1)
        assert "is left as it is: job 9 already downloads the same" in answer.err

    def test_all_means_more_than_a_page(self, run, engine):
        engine.add_many(1100)
        assert run("pause", "--all").out.count("PAUSED") == 1100

    def test_each_refusal_is_told_and_the_first_is_the_exit_code(self, run, engine):
        engine.add(status=JobStatus.COMPLETED)
        engine.add()
        answer = run("pause", "1", "9", "2")
        assert answer.code == 41
        assert "job 1: error: The job's state does not allow this" in answer.err
        assert "job 9: error: There is no such job" in answer.err
        assert answer.out.startswith("2  PAUSED")

    @pytest.mark.parametrize("arguments", [["pause"], ["cancel", "1", "--all"], ["retry", "2", "--failed"]])
    def test_ids_or_an_option_but_not_both(self, run, arguments):
        assert run(*arguments).code == 2

    def test_cancelling_all_is_asked_for_first(self, run, engine):
        engine.add_many(12)
        answer = run("cancel", "--all", stdin="n\n")
        assert answer.code == 130
        assert "Cancel 12 jobs and delete what they have fetched?" in answer.err
        assert asked(engine, "cancel") == []
        assert run("cancel", "--all", stdin="y\n").code == 0
        assert len(asked(engine, "cancel")) == 12

    def test_nothing_to_do_is_no_failure(self, run):
        answer = run("resume", "--all")
        assert answer.code == 0
        assert answer.out == ""

    @pytest.mark.parametrize(
        ("command", "before", "told"),
        [
            ("pause", JobStatus.QUEUED, "2 paused; now 2 paused, 1 completed"),
            ("resume", JobStatus.PAUSED, "2 resumed; now 2 queued, 1 completed"),
            ("cancel", JobStatus.RUNNING, "2 cancelled; now 1 completed, 2 cancelled"),
            ("retry", JobStatus.FAILED, "2 retried; now 2 queued, 1 completed"),
        ],
    )
    def test_a_group_is_acted_on_as_one(self, run, engine, command, before, told):
        group_id = engine.add_group("A \x1b[31mlist", total=3)
        engine.add_many(2, status=before, group_id=group_id)
        engine.add(status=JobStatus.COMPLETED, group_id=group_id)
        engine.add(status=before)
        answer = run(command, "--group", str(group_id))
        assert answer.code == 0
        assert answer.out.startswith(f"group 1  {told}  A ")
        assert "\x1b" not in answer.out

    def test_a_group_as_json_has_its_counts_and_an_unknown_one_is_40(self, run, engine):
        group_id = engine.add_group(total=1)
        engine.add(group_id=group_id)
        (row,) = run("cancel", "--group", str(group_id), "--json").rows
        assert (row["changed"], row["group"]["counts"]["CANCELLED"]) == (1, 1)
        assert run("pause", "--group", "9").code == 40
        assert run("pause", "1", "--group", "1").code == 2
        assert run("retry", "--failed", "--group", "1").code == 2

    @pytest.mark.parametrize("priority", [5, -5, 0])
    def test_a_priority_may_be_negative(self, run, engine, priority):
        engine.add()
        assert run("prioritize", "1", str(priority)).code == 0
        assert asked(engine, "patch") == [(1, priority, None, None)]

    def test_clear_asks_and_forgets_what_is_finished(self, run, engine):
        for status in JobStatus:
            engine.add(status=status)
        assert run("clear", stdin="\n").code == 130
        assert asked(engine, "delete") == []
        assert "3 jobs forgotten" in run("clear", stdin="y\n").out
        engine.add(status=JobStatus.FAILED)
        assert "1 jobs forgotten" in run("clear", stdin="").out  # a script, with nobody to ask
        assert run("clear", "--yes").out == "There is nothing to clear.\n"

    def test_clear_can_be_narrowed(self, run, engine):
        for status in JobStatus:
            engine.add(status=status)
        assert "1 jobs forgotten" in run("clear", "--status", "failed", "--yes").out
        assert [row["status"] for row in run("jobs", "--json").rows].count("FAILED") == 0

    def test_clear_goes_on_when_somebody_else_was_quicker(self, run, engine):
        engine.add(status=JobStatus.FAILED)
        engine.add(status=JobStatus.FAILED)
        engine.fail_next("delete", ERRORS["NO_SUCH_JOB"]())
        assert "1 jobs forgotten" in run("clear", "--yes").out

    def test_status_shows_the_engine(self, run, engine):
        engine.add(status=JobStatus.RUNNING)
        shown = run("status").out
        assert f"running, version {ENGINE_VERSION}" in shown
        assert "1 running" in shown
        assert run("status", "--json").rows[0]["engine"]["pid"] == 1
        assert "jobs wait" not in shown
        engine.free_bytes = 2**20
        assert "the disk: 2.0 GiB are kept free; jobs wait" in run("status").out


class TestAdd:
    def test_links_are_added_with_what_is_wanted_of_them(self, run, engine):
        answer = run("add", "https://a.example/1", "https://a.example/2", "--audio", "--quality", "audio_192",
                     "--format", "f", "--source", "direct", "--priority", "3", "--force")  # fmt: skip
        assert answer.code == 0
        assert answer.out == "1  https://a.example/1\n2  https://a.example/2\n"
        (requests,) = asked(engine, "submit_many")
        assert requests[0] == Request(
            url="https://a.example/1", kind=Kind.AUDIO, quality="audio_192", format="f", source="direct",
            priority=3, force=True,
        )  # fmt: skip

    def test_the_kind_is_left_to_the_source_unless_asked(self, run, engine):
        run("add", "https://a.example/1")
        run("add", "https://a.example/2", "--video")
        kinds = [requests[0].kind for requests in asked(engine, "submit_many")]
        assert kinds == [Kind.AUTO, Kind.VIDEO]

    def test_a_job_that_was_there_is_named_as_such(self, run):
        run("add", "https://a.example/1")
        assert run("add", "https://a.example/1").out == "1  https://a.example/1, there already (COMPLETED)\n"
        assert run("add", "https://a.example/1", "--json").rows[0]["joined"] is True

    def test_a_file_may_hold_words_comments_and_empty_lines(self, run, engine, tmp_path):
        file = tmp_path / "links.txt"
        file.write_bytes(
            b"# mine https://no.example/0\n\nhttps://a.example/1\r\n"
            b"\xd8\xa7 see https://a.example/2 and https://a.example/3.\nnot a link \xff\n"
        )
        answer = run("add", "--file", str(file), "--json")
        assert answer.code == 2
        assert [row["job"]["url"] for row in answer.rows[:3]] == [f"https://a.example/{n}" for n in (1, 2, 3)]
        assert answer.rows[3]["error"]["type"] == "INVALID_REQUEST"
        assert answer.err.startswith("line 5: error: ")

    @pytest.mark.parametrize("arguments", [["add", "-"], ["add", "--file", "-"]])
    def test_links_can_come_from_stdin(self, run, arguments):
        assert run(*arguments, stdin="https://a.example/1\nhttps://a.example/2\n").out.count("https://") == 2

    def test_thousands_go_in_batches_and_each_gets_its_answer(self, run, engine):
        links = "".join(f"https://a.example/{index}\n" for index in range(1234))
        answer = run("add", "-", stdin=links)
        assert answer.out.count("\n") == 1234
        assert [len(requests) for requests in asked(engine, "submit_many")] == [500, 500, 234]

    @pytest.mark.parametrize("text", ["", "\n \n", "# only a comment\n"])
    def test_a_file_without_links_is_an_error(self, run, text):
        answer = run("add", "-", stdin=text)
        assert answer.code == 2
        assert "there are no links in" in answer.err

    def test_a_file_that_is_missing_is_wrong_usage(self, run, tmp_path):
        assert run("add", "--file", str(tmp_path / "none")).code == 2

    @pytest.mark.parametrize("arguments", [["add"], ["add", "https://a.example", "--file", "-"]])
    def test_links_or_a_file_but_not_both(self, run, arguments):
        assert run(*arguments, stdin="").code == 2

    def test_wait_returns_the_code_of_the_first_failure(self, run, engine):
        engine.outcomes["https://a.example/2"] = {"status": JobStatus.FAILED, "error_type": "NOT_FOUND"}
        answer = run("add", "https://a.example/1", "https://a.example/2", "--wait")
        assert answer.code == 15
        assert "1  COMPLETED" in answer.err
        assert "job 2: error: Nothing is there" in answer.err

    def test_wait_with_json_shows_each_job_as_it_ended(self, run):
        (row,) = run("add", "https://a.example/1", "--wait", "--json").rows
        assert row["job"]["status"] == "COMPLETED"
        assert row["joined"] is False


class TestGet:
    def test_only_the_paths_are_on_stdout(self, run, engine):
        answer = run("get", "https://a.example/1", "https://a.example/2")
        assert answer.code == 0
        assert answer.out == "".join(f"{engine.folder / name}\n" for name in ("1.mp4", "2.mp4"))
        assert "COMPLETED" in answer.err

    def test_json_shows_the_finished_jobs(self, run):
        (row,) = run("get", "https://a.example/1", "--json").rows
        assert row["status"] == "COMPLETED"
        assert row["file_path"].endswith("1.mp4")

    def test_a_folder_is_made_absolute_and_goes_with_the_request(self, run, engine, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        answer = run("get", "https://a.example/1", "--out", "here")
        assert answer.out == f"{tmp_path / 'here' / '1.mp4'}\n"
        assert asked(engine, "submit_many")[0][0].out_dir == str(tmp_path / "here")

    def test_what_was_downloaded_before_is_not_downloaded_again(self, run, engine):
        first = run("get", "https://a.example/1")
        assert run("get", "https://a.example/1").out == first.out
        assert len(engine.log) == len([event for event in engine.log if event.job_id == 1])

    def test_a_file_that_is_gone_is_downloaded_again(self, run, engine):
        Path(run("get", "https://a.example/1").out.strip()).unlink()
        assert run("get", "https://a.example/1").out == f"{engine.folder / '2.mp4'}\n"

    def test_a_file_that_lies_elsewhere_is_downloaded_to_the_folder_asked_for(self, run, tmp_path):
        run("get", "https://a.example/1")
        assert (
            run("get", "https://a.example/1", "--out", str(tmp_path / "b")).out
            == f"{tmp_path / 'b' / '2.mp4'}\n"
        )

    def test_a_failure_is_told_and_is_the_exit_code(self, run, engine):
        url = "https://a.example/1"
        engine.outcomes[url] = {
            "status": JobStatus.FAILED, "error_type": "GEO_BLOCK", "error_hint": "Use a proxy.",
            "error_message": "Not available in this machine's country: HTTP 451",
        }  # fmt: skip
        answer = run("get", url, "https://a.example/2")
        assert answer.code == ERRORS["GEO_BLOCK"].exit_code
        assert "error: Not available in this machine's country: HTTP 451\nhint: Use a proxy.\n" in answer.err
        assert answer.out == f"{engine.folder / '2.mp4'}\n"

    def test_a_file_in_the_place_of_the_folder_is_seen_before_anything_is_fetched(
        self, run, engine, tmp_path
    ):
        (tmp_path / "here").touch()
        answer = run("get", "https://a.example/1", "--out", str(tmp_path / "here" / "below"))
        assert (answer.code, "is no folder" in answer.err) == (2, True)
        assert not asked(engine, "submit_many")

    def test_a_refused_link_does_not_stop_the_others(self, run, engine):
        answer = run("get", "nonsense", "https://a.example/1")
        assert answer.code == 2
        assert "nonsense: error: The request is not valid" in answer.err
        assert answer.out == f"{engine.folder / '1.mp4'}\n"

    def test_a_cancelled_job_is_1(self, run, engine):
        engine.outcomes["https://a.example/1"] = {"status": JobStatus.CANCELLED, "file_path": None}
        assert run("get", "https://a.example/1").code == 1

    def test_the_items_of_a_playlist_are_printed(self, run, engine):
        for index in range(3):
            engine.add(
                f"https://a.example/item{index}",
                group_id=9,
                status=JobStatus.COMPLETED,
                file_path=f"/a/{index}",
            )
        engine.outcomes["https://a.example/list"] = {"file_path": None, "group_id": 9}
        assert sorted(run("get", "https://a.example/list").out.splitlines()) == ["/a/0", "/a/1", "/a/2"]

    def test_all_links_are_asked_for_together_and_one_given_twice_once(self, run, engine):
        urls = [f"https://a.example/{number}" for number in range(5)]
        assert len(run("get", *urls, *urls).out.splitlines()) == 5
        (requests,) = asked(engine, "submit_many")
        assert [request.url for request in requests] == urls
