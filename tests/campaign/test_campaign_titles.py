"""Ten thousand texts of strangers in every field of every screen send a terminal what plain ones do."""

from __future__ import annotations

import asyncio
import base64
import fcntl
import logging
import os
import pty
import re
import struct
import sys
import termios
import unicodedata
from pathlib import Path

from core.domain.text import for_terminal
from tests.campaign.titles import FRAGMENTS

#: Rows of one dashboard, and how many of them are looked at one by one.
ROWS, CLOSELY = len(FRAGMENTS), 2
LONG_ROWS, LONG_CLOSELY = 100, 20
SIZES = ((80, 24), (140, 40))
#: ECMA-48: control sequences, strings, and the two-byte escapes.
SEQUENCE = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[PX^_][^\x1b]*\x1b\\|\x1b[ -/]*[0-~]"
)
LOG = logging.getLogger(__name__)
QUESTION, ANSWER = b"\x1b[6n", b"\x1b[1;1R"


def shapes(written: str) -> set[str]:
    """The kinds of sequences: places, colours and what was copied differ from screen to screen."""
    found = set()
    for sequence in SEQUENCE.findall(written):
        if sequence.startswith("\x1b]52;c;"):
            copied = base64.b64decode(sequence[7:-1], validate=True).decode()
            assert all(line.isprintable() for line in copied.split("\n")), copied
            found.add("a copy")
        elif sequence.endswith("m"):
            found |= set(re.sub(r"([34]8);2;\d+;\d+;\d+", r"\1", sequence[2:-1]).split(";"))
        else:
            found.add(re.sub(r"\d+", "#", sequence))
    return found


def foreign(written: str) -> list[str]:
    """What is neither a whole sequence nor text as `for_terminal` lets it through."""
    # Where colours change, a mark may stand alone on the space before: here on a point.
    lines = {f".{line}"[:4000] for line in re.split(r"[\r\n]", SEQUENCE.sub("\n", written))}
    return sorted(line for line in lines if for_terminal(line) != line)


async def written_by(*arguments: object, size: tuple[int, int], folder: Path) -> str:
    """All that a dashboard sends to its terminal, which answers as terminals do."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
    errors = folder / "errors"
    env = {
        name: value
        for name, value in os.environ.items()
        if name not in {"NO_COLOR", "SSH_CONNECTION", "SSH_TTY"}
    }
    env |= {"TERM": "xterm-256color", "COLORTERM": "truecolor", "TZ": "UTC", "PYTHONIOENCODING": "utf-8"}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.campaign.titles", *map(str, arguments), str(folder),
        stdin=theirs, stdout=theirs, stderr=theirs, env=env, start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    seen: list[bytes] = []
    ended, loop = asyncio.Event(), asyncio.get_running_loop()

    def read() -> None:
        try:
            data = os.read(ours, 65536)
        except OSError:  # the other end is closed
            data = b""
        if not data:
            loop.remove_reader(ours)
            ended.set()
        seen.append(data)
        for _ in range(data.count(QUESTION)):
            os.write(ours, ANSWER)

    loop.add_reader(ours, read)
    try:
        await ended.wait()
        code = await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        os.close(ours)
    text = b"".join(seen).decode()
    errors.write_text(text)
    assert code == 0, text[-3000:]
    return text


async def test_hostile_texts_send_what_plain_ones_send(campaign, tmp_path):
    rows, closely = (LONG_ROWS, LONG_CLOSELY) if campaign.is_long else (ROWS, CLOSELY)
    sent = 0
    for round_ in campaign.rounds(short=1, long=10_000 // LONG_ROWS):
        size = SIZES[round_ % len(SIZES)]
        folders = [tmp_path / f"{kind}-{round_}" for kind in ("hostile", "plain")]
        for folder in folders:
            folder.mkdir()
        numbers = (campaign.seed, round_ * rows, rows, closely)
        hostile, plain = await asyncio.gather(
            written_by("hostile", *numbers, size=size, folder=folders[0]),
            written_by("plain", *numbers, size=size, folder=folders[1]),
        )
        assert foreign(hostile) == [], round_
        assert shapes(hostile) == shapes(plain), round_
        sent += len(hostile)
    LOG.info("%d rounds, %d MB read", round_ + 1, sent // 10**6)


def test_what_is_foreign_is_noticed():
    shown_as_they_are = [text for text in FRAGMENTS if for_terminal(text) == text]
    kinds = {unicodedata.category(char) for text in shown_as_they_are for char in text}
    assert not kinds & {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
    assert foreign("\x1b[1mgood\x1b[0m") == []
    assert all(foreign(text) for text in ("a\x9b2Jb", "\u202e", "\x1b"))
    assert shapes("\x1b]0;x\x07") == {"\x1b]#;x\x07"}
