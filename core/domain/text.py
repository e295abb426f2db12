"""The ways out for text that came from outside: to a terminal, a file name, a log. Pure.

A title, a file name or a header is whatever a stranger wrote. Shown as it is, it can rewrite the screen
(escape sequences), lie (bidirectional overrides, invisible characters) or break a layout (marks without end,
characters whose width depends on their neighbours). What leaves here holds none of that.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import dropwhile
from urllib.parse import urlsplit

#: Stands for what cannot be shown.
REPLACEMENT = "\ufffd"
#: Says that text was cut.
ELLIPSIS = "\u2026"
#: More marks than this on one letter is an attack on the lines around it; real scripts use up to four.
MAX_MARKS = 8
#: Longer text is cut first: titles are short, and normalising a long run of marks is slow.
MAX_CHARS = 4096

_CONTROL_PICTURES = 0x2400
_SPACES = frozenset("\t\n\v\f\r\x1c\x1d\x1e\x1f\x85\u2028\u2029")
# Cf characters that are seen: Arabic, Syriac and Kaithi number and verse signs.
_VISIBLE_FORMAT = frozenset(
    "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"
)
# Letters that show nothing, and what changes the character before it: the grapheme joiner, variation
# selectors, skin tones. With these and ZWJ (Cf) no two terminals agree on the width of an emoji: its parts
# are shown one by one instead.
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\uffa0\ufe00-\ufe0f\U0001f3fb-\U0001f3ff\U000e0100-\U000e01ef]"
)
# Vowels and finals that NFC did not join to a syllable: terminals draw them in nought, one or two cells.
_LOOSE_JAMO = re.compile("[\u1160-\u11ff\ud7b0-\ud7fb]")
# Symbols that Unicode 16 made wide, after the tables of Python 3.11 to 3.13.
_WIDENED = re.compile("[\u2630-\u2637\u268a-\u268f\u4dc0-\u4dff\U0001d300-\U0001d356\U0001d360-\U0001d376]")
# Emoji of Unicode 15 to 17 and the ideographic planes, which those tables may not know yet.
_NEW_WIDE = re.compile(
    "[\U0001f6d8\U0001f6dc\U0001fa75-\U0001fa77\U0001fa87-\U0001fa8a\U0001fa8e\U0001fa8f\U0001faad-\U0001faaf"
    "\U0001fabb-\U0001fabf\U0001fac6\U0001fac8\U0001facd-\U0001facf\U0001fada-\U0001fadc\U0001fadf"
    "\U0001fae8-\U0001faea\U0001faef\U0001faf7\U0001faf8\U00020000-\U0002fffd\U00030000-\U0003fffd]"
)
# The non-joiner belongs to the spelling of Persian and Indic words; anywhere else it only hides.
_ZWNJ = "\u200c"
_JOINING = "\u0620-\u06ff\u0750-\u077f\u0900-\u0dff"
_LOOSE_ZWNJ = re.compile(f"(?<![{_JOINING}]){_ZWNJ}|{_ZWNJ}(?![{_JOINING}])")
_REGIONAL = re.compile("[\U0001f1e6-\U0001f1ff]")


def for_terminal(text: str, *, cells: int | None = None) -> str:
    """*text* as one line that is safe to print, cut with `…` to at most *cells* terminal cells.

    Escape and other control characters become visible marks, line breaks and tabs become spaces, and what
    would be invisible or reorder the line is dropped. Markup is no concern of this: hand the result to rich
    and Textual as `Text` or `Content`, never as a markup string.
    """
    clean = _clean(text)
    if cells is None or cell_width(clean) <= cells:
        return clean
    if cells <= 0:
        return ""
    return _head(clean, cells - 1, cell_width) + ELLIPSIS


def cell_width(text: str) -> int:
    """Terminal cells that *text*, as `for_terminal` makes it, takes up; the same as `rich.cells.cell_len`."""
    return len(text) if text.isascii() else sum(map(_width, text))


def for_log(text: str) -> str:
    """*text* as one line for a log: links lose their query and user part, what is very long is cut."""
    return _LINK.sub(lambda link: redact_url(link[0]), _clean(text))


def redact_url(url: str) -> str:
    """Scheme, host and path of *url*: user names, signatures and tokens live in the parts left out."""
    try:
        parts = urlsplit(url.strip())
    except ValueError:  # a host in broken brackets
        return REPLACEMENT
    host = parts.netloc.rpartition("@")[2]
    # Without a host whatever stands before an @ may be a password all the same.
    path = parts.path if host else parts.path.rpartition("@")[2]
    scheme = f"{parts.scheme}:" if parts.scheme else ""
    return _clean(f"{scheme}{'//' if host else ''}{host}{path.partition(';')[0]}")


_FOR_FILES = str.maketrans(
    {"/": "-", "\\": "-", "|": "-", ":": "-", '"': "'", "<": "(", ">": ")", "*": "_", "?": " "}
)
_RESERVED = re.compile(
    r"(?:CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(?:COM|LPT)[0-9\u00b9\u00b2\u00b3]) *(?:\.|$)", re.IGNORECASE
)
_NAMELESS = "untitled"
_LINK = re.compile(r"[a-z][a-z0-9+.-]*://[^\s<>\"]+", re.IGNORECASE)


def for_filename(text: str, *, max_bytes: int = 150) -> str:
    """One path component of at most *max_bytes* bytes of UTF-8 that every file system takes; never empty.

    Letters of all scripts stay, in NFC. There is no separator, control character, leading dot or dash,
    trailing dot or space, nor a name that Windows keeps for a device.
    """
    # Marks that _clean made of control characters carry no meaning in a name.
    visible = "".join(
        " " if char == REPLACEMENT or 0x2400 <= ord(char) <= 0x2421 else char for char in _clean(text)
    )
    name = _trim(" ".join(visible.translate(_FOR_FILES).split()))
    name = _trim(_head(name, max_bytes, _bytes))
    if _RESERVED.match(name):
        name = _trim(_head(f"_{name}", max_bytes, _bytes))
    return name or _NAMELESS[:max_bytes]


def _trim(name: str) -> str:
    return "".join(dropwhile(lambda char: char in ".- ~" or _is_mark(char), name)).rstrip(". ")


def _bytes(text: str) -> int:
    return len(text.encode())


def _head(text: str, limit: int, measure: Callable[[str], int]) -> str:
    """The longest beginning of *text* that measures at most *limit* and splits nothing seen as one."""
    end = 0
    for cluster in _clusters(text):
        limit -= measure(cluster)
        if limit < 0:
            break
        end += len(cluster)
    return text[:end]


def _clusters(text: str) -> Iterator[str]:
    """Clean *text* in the pieces that people see as one character: a letter with its marks, a flag."""
    start = 0
    flag = False  # inside a pair of regional indicators
    for index, char in enumerate(text):
        pairs = not flag and index > start and bool(_REGIONAL.match(char) and _REGIONAL.match(text[start]))
        if index > start and not pairs and not _is_mark(char) and char != _ZWNJ:
            yield text[start:index]
            start = index
            flag = False
        flag = flag or pairs
    yield text[start:]


def _clean(text: str) -> str:
    if len(text) > MAX_CHARS:
        text = text[: MAX_CHARS - 1] + ELLIPSIS
    if text.isascii() and text.isprintable():
        return text
    kept: list[str] = []
    marks = MAX_MARKS  # a mark before any letter would sit on what the layout put there
    for shown in map(_shown, unicodedata.normalize("NFC", text)):
        if shown and shown != _ZWNJ:
            marks = marks + 1 if _is_mark(shown) else 0
        if marks <= MAX_MARKS:
            kept.append(shown)
    joined = _LOOSE_ZWNJ.sub("", "".join(kept))
    # What was dropped may have stood between a letter and its accent.
    return unicodedata.normalize("NFC", joined)


@lru_cache(maxsize=4096)
def _shown(char: str) -> str:
    """What stands for one character of NFC text; empty when nothing does."""
    category = unicodedata.category(char)
    if char in _SPACES:
        shown = " "
    elif _INVISIBLE.match(char):
        shown = ""
    elif category == "Cc" and ord(char) < 0x80:
        shown = chr(_CONTROL_PICTURES + min(ord(char), 0x21))  # DEL's picture follows the others'
    elif category == "Cf":
        shown = char if char in _VISIBLE_FORMAT or char == _ZWNJ else ""
    elif category in {"Cc", "Cs", "Co", "Cn"} or _LOOSE_JAMO.match(char):
        shown = char if _NEW_WIDE.match(char) else REPLACEMENT
    else:
        shown = char
    return shown


@lru_cache(maxsize=4096)
def _is_mark(char: str) -> bool:
    return unicodedata.category(char)[0] == "M"


@lru_cache(maxsize=4096)
def _width(char: str) -> int:
    if _is_mark(char) or char == _ZWNJ:
        return 0
    return (
        2
        if unicodedata.east_asian_width(char) in "WF" or _WIDENED.match(char) or _NEW_WIDE.match(char)
        else 1
    )
