-- Uploads by an account that have begun, and which of their parts lie at Telegram.
CREATE TABLE uploads (
    job        INTEGER PRIMARY KEY REFERENCES jobs (id) ON DELETE CASCADE,
    session    TEXT    NOT NULL,
    dc         INTEGER NOT NULL,
    file_id    INTEGER NOT NULL,
    part_bytes INTEGER NOT NULL,
    big        INTEGER NOT NULL,
    begun_ms   INTEGER NOT NULL,
    touched_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE stored_parts (
    job       INTEGER NOT NULL REFERENCES uploads (job) ON DELETE CASCADE,
    part      INTEGER NOT NULL,
    hash      INTEGER NOT NULL,
    stored_ms INTEGER NOT NULL,
    PRIMARY KEY (job, part)
) STRICT, WITHOUT ROWID;

-- A job that is over, and an upload that is forgotten, need their parts no more, whichever way they got there.
CREATE TRIGGER parts_of_ended_jobs AFTER UPDATE OF stage ON jobs WHEN NEW.stage IN ('done', 'failed', 'cancelled')
BEGIN DELETE FROM uploads WHERE job = NEW.id; END;
CREATE TRIGGER parts_of_forgotten_uploads AFTER UPDATE OF file_id ON work WHEN NEW.file_id IS NULL
BEGIN DELETE FROM uploads WHERE job = NEW.job; END;
