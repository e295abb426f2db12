"""Links that open Telegram's apps, as the web links that name the same (core.telegram.org/api/links)."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode, urlsplit

#: What a message link says beyond chat and message.
_MORE = ("comment", "single", "t", "thread")


def web_link(url: str) -> str | None:
    """The t.me link of a message that a `tg://` *url* opens; None for what names no message."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    given = dict(parse_qsl(parts.query, keep_blank_values=True))
    path = _path(parts.netloc, given)
    if path is None:
        return None
    more = urlencode({name: given[name] for name in _MORE if name in given})
    return f"https://t.me/{path}" + (f"?{more}" if more else "")


def _path(opens: str, given: Mapping[str, str]) -> str | None:
    match opens:
        case "resolve":
            first, message = given.get("domain", ""), given.get("post", "")
            is_chat = first.isascii() and first.replace("_", "").isalnum()
        case "privatepost":
            first, message = "c/" + given.get("channel", ""), given.get("post", "")
            is_chat = _is_number(given.get("channel", ""))
        case "openmessage":
            kind, number = ("u", given["user_id"]) if "user_id" in given else ("g", given.get("chat_id", ""))
            first, message = f"c/{kind}{number}", given.get("message_id", "")
            is_chat = _is_number(number)
        case _:
            return None
    return f"{first}/{message}" if is_chat and _is_number(message) else None


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()
