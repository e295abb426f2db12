"""How a client gets its authorization key (core.telegram.org/mtproto/auth_key): nothing here is encrypted yet
with it, each step answers one plain request.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from typing import Any

from telethon.extensions import BinaryReader
from telethon.tl import functions, types

from tests.fakes.telegram.crypto import (
    GENERATOR,
    PRIME,
    ServerKey,
    big,
    decrypt_ige,
    encrypt_ige,
    handshake_key,
    number,
    sha1,
)

#: Primes whose product the client has to take apart, a proof of a little work.
P, Q = 1_229_739_323, 1_402_015_859


class HandshakeError(ConnectionError):
    """A step that does not fit the ones before; the service hangs up."""


class Handshake:
    """One exchange; *learned* is called with the key once both sides have it."""

    def __init__(self, key: ServerKey, learned: Callable[[bytes], None], now: Callable[[], int]) -> None:
        self._key, self._learned, self._now = key, learned, now
        self._nonce = 0
        self._server_nonce = int.from_bytes(os.urandom(16), "little", signed=True)
        self._new_nonce = 0
        self._a = secrets.randbits(2040)

    def answer(self, request: Any) -> Any:
        """The answer to one plain request. Raises HandshakeError."""
        match request:
            case functions.ReqPqMultiRequest() | functions.ReqPqRequest():
                self._nonce = request.nonce
                return types.ResPQ(self._nonce, self._server_nonce, big(P * Q), [self._key.fingerprint])
            case functions.ReqDHParamsRequest():
                self._check(request)
                return self._parameters(request)
            case functions.SetClientDHParamsRequest():
                self._check(request)
                return self._finish(request)
            case _:
                raise HandshakeError(f"{type(request).__name__} in the clear")

    def _check(self, request: Any) -> None:
        if (request.nonce, request.server_nonce) != (self._nonce, self._server_nonce):
            raise HandshakeError("another nonce")

    def _parameters(self, request: functions.ReqDHParamsRequest) -> types.ServerDHParamsOk:
        plain = self._key.decrypt(request.encrypted_data)
        inner = BinaryReader(plain[20:]).tgread_object()
        if plain[:20] != sha1(bytes(inner)) or {number(inner.p), number(inner.q)} != {P, Q}:
            raise HandshakeError("inner data")
        self._new_nonce = inner.new_nonce
        answer = bytes(
            types.ServerDHInnerData(
                nonce=self._nonce,
                server_nonce=self._server_nonce,
                g=GENERATOR,
                dh_prime=big(PRIME),
                g_a=big(pow(GENERATOR, self._a, PRIME), 256),
                server_time=self._now(),
            )
        )
        plain = sha1(answer) + answer
        plain += os.urandom(-len(plain) % 16)
        cipher = handshake_key(self._server_nonce, self._new_nonce)
        return types.ServerDHParamsOk(self._nonce, self._server_nonce, encrypt_ige(plain, *cipher))

    def _finish(self, request: functions.SetClientDHParamsRequest) -> types.DhGenOk:
        cipher = handshake_key(self._server_nonce, self._new_nonce)
        plain = decrypt_ige(request.encrypted_data, *cipher)
        inner = BinaryReader(plain[20:]).tgread_object()
        if plain[:20] != sha1(bytes(inner)):
            raise HandshakeError("inner data of the client")
        shared = pow(number(inner.g_b), self._a, PRIME)
        auth_key = big(shared, 256)
        self._learned(auth_key)
        new_nonce = self._new_nonce.to_bytes(32, "little", signed=True)
        proof = sha1(new_nonce, b"\x01", sha1(auth_key)[:8])[4:20]
        hashed = int.from_bytes(proof, "little", signed=True)
        return types.DhGenOk(self._nonce, self._server_nonce, hashed)
