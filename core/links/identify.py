"""Tell which media a link names, across all the shapes a platform gives to the same thing. No requests."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from core.links.normalise import host_is


@dataclass(frozen=True, slots=True)
class Identity:
    """The platform and its own id of the media; equal for links that show the same thing."""

    platform: str
    media_id: str


@dataclass(frozen=True, slots=True)
class Shape:
    """One form of a platform's links."""

    platform: str
    hosts: tuple[str, ...]
    #: Matches the whole path without its last slash. The groups `id…` make the id, joined by `/`.
    path: re.Pattern[str]
    #: Parameter that holds the id instead.
    parameter: str | None = None
    #: Keeps ids of different kinds of things on one platform apart.
    prefix: str = ""


def _shapes(platform: str, hosts: str, *forms: str | tuple[str, str]) -> Iterable[Shape]:
    """Rows of the table: a form is a path, or a path and `prefix:?parameter` or one of these two."""
    for form in forms:
        path, extra = form if isinstance(form, tuple) else (form, "")
        prefix, _, parameter = extra.partition("?")
        yield Shape(platform, tuple(hosts.split()), re.compile(path), parameter or None, prefix)


_YOUTUBE_ID = r"(?P<id>[\w-]{11})"
_SLUG = r"(?P<id>[\w-]+)"
_DIGITS = r"(?P<id>\d+)"
_SOUNDCLOUD = r"/(?P<id1>[\w-]+)"

#: Asked in order; the first shape that fits decides.
SHAPES: tuple[Shape, ...] = (
    *_shapes(
        "youtube",
        "youtube.com youtube-nocookie.com",
        ("/watch", "?v"),
        rf"/(?:shorts|embed|live|v|e|vi|watch)/{_YOUTUBE_ID}(?:/.*)?",
        ("/playlist", "playlist:?list"),
    ),
    *_shapes("youtube", "youtu.be", rf"/{_YOUTUBE_ID}(?:/.*)?"),
    *_shapes(
        "x",
        "x.com twitter.com fxtwitter.com vxtwitter.com fixupx.com",
        (r"/i/spaces/(?P<id>\w{13})(?:/peek)?", "space:"),
        (r"/i/broadcasts/(?P<id>\w{13})", "broadcast:"),
        rf"/(?:i/web|i|\w+)/status(?:es)?/{_DIGITS}(?:/(?:photo|video)/\d)?",
    ),
    *_shapes(
        "facebook",
        "facebook.com",
        ("/watch(?:/live)?", "?v"),
        (r"/(?:video|photo)\.php", "?v"),
        ("/story.php", "?story_fbid"),
        rf"/(?:reel|videos)/{_DIGITS}",
        rf"/[^/]+/(?:videos|posts)/(?:[^/]+/)*{_DIGITS}",
        (rf"/share/(?:v|r|p)/{_SLUG}", "share:"),
    ),
    *_shapes("facebook", "fb.watch", (rf"/(?:v/)?{_SLUG}", "watch:")),
    *_shapes(
        "instagram",
        "instagram.com",
        rf"/(?:[\w.]+/)?(?:p|tv|reels?)/{_SLUG}(?:/embed(?:/captioned)?)?",
        (rf"/stories/[\w.]+/{_DIGITS}", "story:"),
    ),
    *_shapes(
        "tiktok",
        "tiktok.com",
        rf"/@[\w.-]*/(?:video|photo)/{_DIGITS}",
        rf"/(?:embed(?:/v2)?|v)/{_DIGITS}(?:\.html)?",
        rf"/share/video/{_DIGITS}",
        (rf"/t/{_SLUG}", "short:"),
    ),
    *_shapes("tiktok", "vm.tiktok.com vt.tiktok.com", (rf"/{_SLUG}", "short:")),
    *_shapes(
        "reddit",
        "reddit.com",
        r"/(?:(?:r|user)/[\w-]+/)?comments/(?P<id>[a-z0-9]+)(?:/.*)?",
        (r"/r/[\w-]+/s/(?P<id>\w+)", "share:"),
    ),
    *_shapes("reddit", "v.redd.it", (r"/(?P<id>[a-z0-9]+)(?:/.*)?", "video:")),
    *_shapes("reddit", "redd.it", r"/(?P<id>[a-z0-9]+)"),
    *_shapes("twitch", "clips.twitch.tv", ("/embed", "clip:?clip"), (rf"/{_SLUG}", "clip:")),
    *_shapes("twitch", "player.twitch.tv", ("", "?video")),
    *_shapes(
        "twitch",
        "twitch.tv",
        (rf"/\w+/clip/{_SLUG}", "clip:"),
        rf"/(?:\w+/)?(?:videos?|v)/{_DIGITS}",
    ),
    *_shapes(
        "vimeo",
        "vimeo.com",
        rf"/(?:video/|channels/[\w-]+/|groups/[\w-]+/videos/|album/\d+/video/|showcase/\d+/video/)?{_DIGITS}(?:/[0-9a-f]+)?",
        (rf"/event/{_DIGITS}", "event:"),
    ),
    *_shapes(
        "soundcloud",
        "soundcloud.com",
        (rf"{_SOUNDCLOUD}/sets/(?P<id2>[\w-]+)(?:/s-\w+)?", "set:"),
        rf"{_SOUNDCLOUD}/(?!(?:sets|tracks|albums|reposts|likes|popular-tracks)$)(?P<id2>[\w-]+)(?:/s-\w+)?",
    ),
    *_shapes(
        "dailymotion",
        "dailymotion.com",
        r"/(?:embed/|swf/)?(?:video/)?(?P<id>[xk][a-zA-Z0-9]{5,})(?:_.*)?",
        (rf"/playlist/{_SLUG}", "playlist:"),
        (r"/player(?:/\w+)?\.html", "?video"),
    ),
    *_shapes("dailymotion", "dai.ly", r"/(?P<id>[a-zA-Z0-9]+)"),
    *_shapes(
        "archive_org",
        "archive.org",
        r"/(?:details|embed|download|stream)/(?P<id1>[^/]+)",
        r"/(?:details|embed|download|stream)/(?P<id1>[^/]+)/(?P<id2>.+)",
    ),
    *_shapes(
        "bilibili",
        "bilibili.com b23.tv",
        r"/(?:video/)?(?P<id>BV[0-9A-Za-z]{10})",
        r"/(?:video/)?(?P<id>av\d+)",
        r"/bangumi/play/(?P<id>(?:ep|ss)\d+)",
    ),
    *_shapes("rumble", "rumble.com", r"/(?:embed/)?(?P<id>v[0-9a-z]{4,})(?:-[^/]*)?(?:\.html)?"),
    *_shapes("streamable", "streamable.com", r"/(?:[eos]/)?(?P<id>[a-z0-9]{4,})"),
    *_shapes(
        "vk",
        "vk.com vk.ru vkvideo.ru",
        r"/(?:video|clip)(?P<id>-?\d+_\d+)",
        r"/(?:playlist/[^/]+|video/playlist/[^/]+|[\w.]+)/video(?P<id>-?\d+_\d+)",
    ),
    *_shapes("ok", "ok.ru", rf"/(?:video(?:embed)?|live|videoembed)/{_DIGITS}"),
    *_shapes("kick", "kick.com", r"/(?:[\w-]+/videos|video)/(?P<id>[0-9a-f-]{36})"),
    *_shapes("kick", "kick.com", (r"/[\w-]+/clips/(?P<id>clip_\w+)", "clip:")),
    *_shapes(
        "mixcloud", "mixcloud.com", r"/(?P<id1>[^/]+)/(?!(?:uploads|playlists|favorites)$)(?P<id2>[^/]+)"
    ),
    *_shapes("odysee", "odysee.com", r"/(?:\$/embed/)?(?:@[^/]+/)?[^/:]+[:/](?P<id>[0-9a-f]+)"),
    *_shapes("pinterest", "pinterest.com", rf"/pin/(?:[\w-]+--)?{_DIGITS}"),
    *_shapes("pinterest", "pin.it", (rf"/{_SLUG}", "short:")),
    *_shapes("bluesky", "bsky.app", r"/profile/(?P<id1>[\w.:%-]+)/post/(?P<id2>\w+)"),
    *_shapes("threads", "threads.net threads.com", rf"/(?:@[\w.]+/post|t)/{_SLUG}"),
    *_shapes("snapchat", "snapchat.com", rf"/spotlight/{_SLUG}"),
    *_shapes(
        "telegram",
        "t.me telegram.me",
        r"/(?:s/)?(?P<id1>(?!s/|c/)\w+)/(?:\d+/)?(?P<id2>\d+)",
        r"/c/(?P<id1>\d+)/(?:\d+/)?(?P<id2>\d+)",
    ),
    *_shapes(
        "google_drive",
        "drive.google.com docs.google.com",
        rf"/file/(?:u/\d+/)?d/{_SLUG}(?:/.*)?",
        ("/(?:open|uc)", "?id"),
    ),
    *_shapes("apple_podcasts", "podcasts.apple.com", (r"/(?:\w+/)?podcast/.*", "?i")),
    *_shapes("bandcamp", "bandcamp.com", r"/(?P<id>(?:track|album)/[\w-]+)"),
    *_shapes("ted", "ted.com", rf"/talks/(?:\w\w/)?{_SLUG}"),
    *_shapes("nicovideo", "nicovideo.jp", r"/watch/(?P<id>(?:[a-z]{2})?\d+)"),
    *_shapes("nicovideo", "nico.ms", r"/(?P<id>(?:[a-z]{2})?\d+)"),
    *_shapes(
        "imgur", "imgur.com", r"/(?:(?:a|gallery)/|[rt]/\w+/)?(?:[\w-]+-)?(?P<id>[A-Za-z0-9]{5,7})(?:\.\w+)?"
    ),
    *_shapes("coub", "coub.com", r"/(?:view|embed)/(?P<id>\w+)"),
    *_shapes(
        "linkedin",
        "linkedin.com",
        r"/(?:posts/[\w%-]*activity|feed/update/urn:li:activity)[-:](?P<id>\d+)(?:-\w*)?",
    ),
    *_shapes("weibo", "weibo.com weibo.cn", r"/(?:\d+|status|detail)/(?P<id>[A-Za-z0-9]+)"),
)

#: Hosts whose links people write without a scheme.
KNOWN_HOSTS = tuple(dict.fromkeys(host for shape in SHAPES for host in shape.hosts))
#: Handles and paths of these platforms are the same in any case.
_CASELESS = frozenset({"soundcloud", "mixcloud", "bluesky", "ted", "bandcamp", "telegram"})
#: Each artist's host is a platform of its own here.
_HOST_IN_ID = frozenset({"bandcamp"})


def identify(url: str) -> Identity | None:
    """The media that a well-formed *url* names, or None when its shape is not known."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    host = (parts.hostname or "").removesuffix(".")
    path = parts.path.rstrip("/")
    for shape in SHAPES:
        if host_is(host, shape.hosts) and (found := shape.path.fullmatch(path)):
            media_id = _media_id(shape, found, parts.query)
            if media_id:
                return Identity(shape.platform, _canonical(shape.platform, host, media_id))
    return None


def _media_id(shape: Shape, found: re.Match[str], query: str) -> str | None:
    if shape.parameter is None:
        return shape.prefix + "/".join(found.groupdict().values())
    value = dict(parse_qsl(query)).get(shape.parameter)
    return shape.prefix + value if value else None


def _canonical(platform: str, host: str, media_id: str) -> str:
    if platform in _HOST_IN_ID:
        media_id = f"{host}/{media_id}"
    if platform == "twitch" and media_id.startswith("v") and media_id[1:].isdigit():
        media_id = media_id[1:]  # the player writes v123 for /videos/123
    return media_id.lower() if platform in _CASELESS else media_id
