"""Logins of sources, tokens of the API, and who changed what."""

from __future__ import annotations

from tortoise import fields
from tortoise.models import Model


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
