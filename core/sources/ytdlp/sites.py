"""The sites that have a name of their own here, as one table.

Which links yt-dlp takes there was read in its extractors' `_VALID_URL`, and a test asks them. How many jobs
and requests a site bears unless configured is `GENTLE` in core/config/sources.py.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.domain.job import Kind


@dataclass(frozen=True, slots=True)
class Site:
    """A site with a name of its own in jobs, settings and limits."""

    name: str
    label: str
    #: Each with the hosts below it: `youtube.com` is `m.youtube.com` and `music.youtube.com` too.
    hosts: tuple[str, ...]
    #: Only links with this in their path.
    path: str | None = None
    #: What is taken when nobody says.
    kind: Kind = Kind.AUTO


SITES: tuple[Site, ...] = (
    Site("youtube", "YouTube", ("youtube.com", "youtu.be", "youtube-nocookie.com", "youtubekids.com")),
    Site("facebook", "Facebook", ("facebook.com", "fb.watch", "fb.com")),
    Site("vimeo", "Vimeo", ("vimeo.com", "vimeopro.com")),
    Site("soundcloud", "SoundCloud", ("soundcloud.com",), kind=Kind.AUDIO),
    Site("dailymotion", "Dailymotion", ("dailymotion.com", "dai.ly")),
    Site("twitch", "Twitch", ("twitch.tv",)),
    Site("tiktok", "TikTok", ("tiktok.com", "tiktokv.com")),
    Site("instagram", "Instagram", ("instagram.com", "instagr.am")),
    Site("reddit", "Reddit", ("reddit.com", "redd.it", "redditmedia.com")),
    Site("x_posts", "X posts", ("x.com", "twitter.com"), r"^/(?:i/web|i|\w+)/status(?:es)?/|^/i/broadcasts/"),
)
