"""Texts from outside as they are written into files: whole characters, one line, bounded. Pure."""

from __future__ import annotations

import re
import unicodedata

#: Players cut far earlier; some refuse a file with a tag of megabytes.
MAX_CHARS = 500

#: Embeddings, overrides and isolates; the plain marks (LRM, RLM, ALM) belong to Arabic and Hebrew spelling.
_FORCED_DIRECTION = re.compile("[\u202a-\u202e\u2066-\u2069]")


def folded(text: str) -> str:
    """*text* in Unicode NFC, white space folded, without control characters and forced writing directions."""
    # Lone surrogates stand for bytes that are no UTF-8; no file can hold them.
    text = text[: 4 * MAX_CHARS].encode(errors="replace").decode()
    text = _FORCED_DIRECTION.sub("", unicodedata.normalize("NFC", text))
    visible = "".join(" " if unicodedata.category(char) == "Cc" else char for char in text)
    return " ".join(visible.split())[:MAX_CHARS].rstrip()
