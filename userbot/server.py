"""Which Telegram is spoken to: the real one, unless `[telegram.server]` names another."""

from __future__ import annotations

import ipaddress

from telethon.crypto import rsa
from telethon.sessions import SQLiteSession

from core.config.settings import TelegramServer
from core.domain.errors import ConfigError

#: Where new logins begin at the real service, and its port.
USUAL_DC, USUAL_PORT = 2, 443


def use_server(session: SQLiteSession, server: TelegramServer) -> None:
    """Lead *session* to the configured server, and trust its key. Before the client is built.

    A key of its own is trusted at loopback and private addresses only: whoever could talk somebody into a
    configuration with a key and a public address would get the codes of their logins.

    Raises:
        ConfigError: The server cannot be used.
    """
    if server.public_key_file is not None and (server.host is None or not _is_private(server.host)):
        raise ConfigError(
            "telegram.server.public_key_file needs a telegram.server.host at a loopback or private address",
            hint="Give the address itself, such as 127.0.0.1, or leave the key out.",
        )
    if server.host is None:
        return
    dc_id = server.dc_id or USUAL_DC
    # An account that lives in another data centre was led there when it logged in; its key is of no use here.
    if session.auth_key is None or session.dc_id == dc_id:
        session.set_dc(dc_id, server.host, server.port or USUAL_PORT)
    if server.public_key_file is not None:
        _trust(server)


def _trust(server: TelegramServer) -> None:
    assert server.public_key_file is not None
    try:
        rsa.add_key(server.public_key_file.read_text(), old=False)
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"telegram.server.public_key_file: {server.public_key_file} is no RSA key that can be read",
            hint="It begins with -----BEGIN RSA PUBLIC KEY----- (PKCS#1).",
        ) from error


def _is_private(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost"
    return address.is_loopback or address.is_private
