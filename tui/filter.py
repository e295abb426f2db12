"""The filter people type: `concert state:fail source:youtube !teaser "two words"`. Pure.

Bare words are parts of the title or link, `!` turns a term round, a comma means either. Words of different
kinds must all hold; several `state:` (or `source:` …) terms mean any of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from core.domain.job import Job, JobStatus
from core.domain.snapshot import JobQuery
from tui.present import state_of

_WORD = "word"
_TOKEN = re.compile(r'(?P<no>!?)(?P<field>[a-z]+:)?(?:"(?P<quoted>[^"]*)"?|(?P<bare>\S+))', re.IGNORECASE)
#: Words for several states at once, beside the states' own words and names.
_GROUPS: Mapping[str, frozenset[JobStatus]] = {
    "running": frozenset({JobStatus.RUNNING}),
    "waiting": frozenset({JobStatus.PENDING, JobStatus.QUEUED}),
    "finished": frozenset({JobStatus.COMPLETED}),
    "active": frozenset({JobStatus.RUNNING, JobStatus.PENDING, JobStatus.QUEUED}),
}


def _state_words(job: Job) -> str:
    names = [job.status.value, state_of(job)[0], job.error_type or ""]
    names += [name for name, statuses in _GROUPS.items() if job.status in statuses]
    return " ".join(names).casefold()


#: What a field is compared with; a value matches from the beginning of any word in it.
FIELDS: Mapping[str, Callable[[Job], str]] = {
    "state": _state_words,
    "source": lambda job: job.source_type.casefold(),
    "kind": lambda job: job.kind.value,
    "id": lambda job: str(job.id),
    "chat": lambda job: str(job.chat_id or ""),
    "group": lambda job: str(job.group_id or ""),
}
#: Fields whose values are only matched as a whole: a playlist is this one or none.
_WHOLE = frozenset({"group"})


@dataclass(frozen=True, slots=True)
class Term:
    """One condition."""

    field: str
    #: Any of these.
    values: tuple[str, ...]
    is_negated: bool = False

    def holds(self, job: Job) -> bool:
        """Whether the condition, leaving `!` aside, is true for *job*."""
        if self.field == _WORD:
            text = f"{job.title or ''} {job.url}".casefold()
            return any(value in text for value in self.values)
        end = " " if self.field in _WHOLE else ""
        text = f" {FIELDS[self.field](job).replace('_', ' ')} "
        return any(f" {value}{end}" in text for value in self.values)


@dataclass(frozen=True, slots=True)
class Filter:
    """All conditions of a filter text."""

    text: str = ""
    terms: tuple[Term, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Everything matches."""
        return not self.terms

    def matches(self, job: Job) -> bool:
        """Whether *job* is to be shown."""
        wanted: dict[str, bool] = {}
        for term in self.terms:
            held = term.holds(job)
            if term.is_negated or term.field == _WORD:
                if held == term.is_negated:
                    return False
            else:
                wanted[term.field] = wanted.get(term.field, False) or held
        return all(wanted.values())

    def query(self, *, limit: int) -> JobQuery:
        """What to ask the engine for, to find older jobs too: at least all that match."""
        positive = [term for term in self.terms if not term.is_negated]
        words = [term.values[0] for term in positive if term.field == _WORD and len(term.values) == 1]
        states = [term for term in positive if term.field == "state"]
        statuses = frozenset(
            status
            for status in JobStatus
            for term in states
            if any(status.value.casefold().startswith(value) for value in term.values)
        )
        groups = [value for term in positive if term.field == "group" for value in term.values]
        return JobQuery(
            text=max(words, key=len, default=None),
            statuses=statuses,
            group_id=int(groups[0]) if len(groups) == 1 and groups[0].isdecimal() else None,
            limit=limit,
        )


def parse_filter(text: str) -> Filter:
    """Read what somebody typed. There is no wrong input: what is no known field is a word."""
    terms: list[Term] = []
    for match in _TOKEN.finditer(text):
        field = (match["field"] or "").rstrip(":").casefold()
        value = (match["quoted"] if match["quoted"] is not None else match["bare"]).casefold()
        if field and field not in FIELDS:
            field, value = "", f"{match['field'].casefold()}{value}"
        values = (value,) if match["quoted"] is not None else tuple(part for part in value.split(",") if part)
        if field and values:
            terms.append(Term(field, values, bool(match["no"])))
        elif values and any(values):
            terms.append(Term(_WORD, values if not field else (value,), bool(match["no"])))
    return Filter(" ".join(text.split()), tuple(terms))
