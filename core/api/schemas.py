"""What may stand in a request's body. Lengths are bounded here; whether a link is usable the engine says."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Query
from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StringConstraints,
    WithJsonSchema,
)

from core.domain.chat import ChatMode, ChatRules, Feedback
from core.domain.interface import GroupAction, QueueMove
from core.domain.job import JobStatus, Kind, Request
from core.domain.messenger import Collect
from core.domain.tags import MAX_TAGS
from core.domain.token import Scope

MAX_BATCH = 5_000
#: More than any link has: what is wrong with one that is too long is told where links are read.
MAX_URL_CHARS = 65_536
#: Ids are whole numbers that every JSON reader keeps exactly.
MAX_ID = 2**53 - 1


def _number(value: object) -> object:
    if isinstance(value, bool | str):
        raise ValueError("Input should be a number")  # noqa: TRY004 -- pydantic's way to refuse
    return value


#: In bodies numbers are numbers: pydantic would take true for 1.
Number = BeforeValidator(_number)
JobId = Annotated[int, Field(ge=1, le=MAX_ID), Number]
Priority = Annotated[int, Field(ge=-1_000_000, le=1_000_000, description="Higher runs first"), Number]
Word = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
Url = Annotated[
    str,
    StringConstraints(min_length=1, max_length=MAX_URL_CHARS),
    Field(json_schema_extra={"pattern": "^https?://.+", "format": "uri"}),
]
_STATUS = "|".join([*JobStatus, *(status.lower() for status in JobStatus)])
#: Names of states in a query; several may stand in one with commas.
Statuses = Annotated[str, StringConstraints(pattern=f"^({_STATUS})(,({_STATUS}))*$")]
RemoteId = Annotated[int, Field(ge=-MAX_ID, le=MAX_ID), Number]
#: `next` of the page before, in a query.
After = Annotated[
    str | None, Query(max_length=18, pattern="^[0-9]*$", description="`next` of the page before")
]
#: The same of a search, and of what is there more than once.
SearchAfter = Annotated[
    str | None,
    Query(
        max_length=40,
        pattern=r"^(~?[012]\.[0-3]\.[0-9]{1,18}\.[0-9]{1,9})?$",
        description="`next` of the page before",
    ),
]
DigestAfter = Annotated[
    str | None, Query(pattern="^([0-9a-f]{64})?$", description="`next` of the page before")
]
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


_BATCH_ITEM = {
    "anyOf": [
        {"$ref": "#/components/schemas/JobRequest"},
        {"description": "Anything else is answered with what is wrong with it"},
    ]
}


class BatchRequest(Body):
    """Many links; each is judged by itself."""

    items: list[Annotated[Any, WithJsonSchema(_BATCH_ITEM)]] = Field(min_length=1, max_length=MAX_BATCH)


class JobPatch(Body):
    """What may be changed of a job; null leaves it as it is."""

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [
                {"required": [name], "properties": {name: {"not": {"type": "null"}}}}
                for name in ("priority", "position", "title")
            ]
        }
    )

    priority: Priority | None = None
    position: Annotated[float, Field(allow_inf_nan=False), Number] | None = Field(
        default=None, description="Lower runs first within a priority"
    )
    title: Annotated[str, StringConstraints(min_length=1, max_length=500)] | None = None


class ProfileRequest(Body):
    """A login to use: where its cookie file is, never what is in it."""

    source: Word
    cookie_file: Annotated[str, StringConstraints(min_length=1, max_length=4096, pattern=r"^/[^\x00]*$")]
    name: Word = "main"


class TokenRequest(Body):
    """A bearer token to make."""

    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    scopes: frozenset[Scope] = Field(min_length=1)


class ChatBody(Body):
    """The rules of a chat, all of them; what is left out is as by default."""

    topic_id: Annotated[int, Field(ge=0, le=MAX_ID, description="0 is the whole chat"), Number] = 0
    title: Annotated[str, StringConstraints(max_length=300)] | None = None
    mode: ChatMode
    sources: Annotated[list[Word], Field(max_length=100)] | None = Field(
        default=None, description="Names of the sources that may be used; null is all"
    )
    kind: Kind | None = None
    quality: Word | None = None
    archive: StrictBool = Field(default=True, description="Keep files after they were delivered")
    reply: StrictBool = Field(default=True, description="Send files back")
    feedback: Feedback = Feedback.REACTION

    def to_rules(self, chat_id: int) -> ChatRules:
        """The engine's rules."""
        values = self.model_dump()
        sources = None if self.sources is None else tuple(self.sources)
        return ChatRules(**values | {"chat_id": chat_id, "sources": sources})


class CollectBody(Body):
    """Which media of a chat are wanted."""

    chat: Annotated[Word, Field(description="Its id, @name or link")]
    topic_id: Annotated[int, Field(ge=1, le=MAX_ID), Number] | None = None
    limit: Annotated[int, Field(ge=0, le=MAX_ID, description="Messages at most; 0 is all"), Number] = 0
    types: frozenset[Literal["audio", "video", "voice", "document"]] = Field(
        default=frozenset(), description="None is audio and video"
    )
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    grep: Word | None = Field(default=None, description="Words of the text or the file's name")
    dry_run: StrictBool = Field(default=False, description="Only look")

    def to_collect(self) -> Collect:
        """The engine's words for it."""
        values = {name: getattr(self, name) for name in type(self).model_fields}
        for name in ("since", "until"):
            values[name] = values[name] and values[name].timestamp()
        return Collect(**values)


class SendBody(Body):
    """Where a file of the library goes."""

    chat: Annotated[Word, Field(description="Its id, @name or link")]
    topic_id: Annotated[int, Field(ge=1, le=MAX_ID), Number] | None = None


class TagsBody(Body):
    """Tags that a file is given, and others that are taken from it."""

    add_tags: list[Word] = Field(default=[], max_length=MAX_TAGS)
    remove_tags: list[Word] = Field(default=[], max_length=MAX_TAGS)


class ImportBody(Body):
    """A folder whose files are to be entered."""

    folder: Annotated[str, StringConstraints(min_length=1, max_length=4096, pattern=r"^/[^\x00]*$")]
    move: StrictBool = Field(default=False, description="Move what is new into the archive")


class LimitBody(Body):
    """Another value of a limit."""

    value: Annotated[int, Field(ge=0, le=MAX_ID), Number] | None = Field(
        description="null: the configured one again"
    )


class Maintenance(Body):
    """Whether nothing new is taken."""

    on: StrictBool


class QueueOrder(Body):
    """Jobs that are to stand elsewhere in the queue."""

    ids: list[JobId] = Field(min_length=1, max_length=MAX_BATCH)
    to: QueueMove


class Switch(Body):
    """Whether something is so from now on."""

    on: StrictBool


class BulkAction(Body):
    """One action for many jobs."""

    action: Action
    ids: list[JobId] = Field(min_length=1, max_length=MAX_BATCH)
