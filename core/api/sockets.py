"""Listening sockets: the Unix socket that only its owner can open, and the TCP one."""

from __future__ import annotations

import os
import socket
import stat
import struct
from pathlib import Path

from core.client.locate import check_private
from core.domain.errors import ConfigError, EngineRunning

BACKLOG = 256
#: How long a listener that is already there may take to answer a connection.
ANSWER_S = 1.0


def listen_unix(path: Path, *, is_own_folder: bool) -> socket.socket:
    """A socket at *path*, mode 0600, in a folder of mode 0700.

    Uvicorn would open it to everybody (it sets 0666 whatever the umask), so it is bound here.

    Args:
        path: Where.
        is_own_folder: The folder is for this alone, so that it may be closed to others where it is not.

    Raises:
        EngineRunning: Somebody answers there.
        ConfigError: The place cannot be used.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if is_own_folder and path.parent.lstat().st_uid == os.geteuid():
            path.parent.chmod(0o700)
    except OSError as error:
        hint = "Set paths.runtime_dir or api.socket_path to a place where you may write."
        raise ConfigError(f"cannot make the folder of {path}: {error.strerror}", hint=hint) from error
    check_private(path.parent)
    _clear(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        os.fchmod(listener.fileno(), 0o600)  # on Linux the file is born with this mode
        listener.bind(os.fspath(path))
        path.chmod(0o600)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        hint = "Set api.socket_path to a place that takes a socket."
        raise ConfigError(f"cannot listen on {path}: {error.strerror}", hint=hint) from error
    listener.setblocking(False)
    return listener


def _clear(path: Path) -> None:
    """Remove what a dead engine left at *path*."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise ConfigError(f"{path} is there and is no socket", hint="Move it away, or set api.socket_path.")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(ANSWER_S)
        try:
            probe.connect(os.fspath(path))
        except (ConnectionRefusedError, FileNotFoundError):
            path.unlink(missing_ok=True)
            return
        except OSError:
            pass  # too busy to answer, or not ours to ask: either way somebody listens
    raise EngineRunning(f"something answers on {path}")


def listen_tcp(host: str, port: int) -> socket.socket:
    """A TCP socket at one address.

    Raises:
        ConfigError: The address cannot be used.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(BACKLOG)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        hint = "Set api.tcp_host and api.tcp_port to a free address of this machine."
        raise ConfigError(f"cannot listen on {host} port {port}: {error.strerror}", hint=hint) from error
    listener.setblocking(False)
    return listener


def peer_uid(connection: socket.socket) -> int | None:
    """Whose process is at the other end of a Unix socket; None where the system does not tell."""
    if not hasattr(socket, "SO_PEERCRED"):
        return None
    credentials = struct.Struct("3i")  # struct ucred of unix(7): pid, uid, gid
    data = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, credentials.size)
    uid: int = credentials.unpack(data)[1]
    return uid
