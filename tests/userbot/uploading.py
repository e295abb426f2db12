"""Files to upload, and what became of them."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from telethon import TelegramClient
from telethon.tl.functions.messages import SendMediaRequest
from telethon.tl.types import InputMediaUploadedDocument, InputPeerSelf

from tests.fakes.telegram import FakeTelegram
from tests.fakes.telegram.state import Account
from userbot.transfer.upload import UploadState

MIB = 1024 * 1024
#: A file of so many bytes has so many parts, which are saved by this method.
BIG, BIG_PARTS, SAVE_BIG = 24 * MIB + 17, 49, "upload.saveBigFilePart"


@pytest.fixture
def file(tmp_path: Path) -> Callable[[int], Path]:
    """`file(size)`: so many random bytes."""

    def make(size: int) -> Path:
        path = tmp_path / f"{size}.bin"
        path.write_bytes(random.Random(size).randbytes(size))
        return path

    return make


async def sent(telegram: FakeTelegram, client: TelegramClient, account: Account, uploaded: Any) -> bytes:
    """The bytes of the file as the chat has it, once a message with it was sent."""
    media = InputMediaUploadedDocument(uploaded, "application/octet-stream", [])
    await client(SendMediaRequest(InputPeerSelf(), media, ""))
    return telegram.bytes_of(telegram.posts(account, account)[-1])


def after_part(number: int, do: Callable[[], object]) -> Callable[[UploadState], None]:
    """An `on_part` that does something once, when so many parts are done."""
    begun = []

    def on_part(state: UploadState) -> None:
        if state.parts_done >= number and not begun:
            begun.append(state)
            do()

    return on_part
