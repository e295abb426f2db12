"""Which encoding of a master playlist to take. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from core.domain.errors import FormatNotFound
from core.domain.job import Kind
from core.net.hls.playlist import MasterPlaylist, Rendition, Variant

_HEIGHT = re.compile(r"(\d{2,5})p\d{0,3}")
_AUDIO_RATE = re.compile(r"audio_(\d{1,4})")
#: HE-AAC: half the sample rate and a trick, made for slow lines.
_LOW_QUALITY_AUDIO = ("mp4a.40.5", "mp4a.40.29")


@dataclass(frozen=True, slots=True)
class Choice:
    """The media playlists to fetch. Without `video_url`, `audio_url` is all there is."""

    video_url: str | None
    #: A separate audio rendition; None when the sound is inside `video_url`.
    audio_url: str | None
    #: The variant that was chosen.
    variant: Variant


def choose_variant(master: MasterPlaylist, *, quality: str, kind: Kind, max_height: int = 0) -> Choice:
    """Choose for a request.

    Args:
        master: What is offered.
        quality: `best`, `worst`, a height such as `720p` (the next lower one when it is not offered, the
            lowest when there is none), or for audio a rate such as `audio_128`.
        kind: AUDIO prefers renditions without a picture and falls back to the smallest encoding with one.
        max_height: Largest height, 0 for no limit; taken only when something is that small.

    Raises:
        FormatNotFound: *quality* means nothing, or VIDEO is wanted and there is only audio.
    """
    with_picture = [variant for variant in master.variants if not variant.is_audio_only]
    if kind is Kind.AUDIO or not with_picture:
        if kind is Kind.VIDEO:
            raise FormatNotFound("there is only audio")
        return _choose_audio(master, quality)
    chosen = _pick(with_picture, quality, max_height)
    return Choice(chosen.url, _audio_of(master, chosen), chosen)


def _pick(variants: Sequence[Variant], quality: str, max_height: int) -> Variant:
    lowest_first = sorted(variants, key=_rank)
    if max_height:
        fitting = [v for v in lowest_first if v.height is None or v.height <= max_height]
        lowest_first = fitting or lowest_first[:1]
    if quality == "worst":
        return lowest_first[0]
    if match := _HEIGHT.fullmatch(quality):
        low_enough = [v for v in lowest_first if (v.height or 0) <= int(match[1])]
        return low_enough[-1] if low_enough else lowest_first[0]
    if quality != "best" and not _AUDIO_RATE.fullmatch(quality):
        raise FormatNotFound(
            f"unknown quality {quality!r}", hint="Ask for best, worst or a height like 720p."
        )
    return lowest_first[-1]


def _rank(variant: Variant) -> tuple[int, bool, int]:
    """Order by height; at one height H.264, which plays everywhere, goes before other encodings."""
    return variant.height or 0, "avc1" in variant.codecs or not variant.codecs, variant.bandwidth_bps


def _audio_of(master: MasterPlaylist, variant: Variant) -> str | None:
    rendition = _rendition_of(master, variant)
    return rendition.url if rendition else None


def _rendition_of(master: MasterPlaylist, variant: Variant) -> Rendition | None:
    """The rendition that a player takes: the default, one that may be taken unasked, else the first."""
    offered = [r for r in master.renditions if r.group == variant.audio_group]
    return max(offered, key=lambda r: (r.is_default, r.is_autoselect), default=None)


def _choose_audio(master: MasterPlaylist, quality: str) -> Choice:
    audio_only = sorted((v for v in master.variants if v.is_audio_only), key=lambda v: v.bandwidth_bps)
    match = _AUDIO_RATE.fullmatch(quality)
    if audio_only:
        fitting = [v for v in audio_only if match is None or v.bandwidth_bps <= int(match[1]) * 1000]
        chosen = audio_only[0] if quality == "worst" or not fitting else fitting[-1]
        return Choice(None, _audio_of(master, chosen) or chosen.url, chosen)
    by_rate = sorted(master.variants, key=lambda v: v.bandwidth_bps)
    best = by_rate[0] if quality == "worst" else by_rate[-1]
    if separate := _audio_of(master, best):
        return Choice(None, separate, best)
    # The sound inside a small picture is mostly the same as inside a large one; only HE-AAC is worse.
    good = [v for v in by_rate if not any(codec in v.codecs for codec in _LOW_QUALITY_AUDIO)]
    smallest = (good or by_rate)[0]
    return Choice(smallest.url, _audio_of(master, smallest), smallest)
