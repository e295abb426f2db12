"""Small loopback servers that say exactly what a test wants on the wire, and clients that may reach them."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from core.config.settings import Network, Timeouts
from core.net.address.gate import AddressGate, Resolve
from core.net.http.client import HttpClient
from core.net.pace import Bandwidth, HostPace

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True)
class Asked:
    """A request as it arrived; header names in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes = b""


@dataclass
class Server:
    """A listening server and what it has seen."""

    host: str
    port: int
    scheme: str = "http"
    connections: int = 0
    asked: list[Asked] = field(default_factory=list)
    #: Set when the peer has closed a connection.
    hung_up: asyncio.Event = field(default_factory=asyncio.Event)

    def url(self, path: str = "/", host: str | None = None) -> str:
        return f"{self.scheme}://{host or self.host}:{self.port}{path}"


@contextlib.asynccontextmanager
async def talking(
    talk: Talk, *, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Server]:
    """A server that holds each conversation as *talk* does."""
    writers: set[asyncio.StreamWriter] = set()
    idle = asyncio.Event()
    idle.set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.connections += 1
        writers.add(writer)
        idle.clear()
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
                await talk(reader, writer)
        finally:
            server.hung_up.set()
            writer.close()
            writers.discard(writer)
            if not writers:
                idle.set()

    listener = await asyncio.start_server(handle, host, port, ssl=tls, limit=1 << 20)
    server = Server(host, listener.sockets[0].getsockname()[1], "https" if tls else "http")
    try:
        yield server
    finally:
        listener.close()
        for writer in writers:
            writer.transport.abort()
        await idle.wait()


async def read_asked(reader: asyncio.StreamReader) -> Asked:
    """The next request on a connection. Raises IncompleteReadError at its end."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("utf-8")
    first, *lines = head.strip().split("\r\n")
    method, path, _ = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return Asked(method, path, headers, await reader.readexactly(int(headers.get("content-length", "0"))))


@contextlib.asynccontextmanager
async def answering(
    answer: Callable[[Asked], bytes],
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[Server]:
    """A server that answers every request with the raw bytes of *answer*, on kept connections."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            asked = await read_asked(reader)
            server.asked.append(asked)
            writer.write(answer(asked))
            await writer.drain()

    async with talking(talk, host=host, port=port, tls=tls) as server:
        yield server


def http(status: int = 200, body: bytes = b"", **headers: str) -> bytes:
    """An answer on the wire; `content_type="…"` becomes `content-type: …`."""
    fields = {"content-length": str(len(body))} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status} Said\r\n{lines}\r\n".encode() + body


@contextlib.asynccontextmanager
async def client(
    *,
    allow: Sequence[str] = ("127.0.0.1/32",),
    resolve: Resolve | None = None,
    ca_file: Path | None = None,
    proxy: str | None = None,
    connect_s: float = 5,
    read_s: float = 5,
    bandwidth: Bandwidth | None = None,
    pace: HostPace | None = None,
) -> AsyncIterator[HttpClient]:
    """A client that may reach 127.0.0.1 and no other private address."""
    made = HttpClient(
        AddressGate(allow, resolve),
        network=Network(ca_file=ca_file, proxy=proxy),
        timeouts=Timeouts(connect_s=connect_s, read_s=read_s),
        bandwidth=bandwidth,
        pace=pace,
    )
    try:
        yield made
    finally:
        await made.close()


def names(**hosts: str | Sequence[str]) -> Resolve:
    """A resolver of names (`media_test` is media.test); look-ups take the answers in turn, the last stays."""
    answers = {
        name.replace("_", "."): [value] if isinstance(value, str) else list(value)
        for name, value in hosts.items()
    }

    async def resolve(host: str, _port: int) -> Sequence[str]:
        if host not in answers:
            raise OSError(2, "unknown name")
        queue = answers[host]
        return [queue.pop(0) if len(queue) > 1 else queue[0]]

    return resolve


class Authority:
    """A certificate authority of our own, made by the openssl program."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.ca_file = folder / "ca.pem"
        self._run(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-days", "2", "-subj", "/CN=Wire test authority", "-keyout", "ca.key", "-out", "ca.pem",
        )  # fmt: skip

    def server_context(self, *alternative_names: str) -> ssl.SSLContext:
        """TLS for a server with these names, such as `DNS:media.test` or `IP:127.0.0.1`."""
        (self._folder / "san.cnf").write_text(f"subjectAltName={','.join(alternative_names)}\n")
        self._run(
            "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-subj", "/CN=Wire test server", "-keyout", "server.key", "-out", "server.csr",
        )  # fmt: skip
        self._run(
            "x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
            "-days", "2", "-extfile", "san.cnf", "-out", "server.pem",
        )  # fmt: skip
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._folder / "server.pem", self._folder / "server.key")
        return context

    def _run(self, *args: str) -> None:
        subprocess.run(["openssl", *args], cwd=self._folder, check=True, capture_output=True)


@dataclass
class Socks:
    """A SOCKS 5 server that connects to 127.0.0.1 whatever it is asked for, and what it was asked for."""

    port: int = 0
    #: What CONNECT named: a host name, or an address in text.
    asked: list[tuple[str, int]] = field(default_factory=list)
    logins: list[tuple[bytes, bytes]] = field(default_factory=list)


@contextlib.asynccontextmanager
async def socks_server(*, login: tuple[bytes, bytes] | None = None, refuses: int = 0) -> AsyncIterator[Socks]:
    """*refuses* is the reply code to every CONNECT, 0 to serve it."""
    socks = Socks()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _, count = await reader.readexactly(2)
        wanted = 2 if login else 0
        if wanted not in await reader.readexactly(count):
            writer.write(b"\x05\xff")
            return
        writer.write(bytes([5, wanted]))
        if login:
            await reader.readexactly(1)
            given = (await _counted(reader), await _counted(reader))
            socks.logins.append(given)
            writer.write(b"\x01\x00" if given == login else b"\x01\x01")
            if given != login:
                return
        _, _, _, kind = await reader.readexactly(4)
        if kind == 3:
            host = (await _counted(reader)).decode()
        else:
            host = ".".join(map(str, await reader.readexactly(4 if kind == 1 else 16)))
        port = int.from_bytes(await reader.readexactly(2), "big")
        socks.asked.append((host, port))
        writer.write(bytes([5, refuses, 0, 1, 0, 0, 0, 0, 0, 0]))
        if not refuses:
            await splice(reader, writer, port)

    async with talking(talk) as server:
        socks.port = server.port
        yield socks


@contextlib.asynccontextmanager
async def tls_front(port: int, tls: ssl.SSLContext) -> AsyncIterator[Server]:
    """A TLS server before what listens on *port* of 127.0.0.1."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await splice(reader, writer, port)

    async with talking(talk, tls=tls) as server:
        yield server


async def splice(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
    """Connect a conversation to a port of 127.0.0.1."""
    onward_reader, onward_writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        await asyncio.gather(_pump(reader, onward_writer), _pump(onward_reader, writer))
    finally:
        onward_writer.close()


async def _counted(reader: asyncio.StreamReader) -> bytes:
    return await reader.readexactly((await reader.readexactly(1))[0])


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()
