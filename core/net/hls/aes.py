"""AES-128 in CBC mode with PKCS#7 padding, as HLS segments have it (RFC 8216 §5.2), while they arrive."""

from __future__ import annotations

from core.domain.errors import MediaFailure

KEY_BYTES = 16
_BLOCK_BYTES = 16
#: What OpenSSL asks for beyond the data, and the block that waits in front of it.
SPARE_BYTES = 2 * _BLOCK_BYTES
_WRONG_KEY = "a segment does not decrypt with the key that the playlist names"


class CbcDecryptor:
    """Decrypts one segment piece by piece.

    Args:
        key: 16 bytes.
        iv: 16 bytes.
        room: Where it decrypts to, if what comes fits in with `SPARE_BYTES`; others may share it, as a
            result is only good until the next call.
    """

    def __init__(self, key: bytes, iv: bytes, room: bytearray) -> None:
        # Not before the first encrypted segment: it takes 8 MB.
        from cryptography.hazmat.primitives.ciphers import Cipher  # noqa: PLC0415
        from cryptography.hazmat.primitives.ciphers.algorithms import AES128  # noqa: PLC0415
        from cryptography.hazmat.primitives.ciphers.modes import CBC  # noqa: PLC0415

        self._cipher = Cipher(AES128(key), CBC(iv)).decryptor()
        self._room = room
        self._last = b""
        self._size_bytes = 0

    def feed(self, data: bytes | memoryview) -> memoryview:
        """What can be decrypted so far; the last block is kept back, as it may be padding.

        It is overwritten by the next call of whoever shares the room.
        """
        self._size_bytes += len(data)
        if len(self._room) < len(data) + SPARE_BYTES:
            self._room = bytearray(len(data) + SPARE_BYTES)
        kept, room = len(self._last), memoryview(self._room)
        room[:kept] = self._last
        end = kept + self._cipher.update_into(data, room[kept:])
        usable = max(0, end - _BLOCK_BYTES)
        self._last = bytes(room[usable:end])
        return room[:usable]

    def finish(self) -> bytes:
        """The last bytes, without padding.

        Raises:
            MediaFailure: The key is wrong, or the segment is cut.
        """
        if not self._size_bytes or self._size_bytes % _BLOCK_BYTES:
            raise MediaFailure("an encrypted segment is not a whole number of blocks long")
        padding = self._last[-1]
        if not 1 <= padding <= _BLOCK_BYTES or self._last[-padding:] != bytes([padding]) * padding:
            raise MediaFailure(_WRONG_KEY)
        return self._last[:-padding]
