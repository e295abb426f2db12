"""What is sent to a terminal: never more than it reads, nothing for nobody; and nobody waits for it."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Iterator
from functools import partial

import pytest

from core.domain.job import JobStatus, Stage
from tui import outflow
from tui.app import HIDDEN_S, ReeldeckApp
from tui.driver import PatientDriver
from tui.outflow import LOST_AFTER_S, QUESTION, WINDOW_BYTES, Outflow

MORE_THAN_A_WINDOW = b"x" * (WINDOW_BYTES + 1)
PATIENCE_S = 20.0


class Scene:
    """A terminal's two ends and who is told of it."""

    def __init__(self) -> None:
        self.reads, writes = os.pipe()
        self.room, self.gone = threading.Event(), threading.Event()
        self.outflow = Outflow(writes, on_room=self.room.set, on_gone=self.gone.set)
        self._writes = writes

    def takes(self, size: int) -> bytes:
        """What the terminal reads."""
        data = b""
        while len(data) < size:
            data += os.read(self.reads, size - len(data))
        return data

    def until_it_may_send(self) -> None:
        while self.outflow.wait_s() is not None:
            assert self.room.wait(PATIENCE_S)
            self.room.clear()

    def vanish(self) -> None:
        if self.reads >= 0:
            os.close(self.reads)
            self.reads = -1

    def close(self) -> None:
        self.vanish()
        self.outflow.close()
        os.close(self._writes)


@pytest.fixture
def scene() -> Iterator[Scene]:
    scene = Scene()
    yield scene
    scene.close()


def test_what_is_written_arrives_with_one_question_at_a_time(scene):
    scene.outflow.write(b"one")
    assert scene.takes(7) == b"one" + QUESTION
    scene.outflow.write(b"two")
    assert scene.takes(3) == b"two"
    scene.outflow.answered()
    assert scene.takes(4) == QUESTION, "what came after the question is asked about too"
    scene.outflow.answered()
    scene.outflow.write(b"three")
    assert scene.takes(9) == b"three" + QUESTION


def test_more_than_a_window_waits_for_the_answer(scene):
    scene.outflow.write(MORE_THAN_A_WINDOW)
    scene.takes(len(MORE_THAN_A_WINDOW + QUESTION))
    assert scene.outflow.wait_s() is not None
    scene.room.clear()
    scene.outflow.answered()
    assert scene.room.is_set()
    scene.until_it_may_send()


def test_less_than_a_window_waits_for_nothing(scene):
    scene.outflow.write(b"x" * (WINDOW_BYTES - 100))
    scene.takes(WINDOW_BYTES - 100 + len(QUESTION))
    scene.until_it_may_send()
    assert scene.outflow.wait_s() is None


def test_a_terminal_that_answers_nothing_is_soon_not_waited_for(scene, monkeypatch):
    monkeypatch.setattr(outflow, "MUTE_AFTER_S", 0.01)
    scene.outflow.write(MORE_THAN_A_WINDOW)
    scene.takes(len(MORE_THAN_A_WINDOW + QUESTION))
    while scene.outflow.wait_s() is not None:
        scene.room.wait(0.002)
    scene.outflow.write(MORE_THAN_A_WINDOW)
    assert scene.takes(len(MORE_THAN_A_WINDOW)) == MORE_THAN_A_WINDOW, "it is not asked again"
    scene.until_it_may_send()
    assert scene.outflow.wait_s() is None


def test_one_that_has_answered_is_waited_for_longer(scene):
    scene.outflow.write(b"x")
    scene.takes(5)
    scene.outflow.answered()
    scene.outflow.write(MORE_THAN_A_WINDOW)
    scene.takes(len(MORE_THAN_A_WINDOW + QUESTION))
    wait_s = scene.outflow.wait_s()
    assert wait_s is not None
    assert outflow.MUTE_AFTER_S < wait_s <= LOST_AFTER_S


def test_nobody_waits_for_a_terminal_that_does_not_read(scene):
    began = time.monotonic()
    for _ in range(100):
        scene.outflow.write(b"x" * 10_000)  # more than any pipe holds
    assert time.monotonic() - began < 1.0
    assert scene.outflow.wait_s() is not None


def test_a_terminal_that_vanishes_is_told_once(scene):
    scene.vanish()
    scene.outflow.write(b"hello")
    assert scene.gone.wait(PATIENCE_S)
    scene.gone.clear()
    scene.outflow.write(b"hello?")
    scene.outflow.ask_no_more()
    assert not scene.gone.is_set()


def test_whoever_leaves_waits_for_the_last_answer_and_asks_no_more(scene):
    scene.outflow.write(b"x")
    scene.takes(5)
    scene.outflow.answered()
    scene.outflow.write(b"y")
    answer = threading.Timer(0.05, scene.outflow.answered)
    answer.start()
    scene.outflow.ask_no_more()
    answer.join(0)
    assert not answer.is_alive() or answer.finished.is_set()
    scene.outflow.write(b"bye")
    scene.outflow.close()
    assert scene.takes(5 + 3) == b"y" + QUESTION + b"bye"


def sent_by(app: ReeldeckApp, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What goes to the terminal from now on."""
    sent: list[object] = []
    monkeypatch.setattr(app, "_display", lambda _, update: update and sent.append(update))
    return sent


async def test_a_screen_that_the_terminal_does_not_take_is_merged_not_queued(dashboard, engine, monkeypatch):
    engine.add_many(10)
    async with dashboard() as shown:
        app = shown.app
        sent = sent_by(app, monkeypatch)
        monkeypatch.setattr(app, "has_room", lambda: False)
        await shown.press("j", "j", "question_mark", "escape", "j")
        assert shown.index.cursor_row == 3, "keys are obeyed meanwhile"
        await shown.until(lambda: not app.screen._is_coming)
        assert sent == []
        monkeypatch.setattr(app, "has_room", lambda: True)
        app.on_room()
        assert len(sent) == 1
        app.on_room()
        assert len(sent) == 1


async def test_a_timer_that_begins_when_a_terminal_has_room_again_ends(dashboard):
    """Else a terminal that answers nothing would never be sent what it had no room for."""
    ended = asyncio.Event()
    async with dashboard() as shown:
        driver = PatientDriver(shown.app)
        begin = partial(shown.app.set_timer, 0.01, ended.set)
        thread = threading.Thread(target=driver._call, args=(begin,))
        thread.start()
        async with asyncio.timeout(PATIENCE_S):
            await ended.wait()
        thread.join()


async def test_what_nobody_sees_is_painted_seldom_until_somebody_does(dashboard, engine, monkeypatch):
    job = engine.add(title="A talk", status=JobStatus.RUNNING, stage=Stage.DOWNLOAD)
    hidden = [True]

    async def answer(_: object) -> bool:
        return hidden[0]

    monkeypatch.setattr("tui.app.is_hidden", answer)
    monkeypatch.setattr("tui.app.HIDDEN_CHECK_S", 0.05)
    async with dashboard() as shown:
        app = shown.app
        await app._check_hidden()
        engine.progress(job.id, 10, 100, 5)
        assert app._gap_s == HIDDEN_S
        await shown.shows("10%")
        hidden[0] = False
        await shown.until(lambda: not app._is_hidden)
        assert app._gap_s < HIDDEN_S
