"""Which of the items that match are the best. Pure.

Unlike bm25 it does not ask how common a word is, which takes the longer the more there is; and an item keeps
its place whatever is added.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from core.domain.folding import stem_of
from core.domain.library import LibraryQuery, Words

#: The columns of words in the index, in its order, and what a match in each counts.
WEIGHTS: Mapping[str, float] = {"title": 10.0, "artist": 5.0, "album": 5.0, "other": 1.0}
#: What a word counts that only begins like the one that was typed.
_BEGINNING = 0.6
#: What a spelling counts beside one that is likelier to be meant.
_LESS_LIKELY = 0.9
#: A word counts for less among many; for half among so many.
_HALVING_WORDS = 20
#: Beginnings of words are looked for from so many letters on.
_MIN_BEGINNING_CHARS = 2


@dataclass(frozen=True, slots=True)
class Form:
    """Words side by side; the last may be the beginning of a longer one."""

    words: tuple[str, ...]
    is_beginning: bool = False

    def __str__(self) -> str:
        """What a text that stands between two spaces has of it."""
        return f" {' '.join(self.words)}" + ("" if self.is_beginning else " ")


def forms_of(words: Words, *, exactly: bool = False) -> list[Form]:
    """What an item may have for *words*, the likeliest first; *exactly*: no beginnings of longer words."""
    forms: list[Form] = []
    for phrase in words.phrases:
        if len(phrase) > 1 or not words.is_prefix:
            forms.append(Form(phrase, words.is_prefix and not exactly))
            continue
        for word in filter(None, (phrase[0], stem_of(phrase[0]))):
            forms.append(Form((word,)))
            if len(word) >= _MIN_BEGINNING_CHARS and not exactly:
                forms.append(Form((word,), is_beginning=True))
    return list(dict.fromkeys(forms))


def title_of(query: LibraryQuery, *, exactly: bool = False) -> list[Form]:
    """All that was typed, side by side, as a title may have it; nothing where only fields were typed."""
    plain = [words for words in query.words if not words.is_negated and words.column is None]
    if len(plain) <= 1:
        return [form for words in plain for form in forms_of(words, exactly=exactly)]
    typed = tuple(word for words in plain for word in words.phrases[0])
    return [Form(typed, plain[-1].is_prefix and not exactly)]


def ranked(query: LibraryQuery, texts: Iterable[tuple[int, Sequence[str]]]) -> list[int]:
    """The ids of items that match *query*, the best first.

    Titles that begin with all that was typed come first, then those that hold it, then the others. Within
    each counts where the words stand, and beside how many others; of equals the newest are first.

    Args:
        query: What was searched for.
        texts: Ids, each with the words of the columns of WEIGHTS.
    """
    title = [str(form) for form in title_of(query)]
    wanted = [
        (tuple(WEIGHTS) if words.column is None else (words.column,), list(_rated(words)))
        for words in query.words
        if not words.is_negated
    ]
    places: list[tuple[int, float, int]] = []
    for item_id, columns in texts:
        padded = {name: f" {text} " for name, text in zip(WEIGHTS, columns, strict=True)}
        shares = {
            name: weight / (1 + padded[name].count(" ") / _HALVING_WORDS) for name, weight in WEIGHTS.items()
        }
        score = sum(
            max(shares[name] * _quality(padded[name], forms) for name in names) for names, forms in wanted
        )
        places.append((_tier(padded["title"], title), -score, -item_id))
    return [-number for _, _, number in sorted(places)]


def _rated(words: Words) -> Iterator[tuple[str, float]]:
    """The forms of *words* as texts have them, each with what it counts, most first."""
    rated = [
        (str(form), _LESS_LIKELY**number * (_BEGINNING if form.is_beginning else 1.0))
        for number, phrase in enumerate(words.phrases)
        for form in forms_of(Words(phrases=(phrase,), is_prefix=words.is_prefix))
    ]
    yield from sorted(rated, key=lambda each: -each[1])


def _quality(text: str, forms: Sequence[tuple[str, float]]) -> float:
    return next((quality for form, quality in forms if form in text), 0.0)


def _tier(title: str, forms: Sequence[str]) -> int:
    if title.startswith(tuple(forms)):
        return 0
    return 1 if any(form in title for form in forms) else 2
