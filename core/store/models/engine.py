"""The engine itself: its switches, and who is told when a job ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tortoise import fields
from tortoise.models import Model

if TYPE_CHECKING:
    from tortoise.fields import ForeignKeyRelation


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


class SettingRow(Model):
    """A run-time switch."""

    name = fields.CharField(max_length=255, primary_key=True)
    # JSON.
    value = fields.TextField()

    class Meta:
        """Where it is stored."""

        table = "settings"


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
