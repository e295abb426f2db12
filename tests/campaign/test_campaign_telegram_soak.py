"""Months of a busy account, in little: links, commands, strangers and cut connections without a pause.

What the program holds on to shows in its tasks, descriptors, threads and memory: none of it may grow with
what was done.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import random
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import pytest

from core.client.locate import socket_path
from core.config.settings import Settings
from tests.acceptance.program import Program
from tests.acceptance.telegram import lead_to, log_in
from tests.fakes.media import made_once, video_mp4
from tests.fakes.origin import Fault, Origin
from tests.fakes.telegram import FakeTelegram
from tests.fakes.telegram.state import Chat, Post
from userbot.feedback import EMOJIS, Meaning

log = logging.getLogger("campaign")

#: The long form goes on until half of it was warm.
SHORT_S, LONG_S = 3.0, 1200.0
SLOPE_MB_PER_HOUR = 5
#: It is warm once the database is so large: what is kept in memory of its pages is full then, and so is what
#: is remembered of the newest messages.
WARM_MB = 1.1 * 16 * 1.048576
#: Seconds between two cuts of all connections: those that live shorter than `userbot.link.HELD_S` are made
#: ever later.
CUT_EVERY_S = 15.0
#: A round is over in this time, whatever was cut in it.
ROUND_S = 120.0
FAILED = EMOJIS[Meaning.FAILED][0]
COMMANDS = (
    "/status", "/queue", "/health", "/help", "/job 1", "/search film", "/pause 1", "/cancel 1 9999999",
    "/retry 1", "/watch auto", "/archive_on", "/maintenance", "/debug_off", "/collect dry limit=9", "/statsu",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sample:
    """What the program's process holds, after a round."""

    at_s: float
    tasks: int
    descriptors: int
    threads: int
    memory_mb: float
    database_mb: float


class Town:
    """Groups in which people post all at once, and the account that answers."""

    def __init__(
        self, program: Program, telegram: FakeTelegram, origin: Origin, chance: random.Random
    ) -> None:
        self.program, self.telegram, self._origin, self._chance = program, telegram, origin, chance
        self.alice = telegram.add_user("Alice", username="alice")
        self._bob = telegram.add_user("Bob", username="bob")
        self.groups = {
            how: telegram.add_supergroup(f"Told by {how}", self.alice, self._bob)
            for how in ("none", "reaction", "status")
        }
        self._film = made_once(video_mp4, "clip.mp4").read_bytes()
        self._numbers = itertools.count()
        self._posted: list[str] = []
        self._seen = dict.fromkeys(self.groups, 0)
        self._unanswered: set[int] = set()
        #: What was asked for, by kind.
        self.links = self.commands = self.refused = 0
        self.cuts, self._cut_at = 0, 0.0
        origin.put("/gone.mp4").always = Fault(status=404)

    async def begin(self) -> None:
        """Log in and watch the groups."""
        lead_to(self.program, self.telegram)
        await log_in(self.program, self.telegram, self.alice)

    async def watch(self) -> None:
        """Watch all groups. The first job is one for the commands: nobody in them waits for it."""
        await self.program.run("add", self._origin.url("/gone.mp4?job=1"), "--wait")
        await self.telegram.until(lambda: self.telegram.counts["updates.getState"] > 1)
        for how, group in self.groups.items():
            watched = await self.program.run("telegram", "watch", f"t.me/c/{group.id}", "--feedback", how)
            assert watched.code == 0, watched.err

    async def round(self) -> None:
        """Post in all groups at once; over when all was answered."""
        for how, links in (("none", 6), ("reaction", 2), ("status", 1)):
            group = self.groups[how]
            for _ in range(links):
                self._ask(group, self._link(), is_answered=True)
            self._ask(group, self._chance.choice(COMMANDS), is_answered=True, by_owner=True)
            self._ask(group, "/cancel all", is_answered=False)
            self._ask(group, "only words", is_answered=False)
        # Nothing would tell of it where there is no feedback.
        self._ask(self.groups["reaction"], self._origin.url("/gone.mp4"), is_answered=True)
        if time.monotonic() >= self._cut_at:
            self._cut_at = time.monotonic() + CUT_EVERY_S
            self.cuts += 1
            self.telegram.cut_connections()
        try:
            await self.telegram.until(self._is_answered, within_s=ROUND_S)
        except TimeoutError:
            pytest.fail(f"unanswered: {[self.telegram.state.posts[uid].text for uid in self._unanswered]}")

    def _ask(self, group: Chat, text: str, *, is_answered: bool, by_owner: bool = False) -> None:
        post = self.telegram.post(self.alice if by_owner else self._bob, group, text)
        if is_answered:
            self._unanswered.add(post.uid)
        self.commands += by_owner
        self.refused += text.startswith("/") and not by_owner
        self.links += text.startswith("http")

    def _link(self) -> str:
        """Mostly a new film, now and then one that was asked for before."""
        if self._posted and self._chance.random() < 0.3:
            return self._chance.choice(self._posted[-200:])
        number = next(self._numbers)
        film = self._film + b"\0\0\0\x10free" + number.to_bytes(8, "big")
        self._origin.put(f"/film{number}.mp4", film, etag=f'"{number}"')
        self._posted.append(self._origin.url(f"/film{number}.mp4"))
        return self._posted[-1]

    def _is_answered(self) -> bool:
        for post in self._new():
            if post.sender == self.alice.id:
                self._unanswered.discard(post.reply_to)
        # Of very many failures only some are told in words as well.
        posts = self.telegram.state.posts
        self._unanswered = {uid for uid in self._unanswered if FAILED not in posts[uid].reactions}
        return not self._unanswered

    def _new(self) -> Iterator[Post]:
        """Posts since the last look: looking at all of them each time would take longer each time."""
        for how, group in self.groups.items():
            box = self.telegram.world.box(f"c:{group.id}")
            while uid := box.posts.get(self._seen[how] + 1):
                self._seen[how] += 1
                yield self.telegram.state.posts[uid]


async def measured(
    process: psutil.Process, api: httpx.AsyncClient, began: float, *, database: Path
) -> Sample:
    """What the process holds now."""
    answer = await api.get("http://reeldeck/metrics")
    tasks = next(line for line in answer.text.splitlines() if line.startswith("reeldeck_tasks "))
    with process.oneshot():
        return Sample(
            at_s=time.monotonic() - began,
            tasks=int(tasks.split()[1]),
            descriptors=process.num_fds(),
            threads=process.num_threads(),
            memory_mb=process.memory_info().rss / 1e6,
            database_mb=database.stat().st_size / 1e6,
        )


def slope_per_hour(samples: Sequence[Sample]) -> float:
    """Megabytes an hour: the usual rise between two samples (Theil and Sen).

    A single step, such as a table that was made larger, is no rise.
    """
    pairs = itertools.combinations([(one.at_s, one.memory_mb) for one in samples], 2)
    return statistics.median((later - size) / (at - began) for (began, size), (at, later) in pairs) * 3600


def grown(samples: Sequence[Sample], name: str) -> float:
    """By how much the usual figure of the last third is above that of the second."""
    third = len(samples) // 3
    middle, last = (
        [getattr(one, name) for one in part] for part in (samples[third : 2 * third], samples[-third:])
    )
    return statistics.median(last) - statistics.median(middle)


@pytest.fixture
async def telegram(folder):
    async with FakeTelegram(folder / "telegram") as running:
        yield running


@pytest.mark.timeout(3600)
async def test_nothing_grows_while_the_account_is_busy(reeldeck, telegram, origin, campaign):
    lasts_s = LONG_S if campaign.is_long else SHORT_S
    town = Town(reeldeck, telegram, origin, random.Random(campaign.seed))
    await town.begin()
    samples: list[Sample] = []
    warm: list[Sample] = []
    socket = socket_path(Settings.model_validate({"paths": {"data_dir": reeldeck.home / "data"}}))
    async with (
        reeldeck.serve() as engine,
        httpx.AsyncClient(transport=httpx.AsyncHTTPTransport(uds=str(socket))) as api,
    ):
        await town.watch()
        process, began = psutil.Process(engine.pid), time.monotonic()
        for number in itertools.count():
            await town.round()
            samples.append(await measured(process, api, began, database=reeldeck.database))
            if number % 20 == 0:
                log.info("round %d: %s", number, samples[-1])
            if samples[-1].database_mb > WARM_MB:
                warm.append(samples[-1])
            is_done = len(samples) >= 6 and samples[-1].at_s > lasts_s
            if is_done and (not campaign.is_long or (warm and warm[0].at_s + lasts_s / 2 < samples[-1].at_s)):
                break
        status = await reeldeck.run("telegram", "status")
        assert status.out == "online as Alice\n"
        jobs = (await reeldeck.run("status", "--json")).rows[0]["counts"]
    slope = slope_per_hour(warm or samples)
    figures = {name: grown(samples, name) for name in ("tasks", "descriptors", "threads")}
    log.info(
        "%d rounds, %d links, %d commands, %d refused, %d cuts; jobs %s; %s → %s; grown %s; %.1f MB/h",
        *(len(samples), town.links, town.commands, town.refused, town.cuts, jobs),
        *(samples[0], samples[-1], figures, slope),
    )
    assert max(figures.values()) <= 3, figures
    if campaign.is_long:
        assert slope < SLOPE_MB_PER_HOUR
    assert len(asyncio.all_tasks()) < 50, "the test itself"
