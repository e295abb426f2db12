from __future__ import annotations

import pytest
from yt_dlp.extractor import gen_extractor_classes

from core.config.settings import Settings
from core.config.sources import GENTLE
from core.domain.errors import UnsupportedSource
from core.domain.job import Kind
from core.sources.registry import Registry
from core.sources.ytdlp.allow import extractors_for
from core.sources.ytdlp.sites import SITES

#: Links as people post them, with their source and how the key of yt-dlp's extractor for them begins.
POSTED = (
    ("youtube", "Youtube", "https://www.youtube.com/watch?v=dQw4w9WgXcQ"),
    ("youtube", "Youtube", "https://music.youtube.com/watch?v=dQw4w9WgXcQ"),
    ("youtube", "Youtube", "https://m.youtube.com/shorts/dQw4w9WgXcQ"),
    ("youtube", "Youtube", "https://www.youtube-nocookie.com/embed/dQw4w9WgXcQ"),
    ("youtube", "Youtube", "https://www.youtubekids.com/watch?v=dQw4w9WgXcQ"),
    ("youtube", "Youtube", "https://youtu.be/dQw4w9WgXcQ"),
    ("youtube", "Youtube", "https://www.youtube.com/live/dQw4w9WgXcQ"),
    ("youtube", "YoutubeTab", "https://www.youtube.com/@someone/videos"),
    ("youtube", "Youtube", "https://www.youtube.com/playlist?list=PLwP_SiAcyzSfxcj0000000000000000000"),
    ("facebook", "Facebook", "https://www.facebook.com/watch/?v=1234567890"),
    ("facebook", "Facebook", "https://m.facebook.com/someone/videos/1234567890/"),
    ("facebook", "FacebookReel", "https://www.facebook.com/reel/1234567890"),
    ("facebook", "Generic", "https://fb.watch/abcdef/"),
    ("vimeo", "Vimeo", "https://vimeo.com/1084537"),
    ("vimeo", "Vimeo", "https://player.vimeo.com/video/1084537"),
    ("vimeo", "VimeoPro", "https://vimeopro.com/someone/portfolio"),
    ("soundcloud", "Soundcloud", "https://soundcloud.com/someone/track"),
    ("soundcloud", "Soundcloud", "https://m.soundcloud.com/someone/track"),
    ("soundcloud", "SoundcloudSet", "https://soundcloud.com/someone/sets/list"),
    ("soundcloud", "SoundcloudUser", "https://soundcloud.com/someone"),
    ("soundcloud", "Generic", "https://on.soundcloud.com/abc"),
    ("dailymotion", "Dailymotion", "https://www.dailymotion.com/video/x5kesuj"),
    ("dailymotion", "Dailymotion", "https://dai.ly/x5kesuj"),
    ("dailymotion", "Dailymotion", "https://geo.dailymotion.com/player.html?video=x5kesuj"),
    ("twitch", "TwitchVod", "https://www.twitch.tv/videos/6528877"),
    ("twitch", "TwitchClips", "https://clips.twitch.tv/SomeClip"),
    ("twitch", "TwitchStream", "https://m.twitch.tv/someone"),
    ("tiktok", "TikTok", "https://www.tiktok.com/@someone/video/6748451240264420610"),
    ("tiktok", "TikTokVM", "https://vm.tiktok.com/ZSe4FqkKd"),
    ("tiktok", "TikTokVM", "https://vt.tiktok.com/ZSe4FqkKd"),
    ("instagram", "Instagram", "https://www.instagram.com/reel/CDUMkliABpa/"),
    ("instagram", "Instagram", "https://www.instagram.com/someone/p/CDUMkliABpa/"),
    ("reddit", "Reddit", "https://old.reddit.com/r/videos/comments/6rrwyj/that_small/"),
    ("reddit", "Generic", "https://v.redd.it/zv89llsvexdz"),
    ("x_posts", "Twitter", "https://x.com/someone/status/643211948184596480"),
    ("x_posts", "TwitterBroadcast", "https://twitter.com/i/broadcasts/1yNGaQLWpejGj"),
)


@pytest.fixture(scope="module")
def extractors() -> list[type]:
    return list(gen_extractor_classes())


@pytest.mark.parametrize(("name", "key", "url"), POSTED)
def test_links_go_to_their_site_and_yt_dlp_knows_them(
    name: str, key: str, url: str, extractors: list[type]
) -> None:
    asked = [source.name for source in Registry(Settings()).candidates(url) if source.name != "short_links"]
    assert asked[0] == name
    taken_by = next(each for each in extractors if each.suitable(url))  # type: ignore[attr-defined]
    assert taken_by.ie_key().startswith(key)  # type: ignore[attr-defined]


def test_every_site_is_among_these_links() -> None:
    assert {site.name for site in SITES} == {name for name, _, _ in POSTED}


def test_sound_is_what_is_taken_from_a_site_of_sound() -> None:
    assert {site.name for site in SITES if site.kind is Kind.AUDIO} == {"soundcloud"}


def test_sites_that_lock_out_are_spared_unless_configured() -> None:
    assert set(GENTLE) <= {site.name for site in SITES}
    instagram = Settings().sources.of("instagram")
    assert (instagram.max_parallel, instagram.rate_per_s) == (2, 0.5)
    own = Settings.model_validate({"sources": {"instagram": {"rate_per_s": 4}}}).sources.of("instagram")
    assert (own.max_parallel, own.rate_per_s) == (2, 4)
    assert Settings().sources.of("youtube").rate_per_s is None


@pytest.mark.parametrize("allow", [["*"], ["*", "zdf.de"], ["a.example"], ["EXAMPLE.com", "a.example"]])
def test_a_host_that_is_allowed_may_use_every_extractor(allow: list[str]) -> None:
    assert extractors_for("www.a.example", allow) is None


@pytest.mark.parametrize(
    ("allow", "host"),
    [
        ([], "a.example"),
        (["b.example"], "a.example"),
        (["*", "-a.example"], "www.a.example"),
        (["a.example", "-a.example"], "a.example"),
        (["-generic"], "a.example"),
    ],
)
def test_a_host_that_is_not_allowed_is_refused_with_the_setting_that_says_so(
    allow: list[str], host: str
) -> None:
    with pytest.raises(UnsupportedSource) as caught:
        extractors_for(host, allow)
    assert "[sources.ytdlp] allow" in caught.value.hint


@pytest.mark.parametrize(
    ("allow", "known", "unknown"),
    [
        (["ard*", "ZDF"], {"ARDBetaMediathek", "ZDF"}, {"Youtube", "Generic"}),
        (["*", "-generic"], {"ARDBetaMediathek", "Youtube"}, {"Generic"}),
        (["*", "-generic", "-youtube*"], {"ARDBetaMediathek"}, {"Generic", "Youtube", "YoutubeTab"}),
        (["generic"], {"Generic"}, {"ARDBetaMediathek"}),
        (["[x", "a(b"], set(), {"Generic"}),
    ],
)
def test_yt_dlp_is_left_with_the_extractors_that_are_named(
    allow: list[str], known: set[str], unknown: set[str]
) -> None:
    from yt_dlp import YoutubeDL

    extractors = extractors_for("a.example", allow)
    assert extractors is not None
    with YoutubeDL({"quiet": True, "allowed_extractors": list(extractors)}) as downloader:
        left = list(downloader._ies)
    assert known <= set(left)
    assert not unknown & set(left)
    assert "Generic" not in left[:-1]
