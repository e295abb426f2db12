"""`python -m bench.relay LISTEN TARGET ROUND_TRIP_S`: makes a loopback server as slow to answer as a far one.

A request is passed on a round trip late, the first of a connection another one, as the connection itself
would be; answers are passed on at once, whatever their size, by the kernel alone: a far server takes no
processor from whoever is measured.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import sys
import threading
import time

_REQUEST_BYTES = 64 * 1024
_PIPE_BYTES = 1 << 20


def main(listen: int, target: int, round_trip_s: float) -> None:
    """Relay until the process is ended."""
    with socket.create_server(("127.0.0.1", listen), backlog=1024) as server:
        while True:
            client, _ = server.accept()
            threading.Thread(target=_serve, args=(client, target, round_trip_s), daemon=True).start()


def _serve(client: socket.socket, target: int, round_trip_s: float) -> None:
    with client, socket.create_connection(("127.0.0.1", target)) as upstream:
        for each in (client, upstream):
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        answers = threading.Thread(target=_pass_on, args=(upstream, client), daemon=True)
        answers.start()
        time.sleep(round_trip_s)
        with contextlib.suppress(ConnectionError):
            # Whoever sends a request waits for its answer before the next: one is under way at a time.
            while request := client.recv(_REQUEST_BYTES):
                time.sleep(round_trip_s)
                upstream.sendall(request)
        _hang_up(upstream)
        answers.join()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    """All that comes, until either side has enough."""
    reading, writing = os.pipe()
    with contextlib.suppress(ConnectionError), open(reading, "rb"), open(writing, "wb"):  # noqa: PTH123 -- pipes
        fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        while count := os.splice(source.fileno(), writing, _PIPE_BYTES):
            while count:
                count -= os.splice(reading, target.fileno(), count)
    _hang_up(target)


def _hang_up(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
