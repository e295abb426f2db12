"""Uploads while Telegram, the network or somebody interferes: nothing twice, nothing lost."""

from __future__ import annotations

import asyncio
import gc
import os
import random
from itertools import pairwise

import psutil
import pytest
from telethon import errors

from core.domain.errors import FloodWait, MediaFailure, NetworkFailure, SessionLost, Stalled
from tests.userbot.uploading import BIG, BIG_PARTS, SAVE_BIG, after_part, file, sent
from userbot.transfer.upload import UploadState, upload_file
from userbot.transfer.window import Window

__all__ = ["file"]


async def test_a_cut_connection_costs_only_what_was_in_flight(telegram, client, account, file):
    path = file(BIG)
    telegram.drop(SAVE_BIG, times=1, after=True)
    on_part = after_part(20, telegram.cut_connections)
    uploaded = await upload_file(client, path, file_name="a", window=Window(), on_part=on_part)
    assert await sent(telegram, client, account, uploaded) == path.read_bytes()
    assert telegram.counts[SAVE_BIG] <= BIG_PARTS + 2 * 8


async def test_an_upload_goes_on_over_a_restart_of_telegram(telegram, client, account, file):
    path, restarting = file(BIG), []
    on_part = after_part(20, lambda: restarting.append(asyncio.ensure_future(telegram.restart())))
    uploaded = await upload_file(client, path, file_name="a", window=Window(), on_part=on_part)
    await restarting[0]
    assert await sent(telegram, client, account, uploaded) == path.read_bytes()
    assert telegram.counts[SAVE_BIG] <= BIG_PARTS + 8


async def test_telegrams_own_troubles_are_waited_out(telegram, client, account, file):
    path = file(BIG)
    telegram.fail(SAVE_BIG, "RPC_CALL_FAIL", times=3)
    uploaded = await upload_file(client, path, file_name="a", window=Window())
    assert await sent(telegram, client, account, uploaded) == path.read_bytes()
    assert telegram.counts[SAVE_BIG] == BIG_PARTS + 3


async def test_troubles_without_end_are_a_network_failure(telegram, client, file, monkeypatch):
    monkeypatch.setattr("core.net.transfer.retries.BASE_WAIT_S", 0.001)
    telegram.fail(SAVE_BIG, "RPC_CALL_FAIL", times=1000)
    with pytest.raises(NetworkFailure):
        await upload_file(client, file(BIG), file_name="a", window=Window())


@pytest.mark.parametrize("word", ["FLOOD_WAIT", "FLOOD_PREMIUM_WAIT"])
async def test_a_short_wait_is_slept_through_in_silence(telegram, client, account, file, word):
    path, window = file(BIG), Window()
    telegram.latency_s = 0.01
    on_part = after_part(20, lambda: telegram.flood(SAVE_BIG, 1.0, word=word))
    uploaded = await upload_file(client, path, file_name="a", window=window, on_part=on_part)
    assert await sent(telegram, client, account, uploaded) == path.read_bytes()
    # Those in flight could not know; nobody asked after their answers.
    refused = telegram.script.impatient[SAVE_BIG] + 1
    assert refused <= 8
    assert telegram.counts[SAVE_BIG] == BIG_PARTS + refused
    asked = [when for when, method, _ in telegram.calls if method == SAVE_BIG]
    assert max(later - earlier for earlier, later in pairwise(asked)) > 0.9


async def test_a_long_wait_is_passed_on_and_the_position_is_kept(telegram, client, account, file):
    path, window = file(BIG), Window(flood_sleep_s=10)
    seen = []

    def on_part(state):
        seen.append(state)
        if state.parts_done == 20:
            telegram.flood(SAVE_BIG, 300)

    with pytest.raises(FloodWait) as caught:
        await upload_file(client, path, file_name="a", window=window, on_part=on_part)
    assert 290 < caught.value.retry_after_s <= 300
    await client.get_me()  # what was on its way has arrived
    before = telegram.counts[SAVE_BIG]
    with pytest.raises(FloodWait):
        await upload_file(client, path, file_name="a", window=window, state=seen[-1])
    assert telegram.counts[SAVE_BIG] == before
    telegram.script.clear()
    uploaded = await upload_file(client, path, file_name="a", window=Window(), state=seen[-1])
    assert await sent(telegram, client, account, uploaded) == path.read_bytes()
    assert telegram.counts[SAVE_BIG] - before == BIG_PARTS - seen[-1].parts_done
    assert seen[-1].parts_done >= 20


async def test_another_process_goes_on_where_the_first_was_killed(telegram, client, account, file, tmp_path):
    path, seen = file(BIG), []
    telegram.latency_s = 0.01
    reached = asyncio.Event()
    on_part = after_part(20, reached.set)
    first = asyncio.create_task(
        upload_file(
            client,
            path,
            file_name="a",
            window=Window(),
            on_part=lambda state: (seen.append(state), on_part(state)),
        )
    )
    await reached.wait()
    first.cancel()
    await asyncio.wait({first})
    await client.disconnect()
    before = telegram.counts[SAVE_BIG]
    await telegram.restart()
    again = telegram.client(tmp_path / "part.session")
    await again.connect()
    uploaded = await upload_file(again, path, file_name="a", window=Window(), state=seen[-1])
    assert uploaded.id == seen[-1].upload_id
    assert await sent(telegram, again, account, uploaded) == path.read_bytes()
    assert telegram.counts[SAVE_BIG] - before == BIG_PARTS - seen[-1].parts_done
    await again.disconnect()


async def test_a_part_that_telegram_lost_is_sent_again(telegram, client, account, file):
    path, seen = file(BIG), []
    uploaded = await upload_file(client, path, file_name="a", window=Window(), on_part=seen.append)
    del telegram.state.uploads[f"{account.id}:{uploaded.id}"][30]
    with pytest.raises(errors.FilePartMissingError) as caught:
        await sent(telegram, client, account, uploaded)
    state = UploadState(uploaded.id, caught.value.which, seen[-1].parts_total)
    uploaded = await upload_file(client, path, file_name="a", window=Window(), state=state)
    assert await sent(telegram, client, account, uploaded) == path.read_bytes()


async def test_the_upload_of_an_older_version_is_not_gone_on_with(telegram, client, account, file):
    path, seen = file(BIG), []
    await upload_file(client, path, file_name="a", window=Window(), on_part=seen.append)
    path.write_bytes(random.Random(1).randbytes(BIG))
    uploaded = await upload_file(client, path, file_name="a", window=Window(), state=seen[20])
    assert uploaded.id != seen[20].upload_id
    assert await sent(telegram, client, account, uploaded) == path.read_bytes()


@pytest.mark.parametrize("change", ["shorter", "newer"])
async def test_a_file_that_changes_meanwhile_is_not_sent(client, file, change):
    path = file(BIG)

    def touch():
        if change == "shorter":
            os.truncate(path, BIG // 2)
        else:
            os.utime(path, (1, 1))

    with pytest.raises(MediaFailure, match="changed"):
        await upload_file(client, path, file_name="a", window=Window(), on_part=after_part(5, touch))


async def test_cancelled_it_leaves_no_task_and_no_open_file(telegram, client, file):
    telegram.latency_s = 0.05
    path, reached = file(BIG), asyncio.Event()
    tasks, handles = asyncio.all_tasks(), psutil.Process().num_fds()
    upload = asyncio.create_task(
        upload_file(client, path, file_name="a", window=Window(), on_part=after_part(3, reached.set))
    )
    await reached.wait()
    upload.cancel()
    with pytest.raises(asyncio.CancelledError):
        await upload
    assert asyncio.all_tasks() == tasks
    assert psutil.Process().num_fds() == handles


async def test_without_an_answer_it_is_a_standstill(telegram, client, file):
    telegram.ignore(SAVE_BIG, times=1000)
    with pytest.raises(Stalled):
        await upload_file(client, file(BIG), file_name="a", window=Window(stall_s=0.3))


async def test_a_client_that_disconnects_is_a_network_failure(telegram, client, file):
    telegram.latency_s = 0.05
    leaving = []
    on_part = after_part(5, lambda: leaving.append(asyncio.ensure_future(client.disconnect())))
    with pytest.raises(NetworkFailure):
        await upload_file(client, file(BIG), file_name="a", window=Window(), on_part=on_part)
    await leaving[0]


async def test_a_login_that_ends_is_told_as_such(telegram, client, account, file):
    on_part = after_part(5, lambda: telegram.revoke(account))
    with pytest.raises(SessionLost):
        await upload_file(client, file(BIG), file_name="a", window=Window(), on_part=on_part)


async def test_a_key_that_telegram_does_not_know_any_more_is_a_lost_login(telegram, client, file):
    telegram.latency_s = 0.02
    with pytest.raises(SessionLost):
        await upload_file(
            client, file(BIG), file_name="a", window=Window(), on_part=after_part(5, telegram.forget_keys)
        )


async def test_so_it_is_where_telethon_has_closed_before_a_part_was_sent(telegram, client, file):
    telegram.forget_keys()
    with pytest.raises(errors.AuthKeyNotFound):
        await client.disconnected
    with pytest.raises(SessionLost):
        await upload_file(client, file(BIG), file_name="a", window=Window())


async def test_parts_that_were_not_sent_when_a_wait_becomes_known_are_taken_back(
    telegram, client, file, caplog
):
    telegram.flood(SAVE_BIG, 300)
    with pytest.raises(FloodWait):
        await upload_file(client, file(BIG), file_name="a", window=Window(40, 40))
    await client.get_me()  # what was on its way has arrived
    assert telegram.counts[SAVE_BIG] < 20
    gc.collect()
    assert not [told for told in caplog.records if told.name == "asyncio"]  # no failure went unseen
