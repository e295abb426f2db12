"""How the index of three-letter pieces is asked for words. Pure."""

from __future__ import annotations

#: The index holds pieces of this many characters.
PIECE_CHARS = 3
#: So many tell enough: what they find is compared with the words themselves.
MAX_PIECES = 32


def pieces_of(text: str) -> str | None:
    """The FTS5 query that finds whatever may contain all words of *text*.

    None when every word is too short for the index.
    """
    pieces: dict[str, None] = {}
    for word in text.split():
        # SQLite ends a text at a zero byte.
        last = -1 if "\0" in word else len(word) - PIECE_CHARS
        # Side by side, and the last: those that overlap would tell little more, and each has to be looked up.
        starts = [*range(0, last, PIECE_CHARS), last] if last >= 0 else []
        pieces |= dict.fromkeys(word[start : start + PIECE_CHARS] for start in starts)
    quoted = ['"' + piece.replace('"', '""') + '"' for piece in pieces]
    return " ".join(quoted[:MAX_PIECES]) or None
