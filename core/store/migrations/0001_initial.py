"""The first schema."""

from typing import Any

from tortoise import fields, migrations
from tortoise.migrations import operations as ops

#: By hand: Tortoise 1.1.9 silently leaves out what has a condition.
INDEXES = [
    # At most one unfinished job per key, whatever else goes wrong.
    (
        "CREATE UNIQUE INDEX jobs_unfinished_key ON jobs (job_key)"
        " WHERE status IN ('PENDING', 'QUEUED', 'RUNNING', 'PAUSED')"
    ),
    "CREATE INDEX jobs_joinable_key ON jobs (job_key) WHERE status NOT IN ('FAILED', 'CANCELLED')",
    "CREATE INDEX jobs_status ON jobs (status, id)",
    # With a condition in place of the first column, SQLite would take jobs_status instead, and sort.
    # Source and host are at its end so that jobs that a claim passes over cost no look at the table.
    "CREATE INDEX jobs_claim_order ON jobs (status, priority DESC, position, id, source_type, host)",
    "CREATE INDEX jobs_due ON jobs (status, not_before)",
    "CREATE INDEX jobs_waiting ON jobs (waiting_for, not_before) WHERE status = 'PENDING'",
    # Lists of a group, chat or source are read state by state, newest first.
    "CREATE INDEX jobs_group ON jobs (group_id, status, id) WHERE group_id IS NOT NULL",
    "CREATE INDEX jobs_chat ON jobs (chat_id, status, id) WHERE chat_id IS NOT NULL",
    "CREATE INDEX jobs_source ON jobs (source_type, status, id)",
    "CREATE INDEX jobs_user_created ON jobs (user_id, created) WHERE user_id IS NOT NULL",
    "CREATE INDEX jobs_chat_created ON jobs (chat_id, created) WHERE chat_id IS NOT NULL",
    "CREATE INDEX job_events_job ON job_events (job_id, seq)",
    # What a deleted job takes with it is found by these.
    "CREATE INDEX requests_job ON requests (job_id)",
    "CREATE INDEX deliveries_job ON deliveries (job_id, state)",
    "CREATE INDEX media_items_job ON media_items (job_id)",
    "CREATE INDEX media_items_kept ON media_items (id, created) WHERE removed IS NULL",
    "CREATE UNIQUE INDEX media_items_file ON media_items (file_path)",
    "CREATE INDEX media_items_sha256 ON media_items (sha256, removed) WHERE sha256 IS NOT NULL",
    "CREATE UNIQUE INDEX auth_profiles_name ON auth_profiles (source_type, name)",
    "CREATE UNIQUE INDEX chats_topic ON chats (chat_id, topic_id)",
    "CREATE UNIQUE INDEX deliveries_random_id ON deliveries (random_id)",
    # A message is answered once with each part of a job's file, however often it asks.
    "CREATE UNIQUE INDEX deliveries_answer ON deliveries (chat_id, reply_to, job_id, part_index)",
    "CREATE INDEX deliveries_state ON deliveries (state)",
    "CREATE INDEX deliveries_chat ON deliveries (chat_id, id)",
    "CREATE UNIQUE INDEX acknowledgements_message ON acknowledgements (chat_id, message_id)",
    "CREATE INDEX acknowledgements_unsettled ON acknowledgements (id) WHERE is_settled = 0",
    "CREATE UNIQUE INDEX list_items_pair ON list_items (list_id, job_id)",
    "CREATE INDEX list_items_job ON list_items (job_id)",
    # Charts count what ended on a day without a look at the table.
    (
        "CREATE INDEX jobs_finished ON jobs (finished, status, source_type, size_bytes)"
        " WHERE finished IS NOT NULL"
    ),
    # The same file may have been sent for another job, and its bytes be there already.
    "CREATE INDEX jobs_sha256 ON jobs (sha256) WHERE sha256 IS NOT NULL",
    "CREATE UNIQUE INDEX tokens_name ON tokens (name) WHERE revoked IS NULL",
    "CREATE INDEX audit_created ON audit (created)",
    "CREATE INDEX webhook_messages_order ON webhook_messages (receiver_id, id, created)",
]

#: Every three characters of titles and links, for searches; `core.store.words` says how it is asked. Without
#: places and sizes, since what is found is read again anyway, it takes a tenth of the jobs' own room.
WORDS = [
    (
        "CREATE VIRTUAL TABLE jobs_text USING fts5 (title, url, content = 'jobs', content_rowid = 'id',"
        " tokenize = 'trigram', detail = none, columnsize = 0)"
    ),
    (
        "CREATE TRIGGER jobs_text_added AFTER INSERT ON jobs BEGIN"
        " INSERT INTO jobs_text (rowid, title, url) VALUES (new.id, new.title, new.url); END"
    ),
    (
        "CREATE TRIGGER jobs_text_removed AFTER DELETE ON jobs BEGIN"
        " INSERT INTO jobs_text (jobs_text, rowid, title, url)"
        " VALUES ('delete', old.id, old.title, old.url); END"
    ),
    (
        "CREATE TRIGGER jobs_text_changed AFTER UPDATE OF title, url ON jobs"
        " WHEN old.title IS NOT new.title OR old.url IS NOT new.url BEGIN"
        " INSERT INTO jobs_text (jobs_text, rowid, title, url)"
        " VALUES ('delete', old.id, old.title, old.url);"
        " INSERT INTO jobs_text (rowid, title, url) VALUES (new.id, new.title, new.url); END"
    ),
]

#: What is searched of the library, folded (`core.domain.folding`) and written by `core.store.items`. A sign
#: before facets keeps them apart from words. Beginnings of two to five letters are read as words are; longer
#: ones are put together, each time, from all words that begin so. `library_pieces` holds the pairs of letters
#: of `library_words`.
LIBRARY = [
    (
        "CREATE VIRTUAL TABLE media_text USING fts5 (title, artist, album, other, facets,"
        " tokenize = \"ascii tokenchars '=_.-'\", prefix = '2 3 4 5')"
    ),
    (
        "CREATE VIRTUAL TABLE library_pieces USING fts5 (pieces, content = '', detail = none,"
        " tokenize = \"ascii tokenchars '^$'\")"
    ),
]


async def _index_words(_apps: Any, editor: Any) -> None:
    """By hand: `RunSQL` would cut the triggers at their semicolons."""
    for statement in WORDS + LIBRARY:
        await editor.client.execute_query(statement)


class Migration(migrations.Migration):
    """Make every table."""

    initial = True
    operations = [  # noqa: RUF012 -- Tortoise's way to write migrations
        ops.CreateModel(
            name="AcknowledgementRow",
            fields=[
                ("id", fields.BigIntField(primary_key=True)),
                ("chat_id", fields.BigIntField()),
                ("message_id", fields.BigIntField()),
                ("topic_id", fields.BigIntField(null=True)),
                ("status_message_id", fields.BigIntField(null=True)),
                ("shown", fields.TextField(null=True)),
                ("refused", fields.TextField(null=True)),
                ("is_settled", fields.BooleanField()),
            ],
            options={"table": "acknowledgements"},
        ),
        ops.CreateModel(
            name="AuditRow",
            fields=[
                ("id", fields.BigIntField(primary_key=True)),
                ("actor", fields.TextField()),
                ("action", fields.TextField()),
                ("target", fields.TextField(null=True)),
                ("data", fields.TextField()),
                ("created", fields.FloatField()),
                ("request", fields.CharField(null=True, unique=True, max_length=64)),
            ],
            options={"table": "audit"},
        ),
        ops.CreateModel(
            name="AuthProfileRow",
            fields=[
                ("id", fields.BigIntField(primary_key=True)),
                ("source_type", fields.TextField()),
                ("name", fields.TextField()),
                ("cookie_file_path", fields.TextField(null=True)),
                ("status", fields.TextField()),
                ("reason", fields.TextField(null=True)),
                ("failure_count_recent", fields.IntField()),
                ("last_success", fields.FloatField(null=True)),
                ("checked", fields.FloatField(null=True)),
                ("account", fields.TextField(null=True)),
                ("last_failure", fields.FloatField(null=True)),
                ("expires", fields.FloatField(null=True)),
                ("created", fields.FloatField()),
            ],
            options={"table": "auth_profiles"},
        ),
        ops.CreateModel(
            name="ChatRow",
            fields=[
                ("id", fields.BigIntField(primary_key=True)),
                ("chat_id", fields.BigIntField()),
                ("topic_id", fields.BigIntField()),
                ("title", fields.TextField(null=True)),
                ("mode", fields.TextField()),
                ("sources", fields.TextField(null=True)),
                ("kind", fields.TextField(null=True)),
                ("quality", fields.TextField(null=True)),
                ("archive", fields.BooleanField()),
                ("reply", fields.BooleanField()),
                ("feedback", fields.TextField()),
                ("last_message_id", fields.BigIntField(null=True)),
            ],
            options={"table": "chats"},
        ),
        ops.CreateModel(
            name="EngineRow",
            fields=[
                ("id", fields.IntField(primary_key=True)),
                ("epoch", fields.BigIntField()),
                ("event_floor", fields.BigIntField()),
            ],
            options={"table": "engine"},
        ),
        ops.CreateModel(
            name="JobRow",
            fields=[
                ("id", fields.BigIntField(primary_key=True)),
                ("url", fields.TextField()),
                ("source_type", fields.TextField()),
                ("kind", fields.TextField()),
                ("quality", fields.TextField()),
                ("format", fields.TextField(null=True)),
                ("status", fields.TextField()),
                ("stage", fields.TextField(null=True)),
                ("priority", fields.IntField()),
                ("position", fields.FloatField()),
                ("attempt", fields.IntField()),
                ("retry_count", fields.IntField()),
                ("job_key", fields.TextField()),
                ("media_id", fields.TextField(null=True)),
                ("url_hash", fields.TextField()),
                ("host", fields.TextField()),
                ("auth_profile_id", fields.BigIntField(null=True)),
                ("group_id", fields.BigIntField(null=True)),
                ("title", fields.TextField(null=True)),
                ("duration_s", fields.FloatField(null=True)),
                ("size_bytes", fields.BigIntField(null=True)),
                ("bytes_done", fields.BigIntField()),
                ("rate", fields.FloatField(null=True)),
                ("file_path", fields.TextField(null=True)),
                ("sha256", fields.TextField(null=True)),
                ("not_before", fields.FloatField(null=True)),
                ("waiting_for", fields.TextField(null=True)),
                ("error_type", fields.TextField(null=True)),
                ("error_message", fields.TextField(null=True)),
                ("error_hint", fields.TextField(null=True)),
                ("user_id", fields.BigIntField(null=True)),
                ("chat_id", fields.BigIntField(null=True)),
                ("created", fields.FloatField()),
                ("updated", fields.FloatField()),
                ("started", fields.FloatField(null=True)),
                ("finished", fields.FloatField(null=True)),
                ("out_dir", fields.TextField(null=True)),
                ("profile", fields.TextField(null=True)),
                ("forced_source", fields.TextField(null=True)),
                ("control", fields.TextField(null=True)),
                ("checkpoint", fields.TextField()),
                ("claimed_by", fields.TextField(null=True)),
                ("claim_epoch", fields.BigIntField(null=True)),
            ],
            options={"table": "jobs"},
        ),
        ops.CreateModel(
            name="DeliveryRow",
            fields=[
                ("id", fields.BigIntField(primary_key=True)),
                (
                    "job",
                    fields.ForeignKeyField(
                        "store.JobRow",
                        source_field="job_id",
                        to_field="id",
                        related_name="deliveries",
                        on_delete=fields.CASCADE,
                    ),
                ),
                ("chat_id", fields.BigIntField()),
                ("topic_id", fields.BigIntField(null=True)),
                ("reply_to", fields.BigIntField(null=True)),
                ("state", fields.TextField()),
                ("random_id", fields.BigIntField()),
                ("part_index", fields.IntField()),
                ("upload_id", fields.BigIntField(null=True)),
                ("upload_parts_done", fields.IntField()),
                ("upload_parts_total", fields.IntField(null=True)),
                ("message_id", fields.BigIntField(null=True)),
                ("document_id", fields.BigIntField(null=True)),
                ("attempt", fields.IntField()),
                ("not_before", fields.FloatField(null=True)),
                ("error_type", fields.TextField(null=True)),
                ("error_message", fields.TextField(null=True)),
                ("created", fields.FloatField()),
                ("updated", fields.FloatField()),
            ],
            options={"table": "deliveries"},
        ),
        ops.CreateModel(
            name="GroupRow",
            fields=[
                ("id", fields.BigIntField(primary_key=True)),
                (
                    "job",
                    fields.OneToOneField(
                        "store.JobRow",
                        source_field="job_id",
                        null=True,
                        to_field="id",
                        related_name="group",
                        on_delete=fields.SET_NULL,
                    ),
                ),
                ("title", fields.TextField(null=True)),
                ("total", fields.IntField()),
                ("created", fields.FloatField()),
            ],
            options={"table": "groups"},
        ),
        ops.CreateModel(
            name="JobEventRow",
            fields=[
                ("seq", fields.BigIntField(primary_key=True)),
                (
                    "job",
                    fields.ForeignKeyField(
                        "store.JobRow",
                        source_field="job_id",
                        null=True,
                        to_field="id",
                        related_name="events",
                        on_delete=fields.CASCADE,
                    ),
                ),
                ("type", fields.TextField()),
                ("data", fields.TextField()),
                ("created", fields.FloatField()),
            ],
            options={"table": "job_events"},
        ),
        ops.CreateModel(
            name="ListItemRow",
            fields=[
                ("id", fields.BigIntField(primary_key=True)),
                (
                    "list",
                    fields.ForeignKeyField(
                        "store.JobRow",
                        source_field="list_id",
                        to_field="id",
                        related_name="items",
                        on_delete=fields.CASCADE,
                    ),
                ),
                (
                    "job",
                    fields.ForeignKeyField(
                        "store.JobRow",
                        source_field="job_id",
                        to_field="id",
                        related_name="lists",
                        on_delete=fields.CASCADE,
                    ),
                ),
            ],
            options={"table": "list_items"},
        ),
        ops.CreateModel(
            name="MediaItemRow",
            fields=[
                ("id", fields.BigIntField(primary_key=True)),
                (
                    "job",
                    fields.ForeignKeyField(
                        "store.JobRow",
                        source_field="job_id",
                        null=True,
                        to_field="id",
                        related_name="media_items",
                        on_delete=fields.SET_NULL,
                    ),
                ),
                ("source_type", fields.TextField()),
                ("media_id", fields.TextField(null=True)),
                ("url", fields.TextField()),
                ("title", fields.TextField(null=True)),
                ("artist", fields.TextField(null=True)),
                ("album", fields.TextField(null=True)),
                ("track_number", fields.IntField(null=True)),
                ("date", fields.TextField(null=True)),
                ("kind", fields.TextField()),
                ("container", fields.TextField(null=True)),
                ("duration_s", fields.FloatField(null=True)),
                ("size_bytes", fields.BigIntField(null=True)),
                ("width", fields.IntField(null=True)),
                ("height", fields.IntField(null=True)),
                ("file_path", fields.TextField()),
                ("sha256", fields.TextField(null=True)),
                ("user_id", fields.BigIntField(null=True)),
                ("chat_id", fields.BigIntField(null=True)),
                ("created", fields.FloatField()),
                ("performers", fields.TextField(null=True)),
                ("message_id", fields.BigIntField(null=True)),
                ("topic_id", fields.BigIntField(null=True)),
                ("modified", fields.FloatField(null=True)),
                ("removed", fields.FloatField(null=True)),
                ("day", fields.TextField()),
                ("tags", fields.TextField(null=True)),
            ],
            options={"table": "media_items"},
        ),
        ops.CreateModel(
            name="LibraryTagRow",
            fields=[
                ("key", fields.CharField(primary_key=True, max_length=64)),
                ("name", fields.TextField()),
                ("item_count", fields.IntField()),
            ],
            options={"table": "library_tags"},
        ),
        ops.CreateModel(
            name="LibraryWordRow",
            fields=[
                ("id", fields.BigIntField(primary_key=True)),
                ("word", fields.CharField(unique=True, max_length=64)),
            ],
            options={"table": "library_words"},
        ),
        ops.CreateModel(
            name="RequestRow",
            fields=[
                ("key", fields.CharField(primary_key=True, max_length=255)),
                (
                    "job",
                    fields.ForeignKeyField(
                        "store.JobRow",
                        source_field="job_id",
                        to_field="id",
                        related_name="requests",
                        on_delete=fields.CASCADE,
                    ),
                ),
                ("created", fields.FloatField()),
            ],
            options={"table": "requests"},
        ),
        ops.CreateModel(
            name="SettingRow",
            fields=[
                ("name", fields.CharField(primary_key=True, max_length=255)),
                ("value", fields.TextField()),
            ],
            options={"table": "settings"},
        ),
        ops.CreateModel(
            name="TokenRow",
            fields=[
                ("id", fields.BigIntField(primary_key=True)),
                ("name", fields.TextField()),
                ("hash", fields.CharField(unique=True, max_length=128)),
                ("scopes", fields.TextField()),
                ("created", fields.FloatField()),
                ("last_used", fields.FloatField(null=True)),
                ("revoked", fields.FloatField(null=True)),
            ],
            options={"table": "tokens"},
        ),
        ops.CreateModel(
            name="WebhookReceiverRow",
            fields=[
                ("id", fields.BigIntField(primary_key=True)),
                ("key", fields.CharField(unique=True, max_length=64)),
                ("attempt", fields.IntField()),
                ("not_before", fields.FloatField(null=True)),
                ("failing_since", fields.FloatField(null=True)),
                ("error_type", fields.TextField(null=True)),
                ("error_message", fields.TextField(null=True)),
                ("created", fields.FloatField()),
            ],
            options={"table": "webhook_receivers"},
        ),
        ops.CreateModel(
            name="WebhookMessageRow",
            fields=[
                ("id", fields.BigIntField(primary_key=True)),
                (
                    "receiver",
                    fields.ForeignKeyField(
                        "store.WebhookReceiverRow",
                        source_field="receiver_id",
                        to_field="id",
                        related_name="messages",
                        on_delete=fields.CASCADE,
                    ),
                ),
                ("name", fields.TextField()),
                ("payload", fields.TextField()),
                ("created", fields.FloatField()),
            ],
            options={"table": "webhook_messages"},
        ),
        ops.RunSQL(INDEXES),
        ops.RunPython(_index_words),
        ops.RunSQL("INSERT INTO engine (id, epoch, event_floor) VALUES (1, 0, 0)"),
    ]
