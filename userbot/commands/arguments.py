"""Reads what stands behind a command. Pure; what it cannot read it refuses with InvalidRequest."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from core.domain.errors import InvalidRequest

#: As Telegram's servers see commands: a name, and in groups the bot that is meant.
_TYPED = re.compile(r"(?P<name>[a-z]\w{0,31})(?:@(?P<bot>\w{1,32}))?(?=\s|\Z)\s*", re.IGNORECASE | re.ASCII)
#: Phones write quotes as they please.
_QUOTES = str.maketrans(dict.fromkeys("“”„‟«»″", '"'))
_TOKEN = re.compile(r'(?:[^\s"]|"[^"]*(?:"|\Z))+')
_KEY = re.compile(r"(?P<key>[a-z_]{2,16})=(?P<value>.*)", re.DOTALL | re.IGNORECASE)
#: SQLite's largest number.
_MAX_ID = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Typed:
    """A text that has the form of a command."""

    #: In lower case, without the prefix.
    name: str
    arguments: str


def typed(text: str, prefix: str, username: str | None) -> Typed | None:
    """*text* as a command; None if it is none, or names a bot other than *username*."""
    if not text.startswith(prefix):
        return None
    match = _TYPED.match(text, len(prefix))
    if match is None:
        return None
    bot = match["bot"]
    if bot is not None and bot.lower() != (username or "").lower():
        return None
    return Typed(match["name"].lower(), text[match.end() :].strip())


@dataclass(frozen=True, slots=True)
class Arguments:
    """Words, and what was given as `key=value`."""

    words: Sequence[str] = ()
    options: Mapping[str, str] = field(default_factory=dict)

    def number(self, key: str) -> int | None:
        """An option that is a whole number, not negative."""
        value = self.options.get(key)
        return None if value is None else _number(value, key)

    def day(self, key: str) -> float | None:
        """An option that is a date or a moment (ISO 8601, UTC unless it says), in seconds since the epoch."""
        value = self.options.get(key)
        if value is None:
            return None
        try:
            moment = datetime.fromisoformat(value)
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        except (ValueError, OverflowError):
            raise InvalidRequest(f"{key}={value} is no date such as 2024-01-31") from None

    def switch(self, key: str) -> bool | None:
        """An option that is on or off."""
        value = self.options.get(key)
        return None if value is None else is_on(value)

    def names(self, key: str) -> tuple[str, ...] | None:
        """An option that is a list of names."""
        value = self.options.get(key)
        return None if value is None else tuple(filter(None, value.lower().split(",")))


def parse(text: str, keys: Collection[str] = ()) -> Arguments:
    """The words and options of *text*. In double quotes both may hold spaces."""
    words: list[str] = []
    options: dict[str, str] = {}
    for token in _TOKEN.findall(text.translate(_QUOTES)):
        option = _KEY.fullmatch(token)
        if option is None:
            words.append(token.replace('"', ""))
            continue
        key = option["key"].lower()
        if key not in keys:
            known = f"known are {', '.join(sorted(keys))}" if keys else "it takes none"
            raise InvalidRequest(f"{key}= is not known here: {known}")
        options[key] = option["value"].replace('"', "")
    return Arguments(words, options)


def job_ids(words: Sequence[str]) -> list[int]:
    """Numbers of jobs, each once: `12 13` or `12,13`, with or without `#`."""
    found = [part.removeprefix("#") for word in words for part in word.split(",") if part]
    return list(dict.fromkeys(_number(part, "a job") for part in found))


def is_on(word: str) -> bool:
    """Whether a word switches on or off."""
    try:
        return {"on": True, "yes": True, "off": False, "no": False}[word.lower()]
    except KeyError:
        raise InvalidRequest(f"{word[:20]!r} is neither on nor off") from None


def _number(text: str, what: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 19 and int(text) <= _MAX_ID):
        raise InvalidRequest(f"{text[:20]!r} is no number for {what}")
    return int(text)
