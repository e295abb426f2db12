"""Tags that people give to files: which ones are the same, and what may be one. Pure."""

from __future__ import annotations

import unicodedata

from core.domain.errors import InvalidRequest
from core.domain.folding import words_of

MAX_TAG_CHARS = 40
#: Of one file.
MAX_TAGS = 30


def tag_key(name: str) -> str:
    """What tags that are the same have in common: `Live session`, `#live-session`; empty for what is none."""
    return "-".join(words_of(name))


def checked_tag(name: str) -> str:
    """A tag as it is kept and shown: as it was written, in one line.

    Raises:
        InvalidRequest: It cannot be one.
    """
    shown = " ".join(unicodedata.normalize("NFC", name).split()).lstrip("# ")
    key = tag_key(shown)
    if not key:
        raise InvalidRequest("a tag needs a letter or a digit", hint="As in: music")
    if max(len(shown), len(key)) > MAX_TAG_CHARS:
        raise InvalidRequest(f"a tag has at most {MAX_TAG_CHARS} characters", hint="Use a shorter one.")
    # Commas part the values of a search; signs that are not seen would make two of what looks the same.
    if "," in shown or not all(char.isprintable() for char in shown):
        raise InvalidRequest("a tag has no commas and nothing that cannot be seen", hint="Leave those out.")
    return shown
