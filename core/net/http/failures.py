"""Turns what httpx raises into errors of the tree: the only place where that is done."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Iterator

import httpx

from core.domain.errors import InvalidRequest, NetworkFailure

#: What to say of which error; the first that fits. `{host}` and `{error}` are filled in.
_WORDS: tuple[tuple[type[Exception], str], ...] = (
    (httpx.ConnectTimeout, "no connection to {host} in time"),
    (httpx.ReadTimeout, "{host} sent nothing for too long"),
    (httpx.PoolTimeout, "no connection to {host} was free in time"),
    (httpx.ConnectError, "no connection to {host}: {error}"),
    (httpx.ProxyError, "the proxy refused the way to {host}: {error}"),
    (TimeoutError, "no answer from {host} in time"),
    (Exception, "the connection to {host} broke: {error}"),
)


@contextlib.contextmanager
def translated(host: str) -> Iterator[None]:
    """Translate failures of an exchange with *host*. Cancellation and errors of the tree pass as they are."""
    try:
        yield
    except httpx.LocalProtocolError as error:
        raise InvalidRequest(f"a header for {host} is not allowed in HTTP") from error
    except (httpx.TransportError, TimeoutError) as error:
        raise _failure(host, error) from error


def _failure(host: str, error: Exception) -> NetworkFailure:
    refused = _refused_certificate(error)
    if refused is not None:
        return NetworkFailure(
            f"the certificate of {host} is not trusted: {refused.verify_message}",
            hint="If you trust whoever issued it, put the issuer's certificate into network.ca_file.",
        )
    words = next(words for kind, words in _WORDS if isinstance(error, kind))
    hint = "Check the proxy's address and login." if isinstance(error, httpx.ProxyError) else None
    return NetworkFailure(words.format(host=host, error=error), hint=hint)


def _refused_certificate(error: BaseException | None) -> ssl.SSLCertVerificationError | None:
    """The refusal behind the error, if there is one; httpcore keeps it as the context, not as the cause."""
    while error is not None and not isinstance(error, ssl.SSLCertVerificationError):
        error = error.__cause__ or error.__context__
    return error
