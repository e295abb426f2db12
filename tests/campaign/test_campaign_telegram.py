"""`kill -9` and a service that restarts, while links are posted: each is answered once, with its own film."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import signal
import sqlite3
from collections import Counter
from pathlib import Path

import pytest

from tests.acceptance.program import Program
from tests.acceptance.telegram import lead_to, log_in
from tests.fakes.media import made_once, ready_mp4
from tests.fakes.origin import Fault, Origin
from tests.fakes.telegram import FakeTelegram
from tests.fakes.telegram.state import Post

log = logging.getLogger("campaign")
#: A life ends in the middle of a film that comes, …
DOWNLOAD = "download"
#: … or right after so many more calls of one of these: taken, read, uploaded, sent, told.
MOMENTS = (
    DOWNLOAD,
    "messages.getHistory",
    "messages.sendReaction",
    "upload.saveFilePart",
    "messages.sendMedia",
)
#: … or when that many never come.
LIFE_S = 4.0
#: All that is still to be answered is, in that time for each.
ANSWER_S = 3.0


class Village:
    """A group where somebody posts links, the account that answers, and the program that it runs."""

    def __init__(self, program: Program, telegram: FakeTelegram, origin: Origin) -> None:
        self.program, self.telegram, self._origin = program, telegram, origin
        self.alice = telegram.add_user("Alice", username="alice")
        self._bob = telegram.add_user("Bob", username="bob")
        self.group = telegram.add_supergroup("Films", self.alice, self._bob)
        self.asked: list[Post] = []
        self._film = made_once(ready_mp4, "ready.mp4").read_bytes()

    def post(self, count: int, *, holding: bool = False) -> None:
        """Ask for that many more films; *holding* them, the origin stops in the middle of each at first."""
        if holding:
            self._origin.held.clear()
            self._origin.release.clear()
        else:
            self._origin.release.set()
        for number in range(len(self.asked), len(self.asked) + count):
            # Each its own: what stands behind it, players ignore.
            film = self._film + b"\0\0\0\x10free" + number.to_bytes(8, "big")
            resource = self._origin.put(f"/{number}.mp4", film, etag=f'"{number}"')
            if holding:
                resource.fail(Fault(hold_after=len(film) // 2))
            link = self._origin.url(f"/{number}.mp4")
            self.asked.append(self.telegram.post(self._bob, self.group, f"No {number}: {link}"))

    def files(self) -> list[Path]:
        """What was archived of each link, in their order."""
        with contextlib.closing(sqlite3.connect(self.program.database)) as database:
            jobs = database.execute("SELECT url, file_path, status, error_message FROM jobs").fetchall()
        assert {job[2:] for job in jobs} == {("COMPLETED", None)}
        found = {url: path for url, path, *_ in jobs}
        return [Path(found[self._origin.url(f"/{number}.mp4")]) for number in range(len(self.asked))]

    def answers(self) -> dict[int, list[Post]]:
        """The account's messages by the message that each answers."""
        found: dict[int, list[Post]] = {}
        for post in self.telegram.posts(self.alice, self.group):
            if post.sender == self.alice.id:
                found.setdefault(post.reply_to, []).append(post)
        return found

    async def begin(self) -> None:
        """Log in, and watch the group."""
        lead_to(self.program, self.telegram)
        await log_in(self.program, self.telegram, self.alice)
        async with self.program.serve():
            await self.telegram.until(lambda: self.telegram.counts["updates.getState"] > 1)
            watched = await self.program.run("telegram", "watch", f"t.me/c/{self.group.id}")
            assert watched.code == 0, watched.err

    async def is_killed_after(self, calls: int, method: str, *, restarting: bool) -> bool:
        """Run the program until *method* was called so often; whether it was.

        With *restarting*, Telegram goes away and comes back on the first of these calls.
        """
        seen = self.telegram.counts[method]
        async with self.program.serve() as process:
            came = await self._is_fetching() if method == DOWNLOAD else await self._calls(method, seen + 1)
            if restarting:
                await self.telegram.restart()
            came = came and (method == DOWNLOAD or await self._calls(method, seen + calls))
            process.send_signal(signal.SIGKILL)
            await process.wait()
        self._origin.release.set()
        return came

    async def _is_fetching(self) -> bool:
        """Whether a film came as far as its middle, where it is held."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LIFE_S):
                await self._origin.held.wait()
                return True
        return False

    async def _calls(self, method: str, count: int) -> bool:
        with contextlib.suppress(TimeoutError):
            await self.telegram.until(lambda: self.telegram.counts[method] >= count, within_s=LIFE_S)
            return True
        return False

    async def answers_all(self) -> None:
        """Run the program until nothing is left to do."""
        async with self.program.serve():
            within_s = 30 + ANSWER_S * len(self.asked)
            await self.telegram.until(lambda: len(self.answers()) >= len(self.asked), within_s=within_s)
            # What was sent and not written down is sent again, and must not be seen again.
            async with asyncio.timeout(within_s):
                while (await self.program.run("telegram", "chats", "--json")).rows[0]["backlog"]:
                    pass


@pytest.fixture
async def telegram(folder):
    async with FakeTelegram(folder / "telegram") as running:
        yield running


@pytest.mark.timeout(7200)
async def test_every_link_has_exactly_one_answer_whatever_is_killed(reeldeck, telegram, origin, campaign):
    kills = campaign.rounds(short=3, long=100)
    links, restarts = (1000, 10) if campaign.is_long else (15, 1)
    chance = random.Random(campaign.seed)
    village = Village(reeldeck, telegram, origin)
    await village.begin()
    restart_at = set(chance.sample(kills, min(restarts, len(kills))))
    moments: Counter[str] = Counter()
    for kill in kills:
        # While nobody is there to hear of it.
        method = chance.choice(MOMENTS)
        village.post(links // len(kills), holding=method == DOWNLOAD)
        if await village.is_killed_after(chance.randint(1, 4), method, restarting=kill in restart_at):
            moments[method] += 1
    village.post(links - len(village.asked))
    await village.answers_all()

    answers = village.answers()
    assert answers.keys() == {post.uid for post in village.asked}
    assert {len(each) for each in answers.values()} == {1}, "an answer came twice"
    for post, file in zip(village.asked, village.files(), strict=True):
        assert telegram.bytes_of(answers[post.uid][0]) == file.read_bytes()
    log.info("%d links, kills after %s, %d restarts", links, dict(moments), len(restart_at))
