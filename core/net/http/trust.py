"""Whose certificates are trusted."""

from __future__ import annotations

import ssl
from functools import cache
from pathlib import Path

import certifi

from core.domain.errors import ConfigError


@cache  # reading the bundled certificates takes 15 ms and 1 MB, and every source has a client of its own
def trusting(ca_file: Path | None) -> ssl.SSLContext:
    """TLS for clients that trusts the certificates in *ca_file*, else the bundled ones.

    Raises:
        ConfigError: The file holds no usable certificates.
    """
    try:
        context = ssl.create_default_context(cafile=str(ca_file) if ca_file else certifi.where())
    except OSError as error:
        raise ConfigError(f"network.ca_file: {ca_file} holds no usable certificates") from error
    context.set_alpn_protocols(["http/1.1"])
    return context
