"""What aria2c is told, and what it says. Pure; facts from aria2c(1) and aria2's "Control file format"."""

from __future__ import annotations

import re
import shutil
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import certifi

from core.domain.media import Track

#: It allows no more to one server.
MAX_CONNECTIONS = 16
#: Fields that players send to whatever host they are led to. aria2c keeps all fields across redirects, so a
#: request with any other, which may be a login, is never its to make.
_SHAREABLE = frozenset({"accept", "accept-language", "origin", "referer", "user-agent"})
_CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f]")
_READOUT = re.compile(rb"\[#[0-9a-f]+ (\d+)B/\d+B")
#: Version, extension, and the length of a torrent's hash: none.
_PLAIN_CONTROL = bytes.fromhex("0001 00000000 00000000")
_BLOCK_BYTES = 16 * 1024

#: Exit statuses of which nobody need ask the server.
NO_SPACE = 9
CANNOT_RESUME = 8
#: … the file could not be opened, made, read or written, or its folder not made.
DISK_TROUBLE = frozenset({14, 15, 16, 17, 18})
_MEANINGS: Mapping[int, str] = {
    2: "it timed out",
    6: "the connection failed",
    CANNOT_RESUME: "the server cannot go on where it was",
    19: "the name could not be resolved",
    22: "the answer made no sense",
    23: "there were too many redirects",
    29: "the server is overloaded",
}


@dataclass(frozen=True, slots=True)
class Aria2c:
    """The program, and how it reaches the network."""

    program: Path
    #: The gate's proxy; holds a token.
    proxy_url: str = field(repr=False)
    user_agent: str
    #: Certificates that are trusted; None for those that our own client brings along.
    ca_file: Path | None
    #: For each connection to the proxy.
    connect_timeout_s: float


def find_aria2c() -> Path | None:
    """The program, None when it is not installed. Looks at the disk."""
    found = shutil.which("aria2c")
    return Path(found).resolve() if found else None


def suits(track: Track) -> bool:
    """Whether *track* can be left to aria2c: it has no limit on ranges, and nothing secret in its fields."""
    fields = track.headers.items()
    return track.max_range_bytes is None and all(
        name.lower() in _SHAREABLE and not _CONTROL_CHARACTERS.search(value) for name, value in fields
    )


def arguments(aria2c: Aria2c, connections: int) -> list[str]:
    """The command line. What is fetched, and from where, comes by standard input: everybody may read this."""
    width = min(connections, MAX_CONNECTIONS)
    return [
        str(aria2c.program),
        "--no-conf=true",
        "--no-netrc=true",
        "--enable-rpc=false",
        "--input-file=-",
        f"--ca-certificate={aria2c.ca_file or certifi.where()}",
        "--check-certificate=true",
        # It fetches one file: nothing that it finds there may lead it on to another.
        "--follow-torrent=false",
        "--follow-metalink=false",
        f"--split={width}",
        f"--max-connection-per-server={width}",
        "--min-split-size=1M",
        f"--connect-timeout={max(1, min(600, round(aria2c.connect_timeout_s)))}",
        "--max-tries=5",
        "--retry-wait=1",
        "--always-resume=true",
        "--allow-overwrite=true",
        "--auto-file-renaming=false",
        "--remote-time=false",
        "--file-allocation=none",
        # What its note claims is in the file, and not in its memory.
        "--disk-cache=0",
        "--auto-save-interval=1",
        "--summary-interval=1",
        "--human-readable=false",
        "--enable-color=false",
        "--download-result=hide",
        "--console-log-level=error",
    ]


def order(aria2c: Aria2c, track: Track, url: str, part: Path) -> bytes:
    """One entry of its input file: fetch *url*, which the gate has seen, to *part*; *track* suits."""
    fields = {"user-agent": aria2c.user_agent}
    fields |= {name.lower(): value for name, value in track.headers.items()}
    lines = [
        url,
        f"  dir={part.parent}",
        f"  out={part.name}",
        f"  all-proxy={aria2c.proxy_url}",
        *(f"  header={name}: {value}" for name, value in fields.items()),
    ]
    return ("\n".join(lines) + "\n").encode()


def meaning(status: int) -> str:
    """An exit status for people."""
    return _MEANINGS.get(status, f"status {status}")


class Readout:
    """Listens to its standard output: how many bytes it has, once a second."""

    def __init__(self, done_bytes: int) -> None:
        self.done_bytes = done_bytes
        self._rest = b""

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        text = self._rest + data
        for found in _READOUT.finditer(text):
            self.done_bytes = max(self.done_bytes, int(found[1]))
        self._rest = text.rpartition(b"\n")[2][-1024:]

    def close(self) -> None:
        """There are no more; nothing changes."""


def control_bytes(control: bytes) -> int | None:
    """How many bytes a control file claims; None when it makes no sense."""
    if not control.startswith(_PLAIN_CONTROL):
        return None
    try:
        piece_bytes, total_bytes, _, length = struct.unpack_from(">IQQI", control, 10)
        at = 34 + length
        pieces = int.from_bytes(control[34:at], "big")
        begun = struct.unpack_from(">I", control, at)[0]
        at += 4
        blocks = 0
        for _ in range(begun):
            length = struct.unpack_from(">III", control, at)[2]
            at += 12 + length
            blocks += int.from_bytes(control[at - length : at], "big").bit_count()
    except struct.error:
        return None
    claimed_bytes: int = pieces.bit_count() * piece_bytes + blocks * _BLOCK_BYTES
    return min(claimed_bytes, int(total_bytes))
