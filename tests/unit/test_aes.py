"""Decrypting segments while they arrive."""

from __future__ import annotations

import pytest

from core.domain.errors import MediaFailure
from core.net.hls.aes import CbcDecryptor
from tests.fakes.hls import encrypted

KEY, IV = bytes(range(16)), bytes(range(16, 32))


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 1000, 4096])
@pytest.mark.parametrize("step", [1, 7, 16, 33, 5000])
def test_it_gives_back_what_was_encrypted_however_the_bytes_arrive(size, step):
    plain = bytes(i % 251 for i in range(size))
    data = encrypted(plain, KEY, IV)
    decryptor = CbcDecryptor(KEY, IV, bytearray())
    out = b"".join(bytes(decryptor.feed(data[i : i + step])) for i in range(0, len(data), step))
    assert out + decryptor.finish() == plain


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(encrypted(b"x" * 100, KEY, IV)[:-1], id="cut inside a block"),
        pytest.param(encrypted(b"x" * 100, KEY, IV)[:-16], id="cut between blocks"),
        pytest.param(encrypted(b"x" * 100, bytes(16), IV), id="another key"),
    ],
)
def test_what_does_not_decrypt_is_a_media_failure(data):
    decryptor = CbcDecryptor(KEY, IV, bytearray())
    decryptor.feed(data)
    with pytest.raises(MediaFailure):
        decryptor.finish()
