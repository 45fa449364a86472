-- What is known of the accounts that carry files, by their number at Telegram: a rest outlives a restart and a new login.
CREATE TABLE account_rests (
    account  INTEGER PRIMARY KEY,
    until_ms INTEGER NOT NULL,
    reason   TEXT    NOT NULL,
    in_a_row INTEGER NOT NULL
) STRICT;

-- Bytes of stored parts by hour (hours since 1970), for the daily budget.
CREATE TABLE account_sent (
    account INTEGER NOT NULL,
    hour    INTEGER NOT NULL,
    bytes   INTEGER NOT NULL,
    PRIMARY KEY (account, hour)
) STRICT, WITHOUT ROWID;

-- How the running daemon sees its accounts: their sessions are locked, so nobody else can look.
CREATE TABLE account_reports (
    name       TEXT PRIMARY KEY,
    report     TEXT    NOT NULL,
    updated_ms INTEGER NOT NULL
) STRICT;

-- Who carries the upload whose numbers stand in the same row.
ALTER TABLE work ADD COLUMN lane TEXT;
ALTER TABLE work ADD COLUMN account INTEGER;
ALTER TABLE work ADD COLUMN direct INTEGER NOT NULL DEFAULT 0;
