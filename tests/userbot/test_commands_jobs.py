"""Commands that show jobs and act on them, in Saved Messages."""

from __future__ import annotations

import pytest
from telethon.tl import types

from core.domain.job import JobStatus, ReplyTo, Request
from tests.fakes.origin import Fault
from tests.userbot.commanding import desk, make_desk
from tests.userbot.conftest import film, finish, origin, until
from userbot.commands.table import COMMANDS
from userbot.texts import MAX_ROWS

__all__ = ["desk", "film", "make_desk", "origin"]


@pytest.fixture
async def slow(origin, engine):
    """`await slow("/a.bin")`: a job that does not end by itself."""

    async def start(path="/slow.bin", **options):
        origin.put(path, b"x" * 2**20).fail(Fault(hold_after=1000), times=99)
        job = (await engine.submit(Request(url=origin.url(path), **options))).job
        return await until(engine, job.id, JobStatus.RUNNING)

    yield start
    origin.release.set()


async def test_start_says_what_this_is(desk):
    answer = await desk.say("/start")
    assert "Reeldeck" in answer
    assert "/get LINK" in answer


async def test_help_lists_every_command_of_the_table(desk):
    answer = await desk.say("/help")
    assert [name for name in COMMANDS if f"/{name}" not in answer] == []
    assert len(answer.splitlines()) <= MAX_ROWS


async def test_help_shows_how_one_command_is_used(desk):
    for name in ("retry", "/retry", "RETRY"):
        assert await desk.say(f"/help {name}") == "ℹ /retry ID… | failed | all\nStart ended jobs again."
    assert "'retry' is near" in await desk.say("/help retri")


async def test_an_unknown_command_is_answered_with_the_nearest(desk):
    assert await desk.say("/statsu") == "ℹ There is no /statsu.\nDid you mean /status?"
    assert await desk.say("/qqqqqq") == "ℹ There is no /qqqqqq.\nAll: /help"


async def test_other_bots_commands_in_a_group_stay_unanswered(desk, friend):
    group = desk.telegram.add_group("Films", desk.account, friend)
    await desk.watch(group)
    assert await desk.say("/weather", group) == ""
    assert "Did you mean /queue?" in await desk.say("/quue", group)


async def test_status_shows_machine_engine_account_and_what_runs(desk, slow):
    job = await slow()
    rows = (await desk.say("/status")).splitlines()
    assert len(rows) <= MAX_ROWS
    assert [row.split()[0] for row in rows[1:7]] == ["CPU", "Memory", "Disk", "Telegram", "Jobs", "Speed"]
    assert rows[5] == "Jobs 1 running"
    assert rows[7].startswith(f"{job.id} ")


async def test_health_is_quiet_when_all_is_well_and_names_troubles(desk):
    assert await desk.say("/health") == "ℹ All is well."
    await desk.say("/maintenance on")
    assert "nothing new is taken" in await desk.say("/health")


async def test_health_names_logins_and_sources_that_need_somebody(desk, engine, origin, tmp_path):
    cookies = tmp_path / "cookies.txt"
    cookies.write_text("# Netscape HTTP Cookie File\n.example.org\tTRUE\t/\tTRUE\t2000000000\tsid\tx\n")
    await engine.add_profile("youtube", str(cookies))
    cookies.unlink()
    (profile,) = await engine.profiles()
    await engine.check_profile(profile.id)
    answer = await desk.say("/health")
    assert answer.splitlines() == ["ℹ 1 trouble", "Login youtube/main: missing"]


async def test_queue_shows_what_runs_and_what_comes_next(desk, slow, origin):
    assert await desk.say("/queue") == "ℹ Nothing runs or waits."
    await slow()
    paths = [f"/later{number}.bin" for number in range(12)]
    for path in paths:
        origin.put(path, b"x" * 2**20).fail(Fault(hold_after=1000), times=99)
    later = [Request(url=origin.url(path), priority=number) for number, path in enumerate(paths)]
    answers = await desk.engine.submit_many(later)
    waiting = [answer.job.id for answer in reversed(answers)]
    rows = (await desk.say("/queue")).splitlines()
    assert len(rows) <= MAX_ROWS
    head = next(row for row in rows if row.startswith("Next of "))
    running, following = rows[1 : rows.index(head)], rows[rows.index(head) + 1 : -1]
    started = {int(row.split()[0]) for row in running}
    assert [int(row.split()[0]) for row in following] == [job for job in waiting if job not in started][:5]
    assert rows[-1].endswith("more: reeldeck jobs")


async def test_a_job_is_shown_with_its_timeline(desk, engine, origin):
    origin.put("/gone.bin", b"").fail(Fault(status=404), times=9)
    job = await finish(engine, origin.url("/gone.bin"))
    rows = (await desk.say(f"/job {job.id}")).splitlines()
    assert rows[0].startswith(f"ℹ {job.id} failed")
    assert any("attempt 1 begins" in row for row in rows)
    assert len(rows) <= MAX_ROWS


async def test_a_job_is_found_by_the_message_that_asked(desk, engine, slow, origin):
    asked = desk.telegram.post(desk.account, desk.account, "look")
    job = await slow()
    place = ReplyTo(desk.account.id, desk.number(asked))
    await engine.take_links([Request(url=job.url, reply=place)])
    assert (await desk.say("/job", reply_to=asked)).startswith(f"ℹ {job.id} ")
    assert "Paused 1 job" in await desk.say("/pause", reply_to=asked)


async def test_hostile_titles_neither_format_nor_hide_nor_call(desk, slow):
    job = await slow()
    title = "@everyone **bold** \u202egpj.exe\n/clear\x1b[2J" + "字" * 999
    await desk.engine.patch(job.id, title=title)
    (post,) = await desk.type(f"/job {job.id}")
    first = post.text.splitlines()[0]
    assert "**bold**" in first
    assert not set("\u202e\x1b") & set(post.text)
    assert not [one for one in post.entities if isinstance(one, types.MessageEntityMention)]
    assert len(first) < 120


async def test_jobs_are_paused_resumed_cancelled_and_retried(desk, slow):
    job = await slow()
    assert (await desk.say(f"/pause {job.id}")).startswith(f"✅ Paused 1 job\n{job.id} paused")
    assert "Resumed 1 job" in await desk.say(f"/resume {job.id}")
    assert "Cancelled 1 job" in await desk.say(f"/cancel {job.id}")
    assert "Retrying 1 job" in await desk.say(f"/retry {job.id}")
    assert "Cancelled 1 job" in await desk.say("/cancel all")
    assert (await desk.engine.job(job.id)).status is JobStatus.CANCELLED
    actions = [row.action for row in await desk.audit()]
    assert actions == [f"command.{name}" for name in ("pause", "resume", "cancel", "retry", "cancel")]


async def test_what_cannot_be_done_is_said_for_each_job(desk, slow):
    job = await slow()
    answer = await desk.say(f"/resume {job.id} 999")
    assert answer.startswith("❌")
    assert f"{job.id} is RUNNING and cannot be resumed" in answer
    assert "999" in answer


WRONG = ["/pause", "/pause x", "/pause everything", "/job", "/job 1 2", "/retry 1.5", "/clear all"]


async def test_wrong_arguments_are_answered_with_the_usage(desk):
    for text in WRONG:
        answer = await desk.say(text)
        assert answer.startswith("❌"), text
        assert answer.splitlines()[-1] == COMMANDS[text.split()[0].removeprefix("/")].usage("/")


async def test_clear_forgets_finished_jobs_and_counts_them(desk, engine, origin, slow):
    running = await slow()
    for number in range(3):
        origin.put(f"/gone{number}", b"").fail(Fault(status=404), times=9)
        await finish(engine, origin.url(f"/gone{number}"))
    asked = await desk.say("/clear")
    assert asked == "ℹ This forgets 3 finished jobs. Their files stay. To do it:\n/clear yes"
    assert "Forgot 3 finished jobs" in await desk.say("/clear yes")
    assert "Forgot 0 finished jobs" in await desk.say("/clear YES")
    assert (await engine.job(running.id)).status is JobStatus.RUNNING


async def test_failed_jobs_are_retried_together(desk, engine, origin):
    for number in range(2):
        origin.put(f"/gone{number}", b"").fail(Fault(status=404), times=99)
        await finish(engine, origin.url(f"/gone{number}"))
    assert "Retrying 2 jobs" in await desk.say("/retry failed")
    assert "There is nothing to resume" in await desk.say("/resume all")


async def test_a_long_list_names_the_first_and_counts_the_rest(desk, engine, origin):
    paths = [f"/{number}.bin" for number in range(31)]
    for path in paths:
        origin.put(path, b"x" * 2**20).fail(Fault(hold_after=1000), times=99)
    await engine.submit_many([Request(url=origin.url(path)) for path in paths])
    rows = (await desk.say("/cancel all")).splitlines()
    origin.release.set()
    assert rows[0] == "✅ Cancelled 31 jobs"
    assert rows[-1] == "… and 26 more: reeldeck jobs"
    assert len(rows) <= MAX_ROWS


async def test_another_prefix_is_obeyed_and_the_slash_is_not(make_desk):
    desk = await make_desk(command_prefix="!")
    assert await desk.say("/health") == ""
    assert await desk.say("!health") == "ℹ All is well."
    assert "!get LINK" in await desk.say("!start")


async def test_the_same_message_twice_is_obeyed_and_answered_once(desk, client, slow):
    await slow()
    (answer,) = await desk.type("/pause all")
    (message,) = await client.get_messages("me", ids=[desk.number(answer) - 1])
    assert await desk.commands.on_message(message, is_edit=False) is True
    assert len(desk.telegram.posts(desk.account, desk.account)) == 2


async def test_a_desk_that_was_restarted_answers_no_second_time(make_desk, client):
    desk = await make_desk()
    (answer,) = await desk.type("/health")
    (message,) = await client.get_messages("me", ids=[desk.number(answer) - 1])
    again = await make_desk()
    assert await again.commands.on_message(message, is_edit=False) is True
    assert len(desk.telegram.posts(desk.account, desk.account)) == 2
    desk.telegram.fail("messages.sendMessage", "RANDOM_ID_DUPLICATE")
    third = await make_desk()
    assert await third.commands.on_message(message, is_edit=False) is True
    assert len(desk.telegram.posts(desk.account, desk.account)) == 2


async def test_what_was_commanded_before_a_restart_is_not_done_again(make_desk, client, slow):
    job = await slow()
    (answer,) = await (await make_desk()).type("/cancel all")
    (message,) = await client.get_messages("me", ids=[1])
    assert message.message == "/cancel all"
    again = await make_desk()
    await again.engine.retry(job.id)
    assert await again.commands.on_message(message, is_edit=False) is True
    assert (await again.engine.job(job.id)).status is not JobStatus.CANCELLED
    assert [row.action for row in await again.audit()] == ["command.cancel"]
    assert answer.text == f"✅ Cancelled 1 job\n{answer.text.splitlines()[1]}"


async def test_an_answer_that_telegram_refuses_undoes_nothing(desk, slow):
    job = await slow()
    desk.telegram.fail("messages.sendMessage", "FLOOD_WAIT_300")
    assert await desk.say(f"/pause {job.id}") == ""
    assert (await desk.engine.job(job.id)).status is JobStatus.PAUSED


async def test_jobs_are_moved_within_the_queue(desk, engine, slow):
    await engine.set_limit("max_parallel_jobs", 1)
    await slow()
    waiting = [
        (await engine.submit(Request(url=f"http://127.0.0.1:9/{number}.mp4"))).job.id for number in range(3)
    ]
    answer = await desk.say(f"/move top {waiting[2]}")
    assert answer.startswith("✅ Next")
    assert [job.id for job in await engine.upcoming(limit=3)] == [waiting[2], waiting[0], waiting[1]]
    assert "no other place" in await desk.say(f"/move up {waiting[2]}")
    assert "Say where" in await desk.say(f"/move {waiting[2]}")
    assert "Say which" in await desk.say("/move top")


async def test_a_single_job_is_debugged(desk, engine, slow):
    job = await slow()
    assert "Everything about 1 job is logged" in await desk.say(f"/debug_on {job.id}")
    assert (await engine.status())["debugged"] == [job.id]
    assert "as configured" in await desk.say(f"/debug_off {job.id}")
    assert (await engine.status())["debugged"] == []
