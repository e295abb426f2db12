"""Raw AAC is put into M4A as ffmpeg would, packet for packet; what is not plain is left to ffmpeg."""

from __future__ import annotations

from pathlib import Path

import av
import mutagen
import pytest

from core.domain.errors import MediaFailure
from core.domain.media import Tags
from core.media.faststart import read_layout
from core.media.m4a import wrap_blocking
from core.media.prober import Prober
from tests.fakes import media
from tests.fakes.media import made_once

NO_TAGS = Tags()


def raw_sound(*options: str):
    def make(path: Path) -> Path:
        noise = "anoisesrc=color=pink:sample_rate=48000:duration=7:amplitude=0.5:seed=7"
        media.run_ffmpeg("-f", "lavfi", "-i", noise, "-c:a", "aac", *options, path)
        return path

    return make


STEREO = ("-ac", "2", "-b:a", "96k")
FORMS = {
    "stereo": STEREO,
    "mono44": ("-ac", "1", "-ar", "44100"),
    "slow": ("-ac", "1", "-ar", "16000", "-b:a", "24k"),
    "surround": ("-ac", "6", "-b:a", "300k"),
}


@pytest.fixture
def sound() -> Path:
    return made_once(raw_sound(*STEREO), "stereo.aac")


def packets(path: Path) -> list[tuple[bytes, int, int]]:
    with av.open(str(path)) as container:
        return [(bytes(p), p.pts, p.duration) for p in container.demux(audio=0) if p.size]


def samples(path: Path) -> bytes:
    with av.open(str(path)) as container:
        return b"".join(bytes(plane) for frame in container.decode(audio=0) for plane in frame.planes)


def description(path: Path) -> tuple[object, ...]:
    with av.open(str(path)) as container:
        context = container.streams.audio[0].codec_context
        return context.name, context.sample_rate, context.layout.name, context.profile, context.extradata


@pytest.mark.parametrize("form", FORMS)
def test_the_file_is_what_ffmpeg_makes_packet_for_packet(tmp_path, form):
    source = made_once(raw_sound(*FORMS[form]), f"{form}.aac")
    ours, theirs = tmp_path / "ours.m4a", tmp_path / "theirs.m4a"
    assert wrap_blocking(source, ours, NO_TAGS)
    media.run_ffmpeg("-i", source, "-c", "copy", theirs)
    assert packets(ours) == packets(theirs)
    assert samples(ours) == samples(theirs)
    # ffmpeg appends an empty extension to the two bytes that count.
    assert description(ours)[:4] == description(theirs)[:4]
    assert description(ours)[4][:2] == description(theirs)[4][:2]


async def test_the_file_stands_before_the_checks_of_every_result(tmp_path, sound):
    prober, made = Prober(), tmp_path / "made.m4a"
    assert wrap_blocking(sound, made, NO_TAGS)
    info = await prober.probe(made)
    await prober.check_ending(made)
    await prober.close()
    assert info.container == "mov"
    assert info.duration_s == pytest.approx(7, abs=0.1)
    assert info.audio
    assert (info.audio.codec, info.audio.sample_rate_hz, info.audio.channels) == ("aac", 48_000, 2)
    assert read_layout(made).is_faststart
    assert not read_layout(made).is_cut_short


def test_a_jump_to_any_time_lands_there(tmp_path, sound):
    made = tmp_path / "made.m4a"
    wrap_blocking(sound, made, NO_TAGS)
    with av.open(str(made)) as container:
        for second in (6, 1, 3):
            container.seek(second * av.time_base)
            packet = next(container.demux(audio=0))
            assert float(packet.pts * packet.time_base) == pytest.approx(second, abs=0.05)


def test_tags_and_a_cover_of_any_size_leave_the_sound_in_its_place(tmp_path, sound):
    plain, tagged = tmp_path / "plain.m4a", tmp_path / "tagged.m4a"
    cover = media.picture_jpeg(tmp_path / "cover.jpg").read_bytes() + bytes(300_000)
    wrap_blocking(sound, plain, NO_TAGS)
    tags = Tags(title="محاضرة 🎧", artist="الشيخ", track_number=7, source_url="https://x.test/1")
    assert wrap_blocking(sound, tagged, tags, cover)
    assert packets(tagged) == packets(plain)
    found = mutagen.File(tagged).tags
    assert found["\xa9nam"] == ["محاضرة 🎧"]
    assert found["trkn"] == [(7, 0)]
    assert bytes(found["covr"][0]) == cover
    assert read_layout(tagged).is_faststart


def another_form(sound: bytes) -> bytes:
    return sound + made_once(raw_sound("-ar", "44100"), "other.aac").read_bytes()


@pytest.mark.parametrize(
    "spoilt",
    [
        pytest.param(lambda sound: media.id3_timestamp(0) + sound, id="a tag in front"),
        pytest.param(lambda sound: sound[:-1], id="a last frame that is cut short"),
        pytest.param(lambda sound: sound + b"\0", id="something behind the last frame"),
        pytest.param(lambda sound: sound[:-4000] + b"\xaa" * 4000, id="damage"),
        pytest.param(lambda sound: sound[:2] + bytes([sound[2] ^ 0x40]) + sound[3:], id="another profile"),
        pytest.param(lambda sound: sound[:6] + bytes([sound[6] | 1]) + sound[7:], id="frames of two blocks"),
        pytest.param(lambda _: b"\xff\xf1", id="less than a header"),
        pytest.param(another_form, id="two forms"),
    ],
)
def test_sound_that_is_not_plain_is_left_to_ffmpeg(tmp_path, sound, spoilt):
    source, made = tmp_path / "spoilt.aac", tmp_path / "made.m4a"
    source.write_bytes(spoilt(sound.read_bytes()))
    assert not wrap_blocking(source, made, NO_TAGS)
    assert not made.exists()


def test_a_place_that_cannot_be_written_is_told_as_such(tmp_path, sound):
    with pytest.raises(MediaFailure):
        wrap_blocking(sound, tmp_path / "missing" / "made.m4a", NO_TAGS)
