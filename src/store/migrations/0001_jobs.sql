-- Jobs, what their steps have made so far, what is already at Telegram, and cards that were read.
CREATE TABLE jobs (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    user            INTEGER NOT NULL,
    chat            INTEGER NOT NULL,
    request_message INTEGER,
    status_message  INTEGER,
    link            TEXT    NOT NULL,
    choice          TEXT,
    language        TEXT    NOT NULL,
    stage           TEXT    NOT NULL,
    title           TEXT,
    attempts        INTEGER NOT NULL DEFAULT 0,
    not_before_ms   INTEGER NOT NULL DEFAULT 0,
    lease_owner     TEXT,
    lease_until_ms  INTEGER NOT NULL DEFAULT 0,
    cancel_wanted   INTEGER NOT NULL DEFAULT 0,
    failure         TEXT,
    progress        TEXT,
    created_ms      INTEGER NOT NULL,
    updated_ms      INTEGER NOT NULL
) STRICT;

-- The same update delivered twice is one job.
CREATE UNIQUE INDEX jobs_by_request ON jobs (chat, request_message, link) WHERE request_message IS NOT NULL;
CREATE INDEX jobs_by_stage ON jobs (stage, not_before_ms);
CREATE INDEX jobs_by_user ON jobs (user, stage);

CREATE TABLE work (
    job       INTEGER PRIMARY KEY REFERENCES jobs (id) ON DELETE CASCADE,
    fetched   TEXT,
    prepared  TEXT,
    uploaded  TEXT,
    file_id   INTEGER,
    random_id INTEGER,
    sending   INTEGER NOT NULL DEFAULT 0,
    delivered_message INTEGER
) STRICT;

CREATE TABLE contents (
    link       TEXT    NOT NULL,
    choice     TEXT    NOT NULL,
    bot        INTEGER NOT NULL,
    uploaded   TEXT    NOT NULL,
    prepared   TEXT    NOT NULL,
    created_ms INTEGER NOT NULL,
    PRIMARY KEY (link, choice, bot)
) STRICT;

CREATE TABLE cards (
    link       TEXT    PRIMARY KEY,
    card       TEXT    NOT NULL,
    created_ms INTEGER NOT NULL
) STRICT;
