"""Chats of Telegram, and what is on its way to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tortoise import fields
from tortoise.models import Model

if TYPE_CHECKING:
    from tortoise.fields import ForeignKeyRelation

    from core.store.models.jobs import JobRow


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
