"""The log file: its lines, its secrets, its size."""

from __future__ import annotations

import json
import logging
from logging.handlers import RotatingFileHandler

import pytest
import structlog

from core.config.load import load_settings
from core.config.schema import secret_values
from core.config.settings import LOG_FILE, Logging
from core.domain.events import Event, EventType
from core.domain.job import JobStatus, Request
from core.ops.logs import configure, log_event
from tests.fakes.media import audio_mp3, made_once
from tests.integration.conftest import finish, until

log = logging.getLogger("reeldeck.test")


@pytest.fixture(autouse=True)
def put_back():
    """The root logger is everybody's."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    for handler in [handler for handler in root.handlers if handler not in handlers]:
        root.removeHandler(handler)
        handler.close()
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture
def lines(tmp_path):
    """Configures logging and reads what was written."""

    def read():
        return [json.loads(line) for line in (tmp_path / "logs" / LOG_FILE).read_text().splitlines()]

    configure(Logging(level="DEBUG"), tmp_path / "logs", secrets=["hunter22", "hunter22-longer", "abc"])
    return read


def test_a_line_is_one_json_object_with_time_level_and_logger(lines):
    log.warning("disk is low", extra={"free_bytes": 5, "job_id": None, "share": 0.5, "ok": True})
    (line,) = lines()
    assert line.pop("time").endswith("Z")
    assert line == {
        "level": "warning", "logger": "reeldeck.test", "event": "disk is low",
        "free_bytes": 5, "job_id": None, "share": 0.5, "ok": True,
    }  # fmt: skip


def test_both_ways_of_logging_end_in_the_same_form(lines):
    log.info("plain %s", "words")
    structlog.get_logger("reeldeck.test").info("plain words", more=1)
    first, second = lines()
    assert first["event"] == second["event"] == "plain words"
    assert first["logger"] == second["logger"] == "reeldeck.test"
    assert second["more"] == 1


def test_an_event_is_a_line_with_its_own_fields_whatever_they_are_called(lines):
    data = {"message": "why", "name": "x", "level": "odd", "args": 1, "url_domain": "h.example"}
    log_event(Event(seq=9, job_id=3, type=EventType.DOWNLOAD_FAILED, data=data, created=0.0))
    (line,) = lines()
    assert line["event"] == "DOWNLOAD_FAILED"
    assert line["level"] == "info"
    assert (line["job_id"], line["seq"], line["message"], line["name"], line["args"]) == (3, 9, "why", "x", 1)


async def test_the_lines_of_a_job_say_whose_it_is_and_how_it_went(run_engine, origin, tmp_path):
    configure(Logging(level="DEBUG"), tmp_path / "logs")
    async with run_engine() as engine:
        engine._on_event = log_event
        request = Request(url=origin.url("/nothing.mp3?sig=canary"), chat_id=5, user_id=6)
        job = await until(engine, (await engine.submit(request)).job.id, JobStatus.FAILED)
    text = (tmp_path / "logs" / LOG_FILE).read_text()
    told = {row["event"]: row for row in map(json.loads, text.splitlines()) if "seq" in row}
    failed = told["JOB_FAILED"]
    assert (failed["job_id"], failed["user_id"], failed["chat_id"]) == (job.id, 6, 5)
    assert (failed["source_type"], failed["url_domain"]) == ("direct", job.host)
    assert failed["error_type"] == "NOT_FOUND"
    assert told["METADATA_FETCH_FAILED"]["http_status"] == 404
    assert told["METADATA_FETCH_STARTED"]["stage"] == "RESOLVE"
    assert "canary" not in text


async def test_it_is_told_what_fetches(run_engine, origin):
    origin.put("/tone.mp3", made_once(audio_mp3, "tone.mp3").read_bytes())
    async with run_engine() as engine:
        job = await finish(engine, origin.url("/tone.mp3"))
        (begun,) = [
            event for event in await engine.events(job.id) if event.type is EventType.DOWNLOAD_STARTED
        ]
    assert begun.data == {"downloader": "http", "stage": "DOWNLOAD"}


async def test_each_event_tells_the_stage_in_which_it_happened(run_engine, origin):
    """What is stored together with the end of the next stage is no part of that."""
    origin.put("/tone.mp3", made_once(audio_mp3, "tone.mp3").read_bytes())
    async with run_engine() as engine:
        job = await finish(engine, origin.url("/tone.mp3"))
        stages = {event.type: event.data.get("stage") for event in await engine.events(job.id)}
    assert stages[EventType.METADATA_FETCH_STARTED] == stages[EventType.METADATA_FETCH_FINISHED] == "RESOLVE"
    assert stages[EventType.CAPABILITY_CHECKED] == "CHECK"
    assert stages[EventType.DOWNLOAD_FINISHED] == "DOWNLOAD"
    assert stages[EventType.POSTPROCESS_STARTED] == "POSTPROCESS"
    assert stages[EventType.OUTPUT_VALIDATED] == "VALIDATE"
    assert stages[EventType.ARCHIVED] == "ARCHIVE"


def test_lines_inside_a_job_name_it(lines):
    with structlog.contextvars.bound_contextvars(job_id=7, source_type="direct"):
        log.info("inside")
        structlog.get_logger().info("inside too")
    log.info("outside")
    inside, too, outside = lines()
    assert (inside["job_id"], inside["source_type"]) == (too["job_id"], too["source_type"]) == (7, "direct")
    assert "job_id" not in outside


def test_secrets_and_the_secret_parts_of_links_never_arrive(lines):
    log.info(
        "got https://u:pw@h.example/a?sig=x with hunter22-longer",
        extra={
            "url": "https://h.example/b?token=y", "path": structlog, "short": "abc is a word",
            "nested": {"hunter22": ["see http://h.example/c#z", ("hunter22",)]},
        },
    )  # fmt: skip
    (line,) = lines()
    assert line["event"] == "got https://h.example/a with ***"
    assert line["url"] == "https://h.example/b"
    assert line["nested"] == {"***": ["see http://h.example/c", ["***"]]}
    assert line["short"] == "abc is a word"
    assert isinstance(line["path"], str)


def test_a_traceback_is_kept_by_its_lines_without_secrets(lines):
    try:
        raise ValueError("no hunter22 at https://h.example/?k=1 \x1b[2J")  # noqa: TRY301
    except ValueError:
        log.exception("a fault")
    (line,) = lines()
    assert line["exception"][0].startswith("Traceback")
    assert line["exception"][-1] == "ValueError: no *** at https://h.example/ \u241b[2J"


def test_remote_text_stays_one_line(lines, tmp_path):
    log.info('a\r\n{"level": "error"}\x9b2J\u2028b', extra={"title": "x\ny"})
    assert len((tmp_path / "logs" / LOG_FILE).read_text().splitlines()) == 1
    assert lines()[0]["title"] == "x y"


def test_only_the_owner_may_read_the_file(lines, tmp_path):
    log.info("x")
    assert (tmp_path / "logs").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "logs" / LOG_FILE).stat().st_mode & 0o777 == 0o600


def test_files_are_rotated_by_size(tmp_path):
    configure(Logging(max_bytes=2000, backups=2), tmp_path)
    for index in range(100):
        log.info("line %d", index)
    files = sorted(path.name for path in tmp_path.iterdir())
    assert files == [LOG_FILE, f"{LOG_FILE}.1", f"{LOG_FILE}.2"]
    assert all(path.stat().st_size <= 2000 for path in tmp_path.iterdir())
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in tmp_path.iterdir())
    assert json.loads((tmp_path / LOG_FILE).read_text().splitlines()[-1])["event"] == "line 99"


def test_the_level_is_obeyed_and_chatty_libraries_are_quiet(tmp_path):
    configure(Logging(level="INFO"), tmp_path)
    log.debug("no")
    structlog.get_logger().debug("no")
    logging.getLogger("httpx").info("GET https://h.example/?sig=x")
    logging.getLogger("httpx").warning("yes")
    assert [json.loads(line)["event"] for line in (tmp_path / LOG_FILE).read_text().splitlines()] == ["yes"]


def test_configuring_again_does_not_double_lines(tmp_path):
    for _ in range(2):
        configure(Logging(), tmp_path)
    log.info("once")
    assert len((tmp_path / LOG_FILE).read_text().splitlines()) == 1


def test_without_a_file_lines_go_to_stderr(tmp_path, capsys):
    configure(Logging(json_file=False), tmp_path / "logs")
    log.info("here")
    assert json.loads(capsys.readouterr().err)["event"] == "here"
    assert not (tmp_path / "logs").exists()


def test_a_disk_that_takes_nothing_stops_nobody(lines, tmp_path, monkeypatch, capsys):
    def full(*_):
        raise OSError(28, "No space left on device")

    handler = next(one for one in logging.getLogger().handlers if isinstance(one, RotatingFileHandler))
    monkeypatch.setattr(handler.stream, "write", full)
    log.info("lost")
    assert capsys.readouterr().err == ""


def test_the_secrets_of_a_configuration_are_known(tmp_path):
    file = tmp_path / "config.toml"
    file.write_text(
        '[telegram]\napi_hash = "hash-1"\n[sources.x]\nct0 = "ct0-1"\n[network]\nproxy = "http://me:p%40ss@h.example"\n'
        '[sources.direct]\nproxy = "http://me:other@h.example"\n[store]\nurl = "postgres://me:third@h.example/db"\n'
    )
    file.chmod(0o600)
    assert secret_values(load_settings(file, {})) == {"hash-1", "ct0-1", "p%40ss", "p@ss", "other", "third"}
