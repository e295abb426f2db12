from __future__ import annotations

import pytest

from core.domain.job import Kind
from core.links.identify import SHAPES, Identity, identify, parse_identity
from core.links.keys import MAX_KEY_CHARS, job_key
from core.links.normalise import normalise

#: Every row: a platform, its id of one thing, and the links that all show this thing.
SAME = {
    ("youtube", "dQw4w9WgXcQ"): """
        https://www.youtube.com/watch?v=dQw4w9WgXcQ
        https://youtube.com/watch?list=PL1&v=dQw4w9WgXcQ&t=10s
        https://m.youtube.com/watch?v=dQw4w9WgXcQ&feature=share
        https://music.youtube.com/watch?v=dQw4w9WgXcQ
        https://youtu.be/dQw4w9WgXcQ?si=abc
        https://www.youtube.com/shorts/dQw4w9WgXcQ
        https://www.youtube.com/live/dQw4w9WgXcQ?feature=shared
        https://www.youtube.com/embed/dQw4w9WgXcQ
        https://www.youtube-nocookie.com/embed/dQw4w9WgXcQ
        https://www.youtube.com/v/dQw4w9WgXcQ
        https://www.youtube.com/watch/dQw4w9WgXcQ
        https://www.youtube.com/watch?v=dQw4w9WgXcQ?feature=share
        https://www.youtube.com//watch?app=desktop&v=dQw4w9WgXcQ
        https://www.youtube.com/watch_popup?v=dQw4w9WgXcQ
        https://www.youtube.com/?v=dQw4w9WgXcQ
        https://www.youtubekids.com/watch?v=dQw4w9WgXcQ""",
    ("youtube", "clip:UgkxAbc-1"): "https://www.youtube.com/clip/UgkxAbc-1?si=x",
    ("youtube", "playlist:PLabc"): """
        https://www.youtube.com/playlist?list=PLabc
        https://www.youtube.com/embed/videoseries?list=PLabc
        https://music.youtube.com/playlist?list=PLabc&si=x""",
    ("x", "1234567890"): """
        https://x.com/someone/status/1234567890
        https://twitter.com/someone/status/1234567890?s=20
        https://mobile.twitter.com/other/statuses/1234567890/photo/1
        https://x.com/i/web/status/1234567890
        https://x.com/i/status/1234567890
        https://vxtwitter.com/someone/status/1234567890/video/1""",
    ("x", "space:1eaKbrPAqbwKX"): """
        https://x.com/i/spaces/1eaKbrPAqbwKX
        https://twitter.com/i/spaces/1eaKbrPAqbwKX/peek?s=20""",
    ("facebook", "123456789"): """
        https://www.facebook.com/watch?v=123456789
        https://www.facebook.com/watch/?v=123456789&ref=sharing
        https://m.facebook.com/watch/live/?v=123456789
        https://www.facebook.com/reel/123456789
        https://www.facebook.com/page/videos/123456789/
        https://www.facebook.com/page/videos/some-title/123456789
        https://web.facebook.com/video.php?v=123456789
        https://www.facebook.com/some.page/reels/123456789
        https://www.facebook.com/permalink.php?story_fbid=123456789&id=5
        https://m.facebook.com/story.php?id=5&story_fbid=123456789
        https://www.facebook.com/groups/5/permalink/123456789/
        https://www.facebook.com/groups/some.group/posts/123456789/
        https://www.facebook.com/groups/5/?multi_permalinks=123456789
        https://www.facebook.com/video/embed?video_id=123456789
        https://fb.com/page/videos/vb.1/123456789/?type=3""",
    ("facebook", "pfbid0abcDEF"): """
        https://www.facebook.com/page/posts/pfbid0abcDEF
        https://www.facebook.com/page/posts/some-title/pfbid0abcDEF?__cft__[0]=x
        https://www.facebook.com/permalink.php?story_fbid=pfbid0abcDEF&id=5""",
    ("facebook", "share:1AbC-d"): """
        https://www.facebook.com/share/v/1AbC-d/
        https://www.facebook.com/share/r/1AbC-d/?mibextid=x
        https://www.facebook.com/share/1AbC-d/""",
    ("facebook", "story:Uzpf"): "https://www.facebook.com/stories/123/Uzpf/?view_single=1",
    ("facebook", "watch:abC-1"): "https://fb.watch/abC-1/ https://fb.watch/v/abC-1/",
    ("instagram", "CabC_-1"): """
        https://www.instagram.com/p/CabC_-1/
        https://www.instagram.com/reel/CabC_-1/?igsh=xyz
        https://instagram.com/reels/CabC_-1
        https://www.instagram.com/some.one/reel/CabC_-1/
        https://www.instagram.com/tv/CabC_-1/embed/captioned/""",
    ("instagram", "share:BAbc"): """
        https://www.instagram.com/share/reel/BAbc
        https://www.instagram.com/share/BAbc/""",
    ("tiktok", "7000000000000000000"): """
        https://www.tiktok.com/@some.one/video/7000000000000000000?is_from_webapp=1
        https://m.tiktok.com/v/7000000000000000000.html
        https://www.tiktok.com/embed/v2/7000000000000000000
        https://www.tiktok.com/player/v1/7000000000000000000
        https://www.tiktok.com/@/video/7000000000000000000""",
    ("tiktok", "short:ZMabc"): "https://vm.tiktok.com/ZMabc/ https://vt.tiktok.com/ZMabc https://www.tiktok.com/t/ZMabc/",
    ("reddit", "abc123"): """
        https://www.reddit.com/r/videos/comments/abc123/some_title/
        https://old.reddit.com/r/videos/comments/abc123
        https://reddit.com/comments/abc123
        https://www.reddit.com/gallery/abc123
        https://www.reddit.com/u/some_one/comments/abc123/title/
        https://redd.it/abc123""",
    ("reddit", "share:AbC1"): "https://www.reddit.com/r/videos/s/AbC1 https://reddit.com/u/some_one/s/AbC1",
    ("reddit", "video:xyz789"): "https://v.redd.it/xyz789 https://v.redd.it/xyz789/DASH_720.mp4",
    ("twitch", "123456"): """
        https://www.twitch.tv/videos/123456
        https://m.twitch.tv/videos/123456?t=1h
        https://www.twitch.tv/someone/v/123456
        https://player.twitch.tv/?video=v123456&parent=a""",
    ("twitch", "clip:FunnySlug-x_1"): """
        https://clips.twitch.tv/FunnySlug-x_1
        https://www.twitch.tv/someone/clip/FunnySlug-x_1
        https://clips.twitch.tv/embed?clip=FunnySlug-x_1""",
    ("vimeo", "76979871"): """
        https://vimeo.com/76979871
        https://player.vimeo.com/video/76979871
        https://vimeo.com/76979871/abcdef0123
        https://vimeo.com/channels/staffpicks/76979871
        https://vimeo.com/groups/some/videos/76979871
        https://vimeo.com/showcase/5/video/76979871
        https://vimeo.com/manage/videos/76979871
        https://vimeo.com/user5/review/76979871/abc""",
    ("soundcloud", "artist/song-1"): """
        https://soundcloud.com/artist/song-1
        https://m.soundcloud.com/Artist/Song-1?si=abc
        https://soundcloud.com/artist/song-1/s-SeCrEt""",
    ("soundcloud", "short:AbCd1"): "https://on.soundcloud.com/AbCd1",
    ("soundcloud", "set:artist/album"): "https://soundcloud.com/artist/sets/album",
    ("dailymotion", "x8abcde"): """
        https://www.dailymotion.com/video/x8abcde
        https://www.dailymotion.com/video/x8abcde_some-title
        https://www.dailymotion.com/embed/video/x8abcde
        https://geo.dailymotion.com/player.html?video=x8abcde
        https://dai.ly/x8abcde""",
    ("archive_org", "some-item"): """
        https://archive.org/details/some-item
        https://www.archive.org/embed/some-item/
        https://archive.org/download/some-item""",
    ("archive_org", "some-item/disc1/01.mp3"): """
        https://archive.org/details/some-item/disc1/01.mp3
        https://archive.org/embed/some-item/disc1/01.mp3""",
    ("archive_org", "file:some-item/disc1/01.mp3"): """
        https://archive.org/download/some-item/disc1/01.mp3
        https://ia800.us.archive.org/12/items/some-item/disc1/01.mp3""",
    ("bilibili", "BV1xx411c7mD"): """
        https://www.bilibili.com/video/BV1xx411c7mD/?p=1
        https://m.bilibili.com/video/BV1xx411c7mD
        https://b23.tv/BV1xx411c7mD""",
    ("bilibili", "BV1xx411c7mD?p=2"): "https://www.bilibili.com/video/BV1xx411c7mD?p=2&vd_source=x",
    ("bilibili", "short:AbC12"): "https://b23.tv/AbC12",
    ("rumble", "v1abcd"): "https://rumble.com/v1abcd-some-title.html https://rumble.com/v1abcd?e9s=x",
    ("rumble", "embed:v1abcd"): "https://rumble.com/embed/v1abcd/",
    ("streamable", "abc12"): "https://streamable.com/abc12 https://streamable.com/e/abc12",
    ("vk", "-1_2"): "https://vk.com/video-1_2 https://vkvideo.ru/video-1_2 https://m.vk.com/some.one/video-1_2",
    ("ok", "123"): "https://ok.ru/video/123 https://m.ok.ru/live/123 https://ok.ru/videoembed/123",
    ("mixcloud", "dj/set"): "https://www.mixcloud.com/DJ/Set/",
    ("odysee", "title/1a2b"): "https://odysee.com/@some:1/title:1a2b https://odysee.com/$/embed/title/1a2b",
    ("pinterest", "99"): "https://www.pinterest.com/pin/99/sent/ https://www.pinterest.co.uk/pin/99/ https://pinterest.com/pin/some-title--99/",
    ("bluesky", "some.one/3kabc"): "https://bsky.app/profile/Some.one/post/3kabc",
    ("threads", "Cabc"): "https://www.threads.net/@a.b/post/Cabc https://threads.com/t/Cabc",
    ("snapchat", "W7_abc"): "https://www.snapchat.com/spotlight/W7_abc",
    ("telegram", "channel/12"): "https://t.me/Channel/12 https://t.me/s/channel/12 https://telegram.me/channel/3/12",
    ("telegram", "123/45"): "https://t.me/c/123/45 https://t.me/c/123/7/45?thread=7",
    ("telegram", "channel/12?single"): "https://t.me/Channel/12?single https://telegram.dog/channel/12?single=",
    ("telegram", "channel/12?comment=3"): "https://t.me/channel/12?comment=3",
    ("telegram", "user:5/12"): "https://t.me/c/u5/12",
    ("telegram", "group:5/12"): "https://t.me/c/g5/12",
    ("google_drive", "1aB_c-d"): """
        https://drive.google.com/file/d/1aB_c-d/view?usp=sharing
        https://drive.google.com/open?id=1aB_c-d
        https://docs.google.com/uc?export=download&id=1aB_c-d""",
    ("apple_podcasts", "1000"): "https://podcasts.apple.com/us/podcast/some-show/id12?i=1000",
    ("bandcamp", "artist.bandcamp.com/track/song"): "https://artist.bandcamp.com/track/Song",
    ("ted", "some_talk"): "https://www.ted.com/talks/some_talk https://embed.ted.com/talks/some_talk",
    ("nicovideo", "sm9"): "https://www.nicovideo.jp/watch/sm9 https://nico.ms/sm9",
    ("imgur", "abCd123"): "https://imgur.com/abCd123 https://i.imgur.com/abCd123.mp4",
    ("coub", "2abc"): "https://coub.com/view/2abc https://coub.com/embed/2abc",
    ("kick", "01234567-89ab-cdef-0123-456789abcdef"): """
        https://kick.com/video/01234567-89ab-cdef-0123-456789abcdef
        https://kick.com/someone/videos/01234567-89ab-cdef-0123-456789abcdef""",
    ("linkedin", "7000"): """
        https://www.linkedin.com/posts/some-one_topic-activity-7000-abcd
        https://www.linkedin.com/feed/update/urn:li:activity:7000/""",
    ("weibo", "KabC1"): "https://weibo.com/123/KabC1 https://m.weibo.cn/status/KabC1",
}  # fmt: skip


@pytest.mark.parametrize(
    ("url", "identity"),
    [(url, Identity(*identity)) for identity, urls in SAME.items() for url in urls.split()],
)
def test_every_shape_of_a_link_names_the_same_media(url: str, identity: Identity) -> None:
    assert identify(normalise(url)) == identity


def test_every_platform_of_the_table_has_an_example() -> None:
    assert {shape.platform for shape in SHAPES} == {platform for platform, _ in SAME}
    assert len({platform for platform, _ in SAME}) >= 15


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/watch?v=dQw4w9WgXcQ",
        "https://notyoutube.com/watch?v=dQw4w9WgXcQ",
        "https://youtube.com.evil.example/watch?v=dQw4w9WgXcQ",
        "https://www.youtube.com/watch",
        "https://www.youtube.com/@channel/videos",
        "https://x.com/someone",
        "https://soundcloud.com/artist/sets",
        "https://archive.org/search?query=x",
        "https://twitch.tv/someone",
        "https://www.dailymotion.com/kitchenshow",
        "https://www.facebook.com/share",
        "https://www.youtube.com/embed/live_stream?channel=UC1",
        "http://[::1]/watch?v=1",
        "https://[broken/watch",
    ],
)
def test_what_names_no_single_media_has_no_identity(url: str) -> None:
    assert identify(url) is None


@pytest.mark.parametrize("identity", SAME)
def test_an_identity_is_read_from_its_text(identity: tuple[str, str]) -> None:
    assert parse_identity(str(Identity(*identity))) == Identity(*identity)


@pytest.mark.parametrize("text", [None, "", "youtube", "youtube:", "nobody:1", "12:30 show"])
def test_other_text_is_no_identity(text: str | None) -> None:
    assert parse_identity(text) is None


def test_things_of_one_name_on_different_shelves_stay_apart() -> None:
    links = """
        https://odysee.com/first:8 https://odysee.com/second:8
        https://www.bilibili.com/video/BV1xx411c7mD https://www.bilibili.com/video/BV1xx411c7mD?p=2
        https://rumble.com/v1abcd-title.html https://rumble.com/embed/v1abcd/
        https://archive.org/details/item/film.mp4 https://archive.org/download/item/film.mp4
        https://www.youtube.com/clip/UgkxAbc https://on.soundcloud.com/AbC https://on.soundcloud.com/abc
    """
    different = [identify(normalise(url)) for url in links.split()]
    assert len(set(different)) == len(different)


def test_what_only_a_site_can_resolve_is_provisional() -> None:
    links = (
        "https://vm.tiktok.com/Z https://fb.watch/a https://www.facebook.com/share/r/a https://b23.tv/AbC12"
    )
    identities = [identify(url) for url in links.split()]
    assert all(identity and identity.is_provisional for identity in identities)
    assert not Identity("youtube", "dQw4w9WgXcQ").is_provisional


def test_a_message_is_not_the_media_in_it() -> None:
    message = identify("https://t.me/channel/12")
    assert message is not None
    assert message.is_message
    assert not Identity("telegram", "document:77").is_message
    assert not Identity("youtube", "dQw4w9WgXcQ").is_message


def key(url: str, kind: Kind = Kind.AUTO, quality: str = "best", format_id: str | None = None) -> str:
    return job_key(url, identify(url), kind, quality, format_id)


def test_two_shapes_of_a_link_have_one_key() -> None:
    assert key("https://youtu.be/dQw4w9WgXcQ") == key("https://m.youtube.com/watch?v=dQw4w9WgXcQ&t=5")


def test_an_unknown_link_is_keyed_by_its_normalised_form() -> None:
    assert key("https://A.example/x?b=1&a=2#z") == key("https://a.example/x?a=2&b=1&utm_source=q")
    assert key("https://a.example/x?a=2") != key("https://a.example/x?a=3")


def test_kind_quality_and_format_are_part_of_the_key() -> None:
    url = "https://youtu.be/dQw4w9WgXcQ"
    keys = {key(url), key(url, Kind.AUDIO), key(url, quality="720p"), key(url, format_id="137")}
    assert len(keys) == 4


def test_a_key_fits_its_column() -> None:
    urls = [f"https://archive.org/details/item/{'a' * 500}{last}" for last in "bc"]
    assert len({key(url) for url in urls}) == 2
    assert max(len(key(url)) for url in urls) <= MAX_KEY_CHARS
