"""Links that somebody is about to add: found in any text, each once, with what the engine answered. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from core.domain.errors import InvalidRequest, ReeldeckError
from core.domain.snapshot import Submitted
from core.domain.text import for_terminal
from core.domain.wording import title_of
from core.links.find import find_links
from core.links.normalise import normalise
from tui.present import ARROW, SEPARATOR, Line, fit, join_sides, pad, state_of


@dataclass(slots=True)
class Link:
    """One link and its answer."""

    url: str
    #: Why it cannot even be asked for.
    error: ReeldeckError | None = None
    answer: Submitted | None = None


@dataclass(slots=True)
class Pasted:
    """The links of one dialog."""

    links: list[Link] = field(default_factory=list)
    #: Links that were there already, in another spelling or the same.
    repeated: int = 0

    def take(self, text: str) -> int:
        """Add the links in *text* that are new; returns how many were."""
        return self.take_links(find_links(text))

    def take_links(self, urls: Iterable[str]) -> int:
        """Add links that are new; returns how many were."""
        known = {_key(link.url) for link in self.links}
        added = 0
        for url in urls:
            key = _key(url)
            if key in known:
                self.repeated += 1
                continue
            known.add(key)
            self.links.append(Link(url, _problem(url)))
            added += 1
        return added

    def drop_last(self) -> None:
        """Take the last one back."""
        if self.links:
            self.links.pop()

    @property
    def askable(self) -> list[Link]:
        """The links that are worth asking for."""
        return [link for link in self.links if link.error is None and link.answer is None]

    def take_answers(self, asked: Sequence[Link], answers: Sequence[Submitted | ReeldeckError]) -> None:
        """Note what the engine said to each."""
        for link, answer in zip(asked, answers, strict=True):
            if isinstance(answer, ReeldeckError):
                link.error = answer
            else:
                link.answer = answer

    def summary(self) -> str:
        """What came of it in one line: `Added 12 jobs, 2 were there already, 1 was refused`."""
        added = sum(1 for link in self.links if link.answer and not link.answer.joined)
        joined = sum(1 for link in self.links if link.answer and link.answer.joined)
        refused = sum(1 for link in self.links if link.error)
        parts = [f"Added {added} job{'s' * (added != 1)}"] if added or not (joined or refused) else []
        parts += [f"{joined} {'was' if joined == 1 else 'were'} there already"] if joined else []
        parts += [f"{refused} {'was' if refused == 1 else 'were'} refused"] if refused else []
        return ", ".join(parts)


def _key(url: str) -> str:
    try:
        return normalise(url)
    except InvalidRequest:
        return url


def _problem(url: str) -> ReeldeckError | None:
    try:
        normalise(url)
    except InvalidRequest as error:
        return error
    return None


def link_lines(link: Link, width: int) -> list[Line]:
    """A link, and below it what was answered, in lines of exactly *width* cells."""
    word, style, note, job_id = "ready", "dim", "", ""
    if link.error:
        word, style, note = "refused", "bad", f"{link.error} {ARROW} {link.error.hint}"
    elif link.answer:
        job = link.answer.job
        job_id = f"  job {job.id}"
        if link.answer.joined:
            known = f" {SEPARATOR} {title_of(job)}" if job.title else ""
            word, style, note = "joined", "warn", f"there already, {state_of(job)[0]}{known}"
        else:
            word, style = "created", "good"
    left: Line = ((fit(word, 9), style), (for_terminal(link.url.split("://", 1)[-1]), "text"))
    first = join_sides(left, ((job_id, "dim"),), width)
    return [first, pad(((" " * 9, "text"), (for_terminal(note), "dim")), width)] if note else [first]
