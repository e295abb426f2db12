"""AES-128 in CBC mode with PKCS#7 padding, as HLS segments have it (RFC 8216 §5.2), while they arrive."""

from __future__ import annotations

from Cryptodome.Cipher import AES

from core.domain.errors import MediaFailure

KEY_BYTES = 16
_BLOCK_BYTES = 16


class CbcDecryptor:
    """Decrypts one segment piece by piece.

    Args:
        key: 16 bytes.
        iv: 16 bytes.
    """

    def __init__(self, key: bytes, iv: bytes) -> None:
        self._cipher = AES.new(key, AES.MODE_CBC, iv)
        self._rest = b""

    def feed(self, data: bytes) -> bytes:
        """What can be decrypted so far. The last block is kept back: it may be padding."""
        data = self._rest + data if self._rest else data
        usable = (len(data) - 1) // _BLOCK_BYTES * _BLOCK_BYTES if data else 0
        self._rest = data[usable:]
        return bytes(self._cipher.decrypt(memoryview(data)[:usable])) if usable else b""

    def finish(self) -> bytes:
        """The last bytes, without padding.

        Raises:
            MediaFailure: The key is wrong, or the segment is cut.
        """
        if len(self._rest) != _BLOCK_BYTES:
            raise MediaFailure("an encrypted segment is not a whole number of blocks long")
        last = self._cipher.decrypt(self._rest)
        padding = last[-1]
        if not 1 <= padding <= _BLOCK_BYTES or last[-padding:] != bytes([padding]) * padding:
            raise MediaFailure("a segment does not decrypt with the key that the playlist names")
        return bytes(last[:-padding])
