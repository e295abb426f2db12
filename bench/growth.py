"""P10 and P13: what the store and the engine's start cost at a thousand jobs, and at a million."""

from __future__ import annotations

import random
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

from bench.figures import Figure, at_most, at_most_times
from bench.loader import CHATS, GROUP_SIZE, link, load
from core.config.settings import Settings
from core.domain.job import JobStatus
from core.domain.snapshot import JobQuery
from core.engine.engine import Engine
from core.store import submission
from core.store.jobs import NewJob
from core.store.store import Store

Work = Callable[[], Awaitable[object]]

SIZES = (1_000, 100_000, 1_000_000)
BATCH = 500
#: 10,000 links in all.
BATCHES = 20
#: Questions cost a millisecond or less: the best of so many leaves out what other programs cost.
TIMES_ASKED = 301
TIMES = 2.0  # P10
START_S = 2.0  # P13


async def measure() -> list[Figure]:
    """Every cost at every size, the sizes taking turns; the goals compare the larger with the smallest."""
    figures: list[Figure] = []
    async with AsyncExitStack() as stack:
        starts: dict[int, float] = {}
        stores: dict[int, Store] = {}
        for size in SIZES:
            starts[size], stores[size] = await stack.enter_async_context(_loaded(size))
        asked = {size: _questions(store, size) for size, store in stores.items()}
        for name in asked[SIZES[0]]:
            works = {size: asked[size][name] for size in SIZES}
            figures += _compared(name, await _in_turn(works, TIMES_ASKED), min)
        batches = {size: _batches(store, size) for size, store in stores.items()}
        for name in batches[SIZES[0]]:
            # Each batch can be done only once: the usual one is told.
            works = {size: partial(next, batches[size][name]) for size in SIZES}
            figures += _compared(name, await _in_turn(works, BATCHES), statistics.median)
    return figures + [
        at_most(f"engine start, {size:,} jobs", starts[size], "s", limit=START_S) for size in SIZES
    ]


@asynccontextmanager
async def _loaded(size: int) -> AsyncIterator[tuple[float, Store]]:
    """How long an engine takes to start on so many jobs, and then their store."""
    with tempfile.TemporaryDirectory(prefix="reeldeck-bench-") as folder:
        await load(Path(folder), size)
        start_s = await _start_s(Settings.model_validate({"paths": {"data_dir": folder}}))
        store = await Store.open(Path(folder), None, on_commit=lambda _committed: None)
        try:
            yield start_s, store
        finally:
            await store.close()


async def _start_s(settings: Settings) -> float:
    """From nothing to an engine that works, the second time: the first one fills the disk's cache."""
    taken = 0.0
    for _ in range(2):
        engine = Engine(settings, only_submitted=True)
        began = time.perf_counter()
        await engine.start()
        taken = time.perf_counter() - began
        await engine.stop()
    return taken


def _questions(store: Store, size: int) -> Mapping[str, Work]:
    """What can be asked again and again."""
    pages = {
        f"page of the list, {name}": partial(store.jobs.page, query) for name, query in _pages(size).items()
    }
    known = (link(number) for number in random.Random(size).choices(range(size), k=TIMES_ASKED))
    return pages | {
        "unfinished jobs by source": store.jobs.counts_by_source,
        "a group's figures": partial(store.groups.get, size // GROUP_SIZE // 2),
        "a page of groups": partial(store.groups.page, limit=5),
        "a known link joined": lambda: store.jobs.submit(next(known), now=time.time()),
        "claim": partial(store.jobs.claim, engine="bench", epoch=1, now=time.time(), limit=1),
    }


def _pages(size: int) -> Mapping[str, JobQuery]:
    """Pages that hold as many jobs at every size."""
    middle = str(size // 2)
    failed = frozenset({JobStatus.FAILED})
    return {
        "first": JobQuery(),
        "deep": JobQuery(after=middle),
        "failed": JobQuery(statuses=failed, limit=4),
        "failed, deep": JobQuery(statuses=failed, after=middle, limit=4),
        "by source": JobQuery(source="archive_org"),
        "by source and state": JobQuery(source="archive_org", statuses=failed, limit=2),
        "by chat": JobQuery(chat_id=-CHATS // 2, limit=10),
        "by group": JobQuery(group_id=size // GROUP_SIZE // 2),
        "a word that many have": JobQuery(text="somebody"),
        "a word of one in 250": JobQuery(text="rare", limit=2),
        "a word that nobody has": JobQuery(text="unheard-of"),
        "a source that nobody has": JobQuery(source="nobody"),
    }


def _batches(store: Store, size: int) -> Mapping[str, Iterator[Awaitable[object]]]:
    """Links by the hundreds. Within a batch all differ: each reads as many jobs at every size."""
    chance = random.Random(size)
    known = [[link(number) for number in chance.sample(range(size), BATCH)] for _ in range(BATCHES)]
    fresh = [[link(size + BATCH * batch + number) for number in range(BATCH)] for batch in range(BATCHES)]
    # The look-up alone, which each submission begins with.
    look_up = partial(submission._of_keys, store._client)  # noqa: SLF001 -- no other door leads to it alone

    def submit(news: Sequence[NewJob]) -> Awaitable[object]:
        return store.jobs.submit_many(news, now=time.time())

    return {
        f"{BATCH} links looked up": map(look_up, known),
        f"{BATCH} known links joined": map(submit, known),
        f"{BATCH} new links stored": map(submit, fresh),
    }


async def _in_turn(works: Mapping[int, Work], times: int) -> Mapping[int, list[float]]:
    """Milliseconds of each time, by size."""
    taken: dict[int, list[float]] = {size: [] for size in works}
    for _ in range(times):
        for size, work in works.items():
            began = time.perf_counter()
            await work()
            taken[size].append((time.perf_counter() - began) * 1000)
    return taken


def _compared(
    name: str, taken: Mapping[int, list[float]], told: Callable[[list[float]], float]
) -> Iterator[Figure]:
    smallest, *larger = SIZES
    for size in larger:
        yield at_most_times(
            f"{name}, {size:,} jobs", told(taken[size]), "ms", baseline=told(taken[smallest]), times=TIMES
        )
