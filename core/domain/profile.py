"""A login of a source as everybody sees it: a name, a path and its health; never what is in the file."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from core.domain.job import Job, JobStatus, from_iso, iso

#: `waiting_for` of a PENDING job that waits for a login begins with this; the profile's name follows.
WAITING_AUTH = "auth:"


class ProfileStatus(StrEnum):
    """Whether a login is used."""

    ACTIVE = "ACTIVE"
    DEGRADED = "DEGRADED"
    """Used after all ACTIVE ones: it was refused lately, or expires soon."""
    DISABLED = "DISABLED"
    """Not used until its file changes."""


class ProfileReason(StrEnum):
    """Why a login is not ACTIVE."""

    EXPIRING = "expiring"
    """Its cookies end within days."""
    EXPIRED = "expired"
    ROTATED = "rotated"
    """The site has replaced the cookies, most often because the browser went on using them."""
    REFUSED = "refused"
    """The site asked for a login although it was given this one."""
    MISSING = "missing"
    """Its file cannot be read as a cookie file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One row of `auth_profiles`. Times are seconds since the epoch, UTC."""

    id: int
    source_type: str
    name: str
    #: None for a profile that has tokens from the configuration only.
    cookie_file_path: str | None
    status: ProfileStatus
    reason: ProfileReason | None
    #: Refusals since the last success or the last new file.
    failure_count_recent: int
    last_success: float | None
    last_failure: float | None
    #: When its login cookies end, where they say so.
    expires: float | None
    #: When the site was last asked whether it still takes this login.
    checked: float | None
    #: Whose login it is, as the site names them, where a check tells.
    account: str | None
    created: float

    @property
    def waiting_for(self) -> str:
        """What jobs that need this login wait for."""
        return f"{WAITING_AUTH}{self.name}"

    def to_json(self) -> dict[str, Any]:
        """The shape that the API and `--json` share."""
        shown = {name: getattr(self, name) for name in _COLUMNS}
        return shown | {name: iso(shown[name]) for name in _TIMES}


_COLUMNS = tuple(field.name for field in dataclasses.fields(Profile))
_TIMES = ("last_success", "last_failure", "expires", "checked", "created")


def waits_for_login(job: Job) -> bool:
    """Whether a job does nothing until there is another login."""
    return job.status is JobStatus.PENDING and (job.waiting_for or "").startswith(WAITING_AUTH)


def profile_from_json(data: Mapping[str, Any]) -> Profile:
    """Rebuild a profile from `Profile.to_json` output.

    Raises:
        KeyError: A column is missing.
        ValueError: A value is not of its kind.
    """
    values = {name: data[name] for name in _COLUMNS} | {name: from_iso(data[name]) for name in _TIMES}
    values["status"] = ProfileStatus(values["status"])
    values["reason"] = ProfileReason(values["reason"]) if values["reason"] else None
    return Profile(**values)
