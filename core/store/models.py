"""The tables as Tortoise models: what migrations are made from, and what the rarely used tables are read by.

Times are REAL seconds since the epoch, UTC. Columns named after JSON hold JSON text. Indexes stand in the
migrations alone, because Tortoise 1.1.9 drops partial ones on SQLite without a word.
"""

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


class AuthProfileRow(Model):
    """A login of a source, and how it fares."""

    id = fields.BigIntField(primary_key=True)
    source_type = fields.TextField()
    name = fields.TextField()
    cookie_file_path = fields.TextField(null=True)
    status = fields.TextField()
    reason = fields.TextField(null=True)
    failure_count_recent = fields.IntField()
    last_success = fields.FloatField(null=True)
    checked = fields.FloatField(null=True)
    account = fields.TextField(null=True)
    last_failure = fields.FloatField(null=True)
    expires = fields.FloatField(null=True)
    created = fields.FloatField()

    class Meta:
        """Where it is stored."""

        table = "auth_profiles"


class ChatRow(Model):
    """A Telegram chat or topic: its rules, and how far it was read."""

    id = fields.BigIntField(primary_key=True)
    chat_id = fields.BigIntField()
    # 0 = the whole chat.
    topic_id = fields.BigIntField()
    title = fields.TextField(null=True)
    mode = fields.TextField()
    # JSON list; None = all.
    sources = fields.TextField(null=True)
    kind = fields.TextField(null=True)
    quality = fields.TextField(null=True)
    archive = fields.BooleanField()
    reply = fields.BooleanField()
    feedback = fields.TextField()
    last_message_id = fields.BigIntField(null=True)

    class Meta:
        """Where it is stored."""

        table = "chats"


class DeliveryRow(Model):
    """A finished file on its way to one requester."""

    id = fields.BigIntField(primary_key=True)
    job: ForeignKeyRelation[JobRow] = fields.ForeignKeyField(
        "store.JobRow", related_name="deliveries", on_delete=fields.CASCADE
    )
    chat_id = fields.BigIntField()
    topic_id = fields.BigIntField(null=True)
    reply_to = fields.BigIntField(null=True)
    state = fields.TextField()
    # Written before the send: Telegram drops a second send with the same one.
    random_id = fields.BigIntField()
    # Which file of a split one, from 0.
    part_index = fields.IntField()
    # Telegram's name of the upload, and how many of its parts are there.
    upload_id = fields.BigIntField(null=True)
    upload_parts_done = fields.IntField()
    upload_parts_total = fields.IntField(null=True)
    message_id = fields.BigIntField(null=True)
    document_id = fields.BigIntField(null=True)
    attempt = fields.IntField()
    not_before = fields.FloatField(null=True)
    error_type = fields.TextField(null=True)
    error_message = fields.TextField(null=True)
    created = fields.FloatField()
    updated = fields.FloatField()

    class Meta:
        """Where it is stored."""

        table = "deliveries"


class AcknowledgementRow(Model):
    """What a message with links was last told of them."""

    id = fields.BigIntField(primary_key=True)
    chat_id = fields.BigIntField()
    message_id = fields.BigIntField()
    topic_id = fields.BigIntField(null=True)
    status_message_id = fields.BigIntField(null=True)
    shown = fields.TextField(null=True)
    # Why links of it were not taken, until it was told.
    refused = fields.TextField(null=True)
    # Whether that was all: none of its deliveries changed since, and none will.
    is_settled = fields.BooleanField()

    class Meta:
        """Where it is stored."""

        table = "acknowledgements"


class MediaItemRow(Model):
    """A file of the library."""

    id = fields.BigIntField(primary_key=True)
    job: ForeignKeyNullableRelation[JobRow] = fields.ForeignKeyField(
        "store.JobRow", related_name="media_items", on_delete=fields.SET_NULL, null=True
    )
    source_type = fields.TextField()
    media_id = fields.TextField(null=True)
    url = fields.TextField()
    title = fields.TextField(null=True)
    artist = fields.TextField(null=True)
    album = fields.TextField(null=True)
    track_number = fields.IntField(null=True)
    date = fields.TextField(null=True)
    kind = fields.TextField()
    container = fields.TextField(null=True)
    duration_s = fields.FloatField(null=True)
    size_bytes = fields.BigIntField(null=True)
    width = fields.IntField(null=True)
    height = fields.IntField(null=True)
    file_path = fields.TextField()
    sha256 = fields.TextField(null=True)
    user_id = fields.BigIntField(null=True)
    chat_id = fields.BigIntField(null=True)
    created = fields.FloatField()
    performers = fields.TextField(null=True)
    message_id = fields.BigIntField(null=True)
    topic_id = fields.BigIntField(null=True)
    # Time of the file itself, where it was imported: unchanged files are not read again.
    modified = fields.FloatField(null=True)
    # When its file was deleted because of its age.
    removed = fields.FloatField(null=True)
    # Whole, for searches: of the thing where its date is known, else of its arrival.
    day = fields.TextField()
    # JSON list, as they are shown.
    tags = fields.TextField(null=True)

    class Meta:
        """Where it is stored."""

        table = "media_items"


class LibraryTagRow(Model):
    """A tag, as it was first written, and how many items have it."""

    # What spellings have in common.
    key = fields.CharField(max_length=64, primary_key=True)
    name = fields.TextField()
    item_count = fields.IntField()

    class Meta:
        """Where it is stored."""

        table = "library_tags"


class LibraryWordRow(Model):
    """A word of the library's titles and names; mistyped ones are compared with these."""

    id = fields.BigIntField(primary_key=True)
    word = fields.CharField(max_length=64, unique=True)

    class Meta:
        """Where it is stored."""

        table = "library_words"


class TokenRow(Model):
    """A bearer token of the HTTP API; only its hash is kept."""

    id = fields.BigIntField(primary_key=True)
    name = fields.TextField()
    hash = fields.CharField(max_length=128, unique=True)
    # JSON list.
    scopes = fields.TextField()
    created = fields.FloatField()
    last_used = fields.FloatField(null=True)
    revoked = fields.FloatField(null=True)

    class Meta:
        """Where it is stored."""

        table = "tokens"


class AuditRow(Model):
    """Who changed what from outside."""

    id = fields.BigIntField(primary_key=True)
    actor = fields.TextField()
    action = fields.TextField()
    target = fields.TextField(null=True)
    # JSON.
    data = fields.TextField()
    created = fields.FloatField()
    # Of the request that did it, so that all its transactions make one line.
    request = fields.CharField(max_length=64, null=True, unique=True)

    class Meta:
        """Where it is stored."""

        table = "audit"


class WebhookReceiverRow(Model):
    """Somebody who is told when a job ends, and what their first message has met."""

    id = fields.BigIntField(primary_key=True)
    # Stands for the address, which may hold a secret.
    key = fields.CharField(max_length=64, unique=True)
    attempt = fields.IntField()
    not_before = fields.FloatField(null=True)
    failing_since = fields.FloatField(null=True)
    error_type = fields.TextField(null=True)
    error_message = fields.TextField(null=True)
    created = fields.FloatField()

    class Meta:
        """Where it is stored."""

        table = "webhook_receivers"


class WebhookMessageRow(Model):
    """The end of a job, for one receiver, until they took it. It outlives the record of the job."""

    id = fields.BigIntField(primary_key=True)
    receiver: ForeignKeyRelation[WebhookReceiverRow] = fields.ForeignKeyField(
        "store.WebhookReceiverRow", related_name="messages", on_delete=fields.CASCADE
    )
    name = fields.TextField()
    # JSON.
    payload = fields.TextField()
    created = fields.FloatField()

    class Meta:
        """Where it is stored."""

        table = "webhook_messages"


class SettingRow(Model):
    """A run-time switch."""

    name = fields.CharField(max_length=255, primary_key=True)
    # JSON.
    value = fields.TextField()

    class Meta:
        """Where it is stored."""

        table = "settings"


class EngineRow(Model):
    """The one row about the engine itself."""

    id = fields.IntField(primary_key=True)
    # Rises with every start of an engine.
    epoch = fields.BigIntField()
    # Highest event number when events were last deleted: numbers up to it are never given again.
    event_floor = fields.BigIntField()

    class Meta:
        """Where it is stored."""

        table = "engine"
