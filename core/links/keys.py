"""The key by which the store knows that two requests want the same file."""

from __future__ import annotations

import hashlib

from core.domain.job import Kind
from core.links.identify import Identity
from core.links.normalise import url_hash

#: The key is a database column with an index.
MAX_KEY_CHARS = 200


def job_key(url: str, identity: Identity | None, kind: Kind, quality: str, format_id: str | None) -> str:
    """What is wanted (by identity, else by link) and in which form.

    Raises:
        InvalidRequest: There is no identity and *url* is not a usable link.
    """
    media = str(identity) if identity else f"url:{url_hash(url)}"
    key = "|".join((media, kind, quality, format_id or ""))
    if len(key) <= MAX_KEY_CHARS:
        return key
    return "sha256:" + hashlib.sha256(key.encode()).hexdigest()
