"""Files go through the loopback Telegram and come back byte for byte."""

from __future__ import annotations

import random

import pytest
from telethon import errors, utils
from telethon.tl import functions, types

from tests.fakes.telegram import FakeTelegram


@pytest.fixture
async def tg(tmp_path):
    async with FakeTelegram(tmp_path / "telegram", dcs=(2, 4)) as running:
        yield running


@pytest.fixture
async def client(tg, tmp_path):
    alice = tg.add_user("Alice", username="alice")
    running = tg.client(tmp_path / "a.session")
    await tg.log_in(running, alice)
    yield running
    await running.disconnect()


def some_bytes(length):
    return random.Random(length).randbytes(length)


@pytest.mark.parametrize("length", [1, 200_000, 3 * 1024 * 1024 + 17, 12 * 1024 * 1024 + 5])
async def test_small_and_big_files_come_back_byte_for_byte(tg, client, tmp_path, length):
    source = tmp_path / "video.mp4"
    source.write_bytes(some_bytes(length))
    video = types.DocumentAttributeVideo(61.5, 640, 360, supports_streaming=True)
    sent = await client.send_file("me", source, attributes=[video], caption="https://x.example/v")
    assert await client.download_media(sent, bytes) == source.read_bytes()
    assert (sent.file.size, sent.file.name, sent.file.duration) == (length, "video.mp4", 61.5)
    method = "upload.saveBigFilePart" if length > 10 * 1024 * 1024 else "upload.saveFilePart"
    assert tg.counts[method] > 0


async def test_a_document_is_sent_again_without_an_upload(tg, client, tmp_path):
    source = tmp_path / "a.bin"
    source.write_bytes(some_bytes(5000))
    first = await client.send_file("me", source)
    uploads = tg.counts["upload.saveFilePart"]
    again = await client.send_file("me", first.media)
    assert again.file.media.id == first.file.media.id
    assert tg.counts["upload.saveFilePart"] == uploads


async def test_an_old_reference_is_refused_until_the_message_is_read_again(tg, client, tmp_path):
    source = tmp_path / "a.bin"
    source.write_bytes(some_bytes(5000))
    sent = await client.send_file("me", source)
    tg.expire_references()
    with pytest.raises(errors.FileReferenceExpiredError):
        await client(
            functions.messages.SendMediaRequest(
                types.InputPeerSelf(), utils.get_input_media(sent.media), "again"
            )
        )
    fresh = await client.get_messages("me", ids=sent.id)
    assert await client.download_media(fresh, bytes) == source.read_bytes()


async def test_parts_that_do_not_fit_are_refused(tg, client):
    save = functions.upload.SaveBigFilePartRequest
    with pytest.raises(errors.FilePartTooBigError):
        await client(save(1, 0, 2, bytes(513 * 1024)))
    with pytest.raises(errors.FilePartEmptyError):
        await client(save(1, 0, 2, b""))
    with pytest.raises(errors.FilePartInvalidError):
        await client(save(1, 4000, 4001, b"x"))
    await client(save(1, 0, 2, bytes(1024)))
    media = types.InputMediaUploadedDocument(types.InputFileBig(1, 2, "a"), "video/mp4", [])
    with pytest.raises(errors.FilePartMissingError) as caught:
        await client(functions.messages.SendMediaRequest(types.InputPeerSelf(), media, ""))
    assert caught.value.which == 1


async def test_a_wrong_checksum_of_a_small_file_is_refused(tg, client):
    await client(functions.upload.SaveFilePartRequest(1, 0, b"abc"))
    media = types.InputMediaUploadedDocument(types.InputFile(1, 1, "a", "0" * 32), "text/plain", [])
    with pytest.raises(errors.Md5ChecksumInvalidError):
        await client(functions.messages.SendMediaRequest(types.InputPeerSelf(), media, ""))


async def test_a_range_outside_the_rules_is_refused(tg, client, tmp_path):
    source = tmp_path / "a.bin"
    source.write_bytes(some_bytes(5000))
    sent = await client.send_file("me", source)
    _, location = utils._get_file_info(sent.media)[:2]
    with pytest.raises(errors.OffsetInvalidError):
        await client(functions.upload.GetFileRequest(location, 7, 4096))
    with pytest.raises(errors.LimitInvalidError):
        await client(functions.upload.GetFileRequest(location, 0, 5000))


async def test_a_file_in_another_data_centre_is_fetched_there(tg, client, tmp_path):
    tg.files_dc = 4
    source = tmp_path / "a.bin"
    source.write_bytes(some_bytes(700_000))
    sent = await client.send_file("me", source)
    assert sent.document.dc_id == 4
    assert await client.download_media(sent, bytes) == source.read_bytes()
    assert tg.counts["auth.importAuthorization"] == 1


async def test_an_upload_survives_a_cut_connection_and_a_restart(tg, client, tmp_path):
    data = some_bytes(1024 * 1024)
    save = functions.upload.SaveBigFilePartRequest
    parts = [data[start : start + 512 * 1024] for start in (0, 512 * 1024)]
    parts = [*parts, *([bytes(512 * 1024)] * 19)]
    await client(save(9, 0, len(parts), parts[0]))
    await tg.restart()
    tg.drop("upload.saveBigFilePart", after=True)
    for index, part in enumerate(parts[1:], 1):
        await client(save(9, index, len(parts), part))
    media = types.InputMediaUploadedDocument(types.InputFileBig(9, len(parts), "a.mp4"), "video/mp4", [])
    await client(functions.messages.SendMediaRequest(types.InputPeerSelf(), media, ""))
    (alice,) = tg.state.accounts.values()
    assert tg.bytes_of(tg.posts(alice, alice)[0]) == b"".join(parts)


async def test_albums_share_one_number_and_the_first_caption(tg, client, tmp_path):
    files = []
    for name in ("a.pdf", "b.pdf"):
        files.append(tmp_path / name)
        files[-1].write_bytes(some_bytes(len(name) * 1000))
    sent = await client.send_file("me", files, caption=["both", ""])
    assert len({message.grouped_id for message in sent}) == 1
    assert [message.raw_text for message in sent] == ["both", ""]
    found = await client.get_messages("me", limit=None, filter=types.InputMessagesFilterDocument())
    assert {message.id for message in found} == {message.id for message in sent}
