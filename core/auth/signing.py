"""Signatures of webhooks, after Standard Webhooks (https://www.standardwebhooks.com, specification 1.0).

The signed text is `id.timestamp.payload`; the signature is `v1,` and the Base64 of its HMAC-SHA256.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import shlex
from collections.abc import Sequence
from pathlib import Path

from core.domain.errors import ConfigError

#: What the specification marks secrets by; what follows is Base64.
MARK = "whsec_"
#: What the specification asks of a secret, in bytes. The upper bound is there to notice a wrong file.
LEAST_BYTES, MOST_BYTES = 24, 512
_MAX_FILE_BYTES = 8192


def read_secrets_blocking(file: Path) -> tuple[bytes, ...]:
    """The secrets in *file*, one a line: all of them sign, so that a receiver can go from one to the next.

    Raises:
        ConfigError: The file cannot be read, is open to others, or holds no usable secret.
    """
    file = file.expanduser()
    name = shlex.quote(str(file))
    make = f"Make one: (umask 077; echo {MARK}$(openssl rand -base64 32) > {name})"
    try:
        with file.open("rb") as stream:
            mode = os.fstat(stream.fileno()).st_mode & 0o777
            lines = stream.read(_MAX_FILE_BYTES).decode().split()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ConfigError(f"webhooks.secret_file: {file} cannot be read: {reason}", hint=make) from error
    if mode & 0o007:
        raise ConfigError(
            f"webhooks.secret_file: others may read {file} (mode {mode:04o})", hint=f"chmod 600 {name}"
        )
    if not lines:
        raise ConfigError(f"webhooks.secret_file: {file} is empty", hint=make)
    return tuple(_secret(line, file, make) for line in lines)


def _secret(line: str, file: Path, hint: str) -> bytes:
    try:
        secret = (
            base64.b64decode(line.removeprefix(MARK), validate=True)
            if line.startswith(MARK)
            else line.encode()
        )
    except binascii.Error as error:
        raise ConfigError(f"webhooks.secret_file: {file}: no Base64 after {MARK}", hint=hint) from error
    if not LEAST_BYTES <= len(secret) <= MOST_BYTES:
        bounds = f"{LEAST_BYTES} to {MOST_BYTES} bytes, not {len(secret)}"
        raise ConfigError(f"webhooks.secret_file: {file}: a secret has {bounds}", hint=hint)
    return secret


def signed_headers(secrets: Sequence[bytes], name: str, payload: bytes, *, now: float) -> dict[str, str]:
    """The headers that let a receiver know who sent *payload*, and when.

    Args:
        secrets: Each makes one signature.
        name: The message's own; the same at every try.
        payload: The body, to the byte.
        now: Seconds since the epoch; receivers refuse what is old, so nobody else can send it again.
    """
    signed = f"{name}.{int(now)}.".encode() + payload
    signatures = [
        f"v1,{base64.b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode()}" for secret in secrets
    ]
    return {
        "webhook-id": name,
        "webhook-timestamp": str(int(now)),
        "webhook-signature": " ".join(signatures),
    }
