"""What may stand in a request's body. Lengths are bounded here; whether a link is usable the engine says."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StringConstraints, WithJsonSchema

from core.domain.interface import GroupAction
from core.domain.job import Kind, Request

MAX_BATCH = 5_000
MAX_URL_CHARS = 8_192
#: Ids are SQLite's: 64 bits with a sign.
MAX_ID = 2**63 - 1

JobId = Annotated[int, Field(ge=1, le=MAX_ID)]
Priority = Annotated[int, Field(ge=-1_000_000, le=1_000_000, description="Higher runs first")]
Word = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
Url = Annotated[str, StringConstraints(min_length=1, max_length=MAX_URL_CHARS)]
RemoteId = Annotated[int, Field(ge=-MAX_ID, le=MAX_ID)]
Action = GroupAction  # what is done to many is what is done to one

#: Fields that only people on this machine may set: they name local folders, parts and people.
LOCAL_FIELDS = ("out_dir", "source", "user_id", "chat_id")


class Body(BaseModel):
    """A JSON object whose keys are all known."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class JobRequest(Body):
    """One link to download."""

    url: Url
    kind: Kind = Kind.AUTO
    quality: Word = "best"
    format: Word | None = None
    priority: Priority = 0
    force: StrictBool = Field(default=False, description="Again, even if the same thing is running or done")
    profile: Word | None = Field(default=None, description="Auth profile to begin with")
    source: Word | None = Field(default=None, description="Source to use (Unix socket only)")
    out_dir: (
        Annotated[str, StringConstraints(min_length=1, max_length=4096, pattern=r"^/[^\x00]*$")] | None
    ) = Field(default=None, description="Folder that takes the archive's place (Unix socket only)")
    user_id: RemoteId | None = Field(default=None, description="For whom (Unix socket only)")
    chat_id: RemoteId | None = Field(default=None, description="For which chat (Unix socket only)")
    idempotency_key: Word | None = Field(default=None, description="As the header Idempotency-Key")

    def to_request(self, *, idempotency_key: str | None = None) -> Request:
        """The engine's request; *idempotency_key* is used where the body names none."""
        values = self.model_dump()
        return Request(**values | {"idempotency_key": self.idempotency_key or idempotency_key})

    @property
    def local_fields(self) -> list[str]:
        """Names of the fields in use that are for people on this machine."""
        return [name for name in LOCAL_FIELDS if getattr(self, name) is not None]


class BatchRequest(Body):
    """Many links; each is judged by itself."""

    items: list[Annotated[Any, WithJsonSchema({"$ref": "#/components/schemas/JobRequest"})]] = Field(
        min_length=1, max_length=MAX_BATCH
    )


class JobPatch(Body):
    """What may be changed of a job."""

    priority: Priority | None = None
    position: Annotated[float, Field(allow_inf_nan=False)] | None = Field(
        default=None, description="Lower runs first within a priority"
    )
    title: Annotated[str, StringConstraints(min_length=1, max_length=500)] | None = None


class ProfileRequest(Body):
    """A login to use: where its cookie file is, never what is in it."""

    source: Word
    cookie_file: Annotated[str, StringConstraints(min_length=1, max_length=4096, pattern=r"^/[^\x00]*$")]
    name: Word = "main"


class BulkAction(Body):
    """One action for many jobs."""

    action: Action
    ids: list[JobId] = Field(min_length=1, max_length=MAX_BATCH)
