"""What is told to people who only posted a link: what happened to it, and what they can do. Pure.

The hints of errors speak to the owner: of commands, settings and files of a machine that is none of theirs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from core.domain.errors import (
    BlockedAddress,
    HttpFailure,
    LimitReached,
    NetworkFailure,
    NotFound,
    RateLimited,
    ReeldeckError,
    SizeLimit,
    UnsupportedSource,
)

#: By error class; where there is none, nothing can be done by them.
_HINTS: Mapping[str, str] = {
    NetworkFailure.code: "Post it again later.",
    HttpFailure.code: "Post it again later.",
    RateLimited.code: "Post it again later.",
    NotFound.code: "Check the link.",
    SizeLimit.code: "Post a shorter one.",
    UnsupportedSource.code: "Post the link of the video or file itself.",
    BlockedAddress.code: "Post a link that everybody can open.",
    LimitReached.code: "Try again later.",
}
#: Commands, settings and addresses of the API.
_FOR_OWNERS = re.compile(r"\breeldeck\b|\[\w+[\].]|[a-z]_[a-z]|/api/", re.IGNORECASE)
#: The setting behind a sentence, which is named at its end.
_SETTING = re.compile(r" \([a-z_.]*_[a-z_.]*\)| and [a-z]+_.*")


def guest_hint(code: str | None, hint: str, *, default: str) -> str:
    """What somebody who posted a link can do about an error; empty for nothing.

    Args:
        code: The error's class.
        hint: What its owner could do, where more than the usual is known.
        default: What owners of the class can usually do.
    """
    if hint and hint != default and not _FOR_OWNERS.search(hint):
        return hint
    return _HINTS.get(code or "", "")


def refusal(error: ReeldeckError, *, is_owner: bool) -> str:
    """Why a link is not taken, and what to do, in one line."""
    if is_owner:
        return f"{error}. {error.hint}"
    # That it is a limit, the sentence itself says.
    told = error.detail if isinstance(error, LimitReached) and error.detail else str(error)
    told = _SETTING.sub("", told)
    hint = guest_hint(error.code, error.hint, default=error.default_hint)
    return f"{told[:1].upper()}{told[1:]}. {hint}".rstrip()
