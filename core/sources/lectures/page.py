"""A lecture or series page as a value. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from lxml import etree

from core.domain.errors import InvalidRequest, ParserFailure
from core.links.normalise import normalise
from core.sources.lectures.html import parse_html, select
from core.sources.lectures.layouts import Layout

MAX_TEXT_CHARS = 500
_MAX_LINKS = 5000
_LINK_ATTRIBUTES = ("href", "src", "data-src", "content")
#: Elements whose text is an attribute.
_SPEAKING = {"meta": "content", "input": "value"}
#: What sites write for a grade of quality, as kbit/s and lines.
_GRADES = {
    "عالية": (128, 720), "عاليه": (128, 720), "متوسطة": (64, 480), "متوسطه": (64, 480),
    "منخفضة": (32, 240), "منخفضه": (32, 240), "ضعيفة": (32, 240), "ضعيفه": (32, 240),
    "high": (128, 720), "medium": (64, 480), "low": (32, 240),
}  # fmt: skip
_GRADE = re.compile("|".join(_GRADES), re.IGNORECASE)
_KBPS = re.compile(r"(?<!\d)(\d{2,3})[\s_-]*(?:kbps|kbit|kb/s|k\b|كيلو\s*بت|ك\.?\s*ب)", re.IGNORECASE)
_LINES = re.compile(r"(?<!\d)(\d{3,4})[\s_-]*p(?![a-z])", re.IGNORECASE)
_MARKS = "\u064b-\u065f\u0670"
_NUMBERED = re.compile(
    r"(?:درس|حلقة|حلقه|محاضرة|محاضره|جزء|رقم|part|lesson|episode|no\.?|#)[\s:.()\[\]-]{0,5}(\d{1,5})",
    re.IGNORECASE,
)
_AT_END = re.compile(r"[\s(\[-](\d{1,4})[)\]]?\s*$")
_ANY = re.compile(r"(?<!\d)(\d{1,5})(?!\d)")


@dataclass(frozen=True, slots=True)
class Mirror:
    """One address of a file."""

    url: str
    #: What the page calls it.
    label: str
    #: Kilobits a second of sound, where told.
    kbps: int | None
    #: Lines of picture, where told.
    lines: int | None


@dataclass(frozen=True, slots=True)
class Item:
    """One lecture of a series."""

    url: str
    title: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LecturePage:
    """What a page says. Texts are remote and folded to one line; tashkeel stays."""

    title: str
    lecturer: str | None
    series: str | None
    number: int | None
    audio: tuple[Mirror, ...]
    video: tuple[Mirror, ...]
    #: Empty on the page of a lecture.
    items: tuple[Item, ...]
    next: str | None


def parse_page(text: str, url: str, layout: Layout) -> LecturePage:
    """Read a page.

    Args:
        text: The HTML.
        url: Where it came from; what its links are relative to.
        layout: Where things are.

    Raises:
        ParserFailure: Something that must be there is not, or the page cannot be read at all.
    """
    parts = urlsplit(url)
    host = parts.hostname or "?"
    root = parse_html(text, host=host)
    base = _base(root, url)
    first = {name: _first(root, layout, name) for name in ("title", "lecturer", "series", "number")}
    audio = tuple(_mirrors(root, layout, "audio", base))
    video = tuple(_mirrors(root, layout, "video", base))
    is_series = layout.series_path.search(parts.path) is not None if layout.series_path else None
    may_list = is_series or (is_series is None and not (audio or video))
    items = _items(root, layout, base, url) if may_list else ()
    if is_series:
        audio = video = ()
    title = _without_end(first["title"], first["lecturer"])
    missing = {} if title else layout.selectors("title") or {"title": "not set"}
    if not (audio or video or items):
        names = {True: ("items",), False: ("audio", "video"), None: ("audio", "video", "items")}[is_series]
        missing |= layout.selectors(*names) or dict.fromkeys(names, "not set")
    if missing or title is None:
        words = "; ".join(f"{name} ({selector})" for name, selector in missing.items())
        raise ParserFailure(f"the page at {host} lacks {words}")
    return LecturePage(
        title=title,
        lecturer=first["lecturer"],
        series=_without(first["series"], layout.series_words),
        number=_number(first | {"title": title}, has_selector=layout.number is not None),
        audio=audio,
        video=video,
        items=items,
        next=_next(root, layout, base),
    )


def fold(text: str) -> str:
    """NFC on one line without white space around it."""
    return " ".join(unicodedata.normalize("NFC", text[: 4 * MAX_TEXT_CHARS]).split())[:MAX_TEXT_CHARS].strip()


def number_in(text: str, *, anywhere: bool) -> int | None:
    """The number of a lecture in *text*, in any script's digits.

    Args:
        text: A number's own field, or a title.
        anywhere: Take the first number; else only one after a word such as "lesson", or at the end.
    """
    plain = re.sub(f"[{_MARKS}]", "", _western(text))
    found = _NUMBERED.search(plain) or (_ANY if anywhere else _AT_END).search(plain)
    return int(found[1]) if found else None


def _western(text: str) -> str:
    return "".join(str(unicodedata.decimal(char)) if char.isdecimal() else char for char in text)


def _number(first: dict[str, str | None], *, has_selector: bool) -> int | None:
    if has_selector:
        return number_in(first["number"] or "", anywhere=True)
    # Only within a series is a number in a title the lecture's own, not a year or a verse.
    return number_in(first["title"] or "", anywhere=False) if first["series"] else None


def _first(root: etree._Element, layout: Layout, name: str) -> str | None:
    """The first text that the selector of *name* finds."""
    for selector in layout.selectors(name).values():
        for element in select(root, name, selector):
            if text := fold(_text(element)):
                return text
    return None


def _text(element: etree._Element) -> str:
    """Its words, about as many as are of use."""
    if element.tag in _SPEAKING:
        return str(element.get(_SPEAKING[element.tag]) or "")
    words: list[str] = []
    length = 0
    for piece in element.itertext():
        words.append(str(piece))
        length += len(piece)
        if length > 4 * MAX_TEXT_CHARS:
            break
    return "".join(words)


def _without(text: str | None, words: tuple[str, ...]) -> str | None:
    for word in words:
        if text and text.startswith(f"{word} "):
            return text.removeprefix(word).strip(" :-") or None
    return text


def _without_end(title: str | None, lecturer: str | None) -> str | None:
    """Without the lecturer, whom headings often name after a dash."""
    if title and lecturer and title.endswith(lecturer):
        return title.removesuffix(lecturer).rstrip(" -\u2013\u2014|:") or title
    return title


def _base(root: etree._Element, url: str) -> str:
    """What relative addresses are joined to (HTML standard, 4.2.3)."""
    for element in root.iterfind(".//base[@href]"):
        return _join(url, element.get("href") or "") or url
    return url


def _join(base: str, address: str) -> str | None:
    """An absolute link, None when it is none that could be fetched."""
    address = address.strip()
    if not address or address.startswith("#"):
        return None
    try:
        return normalise(urljoin(base, address))
    except (InvalidRequest, ValueError):
        return None


def _links(
    root: etree._Element, layout: Layout, name: str, base: str
) -> Iterator[tuple[str, etree._Element]]:
    """Addresses that the selector of *name* finds, each once, with their elements."""
    seen: set[str] = set()
    for selector in layout.selectors(name).values():
        for element in select(root, name, selector)[:_MAX_LINKS]:
            address = next((value for key in _LINK_ATTRIBUTES if (value := element.get(key))), "")
            link = _join(base, address)
            if link is not None and link not in seen:
                seen.add(link)
                yield link, element


def _mirrors(root: etree._Element, layout: Layout, name: str, base: str) -> Iterator[Mirror]:
    for link, element in _links(root, layout, name, base):
        words = [_text(element), *(element.get(key) or "" for key in ("title", "data-quality", "label"))]
        label = fold(" ".join(words))
        said = _western(f"{label} {urlsplit(link).path}")
        grade = _GRADE.search(label)
        kbps, lines = _GRADES[grade[0].lower()] if grade else (None, None)
        if told := _KBPS.search(said):
            kbps = int(told[1])
        if told := _LINES.search(said):
            lines = int(told[1])
        yield Mirror(url=link, label=label, kbps=kbps, lines=lines)


def _items(root: etree._Element, layout: Layout, base: str, url: str) -> tuple[Item, ...]:
    titles: dict[str, str | None] = {}
    own = _join(url, url)
    for selector in layout.selectors("items").values():
        for element in select(root, "items", selector)[:_MAX_LINKS]:
            link = _join(base, element.get("href") or "")
            if link is not None and link != own:
                # A picture and a title may both lead there: the one with words names it.
                titles[link] = titles.get(link) or fold(_text(element)) or None
    return tuple(Item(url=link, title=title) for link, title in titles.items())


def _next(root: etree._Element, layout: Layout, base: str) -> str | None:
    return next((link for link, _ in _links(root, layout, "next", base)), None)
