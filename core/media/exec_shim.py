"""Bind a child's life to its parent's, limit what it may use, then become it.

Run as a script: `python -I -S exec_shim.py PARENT_PID [NAME=VALUE…] [guard] -- PROGRAM ARGUMENT…`, where NAME
is the rest of a `RLIMIT_…` name. Standard library only and few imports: this runs before every child.

The kernel forgets the bond in grandchildren. With `guard` the program therefore runs below a small process
that stays, and takes the whole process group with it when the parent dies.
"""

from __future__ import annotations

import os
import resource
import signal
import sys

#: prctl(2) options of Linux.
_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38
#: Exit statuses of shells for a program that cannot be run.
_CANNOT_RUN = 127


def _bind(parent: int, death_signal: int) -> None:
    """Have the kernel send *death_signal* when *parent* (the thread that started us) is gone."""
    if sys.platform == "linux":
        import ctypes  # noqa: PLC0415 -- elsewhere it would only cost time

        libc = ctypes.CDLL(None)
        libc.prctl(_PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if os.getppid() != parent:  # it died before the bond was made
        os._exit(_CANNOT_RUN)


def _limit(assignments: list[str]) -> None:
    for assignment in assignments:
        name, _, value = assignment.partition("=")
        which = getattr(resource, f"RLIMIT_{name}")
        hard = resource.getrlimit(which)[1]
        limit = int(value) if hard == resource.RLIM_INFINITY else min(int(value), hard)
        resource.setrlimit(which, (limit, limit))


def _become(argv: list[str]) -> None:
    # Python ignores these; a program expects them as they come.
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execvp(argv[0], argv)  # noqa: S606 -- no shell is the point
    except OSError as error:
        os.write(2, f"{os.path.basename(argv[0])}: {error.strerror}\n".encode())  # noqa: PTH119 -- pathlib is slow to import
        os._exit(_CANNOT_RUN)


def _guard(parent: int) -> None:
    """Fork; return in the child. The guard itself waits and ends the way the child ended."""
    signal.signal(signal.SIGUSR1, lambda *_: os.killpg(0, signal.SIGKILL))
    _bind(parent, signal.SIGUSR1)
    guard = os.getpid()
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGUSR1, signal.SIG_DFL)
        _bind(guard, signal.SIGKILL)
        return
    # Whatever is sent to the group is the child's business; our copies of its pipes would hide their end.
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    os.closerange(0, 3)
    status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status):
        if os.WTERMSIG(status) != signal.SIGKILL:
            signal.signal(os.WTERMSIG(status), signal.SIG_DFL)
        os.kill(guard, os.WTERMSIG(status))
    os._exit(os.waitstatus_to_exitcode(status) & 0xFF)


def main(argv: list[str]) -> None:
    """Follow the command line described above; does not return."""
    split = argv.index("--")
    parent, options, program = int(argv[0]), argv[1:split], argv[split + 1 :]
    _limit([option for option in options if "=" in option])
    if "guard" in options:
        _guard(parent)
    else:
        _bind(parent, signal.SIGKILL)
    _become(program)


if __name__ == "__main__":
    main(sys.argv[1:])
