"""What MTProto asks of cryptography, on the server's side.

Sources: core.telegram.org/mtproto/description (keys of a message), /mtproto/auth_key (RSA, temporary key),
/api/srp (2FA). AES-IGE itself is cryptg's, a C extension: Python would be too slow for files.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import secrets
import struct
import subprocess

import cryptg
from Cryptodome.PublicKey import RSA
from Cryptodome.Util.asn1 import DerSequence

#: The 2048-bit safe prime that the service uses everywhere, with generator 3: clients know it to be good.
PRIME = int(
    "C71CAEB9C6B1C9048E6C522F70F13F73980D40238E3E21C14934D037563D930F"
    "48198A0AA7C14058229493D22530F4DBFA336F6E0AC925139543AED44CCE7C37"
    "20FD51F69458705AC68CD4FE6B6B13ABDC9746512969328454F18FAF8C595F64"
    "2477FE96BB2A941D5BCD1D4AC8CC49880708FA9B378E3C4F3A9060BEE67CF9A4"
    "A4A695811051907E162753B56B0F6B410DBA74D8A84B2A14B3144E0EF1284754"
    "FD17ED950D5965B4B9DD46582DB1178D169C6BC465B0D6FF9CA3928FEF5B9AE4"
    "E418FC15E83EBEA0F87FA9FF5EED70050DED2849F47BF959D956850CE929851F"
    "0D8115F635B105EE2E4E15D04B2454BF6F4FADF034B10403119CD8E3B92FCC5B",
    16,
)
GENERATOR = 3

encrypt_ige = cryptg.encrypt_ige
decrypt_ige = cryptg.decrypt_ige


def sha1(*parts: bytes) -> bytes:
    """SHA-1 of the parts together."""
    return hashlib.sha1(b"".join(parts)).digest()


def sha256(*parts: bytes) -> bytes:
    """SHA-256 of the parts together."""
    return hashlib.sha256(b"".join(parts)).digest()


def big(number: int, length: int = 0) -> bytes:
    """A number as big-endian bytes, as short as can be or padded to *length*."""
    return number.to_bytes(length or (number.bit_length() + 7) // 8, "big")


def number(data: bytes) -> int:
    """The number that big-endian bytes stand for."""
    return int.from_bytes(data, "big")


class ServerKey:
    """The server's RSA key, made afresh: no private key lies in the repository."""

    def __init__(self) -> None:
        made = subprocess.run(["openssl", "genrsa", "2048"], capture_output=True, check=True)
        self._key = RSA.import_key(made.stdout)

    @property
    def public_pem(self) -> str:
        """PKCS#1 text ("BEGIN RSA PUBLIC KEY"), the form that clients are given."""
        text = base64.encodebytes(DerSequence([self._key.n, self._key.e]).encode()).decode()
        return f"-----BEGIN RSA PUBLIC KEY-----\n{text}-----END RSA PUBLIC KEY-----\n"

    @property
    def fingerprint(self) -> int:
        """The lower 64 bits of the SHA-1 of the key as two TL strings."""
        parts = (_tl_bytes(big(self._key.n)), _tl_bytes(big(self._key.e)))
        return struct.unpack("<q", sha1(*parts)[-8:])[0]

    def decrypt(self, data: bytes) -> bytes:
        """The 255 bytes that were encrypted (leading zeros included)."""
        return pow(number(data), self._key.d, self._key.n).to_bytes(256, "big")[1:]


@functools.cache
def server_key() -> ServerKey:
    """One key for all the servers of a process: making one takes time."""
    return ServerKey()


def _tl_bytes(data: bytes) -> bytes:
    head = bytes([len(data)]) if len(data) < 254 else b"\xfe" + len(data).to_bytes(3, "little")
    return head + data + bytes(-(len(head) + len(data)) % 4)


def handshake_key(server_nonce: int, new_nonce: int) -> tuple[bytes, bytes]:
    """The AES key and vector of the key exchange, from both nonces."""
    server = server_nonce.to_bytes(16, "little", signed=True)
    new = new_nonce.to_bytes(32, "little", signed=True)
    one, two, three = sha1(new, server), sha1(server, new), sha1(new, new)
    return one + two[:12], two[12:20] + three + new[:4]


def key_id_of(auth_key: bytes) -> int:
    """The lower 64 bits of the SHA-1 of an authorization key."""
    return struct.unpack("<Q", sha1(auth_key)[-8:])[0]


def message_key(auth_key: bytes, plain: bytes, *, from_server: bool) -> bytes:
    """The middle 128 bits of SHA-256 over a part of the key and the padded message."""
    x = 8 if from_server else 0
    return sha256(auth_key[88 + x : 120 + x], plain)[8:24]


def message_cipher(auth_key: bytes, msg_key: bytes, *, from_server: bool) -> tuple[bytes, bytes]:
    """The AES key and vector of one message."""
    x = 8 if from_server else 0
    a = sha256(msg_key, auth_key[x : x + 36])
    b = sha256(auth_key[x + 40 : x + 76], msg_key)
    return a[:8] + b[8:24] + a[24:32], b[:8] + a[8:24] + b[24:32]


def random_long() -> int:
    """A random positive 63-bit number."""
    return secrets.randbits(63) or 1


class PasswordProof:
    """The server's half of SRP for one login: a challenge B, then the check of what comes back."""

    def __init__(self, password: str, salt1: bytes, salt2: bytes) -> None:
        self._salts = salt1, salt2
        self.srp_id = random_long()
        self._secret = secrets.randbits(2048)
        self._verifier = pow(GENERATOR, number(_password_hash(password, salt1, salt2)), PRIME)
        p, g = big(PRIME, 256), big(GENERATOR, 256)
        self._hash_p, self._hash_g = sha256(p), sha256(g)
        self._b = (number(sha256(p, g)) * self._verifier + pow(GENERATOR, self._secret, PRIME)) % PRIME

    @property
    def challenge(self) -> bytes:
        """srp_B."""
        return big(self._b, 256)

    def proves(self, a: bytes, m1: bytes) -> bool:
        """Whether the client knew the password."""
        a = a.rjust(256, b"\0")
        u = number(sha256(a, self.challenge))
        shared = pow(number(a) * pow(self._verifier, u, PRIME), self._secret, PRIME)
        mixed = bytes(x ^ y for x, y in zip(self._hash_p, self._hash_g, strict=True))
        salts = [sha256(salt) for salt in self._salts]
        return m1 == sha256(mixed, *salts, a, self.challenge, sha256(big(shared, 256)))


def _password_hash(password: str, salt1: bytes, salt2: bytes) -> bytes:
    first = sha256(salt2, sha256(salt1, password.encode(), salt1), salt2)
    slow = hashlib.pbkdf2_hmac("sha512", first, salt1, 100_000)
    return sha256(salt2, slow, salt2)
