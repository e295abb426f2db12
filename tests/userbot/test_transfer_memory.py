"""What a transfer takes of memory does not grow with the file."""

from __future__ import annotations

import tracemalloc

import pytest

from userbot.transfer.download import download_file
from userbot.transfer.upload import upload_file
from userbot.transfer.window import Window

MIB = 1024 * 1024
SIZE = 160 * MIB
#: Both ends are in this process, with a window of parts of 512 KiB and a few copies each on their way.
BOUND = 40 * MIB


@pytest.fixture
def peak_of():
    """Bytes that lived at once at most while something ran."""

    async def measured(doing):
        tracemalloc.start()
        try:
            await doing
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    return measured


def sparse(path, size):
    with path.open("wb") as file:
        file.truncate(size)
    return path


async def test_an_upload_holds_a_window_of_parts(client, tmp_path, peak_of):
    file = sparse(tmp_path / "f", SIZE)
    assert await peak_of(upload_file(client, file, file_name="f", window=Window())) < BOUND


async def test_a_download_holds_a_window_of_chunks(telegram, client, account, tmp_path, peak_of):
    post = telegram.post(account, account, file=sparse(tmp_path / "f", SIZE))
    (message,) = await client.get_messages("me", ids=list(post.numbers.values()))
    fetching = download_file(
        client,
        message.document,
        size_bytes=SIZE,
        path=tmp_path / "got",
        window=Window(),
        progress=lambda done, total, *, recorded_s=None: None,
    )
    assert await peak_of(fetching) < BOUND
