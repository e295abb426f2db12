"""Loopback replicas of the two built-in shapes of lecture sites, in Arabic. Texts are made up.

The functions give HTML; `put_page` serves it, `put_series` a whole series on several pages.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from tests.fakes.origin import Origin, Resource

LECTURER = "الشيخ أحمد المثال"
SERIES = "شرح كتاب المثال"
TITLE = "فضل العلم - الدرس ٣"
SOUND, FILM = "fa-headphones", "fa-youtube-play"

Link = tuple[str, str]


def way2allah_lecture(
    *,
    title: str = TITLE,
    icon: str = SOUND,
    number: int = 7,
    mirrors: Iterable[tuple[str, str, str]] = (),
) -> str:
    """A lecture; *mirrors* are addresses, labels and icons."""
    crumbs = [
        ("/", "الرئيسية"),
        ("/khotab-audio.htm", "الصوتيات"),
        ("/khotab-audio-12.htm", LECTURER),
        ("/khotab-series-5.htm", f"سلسلة {SERIES}"),
        ("", f" {title}"),
    ]
    rows = "".join(
        f"""<tr><td class=""><div class="row"><h5>1 -
        <a class="quality_title" href="{escape(address)}" download>{escape(label)}</a></h5>
        <span>إستماع: <a onclick="w2a_play()"><i class="fa {kind} fa-2"></i></a></span></div>"""
        for address, label, kind in mirrors
    )
    return f"""<!DOCTYPE html><html dir="rtl"><head><title>{escape(title)}</title></head><body>
    <h3 class="page-title">{escape(title)} - {LECTURER}</h3>{_breadcrumb(crumbs)}
    <div class="col-lg-9"><table><tr><th>عنوان المادة<td>{escape(title)}</table>
    <div class="row text-center jumbotron-icon">
      <div><a onclick="w2a_play({number},'khotab')"><i class="fa {icon} fa-4"></i></a></div>
      <div><a href="/khotab-download-{number}.htm" target="_blank"><h5>حفظ المادة</h5></a></div>
    </div>
    <table id="tabelgrp"><tbody>{rows}</tbody></table></div>
    <aside class="col-lg-3"><a href="/khotab-item-999.htm">مادة أخرى</a></aside></body></html>"""


def way2allah_series(items: Iterable[Link], *, following: str | None = None) -> str:
    """A page of a series; an aside shows lectures that do not belong to it."""
    rows = "".join(f'<li><a href="{escape(address)}">{escape(title)}</a></li>' for address, title in items)
    more = (
        f'<ul class="pagination"><li><a rel="next" href="{escape(following)}">التالي</a>' if following else ""
    )
    return f"""<!DOCTYPE html><html dir="rtl"><body>
    <h3 class="page-title">{SERIES} - {LECTURER}</h3>
    {_breadcrumb([("/", "الرئيسية"), ("/khotab-audio-12.htm", LECTURER), ("", SERIES)])}
    <div class="col-lg-9"><ul>{rows}</ul>{more}</div>
    <aside class="col-lg-3"><a href="/khotab-item-999.htm">مادة أخرى</a></aside></body></html>"""


def islamway_lecture(files: Iterable[Link], *, title: str = TITLE) -> str:
    """A lecture with links to its files."""
    links = "".join(f'<a href="{escape(address)}">{escape(label)}</a>' for address, label in files)
    return f"""<!DOCTYPE html><html lang="ar"><head><meta charset="utf-8">
    <meta property="og:title" content="{escape(title)}"></head><body><div class="wrapper">
    <h1>{escape(title)}</h1><a href="/scholar/12/slug">{LECTURER}</a>
    <a href="/collection/5/slug">{SERIES}</a>{links}</div></body></html>"""


def islamway_series(items: Iterable[Link], *, following: str | None = None) -> str:
    """A page of a collection, each lecture with a picture, its title and its file."""
    rows = "".join(
        f'<div><a href="{escape(address)}"><img src="/i.jpg"></a>'
        f'<a href="{escape(address)}">{escape(title)}</a>'
        f'<a href="/lessons/{number}.mp3">تحميل</a></div>'
        for number, (address, title) in enumerate(items)
    )
    more = f'<a rel="next" href="{escape(following)}">التالي</a>' if following else ""
    return f"""<!DOCTYPE html><html lang="ar"><body><h1>{SERIES}</h1><a href="/scholar/12/slug">{LECTURER}</a>
    {rows}{more}</body></html>"""


def changed_page() -> str:
    """What a site looks like after it was made anew."""
    return "<!DOCTYPE html><html><body><main><div class='x1'>فضل العلم</div></main></body></html>"


def put_page(
    origin: Origin, path: str, html: str, *, charset: str = "utf-8", header: bool = True
) -> Resource:
    """Serve *html*, encoded and announced as *charset*."""
    kind = f"text/html; charset={charset}" if header else "text/html"
    return origin.put(path, html.encode(charset), content_type=kind, etag=None)


def put_series(
    origin: Origin, pages: Sequence[Sequence[Link]], *, path: str = "/khotab-series-5.htm"
) -> list[str]:
    """Serve a Way2Allah series on as many paths, which are returned; relative addresses lead onwards."""
    paths = [path, *(f"/khotab-series-5-{number}.htm" for number in range(2, len(pages) + 1))]
    for here, following, items in zip(paths, [*paths[1:], None], pages, strict=True):
        put_page(origin, here, way2allah_series(items, following=following and following[1:]))
    return paths


def _breadcrumb(crumbs: Iterable[Link]) -> str:
    rows = "".join(
        f'<li><a href="{address}">{escape(text)}</a><i class="fa fa-angle-right"></i></li>'
        for address, text in crumbs
    )
    return f'<div class="page-bar"><ul class="page-breadcrumb">{rows}</ul></div>'
