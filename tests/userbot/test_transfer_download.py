"""Downloads: every byte, from any offset, whatever Telegram and the network do meanwhile."""

from __future__ import annotations

import asyncio
import random

import psutil
import pytest
from telethon.tl import types

from core.domain.errors import FloodWait, NetworkFailure, SessionLost, Unknown
from tests.fakes.telegram import FakeTelegram
from userbot.transfer.download import CHUNK_BYTES, ReferenceExpired, download_file
from userbot.transfer.window import Window

MIB = 1024 * 1024
BIG = 24 * MIB + 17
BIG_CHUNKS = 49
GET = "upload.getFile"


@pytest.fixture
async def telegram(tmp_path):
    """Two data centres; the account is at home in the first."""
    async with FakeTelegram(tmp_path / "telegram", dcs=(2, 4)) as running:
        yield running


@pytest.fixture
def posted(telegram, client, account):
    """A file of so many random bytes in a message: its bytes, and its document as the client has it."""

    async def post(size):
        data = random.Random(size).randbytes(size)
        post = telegram.post(account, account, file=data)
        (message,) = await client.get_messages("me", ids=list(post.numbers.values()))
        return data, message.document

    return post


class Told:
    """A `progress`, which does something once at a chosen point."""

    def __init__(self, at=None, do=None):
        self.done, self.total = [], None
        self._at, self._do = at, do

    def __call__(self, done, total, *, recorded_s=None):
        self.done.append(done)
        self.total = total
        if self._do is not None and done >= self._at:
            do, self._do = self._do, None
            do()


async def fetch(client, document, path, *, progress=None, window=None, **options):
    await download_file(
        client,
        document,
        size_bytes=options.pop("size_bytes", None) or getattr(document, "size", 0),
        path=path,
        window=window or Window(),
        progress=progress or Told(),
        **options,
    )


@pytest.mark.parametrize("size", [1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 10 * MIB, 25 * MIB + 3])
async def test_a_file_arrives_byte_for_byte(client, posted, tmp_path, size):
    data, document = await posted(size)
    progress = Told()
    await fetch(client, document, tmp_path / "got", progress=progress)
    assert (tmp_path / "got").read_bytes() == data
    assert progress.done == sorted({0, *range(CHUNK_BYTES, size, CHUNK_BYTES), size})
    assert progress.total == size


async def test_an_empty_file_takes_no_call(telegram, client, posted, tmp_path):
    _, document = await posted(1)
    document.size = 0
    await fetch(client, document, tmp_path / "got")
    assert (tmp_path / "got").read_bytes() == b""
    assert not telegram.counts[GET]


async def test_several_chunks_are_in_flight_on_one_connection(telegram, client, posted, tmp_path):
    _, document = await posted(BIG)
    telegram.latency_s = 0.3
    window = Window()
    await fetch(client, document, tmp_path / "got", window=window)
    asked = [when for when, method, _ in telegram.calls if method == GET]
    assert asked[3] < asked[0] + 0.3 <= asked[4]  # four, and no more, before an answer can have come
    assert len(telegram.connections) == 1
    assert window.size == window.most


@pytest.mark.parametrize("there", [1, CHUNK_BYTES, 7 * CHUNK_BYTES + 1])
async def test_it_goes_on_at_an_offset(telegram, client, posted, tmp_path, there):
    data, document = await posted(BIG)
    path = tmp_path / "got"
    path.write_bytes(data[:there])
    await fetch(client, document, path, start=there)
    assert path.read_bytes() == data
    assert telegram.counts[GET] == BIG_CHUNKS - there // CHUNK_BYTES


async def test_no_more_is_taken_as_there_than_there_is(client, posted, tmp_path):
    data, document = await posted(BIG)
    path = tmp_path / "got"
    path.write_bytes(data[: 3 * MIB])
    await fetch(client, document, path, start=20 * MIB)
    assert path.read_bytes() == data


async def test_a_whole_file_takes_no_call(telegram, client, posted, tmp_path):
    data, document = await posted(BIG)
    path = tmp_path / "got"
    path.write_bytes(data)
    await fetch(client, document, path, start=BIG)
    assert path.read_bytes() == data
    assert not telegram.counts[GET]


async def test_what_lay_there_before_does_not_stay(client, posted, tmp_path):
    data, document = await posted(CHUNK_BYTES + 1)
    path = tmp_path / "got"
    path.write_bytes(bytes(BIG))
    await fetch(client, document, path)
    assert path.read_bytes() == data


async def test_killed_at_any_moment_the_length_is_what_is_there(telegram, client, posted, tmp_path):
    data, document = await posted(BIG)
    telegram.latency_s = 0.01
    path, reached = tmp_path / "got", asyncio.Event()
    tasks, handles = asyncio.all_tasks(), psutil.Process().num_fds()
    first = asyncio.create_task(fetch(client, document, path, progress=Told(20 * CHUNK_BYTES, reached.set)))
    await reached.wait()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert asyncio.all_tasks() == tasks
    assert psutil.Process().num_fds() == handles
    there = path.stat().st_size
    assert there >= 20 * CHUNK_BYTES
    assert data.startswith(path.read_bytes())
    await client.get_me()  # what was on its way has arrived
    before = telegram.counts[GET]
    await fetch(client, document, path, start=there)
    assert path.read_bytes() == data
    assert telegram.counts[GET] - before == BIG_CHUNKS - there // CHUNK_BYTES


async def test_cut_connections_and_a_restart_cost_only_what_was_in_flight(telegram, client, posted, tmp_path):
    data, document = await posted(BIG)
    telegram.drop(GET, after=True)
    restarting = []
    progress = Told(20 * CHUNK_BYTES, lambda: restarting.append(asyncio.ensure_future(telegram.restart())))
    await fetch(client, document, tmp_path / "got", progress=progress)
    await restarting[0]
    assert (tmp_path / "got").read_bytes() == data
    assert telegram.counts[GET] <= BIG_CHUNKS + 2 * 8


async def test_telegrams_own_troubles_are_waited_out(telegram, client, posted, tmp_path):
    data, document = await posted(BIG)
    telegram.fail(GET, "RPC_CALL_FAIL", times=2)
    telegram.fail(GET, "TIMEOUT", times=1)
    await fetch(client, document, tmp_path / "got")
    assert (tmp_path / "got").read_bytes() == data
    assert telegram.counts[GET] == BIG_CHUNKS + 3


async def test_a_short_wait_is_slept_through_in_silence(telegram, client, posted, tmp_path):
    data, document = await posted(BIG)
    telegram.latency_s = 0.01
    progress = Told(20 * CHUNK_BYTES, lambda: telegram.flood(GET, 1.0))
    await fetch(client, document, tmp_path / "got", progress=progress)
    assert (tmp_path / "got").read_bytes() == data
    refused = telegram.script.impatient[GET] + 1
    assert refused <= 8
    assert telegram.counts[GET] == BIG_CHUNKS + refused


async def test_a_long_wait_is_passed_on_and_the_position_is_kept(telegram, client, posted, tmp_path):
    data, document = await posted(BIG)
    path = tmp_path / "got"
    progress = Told(20 * CHUNK_BYTES, lambda: telegram.flood(GET, 300))
    with pytest.raises(FloodWait) as caught:
        await fetch(client, document, path, progress=progress)
    assert 290 < caught.value.retry_after_s <= 300
    there = path.stat().st_size
    assert there >= 20 * CHUNK_BYTES
    await client.get_me()  # what was on its way has arrived
    before = telegram.counts[GET]
    telegram.script.clear()
    await fetch(client, document, path, start=there)
    assert path.read_bytes() == data
    assert telegram.counts[GET] - before == BIG_CHUNKS - there // CHUNK_BYTES


async def test_an_old_reference_is_told_of_with_the_place_to_go_on(telegram, client, account, tmp_path):
    data = random.Random(1).randbytes(BIG)
    post = telegram.post(account, account, file=data)
    number = next(iter(post.numbers.values()))
    message = await client.get_messages("me", ids=number)
    path = tmp_path / "got"
    with pytest.raises(ReferenceExpired) as caught:
        await fetch(
            client, message.document, path, progress=Told(20 * CHUNK_BYTES, telegram.expire_references)
        )
    assert caught.value.done_bytes == path.stat().st_size >= 20 * CHUNK_BYTES
    message = await client.get_messages("me", ids=number)
    await fetch(client, message.document, path, start=caught.value.done_bytes)
    assert path.read_bytes() == data


async def test_a_file_in_another_data_centre_is_fetched_there(telegram, client, posted, tmp_path):
    telegram.files_dc = 4
    data, document = await posted(BIG)
    await fetch(client, document, tmp_path / "got")
    assert (tmp_path / "got").read_bytes() == data
    assert telegram.counts[GET] == BIG_CHUNKS
    assert {connection.dc for connection in telegram.connections} == {2, 4}


async def test_a_file_that_moved_is_followed(telegram, client, posted, tmp_path):
    telegram.files_dc = 4
    data, document = await posted(BIG)
    location = types.InputDocumentFileLocation(document.id, document.access_hash, document.file_reference, "")
    await fetch(client, location, tmp_path / "got", size_bytes=BIG)
    assert (tmp_path / "got").read_bytes() == data


async def test_a_connection_elsewhere_that_was_given_up_is_made_again(telegram, client, posted, tmp_path):
    telegram.files_dc = 4
    data, document = await posted(BIG)
    await fetch(client, document, tmp_path / "first")
    _, sender = client._borrowed_senders[4]
    await sender.disconnect()
    await fetch(client, document, tmp_path / "second")
    assert (tmp_path / "second").read_bytes() == data


@pytest.mark.parametrize("forgotten", ["login", "key"])
async def test_a_data_centre_that_forgets_the_account_does_not_end_its_login(
    telegram, client, posted, tmp_path, forgotten
):
    telegram.files_dc = 4
    telegram.latency_s = 0.01
    data, document = await posted(BIG)
    path = tmp_path / "got"

    def forget():
        (there,) = (one for one in telegram.connections if one.dc == 4)
        del telegram.state.logins[there.key_id]
        if forgotten == "key":
            del telegram.state.auth_keys[there.key_id]
            there.cut()

    with pytest.raises(NetworkFailure, match="forgotten"):
        await fetch(client, document, path, progress=Told(20 * CHUNK_BYTES, forget))
    await fetch(client, document, path, start=path.stat().st_size)
    assert path.read_bytes() == data
    assert telegram.counts["auth.importAuthorization"] == 2
    assert await client.get_me()


@pytest.mark.parametrize("dc", [2, 4])
async def test_further_connections_are_used_and_closed(telegram, client, posted, tmp_path, dc):
    telegram.files_dc = dc
    data, document = await posted(BIG)
    most = []
    progress = Told(BIG // 2, lambda: most.append([one.dc for one in telegram.connections].count(dc)))
    await fetch(client, document, tmp_path / "got", window=Window(connections=3), progress=progress)
    assert (tmp_path / "got").read_bytes() == data
    assert most == [3]
    await telegram.until(lambda: [one.dc for one in telegram.connections].count(dc) == 1)


async def test_a_file_of_another_size_than_announced_is_a_failure(client, posted, tmp_path):
    for wrong in (BIG + 1, BIG - 1, BIG - MIB):
        _, document = await posted(BIG)
        document.size = wrong
        with pytest.raises(NetworkFailure, match="as large"):
            await fetch(client, document, tmp_path / "got")


async def test_servers_of_others_are_not_gone_to(telegram, client, posted, tmp_path):
    _, document = await posted(BIG)
    telegram.sends_to_cdn = True
    with pytest.raises(Unknown, match="servers of others"):
        await fetch(client, document, tmp_path / "got")


async def test_a_login_that_ends_is_told_as_such(telegram, client, account, posted, tmp_path):
    _, document = await posted(BIG)
    progress = Told(5 * CHUNK_BYTES, lambda: telegram.revoke(account))
    with pytest.raises(SessionLost):
        await fetch(client, document, tmp_path / "got", progress=progress)


async def test_a_link_in_the_place_of_the_file_is_not_followed(client, posted, tmp_path):
    _, document = await posted(1)
    (tmp_path / "got").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Unknown, match="cannot open"):
        await fetch(client, document, tmp_path / "got")
    assert not (tmp_path / "elsewhere").exists()


async def test_a_photo_is_fetched_by_its_location(telegram, client, account, tmp_path):
    photo = random.Random(2).randbytes(70_000)
    (tmp_path / "photo.jpg").write_bytes(b"\xff\xd8" + photo)
    sent = await client.send_file("me", tmp_path / "photo.jpg", force_document=False)
    where = types.InputPhotoFileLocation(
        sent.photo.id, sent.photo.access_hash, sent.photo.file_reference, sent.photo.sizes[-1].type
    )
    await fetch(client, where, tmp_path / "got", size_bytes=len(photo) + 2, dc_id=sent.photo.dc_id)
    assert (tmp_path / "got").read_bytes() == b"\xff\xd8" + photo
