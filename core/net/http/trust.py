"""Whose certificates are trusted."""

from __future__ import annotations

import ssl
from pathlib import Path

import certifi

from core.domain.errors import ConfigError


def trusting(ca_file: Path | None) -> ssl.SSLContext:
    """TLS for clients that trusts the certificates in *ca_file*, else the bundled ones.

    Raises:
        ConfigError: The file holds no usable certificates.
    """
    try:
        return ssl.create_default_context(cafile=str(ca_file) if ca_file else certifi.where())
    except OSError as error:
        raise ConfigError(f"network.ca_file: {ca_file} holds no usable certificates") from error
