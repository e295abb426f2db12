"""Uploads: every byte, no part twice, whatever Telegram and the network do meanwhile."""

from __future__ import annotations

import asyncio
import time

import pytest
from telethon.tl.types import InputFileBig

from core.domain.errors import MediaFailure, Unknown
from tests.userbot.uploading import BIG, BIG_PARTS, MIB, SAVE_BIG, file, sent
from userbot.transfer.limits import Limits, forget_limits, limits_of
from userbot.transfer.upload import PART_BYTES, upload_file
from userbot.transfer.window import Window

__all__ = ["file"]


@pytest.mark.parametrize(
    "size",
    [1, PART_BYTES - 1, PART_BYTES, PART_BYTES + 1, 10 * MIB - 1, 10 * MIB, 10 * MIB + 1, 25 * MIB],
)
async def test_a_file_arrives_byte_for_byte(telegram, client, account, file, size):
    path = file(size)
    uploaded = await upload_file(client, path, file_name="film.mp4", window=Window())
    assert isinstance(uploaded, InputFileBig) == (size > 10 * MIB)
    assert uploaded.name == "film.mp4"
    assert await sent(telegram, client, account, uploaded) == path.read_bytes()


async def test_an_empty_file_is_refused(telegram, client, file):
    with pytest.raises(MediaFailure, match="empty"):
        await upload_file(client, file(0), file_name="a", window=Window())
    assert not telegram.counts["upload.saveFilePart"]


async def test_a_file_that_is_not_there_is_told_of(client, tmp_path):
    with pytest.raises(Unknown, match="cannot read the file: No such file"):
        await upload_file(client, tmp_path / "none", file_name="a", window=Window())


async def test_several_parts_are_in_flight_on_one_connection(telegram, client, file):
    telegram.latency_s = 0.3
    window = Window()
    await upload_file(client, file(BIG), file_name="a", window=window)
    asked = [when for when, method, _ in telegram.calls if method == SAVE_BIG]
    assert asked[3] < asked[0] + 0.3 <= asked[4]  # four, and no more, before an answer can have come
    assert len(telegram.connections) == 1
    assert window.size == window.most == 8


async def test_progress_grows_from_the_front_to_all_parts(client, file):
    seen = []
    await upload_file(client, file(BIG), file_name="a", window=Window(), on_part=seen.append)
    assert [state.parts_done for state in seen] == list(range(1, BIG_PARTS + 1))
    assert {state.parts_total for state in seen} == {BIG_PARTS}
    assert len({state.upload_id for state in seen}) == 1


async def test_parts_are_not_compressed_and_other_calls_are(telegram, client, file, tmp_path):
    path = tmp_path / "zeros.bin"
    path.write_bytes(bytes(2 * PART_BYTES))
    await upload_file(client, path, file_name="a", window=Window())
    sender, written = client._sender, []
    encrypt = sender._state.encrypt_message_data
    sender._state.encrypt_message_data = lambda data: written.append(len(data)) or encrypt(data)
    await upload_file(client, path, file_name="a", window=Window())
    assert sum(written) > 2 * PART_BYTES
    written.clear()
    await client.send_message("me", "a" * 4000)
    assert sum(written) < 1000
    other = telegram.client(tmp_path / "other.session")
    assert "write_data_as_message" not in vars(other._sender._state)


async def test_two_uploads_share_one_window(telegram, client, account, file):
    telegram.latency_s = 0.02
    window = Window(2, 2)
    paths = [file(4 * MIB), file(4 * MIB + 1)]
    began = time.monotonic()
    uploads = [upload_file(client, path, file_name="a", window=window) for path in paths]
    await asyncio.gather(*uploads)
    assert time.monotonic() - began >= 17 / 2 * 0.02


async def test_further_connections_are_used_and_closed(telegram, client, account, file):
    path, most = file(BIG), []
    telegram.latency_s = 0.01
    uploaded = await upload_file(
        client,
        path,
        file_name="a",
        window=Window(connections=3),
        on_part=lambda _: most.append(len(telegram.connections)),
    )
    assert max(most) == 3
    assert await sent(telegram, client, account, uploaded) == path.read_bytes()
    await telegram.until(lambda: len(telegram.connections) == 1)


async def test_what_an_account_may_send_is_asked_once_an_hour(telegram, client, account, monkeypatch):
    assert await limits_of(client) == Limits(4000 * PART_BYTES, 1024)
    account.premium = True
    assert await limits_of(client) == Limits(4000 * PART_BYTES, 1024)
    assert telegram.counts["help.getAppConfig"] == 1
    monkeypatch.setattr("userbot.transfer.limits._KEPT_S", 0)
    assert await limits_of(client) == Limits(8000 * PART_BYTES, 4096)


async def test_a_telegram_that_does_not_tell_its_limits_is_not_asked_again_and_again(telegram, client):
    telegram.fail("help.getAppConfig", "BOT_METHOD_INVALID")
    for _ in range(2):
        assert await limits_of(client) == Limits(4000 * PART_BYTES, 1024)
    assert telegram.counts["help.getAppConfig"] == 1
    forget_limits(client)
    await limits_of(client)
    assert telegram.counts["help.getAppConfig"] == 2
