"""A real nginx from Debian on loopback, with a configuration of its own."""

from __future__ import annotations

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")

_CONFIG = """\
daemon off;
worker_processes 1;
pid {home}/nginx.pid;
error_log {home}/error.log;
events {{ worker_connections 512; }}
http {{
    types {{
        video/mp4 mp4;
        application/vnd.apple.mpegurl m3u8;
        audio/aac aac;
        video/mp2t ts;
        video/iso.segment m4s;
    }}
    access_log {home}/access.log;
    sendfile on;
    client_body_temp_path {home}/body; proxy_temp_path {home}/proxy; fastcgi_temp_path {home}/fastcgi;
    uwsgi_temp_path {home}/uwsgi; scgi_temp_path {home}/scgi;
    server {{ listen 127.0.0.1:{port}; root {root}; }}
}}
"""


@asynccontextmanager
async def run_nginx(home: Path, root: Path) -> AsyncIterator[str]:
    """Serve *root*; yields the address. *home* takes the server's own files."""
    assert NGINX is not None
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    home.mkdir(parents=True, exist_ok=True)
    # As root nginx gives its workers to another user, who may not look into the test's folders.
    user = "user root;\n" if Path("/root").exists() and home.owner() == "root" else ""
    (home / "nginx.conf").write_text(user + _CONFIG.format(home=home, root=root, port=port))
    process = await asyncio.create_subprocess_exec(
        NGINX, "-c", str(home / "nginx.conf"), "-e", str(home / "error.log"), "-p", str(home)
    )
    try:
        await _listens(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        await process.wait()


async def _listens(port: int) -> None:
    async with asyncio.timeout(10):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except ConnectionRefusedError:
                await asyncio.sleep(0.02)  # the server announces itself in no other way
            else:
                writer.close()
                await writer.wait_closed()
                return
