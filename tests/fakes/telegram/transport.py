"""How MTProto packets are framed on TCP, for all that a client may choose
(core.telegram.org/mtproto/mtproto-transports).

The first bytes tell: 0xef abridged, 0xeeeeeeee intermediate, 64 random bytes that hide one of them behind
AES-CTR ("obfuscated"), anything else is the full transport, which counts and checks its packets.
"""

from __future__ import annotations

import asyncio
import struct
from typing import Protocol
from zlib import crc32

from Cryptodome.Cipher import AES

ABRIDGED, INTERMEDIATE = b"\xef", b"\xee" * 4


class BrokenFrameError(ConnectionError):
    """The client sent something that the transport does not allow."""


class Bytes(Protocol):
    """Where a framing reads from."""

    async def readexactly(self, n: int) -> bytes: ...


class Framing:
    """One connection's packets."""

    def __init__(self, source: Bytes) -> None:
        self.source = source

    async def read(self) -> bytes:
        """The next packet. Raises asyncio.IncompleteReadError when the client has gone."""
        raise NotImplementedError

    def frame(self, packet: bytes) -> bytes:
        """The packet as it goes over the wire."""
        raise NotImplementedError


class Abridged(Framing):
    """One byte of length in words, or 0x7f and three."""

    async def read(self) -> bytes:
        words = (await self.source.readexactly(1))[0]
        if words >= 0x7F:
            words = int.from_bytes(await self.source.readexactly(3), "little")
        return await self.source.readexactly(words * 4)

    def frame(self, packet: bytes) -> bytes:
        words = len(packet) // 4
        head = bytes([words]) if words < 0x7F else b"\x7f" + words.to_bytes(3, "little")
        return head + packet


class Intermediate(Framing):
    """Four bytes of length."""

    async def read(self) -> bytes:
        (length,) = struct.unpack("<I", await self.source.readexactly(4))
        return await self.source.readexactly(length)

    def frame(self, packet: bytes) -> bytes:
        return struct.pack("<I", len(packet)) + packet


class Full(Framing):
    """Length, counter, packet, CRC-32 of the three; both counters begin at 0."""

    def __init__(self, source: Bytes, head: bytes) -> None:
        super().__init__(source)
        self._head = head
        self._read = self._sent = 0

    async def read(self) -> bytes:
        start = self._head + await self.source.readexactly(8 - len(self._head))
        self._head = b""
        length, counter = struct.unpack("<II", start)
        if not 12 < length < 1 << 24 or counter != self._read:
            raise BrokenFrameError(f"length {length}, counter {counter}")
        rest = await self.source.readexactly(length - 8)
        if crc32(start + rest[:-4]) != struct.unpack("<I", rest[-4:])[0]:
            raise BrokenFrameError("checksum")
        self._read += 1
        return rest[:-4]

    def frame(self, packet: bytes) -> bytes:
        framed = struct.pack("<II", len(packet) + 12, self._sent) + packet
        self._sent += 1
        return framed + struct.pack("<I", crc32(framed))


class Obfuscated(Framing):
    """Another framing behind AES-CTR whose keys are in the first 64 bytes and in their reverse."""

    def __init__(self, source: asyncio.StreamReader, first: bytes) -> None:
        back = first[55:7:-1]
        self._in = AES.new(first[8:40], AES.MODE_CTR, nonce=b"", initial_value=first[40:56])
        self._out = AES.new(back[:32], AES.MODE_CTR, nonce=b"", initial_value=back[32:48])
        self._stream = source
        tag = self._in.decrypt(first)[56:60]
        kinds = {ABRIDGED * 4: Abridged, INTERMEDIATE: Intermediate}
        if tag not in kinds:
            raise BrokenFrameError("not an obfuscated transport")
        self._inner = kinds[tag](self)
        super().__init__(self)

    async def readexactly(self, n: int) -> bytes:
        """Deciphered bytes, for the framing inside."""
        return self._in.decrypt(await self._stream.readexactly(n))

    async def read(self) -> bytes:
        return await self._inner.read()

    def frame(self, packet: bytes) -> bytes:
        return self._out.encrypt(self._inner.frame(packet))


async def framing_of(reader: asyncio.StreamReader) -> Framing:
    """The framing that a fresh connection speaks, found by its first bytes."""
    head = await reader.readexactly(1)
    if head == ABRIDGED:
        return Abridged(reader)
    head += await reader.readexactly(3)
    if head == INTERMEDIATE:
        return Intermediate(reader)
    rest = await reader.readexactly(4)
    if rest == bytes(4):  # The full transport's first counter; an obfuscated head never has zeros here.
        return Full(reader, head + rest)
    return Obfuscated(reader, head + rest + await reader.readexactly(56))
