"""The library: its files, their tags, and the words that mistyped ones are compared with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tortoise import fields
from tortoise.models import Model

if TYPE_CHECKING:
    from tortoise.fields import ForeignKeyNullableRelation

    from core.store.models.jobs import JobRow


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
