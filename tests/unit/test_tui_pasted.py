from __future__ import annotations

import pytest
from rich.cells import cell_len

from core.domain.errors import InvalidRequest, LimitReached
from core.domain.snapshot import Submitted
from tests.fakes.engine import FakeEngine
from tests.unit.test_tui_present import HOSTILE, assert_is_safe, text_of
from tui.pasted import Link, Pasted, link_lines


def test_links_are_found_in_any_text_each_once_in_any_spelling():
    pasted = Pasted()
    pasted.take(
        "see https://example.org/a?b=1&utm_source=x, and\n<https://EXAMPLE.org/a?b=1> https://example.org/c"
    )
    assert [link.url for link in pasted.links] == [
        "https://example.org/a?b=1&utm_source=x",
        "https://example.org/c",
    ]
    assert pasted.repeated == 1


def test_the_last_link_can_be_taken_back():
    pasted = Pasted()
    pasted.take("https://example.org/a https://example.org/b")
    pasted.drop_last()
    assert [link.url for link in pasted.links] == ["https://example.org/a"]
    pasted.drop_last()
    pasted.drop_last()


def test_what_is_no_link_is_refused_before_it_is_sent():
    pasted = Pasted()
    pasted.take_links(["nonsense", "https://user:secret@example.org/"])
    assert all(isinstance(link.error, InvalidRequest) for link in pasted.links)
    assert pasted.askable == []


def test_answers_are_noted_and_summed_up():
    engine = FakeEngine()
    pasted = Pasted()
    pasted.take(" ".join(f"https://example.org/{number}" for number in range(4)))
    job = engine.add()
    answers = [Submitted(job, False), Submitted(job, False), Submitted(job, True), LimitReached("queue")]
    pasted.take_answers(pasted.askable, answers)
    assert pasted.summary() == "Added 2 jobs, 1 was there already, 1 was refused"
    assert pasted.askable == []


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("width", [30, 70])
def test_lines_are_safe_and_fill_their_width(text, width):
    job = FakeEngine().add(title=text)
    links = [
        Link(text),
        Link(text, error=LimitReached(text, hint=text)),
        Link(text, answer=Submitted(job, True)),
        Link(text, answer=Submitted(job, False)),
    ]
    for link in links:
        for line in link_lines(link, width):
            assert cell_len(text_of(line)) == width
            assert_is_safe(text_of(line))


def test_each_answer_says_what_became_of_the_link():
    job = FakeEngine().add(title="A talk")
    error = LimitReached("queue", hint="Wait.")

    def shown(link: Link) -> str:
        return " ".join(text_of(line).strip() for line in link_lines(link, 120))

    assert shown(Link("https://a.example/")).startswith("ready")
    assert "created" in shown(Link("https://a.example/", answer=Submitted(job, False)))
    assert "there already, queued · A talk" in shown(Link("https://a.example/", answer=Submitted(job, True)))
    assert "A limit is reached: queue → Wait." in shown(Link("https://a.example/", error=error))
