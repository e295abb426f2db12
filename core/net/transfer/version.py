"""Whether an answer brings the bytes that were asked for, of the version that the others brought."""

from __future__ import annotations

from dataclasses import dataclass

from core.domain.errors import HttpFailure, NetworkFailure
from core.net.http.client import Response, raise_for_status
from core.net.transfer.assembly import Restart
from core.net.transfer.remote import (
    ContentRange,
    content_length,
    is_page,
    parse_content_range,
    strong_validator,
)

_ALLOWED = frozenset({200, 206, 416})


class IfRangeRefused(Exception):
    """The server sent all of the same version although If-Range held: some cannot do ETags there."""


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a remote file, as its first answer described it."""

    #: Strong ETag or Last-Modified; None when the server gave neither.
    validator: str | None
    total: int | None
    is_page: bool

    @classmethod
    def first(cls, response: Response, *, ranged: bool) -> tuple[Version, int | None]:
        """The version that the answer to a first request shows, and where that answer's bytes end.

        Args:
            response: The answer.
            ranged: Whether a range was asked for.

        Raises:
            Restart: The server cannot do ranges, though it tried.
            JobError: By status.
        """
        raise_for_status(response, allow=_ALLOWED if ranged else frozenset({200}))
        page = is_page(response.content_type)
        validator = strong_validator(response.headers)
        if response.status == 200:
            total = content_length(response.headers)
            return cls(validator, total, page), total
        part = _part(response)
        if response.status == 416 or part is None or part.start != 0 or part.total is None:
            raise Restart(_wrong_part(response), ranged=False)
        return cls(validator, part.total, page), part.end

    def next(self, response: Response, start: int, *, had_if_range: bool) -> int | None:
        """Where the bytes of the answer to a further request, for those from *start*, end.

        Raises:
            Restart: It is another version, or other bytes.
            IfRangeRefused: See there; ask again without.
            JobError: By status, or a page came where a file was.
        """
        raise_for_status(response, allow=_ALLOWED)
        if response.status != 416 and is_page(response.content_type) and not self.is_page:
            raise page_instead(response)
        validator = strong_validator(response.headers)
        if response.status == 200:
            is_same = validator == self.validator and content_length(response.headers) == self.total
            if start == 0 and is_same:
                return self.total
            if had_if_range and is_same and validator is not None:
                raise IfRangeRefused
            # The same version from its start: this server has stopped to do ranges.
            raise Restart(_changed(response), ranged=not is_same)
        part = _part(response)
        if response.status == 416 or (part is not None and part.total not in {self.total, None}):
            raise Restart(_changed(response), ranged=True)
        if part is None or part.start != start:
            raise Restart(_wrong_part(response), ranged=False)
        if validator != self.validator and (validator is not None or not had_if_range):
            raise Restart(_changed(response), ranged=True)
        return part.end


def _part(response: Response) -> ContentRange | None:
    """The bytes that came, None when the head tells nothing usable about them, or of more than they are."""
    part = parse_content_range(response.headers.get("content-range", ""))
    length = content_length(response.headers)
    return None if part and length is not None and length > part.end - part.start else part


def page_instead(response: Response) -> HttpFailure:
    """The error for a login or error page that came with a status of success."""
    return HttpFailure(f"{response.host} sent a web page instead of the file")


def _changed(response: Response) -> NetworkFailure:
    return NetworkFailure(f"the file on {response.host} changed while it was fetched")


def _wrong_part(response: Response) -> NetworkFailure:
    return NetworkFailure(f"{response.host} sent another part than was asked for")
