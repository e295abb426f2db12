-- What all migrations make of an empty file. Written by docs/tables.py; schema.sql is not edited.
CREATE TABLE "tortoise_migrations" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "app" VARCHAR(255) NOT NULL,
    "name" VARCHAR(255) NOT NULL,
    "applied_at" TIMESTAMP NOT NULL,
    CONSTRAINT "uid_tortoise_mi_app_3803a5" UNIQUE ("app", "name")
);
CREATE TABLE "acknowledgements" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "chat_id" BIGINT NOT NULL,
    "message_id" BIGINT NOT NULL,
    "topic_id" BIGINT,
    "status_message_id" BIGINT,
    "shown" TEXT,
    "refused" TEXT,
    "is_settled" INT NOT NULL
);
CREATE TABLE "audit" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "actor" TEXT NOT NULL,
    "action" TEXT NOT NULL,
    "target" TEXT,
    "data" TEXT NOT NULL,
    "created" REAL NOT NULL,
    "request" VARCHAR(64)  UNIQUE
);
CREATE TABLE "auth_profiles" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "source_type" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "cookie_file_path" TEXT,
    "status" TEXT NOT NULL,
    "reason" TEXT,
    "failure_count_recent" INT NOT NULL,
    "last_success" REAL,
    "checked" REAL,
    "account" TEXT,
    "last_failure" REAL,
    "expires" REAL,
    "created" REAL NOT NULL
);
CREATE TABLE "chats" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "chat_id" BIGINT NOT NULL,
    "topic_id" BIGINT NOT NULL,
    "title" TEXT,
    "mode" TEXT NOT NULL,
    "sources" TEXT,
    "kind" TEXT,
    "quality" TEXT,
    "archive" INT NOT NULL,
    "reply" INT NOT NULL,
    "feedback" TEXT NOT NULL,
    "last_message_id" BIGINT
);
CREATE TABLE "engine" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "epoch" BIGINT NOT NULL,
    "event_floor" BIGINT NOT NULL
);
CREATE TABLE "jobs" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "url" TEXT NOT NULL,
    "source_type" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "quality" TEXT NOT NULL,
    "format" TEXT,
    "status" TEXT NOT NULL,
    "stage" TEXT,
    "priority" INT NOT NULL,
    "position" REAL NOT NULL,
    "attempt" INT NOT NULL,
    "retry_count" INT NOT NULL,
    "job_key" TEXT NOT NULL,
    "media_id" TEXT,
    "url_hash" TEXT NOT NULL,
    "host" TEXT NOT NULL,
    "auth_profile_id" BIGINT,
    "group_id" BIGINT,
    "title" TEXT,
    "duration_s" REAL,
    "size_bytes" BIGINT,
    "bytes_done" BIGINT NOT NULL,
    "rate" REAL,
    "file_path" TEXT,
    "sha256" TEXT,
    "not_before" REAL,
    "waiting_for" TEXT,
    "error_type" TEXT,
    "error_message" TEXT,
    "error_hint" TEXT,
    "user_id" BIGINT,
    "chat_id" BIGINT,
    "created" REAL NOT NULL,
    "updated" REAL NOT NULL,
    "started" REAL,
    "finished" REAL,
    "out_dir" TEXT,
    "profile" TEXT,
    "forced_source" TEXT,
    "control" TEXT,
    "checkpoint" TEXT NOT NULL,
    "claimed_by" TEXT,
    "claim_epoch" BIGINT
);
CREATE TABLE "deliveries" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "chat_id" BIGINT NOT NULL,
    "topic_id" BIGINT,
    "reply_to" BIGINT,
    "state" TEXT NOT NULL,
    "random_id" BIGINT NOT NULL,
    "part_index" INT NOT NULL,
    "upload_id" BIGINT,
    "upload_parts_done" INT NOT NULL,
    "upload_parts_total" INT,
    "message_id" BIGINT,
    "document_id" BIGINT,
    "attempt" INT NOT NULL,
    "not_before" REAL,
    "error_type" TEXT,
    "error_message" TEXT,
    "created" REAL NOT NULL,
    "updated" REAL NOT NULL,
    "job_id" BIGINT NOT NULL REFERENCES "jobs" ("id") ON DELETE CASCADE
);
CREATE TABLE "groups" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "title" TEXT,
    "total" INT NOT NULL,
    "created" REAL NOT NULL,
    "job_id" BIGINT  UNIQUE REFERENCES "jobs" ("id") ON DELETE SET NULL
);
CREATE TABLE "job_events" (
    "seq" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "type" TEXT NOT NULL,
    "data" TEXT NOT NULL,
    "created" REAL NOT NULL,
    "job_id" BIGINT REFERENCES "jobs" ("id") ON DELETE CASCADE
);
CREATE TABLE "list_items" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "job_id" BIGINT NOT NULL REFERENCES "jobs" ("id") ON DELETE CASCADE,
    "list_id" BIGINT NOT NULL REFERENCES "jobs" ("id") ON DELETE CASCADE
);
CREATE TABLE "media_items" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "source_type" TEXT NOT NULL,
    "media_id" TEXT,
    "url" TEXT NOT NULL,
    "title" TEXT,
    "artist" TEXT,
    "album" TEXT,
    "track_number" INT,
    "date" TEXT,
    "kind" TEXT NOT NULL,
    "container" TEXT,
    "duration_s" REAL,
    "size_bytes" BIGINT,
    "width" INT,
    "height" INT,
    "file_path" TEXT NOT NULL,
    "sha256" TEXT,
    "user_id" BIGINT,
    "chat_id" BIGINT,
    "created" REAL NOT NULL,
    "performers" TEXT,
    "message_id" BIGINT,
    "topic_id" BIGINT,
    "modified" REAL,
    "removed" REAL,
    "day" TEXT NOT NULL,
    "tags" TEXT,
    "job_id" BIGINT REFERENCES "jobs" ("id") ON DELETE SET NULL
);
CREATE TABLE "library_tags" (
    "key" VARCHAR(64) NOT NULL  PRIMARY KEY,
    "name" TEXT NOT NULL,
    "item_count" INT NOT NULL
);
CREATE TABLE "library_words" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "word" VARCHAR(64) NOT NULL UNIQUE
);
CREATE TABLE "requests" (
    "key" VARCHAR(255) NOT NULL  PRIMARY KEY,
    "created" REAL NOT NULL,
    "job_id" BIGINT NOT NULL REFERENCES "jobs" ("id") ON DELETE CASCADE
);
CREATE TABLE "settings" (
    "name" VARCHAR(255) NOT NULL  PRIMARY KEY,
    "value" TEXT NOT NULL
);
CREATE TABLE "tokens" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "name" TEXT NOT NULL,
    "hash" VARCHAR(128) NOT NULL UNIQUE,
    "scopes" TEXT NOT NULL,
    "created" REAL NOT NULL,
    "last_used" REAL,
    "revoked" REAL
);
CREATE TABLE "webhook_receivers" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "key" VARCHAR(64) NOT NULL UNIQUE,
    "attempt" INT NOT NULL,
    "not_before" REAL,
    "failing_since" REAL,
    "error_type" TEXT,
    "error_message" TEXT,
    "created" REAL NOT NULL
);
CREATE TABLE "webhook_messages" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "name" TEXT NOT NULL,
    "payload" TEXT NOT NULL,
    "created" REAL NOT NULL,
    "receiver_id" BIGINT NOT NULL REFERENCES "webhook_receivers" ("id") ON DELETE CASCADE
);
CREATE UNIQUE INDEX jobs_unfinished_key ON jobs (job_key) WHERE status IN ('PENDING', 'QUEUED', 'RUNNING', 'PAUSED');
CREATE INDEX jobs_joinable_key ON jobs (job_key) WHERE status NOT IN ('FAILED', 'CANCELLED');
CREATE INDEX jobs_status ON jobs (status, id);
CREATE INDEX jobs_claim_order ON jobs (status, priority DESC, position, id, source_type, host);
CREATE INDEX jobs_due ON jobs (status, not_before);
CREATE INDEX jobs_waiting ON jobs (waiting_for, not_before) WHERE status = 'PENDING';
CREATE INDEX jobs_group ON jobs (group_id, status, id) WHERE group_id IS NOT NULL;
CREATE INDEX jobs_chat ON jobs (chat_id, status, id) WHERE chat_id IS NOT NULL;
CREATE INDEX jobs_source ON jobs (source_type, status, id);
CREATE INDEX jobs_user_created ON jobs (user_id, created) WHERE user_id IS NOT NULL;
CREATE INDEX jobs_chat_created ON jobs (chat_id, created) WHERE chat_id IS NOT NULL;
CREATE INDEX job_events_job ON job_events (job_id, seq);
CREATE INDEX requests_job ON requests (job_id);
CREATE INDEX deliveries_job ON deliveries (job_id, state);
CREATE INDEX media_items_job ON media_items (job_id);
CREATE INDEX media_items_kept ON media_items (id, created) WHERE removed IS NULL;
CREATE UNIQUE INDEX media_items_file ON media_items (file_path);
CREATE INDEX media_items_sha256 ON media_items (sha256, removed) WHERE sha256 IS NOT NULL;
CREATE UNIQUE INDEX auth_profiles_name ON auth_profiles (source_type, name);
CREATE UNIQUE INDEX chats_topic ON chats (chat_id, topic_id);
CREATE UNIQUE INDEX deliveries_random_id ON deliveries (random_id);
CREATE UNIQUE INDEX deliveries_answer ON deliveries (chat_id, reply_to, job_id, part_index);
CREATE INDEX deliveries_state ON deliveries (state);
CREATE INDEX deliveries_chat ON deliveries (chat_id, id);
CREATE UNIQUE INDEX acknowledgements_message ON acknowledgements (chat_id, message_id);
CREATE INDEX acknowledgements_unsettled ON acknowledgements (id) WHERE is_settled = 0;
CREATE UNIQUE INDEX list_items_pair ON list_items (list_id, job_id);
CREATE INDEX list_items_job ON list_items (job_id);
CREATE INDEX jobs_finished ON jobs (finished, status, source_type, size_bytes) WHERE finished IS NOT NULL;
CREATE INDEX jobs_sha256 ON jobs (sha256) WHERE sha256 IS NOT NULL;
CREATE UNIQUE INDEX tokens_name ON tokens (name) WHERE revoked IS NULL;
CREATE INDEX audit_created ON audit (created);
CREATE INDEX webhook_messages_order ON webhook_messages (receiver_id, id, created);
CREATE VIRTUAL TABLE jobs_text USING fts5 (title, url, content = 'jobs', content_rowid = 'id', tokenize = 'trigram', detail = none, columnsize = 0);
CREATE TRIGGER jobs_text_added AFTER INSERT ON jobs BEGIN INSERT INTO jobs_text (rowid, title, url) VALUES (new.id, new.title, new.url); END;
CREATE TRIGGER jobs_text_removed AFTER DELETE ON jobs BEGIN INSERT INTO jobs_text (jobs_text, rowid, title, url) VALUES ('delete', old.id, old.title, old.url); END;
CREATE TRIGGER jobs_text_changed AFTER UPDATE OF title, url ON jobs WHEN old.title IS NOT new.title OR old.url IS NOT new.url BEGIN INSERT INTO jobs_text (jobs_text, rowid, title, url) VALUES ('delete', old.id, old.title, old.url); INSERT INTO jobs_text (rowid, title, url) VALUES (new.id, new.title, new.url); END;
CREATE VIRTUAL TABLE media_text USING fts5 (title, artist, album, other, facets, tokenize = "ascii tokenchars '=_.-'", prefix = '2 3 4 5');
CREATE VIRTUAL TABLE library_pieces USING fts5 (pieces, content = '', detail = none, tokenize = "ascii tokenchars '^$'");
INSERT INTO tortoise_migrations (app, name, applied_at) VALUES ('store', '0001_initial', CURRENT_TIMESTAMP);
INSERT INTO engine VALUES (1, 0, 0);
