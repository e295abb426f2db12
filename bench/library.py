"""H2, P10: what typed searches of a library of a million files cost, filters and slips included.

Asked are an engine in this process, and over its socket the API. CPU is what counts, as this process does
nothing else: what is waited depends on what else the machine does.
"""

from __future__ import annotations

import asyncio
import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import Any

from bench.figures import Figure, at_most, at_most_times
from core.api.server import ApiServer
from core.client.http import HttpEngineClient
from core.config.settings import Settings
from core.engine.engine import Engine
from core.store import items
from core.store.store import Store
from core.store.typos import pieces_of

SMALL, SIZE = 1_000, 1_000_000
#: Words come as often as in language: the hundredth a hundredth as often as the first.
WORDS, WRITERS, SERIES, CHATS = 60_000, 5_000, 20_000, 500
SITES = ("youtube.com", "archive.org", "soundcloud.com", "twitter.com", "media.example.org")
LATIN, ARABIC = "abcdefghiklmnoprstuvwz", "ابتثجحخدذرزسشصضطظعغفقكلمنهوي"
ASKED = 100
LIMIT_MS = 50.0
GROWTH = 2.0  # P10


class Corpus:
    """Words, names and series that titles are made of; the same each time."""

    def __init__(self) -> None:
        chance = random.Random(1)
        self.words = ["".join(chance.choices(LATIN, k=chance.randint(3, 9))) for _ in range(WORDS // 2)]
        self.words += ["".join(chance.choices(ARABIC, k=chance.randint(3, 7))) for _ in range(WORDS // 2)]
        chance.shuffle(self.words)
        self.weights = list(accumulate(1 / (rank + 3) for rank in range(WORDS)))
        self.writers = [" ".join(self.some(chance, 2)) for _ in range(WRITERS)]
        self.series = [" ".join(self.some(chance, 3)) for _ in range(SERIES)]

    def some(self, chance: random.Random, count: int) -> list[str]:
        """Words, the common ones often."""
        return chance.choices(self.words, cum_weights=self.weights, k=count)


async def measure() -> list[Figure]:
    """Each kind of query, all of them together, and each compared with the same among a thousand files."""
    corpus = Corpus()
    async with AsyncExitStack() as stack:
        began = time.perf_counter()
        small = await stack.enter_async_context(_engine(corpus, SMALL))
        large = await stack.enter_async_context(_engine(corpus, SIZE))
        figures = [Figure(work=f"{SIZE:,} files loaded", measured=time.perf_counter() - began, unit="s")]
        few, many = await _asked([small, large], _questions(corpus), time.process_time)
        figures += _judged(", CPU", many)
        (waited,) = await _asked([large], _questions(corpus), time.perf_counter)
        figures += _judged(", waited", waited, each=False)
        server = ApiServer(large, large.settings)
        await server.start()
        stack.push_async_callback(server.stop)
        client = HttpEngineClient(server.path)
        stack.push_async_callback(client.close)
        (over_api,) = await _asked([client], _questions(corpus), time.process_time)
        figures += _judged(" over the API, CPU of both ends", over_api, each=False)
        for name, times in many.items():
            base, cost = statistics.median(few[name]), statistics.median(times)
            figures.append(at_most_times(f"median, {name}, CPU", cost, "ms", baseline=base, times=GROWTH))
        began = time.perf_counter()
        await large.copies()
        taken_ms = (time.perf_counter() - began) * 1000
        figures.append(Figure(work="looked through for copies", measured=taken_ms, unit="ms"))
    return figures


def _judged(where: str, taken: Mapping[str, Sequence[float]], *, each: bool = True) -> Iterator[Figure]:
    if each:
        for name, times in taken.items():
            yield at_most(f"p95, {name}{where}", _p95(times), "ms", limit=LIMIT_MS)
    every = [one for times in taken.values() for one in times]
    yield Figure(work=f"median of all{where}", measured=statistics.median(every), unit="ms")
    yield Figure(work=f"the slowest of all{where}", measured=max(every), unit="ms")
    yield at_most(f"p95 of all{where}", _p95(every), "ms", limit=LIMIT_MS)


@asynccontextmanager
async def _engine(corpus: Corpus, count: int) -> AsyncIterator[Engine]:
    """An engine with so many files in its library."""
    with tempfile.TemporaryDirectory(prefix="reeldeck-bench-") as folder:
        store = await Store.open(Path(folder), None, on_commit=lambda _committed: None)
        path = store.path
        await store.close()
        await asyncio.to_thread(load_blocking, path, corpus, count)
        engine = Engine(Settings.model_validate({"paths": {"data_dir": folder}}))
        await engine.start()
        try:
            yield engine
        finally:
            await engine.stop()


def _questions(corpus: Corpus) -> Mapping[str, Callable[[], str]]:
    """What people type, made anew each time."""
    chance = random.Random(2)
    words, pick = partial(corpus.some, chance), chance.choice

    def slip() -> str:
        word = pick([word for word in words(50) if len(word) > 5])
        place = chance.randrange(1, len(word) - 2)
        return word[:place] + word[place + 1] + word[place] + word[place + 2 :]

    return {
        "a word": lambda: words(1)[0],
        "two words": lambda: " ".join(words(2)),
        "three words": lambda: " ".join(words(3)),
        "the commonest word": lambda: corpus.words[0],
        "the beginning of a word": lambda: words(1)[0][:3],
        "a phrase": lambda: f'"{" ".join(words(2))}"',
        "a word and a length": lambda: f"{words(1)[0]} duration>{pick([600, 1800, 3600])}",
        "a word, a site, a size": lambda: (
            f"{words(1)[0]} source:{pick(SITES).split('.')[0]} size<{pick([50, 200])}MB"
        ),
        "a word, a chat, a kind": lambda: f"{words(1)[0]} chat:-{chance.randrange(CHATS) + 1} kind:audio",
        "a word, not another, a time": lambda: f"{words(1)[0]} -{words(1)[0]} after:2024-03 before:2024-09",
        "words of a name": lambda: f'by:"{pick(corpus.writers)}"',
        "a name, a word, a length": lambda: f"by:{words(1)[0]} {words(1)[0]} duration<30m",
        "a site, a kind, a length": lambda: f"source:{pick(SITES)} kind:video duration>2h",
        "the commonest word, a length few have": lambda: f"{corpus.words[0]} duration>60h",
        "the commonest word and a rare one": lambda: f"{corpus.words[0]} {corpus.words[20_000]}",
        "a slip": slip,
        "nothing": lambda: "",
    }


async def _asked(
    engines: Sequence[Engine | HttpEngineClient],
    questions: Mapping[str, Callable[[], str]],
    clock: Callable[[], float],
) -> list[dict[str, list[float]]]:
    """Milliseconds of each search of the first page, by kind of question, for each engine; all take turns."""
    taken: list[dict[str, list[float]]] = [{name: [] for name in questions} for _ in engines]
    for turn in range(ASKED + 3):
        for name, question in questions.items():
            text = question()
            for engine, times in zip(engines, taken, strict=True):
                began = clock()
                await engine.library(text, limit=20)
                # The first ones fill the caches: the goal is about a warm engine.
                if turn >= 3:
                    times[name].append((clock() - began) * 1000)
    return taken


def _p95(times: Sequence[float]) -> float:
    return sorted(times)[int(len(times) * 0.95)]


def load_blocking(path: Path, corpus: Corpus, count: int) -> None:
    """Write the items as `core.store.items` would, without a transaction for each."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("BEGIN")
    for start in range(0, count, 10_000):
        every = list(_items(corpus, start, min(start + 10_000, count)))
        _insert(connection, "media_items", every)
        _insert(connection, "media_text", [{"rowid": each["id"], **items.text_of(each)} for each in every])
    learned = sorted({word for text in (*corpus.words, *corpus.writers) for word in text.split()})
    rows = list(enumerate(learned, 1))
    _insert(connection, "library_words", [{"id": number, "word": word} for number, word in rows])
    pieces = [{"rowid": number, "pieces": " ".join(pieces_of(word))} for number, word in rows]
    _insert(connection, "library_pieces", pieces)
    connection.execute("COMMIT")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def _insert(connection: sqlite3.Connection, table: str, rows: list[dict[str, Any]]) -> None:
    marks = ", ".join("?" * len(rows[0]))
    insert = f"INSERT INTO {table} ({', '.join(rows[0])}) VALUES ({marks})"
    connection.executemany(insert, (tuple(row.values()) for row in rows))


def _items(corpus: Corpus, start: int, end: int) -> Iterator[dict[str, Any]]:
    chance = random.Random(start)
    for number in range(start, end):
        site = chance.choice(SITES)
        year, month, day = chance.randint(2015, 2025), chance.randint(1, 12), chance.randint(1, 28)
        yield {
            "id": number + 1,
            "job_id": None,
            "source_type": "ytdlp",
            "media_id": f"{number:011x}",
            "url": f"https://www.{site}/watch/{number:011x}",
            "title": " ".join(corpus.some(chance, chance.randint(3, 9))),
            "artist": chance.choice(corpus.writers),
            "album": chance.choice(corpus.series) if chance.random() < 0.5 else None,
            "track_number": None,
            "date": f"{year}-{month:02}-{day:02}",
            "kind": chance.choice(("audio", "video")),
            "container": "mov",
            "duration_s": chance.lognormvariate(7, 1),
            "size_bytes": int(chance.lognormvariate(18, 1)),
            "width": 1280,
            "height": 720,
            "file_path": f"/srv/archive/{site}/{number:011x}.mp4",
            "sha256": f"{number:064x}",
            "performers": None,
            "user_id": number % 50,
            "chat_id": -(number % CHATS) - 1,
            "created": 1_700_000_000.0 + number,
            "day": f"{year}-{month:02}-{day:02}",
        }
