"""Jobs, what happened to them, and the lists and requests that they came from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tortoise import fields
from tortoise.models import Model

if TYPE_CHECKING:
    from tortoise.fields import ForeignKeyNullableRelation, ForeignKeyRelation, OneToOneNullableRelation


class JobRow(Model):
    """A job: `core.domain.job.Job`, and who runs it."""

    id = fields.BigIntField(primary_key=True)
    url = fields.TextField()
    source_type = fields.TextField()
    kind = fields.TextField()
    quality = fields.TextField()
    format = fields.TextField(null=True)
    status = fields.TextField()
    stage = fields.TextField(null=True)
    priority = fields.IntField()
    position = fields.FloatField()
    attempt = fields.IntField()
    retry_count = fields.IntField()
    job_key = fields.TextField()
    media_id = fields.TextField(null=True)
    url_hash = fields.TextField()
    # `core.domain.job.host_of` the URL: claims pass over hosts.
    host = fields.TextField()
    # No foreign key: a finished job goes on naming the profile it used, even when that is gone.
    auth_profile_id = fields.BigIntField(null=True)
    # No foreign key: groups point at jobs already, and are never deleted.
    group_id = fields.BigIntField(null=True)
    title = fields.TextField(null=True)
    duration_s = fields.FloatField(null=True)
    size_bytes = fields.BigIntField(null=True)
    bytes_done = fields.BigIntField()
    rate = fields.FloatField(null=True)
    file_path = fields.TextField(null=True)
    sha256 = fields.TextField(null=True)
    not_before = fields.FloatField(null=True)
    waiting_for = fields.TextField(null=True)
    error_type = fields.TextField(null=True)
    error_message = fields.TextField(null=True)
    error_hint = fields.TextField(null=True)
    user_id = fields.BigIntField(null=True)
    chat_id = fields.BigIntField(null=True)
    created = fields.FloatField()
    updated = fields.FloatField()
    started = fields.FloatField(null=True)
    finished = fields.FloatField(null=True)
    out_dir = fields.TextField(null=True)
    profile = fields.TextField(null=True)
    forced_source = fields.TextField(null=True)
    control = fields.TextField(null=True)
    # JSON.
    checkpoint = fields.TextField()
    # Name of the engine that runs it, and the start of that engine (`Store.next_epoch`).
    claimed_by = fields.TextField(null=True)
    claim_epoch = fields.BigIntField(null=True)

    class Meta:
        """Where it is stored."""

        table = "jobs"


class JobEventRow(Model):
    """Something that happened; `core.domain.events.Event`."""

    # Given by the writer, so that events can be inserted many at a time and still be announced with it.
    seq = fields.BigIntField(primary_key=True)
    job: ForeignKeyNullableRelation[JobRow] = fields.ForeignKeyField(
        "store.JobRow", related_name="events", on_delete=fields.CASCADE, null=True
    )
    type = fields.TextField()
    # JSON.
    data = fields.TextField()
    created = fields.FloatField()

    class Meta:
        """Where it is stored."""

        table = "job_events"


class GroupRow(Model):
    """A playlist, series or channel whose entries became jobs."""

    id = fields.BigIntField(primary_key=True)
    # The job that was expanded; one makes one group, however often it runs.
    job: OneToOneNullableRelation[JobRow] = fields.OneToOneField(
        "store.JobRow", related_name="group", on_delete=fields.SET_NULL, null=True
    )
    title = fields.TextField(null=True)
    total = fields.IntField()
    created = fields.FloatField()

    class Meta:
        """Where it is stored."""

        table = "groups"


class ListItemRow(Model):
    """A job that is an item of the list which another job turned out to be."""

    id = fields.BigIntField(primary_key=True)
    list: ForeignKeyRelation[JobRow] = fields.ForeignKeyField(
        "store.JobRow", related_name="items", on_delete=fields.CASCADE
    )
    job: ForeignKeyRelation[JobRow] = fields.ForeignKeyField(
        "store.JobRow", related_name="lists", on_delete=fields.CASCADE
    )

    class Meta:
        """Where it is stored."""

        table = "list_items"


class RequestRow(Model):
    """An idempotency key and the job it led to."""

    key = fields.CharField(max_length=255, primary_key=True)
    job: ForeignKeyRelation[JobRow] = fields.ForeignKeyField(
        "store.JobRow", related_name="requests", on_delete=fields.CASCADE
    )
    created = fields.FloatField()

    class Meta:
        """Where it is stored."""

        table = "requests"
