"""What the pages of lecture sites look like, as data: CSS selectors per site or kind of site.

Facts about Way2Allah come from a public reconstruction of its pages (lectures at `khotab-item-N.htm`, series
at `khotab-series-N.htm`, files behind `khotab-download-N.htm` and `khotab-mirror-N-M.htm`, which redirect; a
headphones icon marks sound, a play icon film). Facts about IslamWay come from its public addresses
(`/lesson/N`, `/collection/N`, `/scholar/N`, files below `media.islamway.net/lessons/`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields, replace

from core.config.sources import Site


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Selectors of one kind of page; None where a site does not show it."""

    #: Required on every page.
    title: str | None = None
    lecturer: str | None = None
    series: str | None = None
    #: Without it, the number is looked for in the title.
    number: str | None = None
    #: Links to files, or elements with a `src`.
    audio: str | None = None
    video: str | None = None
    #: Links to a series' lectures.
    items: str | None = None
    next: str | None = None
    #: Found in the path of a series. Without it, a page with items and no media is one.
    series_path: re.Pattern[str] | None = None
    #: Words before the name of a series that are not part of it.
    series_words: tuple[str, ...] = ()

    def selectors(self, *names: str) -> dict[str, str]:
        """The selectors that are set among *names*."""
        return {name: selector for name in names if (selector := getattr(self, name)) is not None}


_NEXT = "a[rel~=next], link[rel~=next], .pagination .next a, .pagination a.next"
_WAY2ALLAH_SOUND = ".fa-headphones"
_WAY2ALLAH_FILM = ".fa-youtube-play"


def _way2allah_files(icon: str) -> str:
    """The page's own file and its other qualities, whose rows show *icon*."""
    own = f".jumbotron-icon:has({icon}) a[href*='khotab-download-']"
    return f"{own}, #tabelgrp td:has({icon}) a[href*='khotab-mirror-']"


LAYOUTS = {
    "way2allah": Layout(
        title=".page-title",  # followed by the lecturer
        lecturer=".page-breadcrumb a[href*='khotab-audio-'], .page-breadcrumb a[href*='khotab-video-']",
        series=".page-breadcrumb a[href*='khotab-series-']",
        audio=_way2allah_files(_WAY2ALLAH_SOUND),
        video=_way2allah_files(_WAY2ALLAH_FILM),
        # Only in the main column: the aside shows other lectures.
        items=".col-lg-9 a[href*='khotab-item-']",
        next=_NEXT,
        series_path=re.compile(r"/khotab-series-\d"),
        series_words=("سلسلة",),
    ),
    "islamway": Layout(
        title="h1",
        lecturer="a[href*='/scholar/']",
        series="a[href*='/collection/']",
        audio="a[href*='.mp3'], a[href*='.m4a'], audio[src], audio source[src]",
        video="a[href*='.mp4'], video[src], video source[src]",
        items="a[href*='/lesson/']",
        next=_NEXT,
        series_path=re.compile(r"/collection/\d"),
        series_words=("سلسلة",),
    ),
    "custom": Layout(),
}

#: Sites that need no configuration.
BUILT_IN = (
    Site(name="Way2Allah", hosts=("way2allah.com",), layout="way2allah"),
    Site(name="IslamWay", hosts=("islamway.net",), layout="islamway"),
)
#: Pages, by their path: Way2Allah's redirects to files are left to those who take any file.
PAGE_PATH = re.compile(r"\A(?!.*/khotab-(?:download|mirror)-\d)", re.DOTALL)


def layout_of(site: Site) -> Layout:
    """The site's layout, with its own selectors in place of the layout's."""
    own = {field.name: getattr(site, field.name, None) for field in fields(Layout)}
    return replace(LAYOUTS[site.layout], **{name: value for name, value in own.items() if value})
