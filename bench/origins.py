"""The origins that transfers are measured on: nginx, the same far away, and one that fails."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

#: What each connection to `/slow/` gets.
SLOW_BPS = 8 * 2**20
#: A round trip to the origin that is far away, in seconds.
ROUND_TRIP_S = 0.060

_CONFIG = """\
{user}daemon off;
worker_processes 1;
pid {home}/nginx.pid;
error_log {home}/error.log;
events {{ worker_connections 2048; }}
http {{
    types {{ video/mp4 mp4; application/vnd.apple.mpegurl m3u8; audio/aac aac; video/mp2t ts; }}
    access_log off;
    sendfile on;
    keepalive_requests 1000000;
    client_body_temp_path {home}/body; proxy_temp_path {home}/proxy; fastcgi_temp_path {home}/fastcgi;
    uwsgi_temp_path {home}/uwsgi; scgi_temp_path {home}/scgi;
    server {{
        listen 127.0.0.1:{port};
        root {root};
        location /slow/ {{ alias {root}/; limit_rate {slow}; }}
    }}
    server {{
        listen 127.0.0.1:{tls_port} ssl;
        root {root};
        ssl_certificate {home}/cert.pem;
        ssl_certificate_key {home}/key.pem;
    }}
}}
"""


@dataclass(frozen=True, slots=True)
class Origins:
    """Addresses without the last slash."""

    plain: str
    #: Each connection gets SLOW_BPS.
    slow: str
    #: Certificate of `ca_file`, for 127.0.0.1.
    tls: str
    ca_file: Path
    #: A round trip of ROUND_TRIP_S away.
    far: str
    #: Refuses and cuts, seeded.
    flaky: str


def missing() -> list[str]:
    """The programs that are needed and are not installed."""
    return [name for name in ("nginx", "openssl") if _which(name) is None]


@contextlib.contextmanager
def origins(home: Path, root: Path) -> Iterator[Origins]:
    """Serve *root*; *home* takes the servers' own files."""
    home.mkdir(parents=True, exist_ok=True)
    port, tls_port, far_port, flaky_port = free_ports(4)
    _make_certificate(home)
    # As root nginx gives its workers to another user, who may not look into everybody's folders.
    user = "user root;\n" if home.owner() == "root" else ""
    config = home / "nginx.conf"
    config.write_text(
        _CONFIG.format(home=home, root=root, port=port, tls_port=tls_port, slow=SLOW_BPS, user=user)
    )
    nginx = [str(_which("nginx")), "-c", str(config), "-e", str(home / "error.log"), "-p", str(home)]
    relay = [sys.executable, "-m", "bench.relay", str(far_port), str(port), str(ROUND_TRIP_S)]
    flaky = [sys.executable, "-m", "bench.flaky", str(flaky_port), str(root)]
    servers = [subprocess.Popen(argv) for argv in (nginx, relay, flaky)]
    try:
        for each in (port, tls_port, far_port, flaky_port):
            wait_until_it_listens(each)
        yield Origins(
            plain=f"http://127.0.0.1:{port}",
            slow=f"http://127.0.0.1:{port}/slow",
            tls=f"https://127.0.0.1:{tls_port}",
            ca_file=home / "cert.pem",
            far=f"http://127.0.0.1:{far_port}",
            flaky=f"http://127.0.0.1:{flaky_port}",
        )
    finally:
        for server in servers:
            server.terminate()
        for server in servers:
            server.wait()


def _which(name: str) -> str | None:
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on just now."""
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def _make_certificate(home: Path) -> None:
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=bench",
        "-addext",
    ]
    files = ["-keyout", str(home / "key.pem"), "-out", str(home / "cert.pem")]
    subprocess.run([*command, "subjectAltName=IP:127.0.0.1", *files], check=True, capture_output=True)


def wait_until_it_listens(port: int) -> None:
    """Return once somebody does; raises ConnectionRefusedError after ten seconds."""
    until = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            if time.monotonic() > until:
                raise
            time.sleep(0.02)
        else:
            return
