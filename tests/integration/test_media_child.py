"""Children end when they should, with everything they started, and get no more than they need."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import signal
import sys
import time
import weakref
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from core.domain.errors import StageTimeout, Unknown
from core.media import child
from core.media.child import WorkerProcess, run_child
from core.media.process_group import TAIL_BYTES, ResourceLimits

ROOT = Path(__file__).parents[2]

#: Starts a process that never ends by itself, tells both ids, and waits for ever.
FAMILY = """
import os, signal, sys, time
grandchild = os.fork()
if grandchild == 0:
    while True: signal.pause()
print(os.getpid(), grandchild, flush=True)
while True: signal.pause()
"""
#: A worker that answers each message with itself.
ECHO = "import sys\nfor line in sys.stdin: sys.stdout.write(line); sys.stdout.flush()"


def python(code: str) -> list[str]:
    return [sys.executable, "-I", "-S", "-c", code]


def is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


async def until(condition: Callable[[], bool], timeout_s: float = 10.0) -> None:
    """Other people's processes tell nobody when they end: looked at until they have."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        await asyncio.to_thread(os.sched_yield)


class Pids:
    """The ids that FAMILY told, and the moment they came."""

    def __init__(self) -> None:
        self.pids: list[int] = []
        self.told = asyncio.Event()

    def line(self, line: str) -> None:
        self.pids = [int(word) for word in line.split()]
        self.told.set()


async def test_a_child_reports_its_status_and_what_it_wrote(tmp_path):
    code = "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"
    result = await run_child(python(code), cwd=tmp_path, timeout_s=20)
    assert (result.returncode, result.stdout_tail, result.stderr_tail) == (3, "out\n", "err\n")


async def test_lines_come_one_by_one_and_the_last_needs_no_newline(tmp_path):
    lines: list[str] = []
    code = "import sys; sys.stdout.write('a=1\\n\\nb=2')"
    result = await run_child(python(code), cwd=tmp_path, timeout_s=20, on_line=lines.append)
    assert lines == ["a=1", "", "b=2"]
    assert result.stdout_tail == ""


async def test_a_line_without_end_is_handed_over_in_pieces(tmp_path):
    sizes: list[int] = []
    code = "import sys; sys.stdout.write('x' * 1_000_000)"
    await run_child(python(code), cwd=tmp_path, timeout_s=20, on_line=lambda line: sizes.append(len(line)))
    assert sum(sizes) == 1_000_000
    assert max(sizes) <= 2 * 65536 + 65536


async def test_only_the_end_of_a_flood_of_words_is_kept(tmp_path):
    code = "import sys; sys.stderr.write('x' * 3_000_000 + 'the end')"
    result = await run_child(python(code), cwd=tmp_path, timeout_s=20)
    assert len(result.stderr_tail) == TAIL_BYTES
    assert result.stderr_tail.endswith("the end")


async def test_arguments_reach_the_program_as_they_are(tmp_path):
    hostile = ["$(id)", "a b", "'", "--", "-rf", "محاضرة"]
    code = "import sys, json; print(json.dumps(sys.argv[1:]))"
    result = await run_child([*python(code), *hostile], cwd=tmp_path, timeout_s=20)
    assert json.loads(result.stdout_tail) == hostile


async def test_a_child_gets_no_secret_no_terminal_and_its_own_session(tmp_path, monkeypatch):
    monkeypatch.setenv("REELDECK_TELEGRAM__API_HASH", "canary")
    code = (
        "import os, sys, json; print(json.dumps([dict(os.environ), sys.stdin.read(), os.getcwd(),"
        " os.getsid(0) == os.getpgid(0) == os.getpid()]))"
    )
    result = await run_child(python(code), cwd=tmp_path, timeout_s=20, env={"ADDED": "yes"})
    environment, stdin, cwd, leads_session = json.loads(result.stdout_tail)
    assert "canary" not in environment.values()
    assert environment["ADDED"] == "yes"
    assert environment["PATH"] == os.environ["PATH"]
    assert (stdin, cwd, leads_session) == ("", str(tmp_path), True)


async def test_limits_hold_in_the_child(tmp_path):
    code = (
        "import resource as r; print(*(r.getrlimit(x)[0] for x in"
        " (r.RLIMIT_NOFILE, r.RLIMIT_CORE, r.RLIMIT_AS, r.RLIMIT_CPU)))"
    )
    limits = ResourceLimits(open_files=64, memory_bytes=2**30, cpu_s=7)
    result = await run_child(python(code), cwd=tmp_path, timeout_s=20, limits=limits)
    assert result.stdout_tail.split() == ["64", "0", str(2**30), "7"]


async def test_a_child_that_writes_too_much_is_ended_by_the_system(tmp_path):
    dd = ["dd", "if=/dev/zero", "of=big", "bs=64k", "count=64"]
    limits = ResourceLimits(file_bytes=100_000)
    result = await run_child(dd, cwd=tmp_path, timeout_s=20, limits=limits)
    assert result.returncode == -signal.SIGXFSZ
    assert (tmp_path / "big").stat().st_size == 100_000


async def test_a_program_that_is_not_there_says_so(tmp_path):
    result = await run_child([tmp_path / "nothing"], cwd=tmp_path, timeout_s=20)
    assert result.returncode == 127
    assert result.stderr_tail == "nothing: No such file or directory\n"


async def test_a_working_folder_that_is_gone_is_an_error_of_ours(tmp_path):
    with pytest.raises(Unknown, match="could not be started"):
        await run_child(["true"], cwd=tmp_path / "gone", timeout_s=20)


async def test_what_takes_too_long_is_ended_with_all_it_started(tmp_path):
    family = Pids()
    with pytest.raises(StageTimeout, match=r"python.* was stopped after 1 s"):
        await run_child(python(FAMILY), cwd=tmp_path, timeout_s=1, on_line=family.line)
    await until(lambda: all(map(is_gone, family.pids)))


async def test_cancelling_ends_the_child_with_all_it_started(tmp_path):
    family = Pids()
    run = asyncio.create_task(run_child(python(FAMILY), cwd=tmp_path, timeout_s=60, on_line=family.line))
    await family.told.wait()
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    await until(lambda: all(map(is_gone, family.pids)))


async def test_cancelling_before_the_child_has_begun_leaves_nothing(tmp_path):
    for turns in range(8):
        run = asyncio.create_task(run_child(python(FAMILY), cwd=tmp_path, timeout_s=60))
        for _ in range(turns):
            await asyncio.sleep(0)
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
    await until(lambda: not [p for p in psutil.Process().children(recursive=True) if not is_gone(p.pid)])


async def test_a_child_may_clean_up_when_asked_to_end(tmp_path):
    code = (
        "import pathlib, signal, sys\n"
        "def end(*_): pathlib.Path('cleaned').touch(); sys.exit()\n"
        "signal.signal(signal.SIGTERM, end); print(flush=True)\n"
        "while True: signal.pause()"
    )
    began = asyncio.Event()
    run = asyncio.create_task(
        run_child(python(code), cwd=tmp_path, timeout_s=60, on_line=lambda _: began.set())
    )
    await began.wait()
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert (tmp_path / "cleaned").exists()


async def test_a_child_that_does_not_listen_is_killed_even_when_cancelled_twice(tmp_path, monkeypatch):
    monkeypatch.setattr(child, "GRACE_S", 0.2)
    family = Pids()
    code = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + FAMILY
    run = asyncio.create_task(run_child(python(code), cwd=tmp_path, timeout_s=60, on_line=family.line))
    await family.told.wait()
    run.cancel()
    await asyncio.sleep(0)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    await until(lambda: all(map(is_gone, family.pids)))


async def test_a_grandchild_that_holds_the_pipe_does_not_hold_us(tmp_path):
    code = "import os, signal\nif os.fork() == 0: signal.pause()\n"
    result = await run_child(python(code), cwd=tmp_path, timeout_s=20)
    assert result.returncode == 0


async def test_an_error_of_the_listener_ends_the_child_and_comes_out(tmp_path):
    family = Pids()

    def listen(line: str) -> None:
        family.line(line)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await run_child(python(FAMILY), cwd=tmp_path, timeout_s=60, on_line=listen)
    await until(lambda: all(map(is_gone, family.pids)))


ENGINE = """
import asyncio, sys
from pathlib import Path
from core.media.child import WorkerProcess, run_child
family = [sys.executable, "-I", "-S", "-c", sys.argv[2]]
async def main():
    if sys.argv[1] == "run":
        await run_child(family, cwd=Path("/"), timeout_s=60, on_line=lambda line: print(line, flush=True))
    worker = await WorkerProcess.start(family, cwd=Path("/"), guard=True)
    print(worker.pid, (await worker.receive())["pids"], flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs PR_SET_PDEATHSIG")
@pytest.mark.parametrize("way", ["run", "guard"])
async def test_no_child_outlives_an_engine_that_is_killed(way):
    if way == "run":
        family = "import os, signal\nprint(os.getpid(), flush=True)\nsignal.pause()"
    else:  # with a grandchild, which the kernel's bond alone does not reach
        family = FAMILY.replace(
            "print(os.getpid(), grandchild", """print('{"pids": "%d %d"}' % (os.getpid(), grandchild)"""
        )
    engine = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", ENGINE, way, family), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert engine.stdout
    pids = [int(pid) for pid in (await engine.stdout.readline()).split()]
    assert pids
    assert not any(map(is_gone, pids))
    engine.kill()
    await engine.wait()
    await until(lambda: all(map(is_gone, pids)))


async def test_a_worker_answers_what_it_is_sent(tmp_path):
    worker = await WorkerProcess.start(python(ECHO), cwd=tmp_path)
    messages = [{"n": 1, "text": "سلام 🎧\n\ud800"}, {"n": 2, "text": "x" * 3_000_000}]
    for message in messages:
        worker.send(message)
    assert [await worker.receive() for _ in messages] == messages
    assert worker.returncode is None
    await worker.close()
    assert worker.returncode == 0
    assert is_gone(worker.pid)


async def test_a_worker_ends_politely_with_its_stdin_and_its_guard_tells_how(tmp_path):
    code = "import sys; sys.stdin.read(); sys.exit(5)"
    worker = await WorkerProcess.start(python(code), cwd=tmp_path, guard=True)
    await worker.close()
    assert worker.returncode == 5


async def test_a_guard_ends_by_the_signal_that_ended_the_worker(tmp_path):
    code = "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"
    worker = await WorkerProcess.start(python(code), cwd=tmp_path, guard=True)
    assert await worker.receive() is None
    await worker.close()
    assert worker.returncode == -signal.SIGSEGV


async def test_a_worker_that_dies_is_noticed_and_its_last_words_kept(tmp_path):
    code = "import sys; sys.stdin.readline(); sys.exit('out of luck')"
    worker = await WorkerProcess.start(python(code), cwd=tmp_path)
    worker.send({})
    assert await worker.receive() is None
    assert await worker.receive() is None
    await worker.close()
    worker.send({"to": "nobody"})
    assert worker.returncode == 1
    assert worker.stderr_tail == "out of luck\n"


@pytest.mark.parametrize("words", ["not json", "[1, 2]", "[" * 9999])
async def test_a_worker_that_talks_nonsense_is_ended(tmp_path, words):
    code = f"import signal; print({words!r}, flush=True); signal.pause()"
    worker = await WorkerProcess.start(python(code), cwd=tmp_path)
    assert await worker.receive() is None
    await worker.close(grace_s=5)
    assert worker.returncode == -signal.SIGKILL


async def test_a_worker_that_floods_us_is_ended(tmp_path):
    code = "import sys\nwhile True: sys.stdout.write('x' * 65536)"
    worker = await WorkerProcess.start(python(code), cwd=tmp_path, max_message_bytes=1_000_000)
    assert await worker.receive() is None
    await worker.close()
    assert worker.returncode == -signal.SIGKILL


async def test_nothing_of_a_closed_worker_waits_for_the_garbage_search(tmp_path):
    worker = await WorkerProcess.start(python(ECHO), cwd=tmp_path)
    worker.send({"n": 1})
    assert await worker.receive() == {"n": 1}
    await worker.close()
    seen = weakref.ref(worker)
    gc.disable()
    try:
        del worker
        assert seen() is None
    finally:
        gc.enable()


async def test_closing_a_worker_at_once_leaves_none_of_its_processes(tmp_path):
    code = FAMILY.replace("print(os.getpid(), grandchild", """print('{"pid": %d}' % grandchild""")
    worker = await WorkerProcess.start(python(code), cwd=tmp_path, guard=True)
    told = await worker.receive()
    assert told
    await worker.close(grace_s=0)
    await until(lambda: is_gone(worker.pid) and is_gone(told["pid"]))


async def test_waiting_for_a_worker_can_be_given_up_without_losing_its_answer(tmp_path):
    worker = await WorkerProcess.start(python(ECHO), cwd=tmp_path)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await worker.receive()
    worker.send({"n": 1})
    assert await worker.receive() == {"n": 1}
    await worker.close()
