"""A thousand links as people post them, four in ten of them again in another shape: one job per medium."""

from __future__ import annotations

import random
import time
from itertools import cycle, islice
from urllib.parse import quote

import pytest

from core.domain.job import JobStatus, Request
from core.domain.snapshot import JobQuery, Submitted

LINKS, SHARE_OF_DUPLICATES = 1000, 0.4
#: All shapes of one platform name the same thing.
SHAPES = {
    "youtube:{a}": [
        "https://www.youtube.com/watch?v={a}",
        "https://m.youtube.com/watch?list=PL1&v={a}&t=5s",
        "https://youtu.be/{a}",
        "https://www.youtube.com/shorts/{a}",
        "https://www.youtube.com/live/{a}",
        "https://music.youtube.com/watch?v={a}",
        "https://www.youtube-nocookie.com/embed/{a}",
        "https://www.youtube.com/attribution_link?u=%2Fwatch%3Fv%3D{a}%26feature%3Dshare",
    ],
    "x:{n}": [
        "https://x.com/someone/status/{n}",
        "https://twitter.com/i/web/status/{n}",
        "https://mobile.twitter.com/other/statuses/{n}/video/1",
        "https://vxtwitter.com/someone/status/{n}",
    ],
    "x:space:{s}": ["https://x.com/i/spaces/{s}", "https://twitter.com/i/spaces/{s}/peek"],
    "facebook:{n}": [
        "https://www.facebook.com/watch/?v={n}",
        "https://m.facebook.com/reel/{n}",
        "https://www.facebook.com/page/videos/title/{n}/",
        "https://www.facebook.com/groups/5/permalink/{n}/",
        "https://www.facebook.com/story.php?story_fbid={n}&id=7",
    ],
    "instagram:{a}": ["https://www.instagram.com/p/{a}/", "https://instagram.com/some.one/reel/{a}"],
    "tiktok:{n}": ["https://www.tiktok.com/@a.b/video/{n}", "https://m.tiktok.com/v/{n}.html"],
    "tiktok:short:{a}": ["https://vm.tiktok.com/{a}/", "https://www.tiktok.com/t/{a}/"],
    "reddit:{l}": ["https://www.reddit.com/r/videos/comments/{l}/title/", "https://redd.it/{l}"],
    "twitch:{n}": ["https://www.twitch.tv/videos/{n}", "https://player.twitch.tv/?video=v{n}&parent=a"],
    "vimeo:{n}": ["https://vimeo.com/{n}", "https://player.vimeo.com/video/{n}?h=abc"],
    "soundcloud:artist/{l}": ["https://soundcloud.com/artist/{l}", "https://m.soundcloud.com/Artist/{l}"],
    "dailymotion:x{l}": ["https://www.dailymotion.com/video/x{l}_title", "https://dai.ly/x{l}"],
    "archive_org:{l}": ["https://archive.org/details/{l}", "https://www.archive.org/embed/{l}/"],
    "archive_org:file:{l}/f.mp4": [
        "https://archive.org/download/{l}/f.mp4",
        "https://ia9.us.archive.org/7/items/{l}/f.mp4",
    ],
    "bilibili:BV{b}": ["https://www.bilibili.com/video/BV{b}/", "https://b23.tv/BV{b}"],
    "rumble:v{l}": ["https://rumble.com/v{l}-title.html", "https://rumble.com/v{l}"],
    "streamable:{l}": ["https://streamable.com/{l}", "https://streamable.com/e/{l}"],
    "vk:-1_{n}": ["https://vk.com/video-1_{n}", "https://vkvideo.ru/video-1_{n}"],
    "mixcloud:dj/{l}": ["https://www.mixcloud.com/DJ/{l}/", "https://m.mixcloud.com/dj/{l}"],
    "telegram:chan/{n}": ["https://t.me/chan/{n}", "https://telegram.me/s/Chan/{n}"],
    "google_drive:{a}": ["https://drive.google.com/file/d/{a}/view", "https://drive.google.com/open?id={a}"],
    "odysee:title/{h}": ["https://odysee.com/@some:1/title:{h}", "https://odysee.com/$/embed/title/{h}"],
    None: ["https://cdn.example/{l}.mp4?b=2&a=1", "HTTPS://CDN.example:443/x/../{l}.mp4?a=1&b=2#t=3"],
}  # fmt: skip
TRACKING = ("utm_source=chat", "fbclid=IwAR0", "si=AbC", "igshid=x", "UTM_Medium=%20", "mibextid=Zz")


def numbered(shape: str, number: int) -> str:
    """*shape* with the ids of the medium of this number."""
    letters = "".join("abcdefghij"[int(digit)] for digit in f"{number:07}")
    return shape.format(
        a=f"Ab-_{letters}",
        n=7_000_000 + number,
        s=f"1eaKbr{letters}",
        l=letters,
        b=f"1xx{letters}",
        h=f"{number:x}",
    )


def decorated(url: str, luck: random.Random) -> str:
    """The same link as another program would share it."""
    scheme, _, rest = url.partition("://")
    host, _, path = rest.partition("/")
    separator = "&" if "?" in path else "?"
    extra = separator + "&".join(luck.sample(TRACKING, luck.randint(1, 3))) if "#" not in path else ""
    shared = f"{luck.choice([scheme, scheme.upper()])}://{luck.choice([host, host.upper()])}/{path}{extra}"
    return f"https://l.facebook.com/l.php?u={quote(shared, safe='')}&h=AT0" if luck.random() < 0.1 else shared


@pytest.fixture
def posted() -> tuple[list[str], dict[str, int]]:
    """The links in random order, and the number of the medium that each shows."""
    luck = random.Random(3)
    media = round(LINKS * (1 - SHARE_OF_DUPLICATES))
    shapes = list(islice(cycle(SHAPES.values()), media))
    names = {numbered(luck.choice(some), number): number for number, some in enumerate(shapes)}
    while len(names) < LINKS:
        number = luck.randrange(media)
        names.setdefault(decorated(numbered(luck.choice(shapes[number]), number), luck), number)
    links = list(names)
    luck.shuffle(links)
    return links, names


@pytest.mark.parametrize("is_batch", [True, False], ids=["at once", "one by one"])
async def test_every_medium_gets_one_job(run_engine, posted, is_batch):
    links, number_of = posted
    # Where no disk has room nothing is started: this is about what is taken.
    async with run_engine(limits={"min_free_disk_bytes": 10**18, "max_queue_length": LINKS}) as engine:
        began = time.monotonic()
        requests = [Request(url=url) for url in links]
        if is_batch:
            answers = await engine.submit_many(requests)
        else:
            answers = [await engine.submit(request) for request in requests]
        assert time.monotonic() - began < 30
        assert all(isinstance(answer, Submitted) for answer in answers)
        job_of = {number_of[url]: answer.job.id for url, answer in zip(links, answers, strict=True)}
        for url, answer in zip(links, answers, strict=True):
            assert answer.job.id == job_of[number_of[url]], url
        media = len(set(number_of.values()))
        assert len(set(job_of.values())) == media == LINKS * (1 - SHARE_OF_DUPLICATES)
        assert sum(answer.joined for answer in answers) == LINKS - media
        jobs = (await engine.jobs(JobQuery(limit=LINKS))).items
        ids = [job.media_id for job in jobs if job.media_id is not None]
        assert len(ids) == len(set(ids))
        assert {job.status for job in jobs} == {JobStatus.QUEUED}
        names = islice(cycle(SHAPES), media)
        assert set(ids) == {numbered(name, number) for number, name in enumerate(names) if name}
