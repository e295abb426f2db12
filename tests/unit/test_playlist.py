"""Reading playlists, the traps of the m3u8 library among them."""

from __future__ import annotations

import time
from urllib.parse import urljoin

import pytest

from core.domain.errors import NotFound, NotYetAvailable, ParserFailure, ProtectedContent
from core.net.hls.playlist import ByteRange, MasterPlaylist, MediaPlaylist, SegmentKey
from core.net.hls.reading import MAX_SEGMENTS, parse_playlist

URL = "https://cdn.example/hls/index.m3u8?token=1"


def media(*lines: str, head: str = "#EXTM3U", end: str = "#EXT-X-ENDLIST", url: str = URL) -> MediaPlaylist:
    parsed = parse_playlist("\n".join([head, *lines, end]), url)
    assert isinstance(parsed, MediaPlaylist)
    return parsed


def master(*lines: str) -> MasterPlaylist:
    parsed = parse_playlist("\n".join(["#EXTM3U", *lines]), URL)
    assert isinstance(parsed, MasterPlaylist)
    return parsed


def test_addresses_are_joined_to_where_the_playlist_came_from():
    playlist = media(
        "#EXTINF:4,", "a.ts", "#EXTINF:2.5,", "/b.ts", "#EXTINF:1,", "http://other.example/c.ts?x=1"
    )
    assert [segment.url for segment in playlist.segments] == [
        "https://cdn.example/hls/a.ts",
        "https://cdn.example/b.ts",
        "http://other.example/c.ts?x=1",
    ]
    assert playlist.duration_s == 7.5
    assert not playlist.is_live


@pytest.mark.parametrize(
    "name", ["a.ts", "a.b-c_1~.ts", "a.ts?x=1&y=%20+z", "-", "a?b", ".a", "..", "a?", "//h.test"]
)
def test_a_name_beside_the_playlist_means_what_it_always_means(name):
    assert media("#EXTINF:4,", name).segments[0].url == urljoin(URL, name)


def test_spaces_and_foreign_letters_in_addresses_are_escaped_and_escapes_are_kept():
    playlist = media("#EXTINF:4,", "part 1é.ts?a=b c", "#EXTINF:4,", "part%202.ts")
    assert playlist.segments[0].url == "https://cdn.example/hls/part%201%C3%A9.ts?a=b%20c"
    assert playlist.segments[1].url == "https://cdn.example/hls/part%202.ts"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<html><body>Sign in</body></html>",
        "#EXTINF:4,\na.ts\n#EXT-X-ENDLIST",
        "#EXTM3UX\n#EXTINF:4,\na.ts\n#EXT-X-ENDLIST",
        "#EXTM3U\n#EXTINF:four,\na.ts\n#EXT-X-ENDLIST",
        "#EXTM3U\n#EXTINF:nan,\na.ts\n#EXT-X-ENDLIST",
        "#EXTM3U\n#EXTINF:-1,\na.ts\n#EXT-X-ENDLIST",
        "#EXTM3U\n#EXTINF:1e999,\na.ts\n#EXT-X-ENDLIST",
        "#EXTM3U\n#EXTINF:4,\n#EXT-X-ENDLIST",  # cut before the address
        "#EXTM3U\na.ts\n#EXT-X-ENDLIST",  # m3u8 leaves such lines out: that would be a hole
        "#EXTM3U\n#EXTINF:4,\na.ts\nb.ts\n#EXT-X-ENDLIST",
        "#EXTM3U\n#EXTINF:4,\n#EXT-X-BYTERANGE:100\na.ts\n#EXT-X-ENDLIST",  # a range without a beginning
        "#EXTM3U\n#EXTINF:4,\n#EXT-X-BYTERANGE:0@5\na.ts\n#EXT-X-ENDLIST",
        "#EXTM3U\n#EXTINF:4,\n#EXT-X-BYTERANGE:x@5\na.ts\n#EXT-X-ENDLIST",
        "#EXTM3U\n#EXT-X-BYTERANGE:5@5\na.ts\n#EXT-X-ENDLIST",  # no duration
        "#EXTM3U\n#EXTINF:4,\nfile:///etc/passwd\n#EXT-X-ENDLIST",
        "#EXTM3U\n#EXTINF:4,\ndata:text/plain,x\n#EXT-X-ENDLIST",
        "#EXTM3U\n#EXTINF:4,\nhttp://[::1\n#EXT-X-ENDLIST",
        "#EXTM3U\n#EXTINF:4,\nhttp:///nowhere\n#EXT-X-ENDLIST",
        "#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:x\n#EXTINF:4,\na.ts\n#EXT-X-ENDLIST",
        "#EXTM3U\n#EXT-X-KEY:METHOD=AES-128\n#EXTINF:4,\na.ts\n#EXT-X-ENDLIST",
        '#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="file:///k"\n#EXTINF:4,\na.ts\n#EXT-X-ENDLIST',
        '#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="k",IV=0xzz\n#EXTINF:4,\na.ts\n#EXT-X-ENDLIST',
        "#EXTM3U\n#EXT-X-KEY:METHOD\n#EXTINF:4,\na.ts\n#EXT-X-ENDLIST",
        '#EXTM3U\n#EXT-X-MAP:BYTERANGE="1@0"\n#EXTINF:4,\na.mp4\n#EXT-X-ENDLIST',
        '#EXTM3U\n#EXT-X-DEFINE:NAME="x",VALUE="y"\n#EXTINF:4,\n{$x}.ts\n#EXT-X-ENDLIST',
        "#EXTM3U\n#EXT-X-I-FRAMES-ONLY\n#EXTINF:4,\na.ts\n#EXT-X-ENDLIST",
        "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nv.m3u8\n#EXTINF:4,\na.ts\n#EXT-X-ENDLIST",
        "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=many\nv.m3u8",
        "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1",
        '#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="x",URI="a.m3u8"',  # nothing to choose from
    ],
)
def test_what_breaks_the_rules_is_a_parser_failure(text):
    with pytest.raises(ParserFailure):
        parse_playlist(text, URL)


def test_tags_that_do_not_matter_may_hold_anything():
    playlist = media(
        "#EXT-X-TARGETDURATION:6.006",
        "#EXT-X-VERSION:seven",
        "#EXT-X-PROGRAM-DATE-TIME:yesterday",
        "#EXT-X-BITRATE:fast",
        "#EXT-X-PART:DURATION=x",
        "#EXT-X-DATERANGE:ID",
        "#EXT-X-SESSION-KEY:x",
        "# a remark",
        "",
        "#EXTINF:4",
        "a.ts",
        '#EXT-X-PART:DURATION=1.0,URI="a.part"',
    )
    assert len(playlist.segments) == 1


def test_line_ends_of_windows_and_a_byte_order_mark_are_fine():
    parsed = parse_playlist("\ufeff#EXTM3U\r\n#EXTINF:4,\r\na.ts\r\n#EXT-X-ENDLIST\r\n", URL)
    assert isinstance(parsed, MediaPlaylist)
    assert parsed.segments[0].url == "https://cdn.example/hls/a.ts"


def test_a_title_with_a_unicode_line_separator_is_still_one_line():
    assert len(media("#EXTINF:4,one\u2028two\x85three", "a.ts").segments) == 1


def test_byte_ranges_go_on_where_the_one_before_ended():
    playlist = media(
        *("#EXTINF:4,", "#EXT-X-BYTERANGE:100@50", "a.ts"),
        *("#EXTINF:4,", "#EXT-X-BYTERANGE:30", "a.ts"),
        *("#EXTINF:4,", "#EXT-X-BYTERANGE:5", "a.ts"),
    )
    assert [segment.byterange for segment in playlist.segments] == [
        ByteRange(50, 100),
        ByteRange(150, 30),
        ByteRange(180, 5),
    ]


def test_a_byte_range_does_not_go_on_from_another_file():
    with pytest.raises(ParserFailure):
        media(
            *("#EXTINF:4,", "#EXT-X-BYTERANGE:100@50", "a.ts"),
            *("#EXTINF:4,", "#EXT-X-BYTERANGE:10@0", "b.ts"),
            *("#EXTINF:4,", "#EXT-X-BYTERANGE:5", "a.ts"),
        )


def test_without_an_iv_the_media_sequence_is_the_iv():
    playlist = media(
        "#EXT-X-MEDIA-SEQUENCE:7",
        '#EXT-X-KEY:METHOD=AES-128,URI="key?a=1,2"',
        *("#EXTINF:4,", "a.ts", "#EXTINF:4,", "b.ts"),
        '#EXT-X-KEY:METHOD=AES-128,URI="key",IV=0X1F',
        *("#EXTINF:4,", "c.ts"),
        "#EXT-X-KEY:METHOD=NONE",
        *("#EXTINF:4,", "d.ts"),
    )
    keys = [segment.key for segment in playlist.segments]
    assert keys == [
        SegmentKey("https://cdn.example/hls/key?a=1,2", (7).to_bytes(16, "big")),
        SegmentKey("https://cdn.example/hls/key?a=1,2", (8).to_bytes(16, "big")),
        SegmentKey("https://cdn.example/hls/key", (0x1F).to_bytes(16, "big")),
        None,
    ]


@pytest.mark.parametrize(
    "key",
    [
        'METHOD=SAMPLE-AES,URI="k"',
        'METHOD=SAMPLE-AES-CTR,URI="k"',
        'METHOD=AES-256,URI="k"',
        'METHOD=AES-128,URI="skd://k",KEYFORMAT="com.apple.streamingkeydelivery"',
        'URI="k"',
    ],
)
def test_any_other_encryption_is_protected_content(key):
    with pytest.raises(ProtectedContent):
        media(f"#EXT-X-KEY:{key}", "#EXTINF:4,", "a.ts")


def test_of_several_key_systems_the_plain_one_is_taken():
    playlist = media(
        '#EXT-X-KEY:METHOD=AES-128,URI="plain"',
        '#EXT-X-KEY:METHOD=SAMPLE-AES,URI="skd://k",KEYFORMAT="com.apple.streamingkeydelivery"',
        *("#EXTINF:4,", "a.ts"),
    )
    key = playlist.segments[0].key
    assert key is not None
    assert key.url == "https://cdn.example/hls/plain"


def test_an_init_section_has_the_key_that_was_in_force_where_it_stands():
    playlist = media(
        '#EXT-X-MAP:URI="init.mp4",BYTERANGE="720@0"',
        '#EXT-X-KEY:METHOD=AES-128,URI="key",IV=0x1',
        *("#EXTINF:4,", "a.m4s"),
        '#EXT-X-MAP:URI="init2.mp4"',
        *("#EXT-X-DISCONTINUITY", "#EXTINF:4,", "b.m4s", "#EXTINF:4,", "c.m4s"),
    )
    first, second, third = playlist.segments
    assert first.init is not None
    assert second.init is not None
    assert (first.init.url, first.init.byterange, first.init.key) == (
        "https://cdn.example/hls/init.mp4",
        ByteRange(0, 720),
        None,
    )
    assert second.init.key == SegmentKey("https://cdn.example/hls/key", (1).to_bytes(16, "big"))
    assert third.init == second.init


def test_a_list_that_tells_of_a_gap_is_not_complete():
    playlist = media("#EXTINF:4,", "a.ts", "#EXTINF:4,", "#EXT-X-GAP", "b.ts")
    assert [segment.is_gap for segment in playlist.segments] == [False, True]
    with pytest.raises(NotFound):
        playlist.require_complete()


@pytest.mark.parametrize(
    ("written", "read"), [("4", 4.0), ("0.2", 0.2), ("soon", 0.0), ("inf", 0.0), ("-1", 0.0)]
)
def test_the_target_duration_and_the_first_number_are_read(written, read):
    text = f"#EXTM3U\n#EXT-X-TARGETDURATION:{written}\n#EXT-X-MEDIA-SEQUENCE:7\n#EXTINF:4,\na.ts\n"
    playlist = parse_playlist(text, "https://cdn.example/hls/list.m3u8")
    assert isinstance(playlist, MediaPlaylist)
    assert (playlist.target_s, playlist.first_sequence) == (read, 7)


def test_a_playlist_without_an_end_is_live():
    playlist = media("#EXTINF:4,", "a.ts", end="")
    assert playlist.is_live
    with pytest.raises(NotYetAvailable, match="live"):
        playlist.require_complete()


def test_the_type_vod_is_an_end_too():
    media("#EXT-X-PLAYLIST-TYPE:VOD", "#EXTINF:4,", "a.ts", end="").require_complete()


def test_an_empty_playlist_is_not_found():
    with pytest.raises(NotFound):
        media().require_complete()


def test_more_segments_than_the_limit_are_refused_before_they_fill_the_memory():
    with pytest.raises(ParserFailure, match="segments"):
        media("#EXTINF:4,\na.ts\n" * (MAX_SEGMENTS + 1))


def test_more_variants_than_anybody_needs_are_refused():
    with pytest.raises(ParserFailure, match="encodings"):
        master("#EXT-X-STREAM-INF:BANDWIDTH=1\nv.m3u8\n" * 6000)


def test_a_huge_text_is_refused():
    with pytest.raises(ParserFailure, match="large"):
        parse_playlist("#EXTM3U\n" + "\n" * (21 * 2**20), URL)


def test_a_key_for_every_segment_does_not_take_quadratic_time():
    count = 20_000
    text = "".join(f'#EXT-X-KEY:METHOD=AES-128,URI="k{i}"\n#EXTINF:1,\n{i}.ts\n' for i in range(count))
    began = time.process_time()
    assert len(media(text).segments) == count
    assert time.process_time() - began < 5  # the library's own way takes minutes


def test_a_master_lists_variants_and_audio():
    playlist = master(
        '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="It\'s, English",LANGUAGE="en",DEFAULT=YES,URI="en.m3u8"',
        '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="inside",AUTOSELECT=YES',
        '#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="s",NAME="x",URI="s.m3u8"',
        '#EXT-X-STREAM-INF:BANDWIDTH=1280000,RESOLUTION=1280x720,CODECS="avc1.4d401f,mp4a.40.2",AUDIO="a"',
        "720.m3u8",
        "#EXT-X-STREAM-INF:BANDWIDTH=2e6,FRAME-RATE=59.94,RESOLUTION=1080x1920",
        "upright.m3u8",
        '#EXT-X-STREAM-INF:BANDWIDTH=64000,CODECS="mp4a.40.5"',
        "sound.m3u8",
        '#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=x,URI="i.m3u8"',
    )
    assert [(v.height, v.bandwidth_bps, v.is_audio_only) for v in playlist.variants] == [
        (720, 1_280_000, False),
        (1080, 2_000_000, False),
        (None, 64_000, True),
    ]
    assert [(r.group, r.url, r.is_default) for r in playlist.renditions] == [
        ("a", "https://cdn.example/hls/en.m3u8", True),
        ("a", None, False),
    ]
