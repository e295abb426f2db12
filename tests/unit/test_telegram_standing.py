"""What a message is told, from how its deliveries and jobs stand."""

from __future__ import annotations

import time

import pytest

from core.domain.delivery import Delivery, DeliveryState
from core.domain.job import JobStatus, Stage
from tests.fakes.engine import FakeEngine
from userbot.replies import MARKS
from userbot.standing import MAX_TOLD, Meaning, Standing, failure_text, held_text, refusal_text, status_text

D = DeliveryState


def delivery(state, *, job_id=1, error=None, part=0, **facts):
    values = {
        "id": job_id * 10 + part, "job_id": job_id, "chat_id": -100, "topic_id": None, "reply_to": 5,
        "state": state, "random_id": 1, "part_index": part, "upload_id": None, "upload_parts_done": 0,
        "upload_parts_total": None, "message_id": None, "document_id": None, "attempt": 0,
        "not_before": None, "error_type": error, "error_message": None, "created": 0.0, "updated": 0.0,
    }  # fmt: skip
    return Delivery(**values | facts)


def job(**facts):
    return FakeEngine().add(**{"title": "A film"} | facts)


def meaning(*deliveries, minds_pages=False):
    return Standing(deliveries, minds_pages).meaning


def test_a_message_is_taken_until_its_last_delivery_has_ended():
    for state in (D.WAITING, D.READY, D.SENDING):
        assert meaning(delivery(D.SENT), delivery(state, job_id=2)) is Meaning.TAKEN
    assert meaning(delivery(D.SENT), delivery(D.SKIPPED, job_id=2)) is Meaning.DONE


def test_one_failure_makes_it_failed_when_all_have_ended():
    assert meaning(delivery(D.SENT), delivery(D.FAILED, job_id=2, error="NOT_FOUND")) is Meaning.FAILED


def test_pages_without_media_count_only_where_somebody_minds():
    page = delivery(D.FAILED, error="UNSUPPORTED_SOURCE")
    assert meaning(page) is Meaning.SILENT
    assert meaning(page, delivery(D.SENT, job_id=2)) is Meaning.DONE
    assert meaning(page, minds_pages=True) is Meaning.FAILED


def text(*deliveries, **jobs):
    return status_text(
        Standing(deliveries, minds_pages=True), {int(key[1:]): one for key, one in jobs.items()}
    )


def test_a_running_job_shows_stage_share_rate_and_time_left():
    running = job(
        status=JobStatus.RUNNING, stage=Stage.DOWNLOAD, size_bytes=10 * 1024**2, bytes_done=4 * 1024**2,
        rate=1024.0**2,
    )  # fmt: skip
    assert (
        text(delivery(D.WAITING), j1=running) == "⏳ A film\nfetching · 40% of 10.0 MiB · 1.0M/s · 0:06 left"
    )


def test_a_waiting_job_shows_what_it_waits_for():
    assert text(delivery(D.WAITING), j1=job(status=JobStatus.QUEUED)) == "⏳ A film\nqueued"


@pytest.mark.parametrize(
    ("status", "shown"),
    [
        ({"quiet_until": "2026-01-01T07:00:00Z", "engine": {"state": "running"}}, "queued · quiet hours, it"),
        ({"quiet_until": None, "engine": {"state": "disk_low"}}, "queued · no room on the disk, it"),
        ({"quiet_until": None, "engine": {"state": "running"}}, "queued"),
    ],
)
def test_what_is_queued_says_why_nothing_begins(status, shown):
    standing = Standing([delivery(D.WAITING)], minds_pages=True)
    text = status_text(standing, {1: job(status=JobStatus.QUEUED)}, held=held_text(status))
    assert text.splitlines()[1].startswith(shown)
    assert text.endswith(("queued", "by itself later", "once there is"))


def test_an_upload_shows_its_share_and_a_pause_its_countdown():
    done = job(status=JobStatus.COMPLETED)
    half = delivery(D.SENDING, upload_parts_done=3, upload_parts_total=6)
    assert text(half, j1=done) == "⏳ A film\nsending · 50%"
    waiting = delivery(D.READY, not_before=time.time() + 90.5)
    assert text(waiting, j1=done) == "⏳ A film\nwaits to be sent · 1:30"


def test_parts_of_a_file_are_one_line():
    done = job(status=JobStatus.COMPLETED)
    parts = [delivery(D.SENT), delivery(D.SKIPPED, part=1)]
    assert text(*parts, j1=done) == "✅ A film"


def test_a_failure_says_what_and_what_to_do():
    failed = job(status=JobStatus.FAILED, error_type="NOT_FOUND", error_hint="Ask somebody.")
    assert text(delivery(D.FAILED, error="NOT_FOUND"), j1=failed) == (
        "❌ Nothing is there (any more)\nA film\nAsk somebody."
    )


def test_a_failure_to_send_has_its_own_hint_and_not_the_jobs():
    done = job(status=JobStatus.COMPLETED)
    shown = failure_text(Standing([delivery(D.FAILED, error="FORBIDDEN")], minds_pages=False), {1: done})
    assert shown.startswith("❌ It may not be sent here\nA film\n")


def test_people_who_only_posted_the_link_get_no_hint_for_owners():
    failed = job(status=JobStatus.FAILED, error_type="NOT_FOUND", error_hint="reeldeck auth add SOURCE FILE")
    standing = Standing([delivery(D.FAILED, error="NOT_FOUND")], minds_pages=True, tells_owner=False)
    assert failure_text(standing, {1: failed}) == "❌ Nothing is there (any more)\nA film\nCheck the link."
    needs_login = Standing([delivery(D.FAILED, error="AUTH_ERROR")], minds_pages=True, tells_owner=False)
    failed = job(status=JobStatus.FAILED, error_type="AUTH_ERROR")
    assert failure_text(needs_login, {1: failed}) == "❌ The site wants a login\nA film"
    too_large = Standing([delivery(D.FAILED, error="SIZE_LIMIT")], minds_pages=True, tells_owner=False)
    done = job(status=JobStatus.COMPLETED)
    assert failure_text(too_large, {1: done}) == "❌ Larger than the limit\nA film\nPost a shorter one."


def test_a_file_that_is_gone_is_asked_for_by_posting_the_link_again():
    done = job(status=JobStatus.COMPLETED)
    standing = Standing([delivery(D.FAILED, error="NOT_FOUND")], minds_pages=True, tells_owner=False)
    assert failure_text(standing, {1: done}) == (
        "❌ The file is not kept any more\nA film\nPost the link again."
    )


def test_a_cancelled_job_is_said_to_be_cancelled():
    cancelled = delivery(D.FAILED, error_message="The job was cancelled")
    assert text(cancelled, j1=job(status=JobStatus.CANCELLED)) == "❌ The job was cancelled\nA film"


def test_a_long_list_tells_some_and_counts_the_others():
    open_ones = [delivery(D.WAITING, job_id=number) for number in range(1, 11)]
    sent = [delivery(D.SENT, job_id=number) for number in range(11, 16)]
    failed = [delivery(D.FAILED, job_id=20, error="NOT_FOUND")]
    shown = text(*open_ones, *sent, *failed)
    assert shown.count("⏳") == MAX_TOLD
    assert shown.endswith("\nand 5 waiting, 1 failed, 5 done")


def test_failures_beyond_some_are_counted():
    failed = [delivery(D.FAILED, job_id=number, error="NOT_FOUND") for number in range(1, 9)]
    assert failure_text(Standing(failed, minds_pages=True), {}).endswith("\n❌ 3 more failed")


def test_strangers_titles_are_one_safe_line_of_limited_length():
    hostile = job(title="\u202eevil\n\x1b[31m" + "x" * 5000, status=JobStatus.QUEUED)
    shown = text(delivery(D.WAITING), j1=hostile)
    assert shown.count("\n") == 1
    assert not {"\u202e", "\x1b"} & set(shown)
    assert len(shown) < 200


def test_all_texts_begin_with_a_mark_by_which_they_are_known():
    for shown in (
        text(delivery(D.WAITING)),
        text(delivery(D.SENT)),
        failure_text(Standing([delivery(D.FAILED)], minds_pages=True), {}),
        refusal_text(["The queue is full."]),
    ):
        assert shown.startswith(MARKS)


def test_a_refusal_names_each_reason_once():
    assert refusal_text(["Full.", "Full.", "Closed.\nAnd more"]) == "❌ Full.\n❌ Closed. And more"
