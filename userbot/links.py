"""Links in a Telegram message, wherever it holds them. Reads Telethon's objects and asks nobody.

A quote of another message is left out: what it names was dealt with where it was said. A link to a chat,
rather than to a message, names no media.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from telethon.tl import TLObject, types
from telethon.utils import add_surrogate

from core.domain.errors import InvalidRequest
from core.links.find import find_links
from core.links.identify import identify
from core.links.normalise import host_is, normalise
from core.links.short import unwrap

#: A longer text is no list of links that a person wrote.
MAX_LIST_BYTES = 1024**2
_TELEGRAM = ("t.me", "telegram.me", "telegram.dog")
#: Media that people write: what is in them are texts.
_WRITTEN = (types.MessageMediaPoll, types.MessageMediaToDo)
_BUTTONS = (types.InlineButtonTypeUrl, types.InlineButtonTypeUrlAuth)


def links_of(message: Any) -> list[str]:
    """The links that a message names: in its text or caption, behind it, on its buttons, as its preview.

    Polls, check lists and pages count as texts. Normalised, each once, in their order.
    """
    written = _in_text(message.message or "", message.entities or ())
    more = message.media if isinstance(message.media, _WRITTEN) else None
    named = usable([*written, *_in_parts([more, message.rich_message]), *_on_buttons(message)])
    page = getattr(message.media, "webpage", None)
    # Unless it was chosen by hand, a preview shows one of the links, perhaps by another address.
    if isinstance(page, types.WebPage) and (not named or message.media.manual):
        return usable([*named, page.url])
    return named


def usable(links: Iterable[str]) -> list[str]:
    """*links* normalised, each once, without those that can be no media."""
    found: dict[str, None] = {}
    for link in links:
        try:
            url = unwrap(normalise(link))
        except InvalidRequest:
            continue
        if not host_is(urlsplit(url).hostname or "", _TELEGRAM) or identify(url):
            found[url] = None
    return list(found)


def has_list(message: Any) -> bool:
    """Whether a message carries a text file that may list links, small enough to be read."""
    file = getattr(message.media, "document", None)
    if not isinstance(file, types.Document) or not 0 < file.size <= MAX_LIST_BYTES:
        return False
    names = [one.file_name for one in file.attributes if isinstance(one, types.DocumentAttributeFilename)]
    return any(PurePosixPath(name.lower()).suffix == ".txt" for name in names)


def links_in_file(content: bytes) -> list[str]:
    """The links in a text file of any usual encoding, as `links_of` gives them."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = content.decode("utf-16", errors="replace")
    else:
        text = content.decode("utf-8-sig", errors="replace")
    return usable(find_links(text))


def _in_text(text: str, entities: Iterable[Any]) -> Iterator[str]:
    """What Telegram marked as links, then what it did not: links without a scheme, links in code."""
    # Offsets count UTF-16 units, and senders may put them anywhere.
    units = add_surrogate(text)
    for entity in entities:
        if not isinstance(entity, types.MessageEntityUrl | types.MessageEntityTextUrl):
            continue
        end = entity.offset + entity.length
        shown = units[entity.offset : end]
        # What a hidden link shows is only its label, and no link is found twice.
        units = units[: entity.offset] + " " * len(shown) + units[end:]
        yield entity.url if isinstance(entity, types.MessageEntityTextUrl) else _with_scheme(_joined(shown))
    yield from find_links(_joined(units))


def _joined(units: str) -> str:
    """Text of UTF-16 units; half a character, left by an offset within it, is none."""
    return units.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _in_parts(part: Any) -> Iterator[str]:
    """What is written in the parts of an object, however deep."""
    match part:
        case types.TextWithEntities():
            yield from _in_text(part.text, part.entities)
        case types.TextPlain():
            yield from find_links(part.text)
        case types.TextUrl() | types.PageRelatedArticle():
            yield part.url
        case list():
            for each in part:
                yield from _in_parts(each)
        case types.PollResults():
            yield from _in_text(part.solution or "", part.solution_entities or ())
        case types.PageBlockEmbed() if part.url:
            yield part.url
        case TLObject():
            for each in vars(part).values():
                yield from _in_parts(each)


def _with_scheme(shown: str) -> str:
    """Telegram takes any `name.md` for a link: without a scheme, only what has a path is one."""
    if "://" in shown:
        return shown
    return f"https://{shown}" if shown.partition("/")[2] else ""


def _on_buttons(message: Any) -> Iterator[str]:
    if isinstance(message.reply_markup, types.ReplyInlineMarkup):
        for row in message.reply_markup.rows:
            for button in row.buttons:
                kind = getattr(button, "type", None)
                if isinstance(kind, _BUTTONS):
                    yield kind.url
