"""Searches of the library in the words of its index (FTS5's MATCH). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import IntEnum

from core.domain.library import Facet, LibraryQuery, Words
from core.store.buckets import covering
from core.store.items import ANY_ITEM, begins, facet
from core.store.ranking import Form, forms_of, title_of


class Reach(IntEnum):
    """How a search is gone through."""

    WIDE = 0
    """The newest first, and the beginnings of longer words count as the words do."""
    RATED = 1
    """All at once, the best first."""
    EXACT = 2
    """The newest first of those that have the very words, then of the others."""


def matching(query: LibraryQuery, *, exactly: bool = False) -> str:
    """All that have the words and properties of *query*; *exactly*: no longer words that begin like them.

    Its bounds are left to whoever reads the items.
    """
    return _but(_wanted(query, exactly=exactly), _unwanted(query))


def within_bounds(query: LibraryQuery) -> str | None:
    """As `matching`, and few of them are not within the bounds; None where none can be."""
    within = [_any_of(map(_quoted, words)) for words in covering(query.bounds)]
    return _but([*_wanted(query), *within], _unwanted(query)) if all(within) else None


def stages(query: LibraryQuery, reach: Reach) -> list[str]:
    """Questions in the order of their answers; none gives what another gives.

    What they give is to be held against the bounds of *query*; few of them are not within.
    """
    within = [_any_of(map(_quoted, words)) for words in covering(query.bounds)]
    if not all(within):
        return []
    unwanted = _unwanted(query)
    exactly = reach is Reach.EXACT
    wanted = _wanted(query, exactly=exactly)
    everything = _but([*wanted, *within], unwanted)
    found = [everything]
    if title := title_of(query, exactly=exactly):
        # All else that is wanted of them: what has the title's words has the words.
        others = [*_wanted(_without_plain(query), exactly=exactly), *within]
        starts, holds = _any_of(map(_starts, title)), f"title : ({_any_of(map(_form, title))})"
        found = [
            _but([starts, *others], unwanted),
            _but([holds, *others], [*unwanted, starts]),
            _but([*wanted, *within], [*unwanted, holds]),
        ]
    if exactly and (wider := _wanted(query)) != wanted:
        found.append(_but([*wider, *within], [*unwanted, " AND ".join(map(_held, wanted))]))
    return found


def _without_plain(query: LibraryQuery) -> LibraryQuery:
    fields = tuple(words for words in query.words if words.column is not None)
    return LibraryQuery(words=fields, facets=query.facets)


def _wanted(query: LibraryQuery, *, exactly: bool = False) -> list[str]:
    found = [_words(words, exactly=exactly) for words in query.words if not words.is_negated]
    return found + [_facet(each) for each in query.facets if not each.is_negated]


def _unwanted(query: LibraryQuery) -> list[str]:
    # What only begins so was not named.
    found = [_words(words, exactly=True) for words in query.words if words.is_negated]
    return found + [_facet(each) for each in query.facets if each.is_negated]


def _but(wanted: Sequence[str], unwanted: Sequence[str]) -> str:
    """All of *wanted*, none of *unwanted*."""
    every = " AND ".join(map(_held, wanted or [_quoted(ANY_ITEM)]))
    return f"({every}) NOT ({_any_of(map(_held, unwanted))})" if unwanted else every


def _held(expression: str) -> str:
    return f"({expression})"


def _any_of(expressions: Iterable[str]) -> str:
    return " OR ".join(expressions)


def _words(words: Words, *, exactly: bool = False) -> str:
    found = _any_of(map(_form, forms_of(words, exactly=exactly)))
    return f"{words.column} : ({found})" if words.column else found


def _form(form: Form) -> str:
    return _quoted(" ".join(form.words)) + (" *" if form.is_beginning else "")


def _starts(form: Form) -> str:
    """Titles that begin so; the first word has a token of its own, as FTS5 would read all that have it."""
    first = Form((begins(form.words[0]),), is_beginning=form.is_beginning and len(form.words) == 1)
    return _form(first) if len(form.words) == 1 else f"({_form(first)} AND title : ^ {_form(form)})"


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _facet(wanted: Facet) -> str:
    return _any_of(_quoted(facet(wanted.name, value)) for value in wanted.values)
