"""Tell which media a link names, across all the shapes a platform gives to the same thing. No requests."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from core.links.normalise import host_is

#: Prefixes of what can only be resolved by asking the site.
_PROVISIONAL = ("short:", "share:", "watch:")
#: Prefix of Telegram's own ids of files, which no link has.
TELEGRAM_DOCUMENT = "document:"


@dataclass(frozen=True, slots=True)
class Identity:
    """The platform and its own id of the media; equal for links that show the same thing."""

    platform: str
    media_id: str

    @property
    def is_provisional(self) -> bool:
        """It names a link to the media: other links may name the same thing otherwise."""
        return self.media_id.startswith(_PROVISIONAL)

    @property
    def is_message(self) -> bool:
        """It names a message; others may hold the same media, of which the source knows the id."""
        return self.platform == "telegram" and not self.media_id.startswith(TELEGRAM_DOCUMENT)

    def __str__(self) -> str:
        return f"{self.platform}:{self.media_id}"


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


#: The two words are as long as an id, and name no video.
_YOUTUBE_ID = r"(?P<id>(?!(?:videoseries|live_stream)(?![\w-]))[\w-]{11})"
_YOUTUBE_ID_AND_MORE = re.compile(rf"{_YOUTUBE_ID}[?&/ ].*", re.DOTALL)
_SLASHES = re.compile("//+")
_SLUG = r"(?P<id>[\w-]+)"
_DIGITS = r"(?P<id>\d+)"
_FACEBOOK_POST = r"(?P<id>\d+|pfbid\w+)"
_SOUNDCLOUD = r"/(?P<id1>[\w-]+)"

#: Asked in order; the first shape that fits decides.
SHAPES: tuple[Shape, ...] = (
    *_shapes(
        "youtube",
        "youtube.com youtube-nocookie.com youtubekids.com",
        ("(?:/watch(?:_popup)?)?", "?v"),
        ("/(?:playlist|embed/videoseries)", "playlist:?list"),
        rf"/(?:shorts|embed|live|v|e|vi|watch)/{_YOUTUBE_ID}(?:/.*)?",
        (rf"/clip/{_SLUG}", "clip:"),
    ),
    *_shapes("youtube", "youtu.be", rf"/{_YOUTUBE_ID}(?:/.*)?"),
    *_shapes(
        "x",
        "x.com twitter.com fxtwitter.com vxtwitter.com fixupx.com fixvx.com twittpr.com",
        (r"/i/spaces/(?P<id>\w{13})(?:/peek)?", "space:"),
        (r"/i/broadcasts/(?P<id>\w{13})", "broadcast:"),
        rf"/(?:i/web|i|\w+)/status(?:es)?/{_DIGITS}(?:/(?:photo|video)/\d)?",
    ),
    *_shapes(
        "facebook",
        "facebook.com fb.com",
        (rf"/share/(?:\w/)?{_SLUG}", "share:"),
        ("/watch(?:/live)?", "?v"),
        (r"/(?:video|photo)\.php", "?v"),
        ("/video/embed", "?video_id"),
        (r"/(?:story|permalink)\.php", "?story_fbid"),
        (r"/groups/[^/]+", "?multi_permalinks"),
        rf"/(?:[^/]+/)?(?:reels?|videos)/{_DIGITS}",
        rf"/[^/]+/videos/(?:[^/]+/)*{_DIGITS}",
        rf"/[^/]+/posts/(?:[^/]+/)*{_FACEBOOK_POST}",
        rf"/groups/[^/]+/(?:permalink|posts)/{_FACEBOOK_POST}",
        (rf"/stories/\d+/{_SLUG}", "story:"),
    ),
    *_shapes("facebook", "fb.watch", (rf"/(?:v/)?{_SLUG}", "watch:")),
    *_shapes(
        "instagram",
        "instagram.com",
        (rf"/share/(?:(?:p|reel|tv)/)?{_SLUG}", "share:"),
        rf"/(?:[\w.]+/)?(?:p|tv|reels?)/{_SLUG}(?:/embed(?:/captioned)?)?",
        (rf"/stories/[\w.]+/{_DIGITS}", "story:"),
    ),
    *_shapes(
        "tiktok",
        "tiktok.com",
        rf"/@[\w.-]*/(?:video|photo)/{_DIGITS}",
        rf"/(?:embed(?:/v2)?|v)/{_DIGITS}(?:\.html)?",
        rf"/(?:share/video|player/v1)/{_DIGITS}",
        (rf"/t/{_SLUG}", "short:"),
    ),
    *_shapes("tiktok", "vm.tiktok.com vt.tiktok.com", (rf"/{_SLUG}", "short:")),
    *_shapes(
        "reddit",
        "reddit.com",
        r"/(?:(?:r|u|user)/[\w-]+/)?(?:comments|gallery)/(?P<id>[a-z0-9]+)(?:/.*)?",
        (r"/(?:r|u|user)/[\w-]+/s/(?P<id>\w+)", "share:"),
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
        rf"/(?:video/|manage/videos/|channels/[\w-]+/|groups/[\w-]+/videos/|(?:album|showcase)/\d+/video/)?{_DIGITS}(?:/[0-9a-f]+)?",
        rf"/(?:ondemand/[\w-]+|\w+/review)/{_DIGITS}(?:/\w+)?",
        (rf"/event/{_DIGITS}", "event:"),
    ),
    *_shapes("soundcloud", "on.soundcloud.com", (rf"/{_SLUG}", "short:")),
    *_shapes(
        "soundcloud",
        "soundcloud.com",
        (rf"{_SOUNDCLOUD}/sets/(?P<id2>[\w-]+)(?:/s-\w+)?", "set:"),
        rf"{_SOUNDCLOUD}/(?!(?:sets|tracks|albums|reposts|likes|popular-tracks)$)(?P<id2>[\w-]+)(?:/s-\w+)?",
    ),
    *_shapes(
        "dailymotion",
        "dailymotion.com",
        r"/(?:(?:embed|swf)/(?:video/)?|video/)(?P<id>[xk][a-zA-Z0-9]{5,})(?:_.*)?",
        (rf"/playlist/{_SLUG}", "playlist:"),
        (r"/player(?:/\w+)?\.html", "?video"),
    ),
    *_shapes("dailymotion", "dai.ly", r"/(?P<id>[a-zA-Z0-9]+)"),
    *_shapes(
        "archive_org",
        "archive.org",
        r"/(?:details|embed|download|stream)/(?P<id1>[^/]+)",
        # A film or recording in whatever form, and one file of it.
        r"/(?:details|embed|stream)/(?P<id1>[^/]+)/(?P<id2>.+)",
        (r"/(?:download|\d{1,3}/items)/(?P<id1>[^/]+)/(?P<id2>.+)", "file:"),
    ),
    *_shapes(
        "bilibili",
        "bilibili.com b23.tv",
        r"/(?:video/)?(?P<id>BV[0-9A-Za-z]{10}|av\d+)",
        r"/(?:bangumi/play/)?(?P<id>(?:ep|ss)\d+)",
    ),
    *_shapes("bilibili", "b23.tv", (rf"/{_SLUG}", "short:")),
    # The ids of players and of pages are different things.
    *_shapes(
        "rumble",
        "rumble.com",
        (r"/embed/(?P<id>v[0-9a-z]{4,})", "embed:"),
        r"/(?P<id>v[0-9a-z]{4,})(?:-[^/]*)?(?:\.html)?",
    ),
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
    # The short id is unique among things of one name only.
    *_shapes("odysee", "odysee.com", r"/(?:\$/embed/)?(?:@[^/]+/)?(?P<id1>[^/:@$]+)[:/](?P<id2>[0-9a-f]+)"),
    *_shapes(
        "pinterest",
        "pinterest.com pinterest.at pinterest.ca pinterest.ch pinterest.co.uk pinterest.com.au"
        " pinterest.com.mx pinterest.de pinterest.es pinterest.fr pinterest.ie pinterest.it pinterest.jp"
        " pinterest.nz pinterest.ph pinterest.pt pinterest.se",
        rf"/pin/(?:[\w-]+--)?{_DIGITS}(?:/sent)?",
    ),
    *_shapes("pinterest", "pin.it", (rf"/{_SLUG}", "short:")),
    *_shapes("bluesky", "bsky.app", r"/profile/(?P<id1>[\w.:%-]+)/post/(?P<id2>\w+)"),
    *_shapes("threads", "threads.net threads.com", rf"/(?:@[\w.]+/post|t)/{_SLUG}"),
    *_shapes("snapchat", "snapchat.com", rf"/spotlight/{_SLUG}"),
    *_shapes(
        "telegram",
        "t.me telegram.me telegram.dog",
        r"/(?:s/)?(?P<id1>(?!s/|c/)\w+)/(?:\d+/)?(?P<id2>\d+)",
        r"/c/(?P<id1>\d+)/(?:\d+/)?(?P<id2>\d+)",
        # Our own links of messages in chats that Telegram has no links for: with people, and small groups.
        (r"/c/u(?P<id1>\d+)/(?P<id2>\d+)", "user:"),
        (r"/c/g(?P<id1>\d+)/(?P<id2>\d+)", "group:"),
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
PLATFORMS = frozenset(shape.platform for shape in SHAPES)
#: Handles and paths of these platforms are the same in any case.
_CASELESS = frozenset({"soundcloud", "mixcloud", "bluesky", "ted", "bandcamp"})
#: Each artist's host is a platform of its own here.
_HOST_IN_ID = frozenset({"bandcamp"})


def identify(url: str) -> Identity | None:
    """The media that a well-formed *url* names, or None when its shape is not known."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    host = (parts.hostname or "").removesuffix(".")
    path = _SLASHES.sub("/", parts.path).rstrip("/")
    for shape in SHAPES:
        if host_is(host, shape.hosts) and (found := shape.path.fullmatch(path)):
            parameters = dict(parse_qsl(parts.query, keep_blank_values=True))
            media_id = _media_id(shape, found, parameters)
            if media_id:
                return Identity(shape.platform, _canonical(shape.platform, host, media_id, parameters))
    return None


def parse_identity(text: str | None) -> Identity | None:
    """The reverse of `str`; None for what is no identity of a platform that we know."""
    platform, _, media_id = (text or "").partition(":")
    return Identity(platform, media_id) if media_id and platform in PLATFORMS else None


def _media_id(shape: Shape, found: re.Match[str], parameters: Mapping[str, str]) -> str | None:
    if shape.parameter is None:
        return shape.prefix + "/".join(found.groupdict().values())
    value = parameters.get(shape.parameter)
    return shape.prefix + value if value else None


def _canonical(platform: str, host: str, media_id: str, parameters: Mapping[str, str]) -> str:
    if platform in _HOST_IN_ID:
        media_id = f"{host.removeprefix('www.')}/{media_id}"
    match platform:
        case "twitch" if media_id.startswith("v") and media_id[1:].isdigit():
            return media_id[1:]  # the player writes v123 for /videos/123
        case "youtube" if overlong := _YOUTUBE_ID_AND_MORE.fullmatch(media_id):
            return overlong["id"]  # `?v=…?feature=share`, as some programs write it
        case "bilibili" if (part := parameters.get("p") or "1") != "1":
            return f"{media_id}?p={part}"  # one of several films on one page
        case "telegram":
            comment = f"?comment={parameters['comment']}" if parameters.get("comment", "").isdigit() else ""
            # Without the word it names the whole album that the message is part of.
            return media_id.lower() + comment + ("?single" if "single" in parameters else "")
        case _ if platform in _CASELESS and not media_id.startswith(_PROVISIONAL):
            return media_id.lower()
    return media_id
