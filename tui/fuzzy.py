"""How well a few typed letters fit a name. Pure."""

from __future__ import annotations

#: A letter that begins a word tells more than one within.
_WORD_START, _SUCCESSOR, _WITHIN = 8, 5, 1


def fit_of(typed: str, name: str) -> int | None:
    """How well *typed* fits *name*, more being better; None when its letters are not there in their order.

    Case and spaces do not count. Nothing typed fits everything alike.
    """
    wanted = "".join(typed.casefold().split())
    text = name.casefold()
    scores: dict[int, int] = {-1: 0}  # the best score by the place of the last letter that was found
    for letter in wanted:
        reached: dict[int, int] = {}
        for place, found in enumerate(text):
            if found != letter:
                continue
            worth = _WORD_START if place == 0 or not text[place - 1].isalnum() else _WITHIN
            options = [
                score + max(worth, _SUCCESSOR if last >= 0 and last + 1 == place else 0)
                for last, score in scores.items()
                if last < place
            ]
            if options:
                reached[place] = max(options)
        scores = reached
    # Of two names that fit alike the shorter one was meant.
    return max(scores.values()) * 100 - len(text) if scores else None
