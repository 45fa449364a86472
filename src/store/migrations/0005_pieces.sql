-- Pieces of a content that one message can't hold: what each is, and where it is once it is at Telegram. While a piece goes up, its numbers stand in the
-- job's row of `work`, as those of a whole file do.
CREATE TABLE pieces (
    job      INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    number   INTEGER NOT NULL,
    prepared TEXT    NOT NULL,
    uploaded TEXT,
    PRIMARY KEY (job, number)
) STRICT, WITHOUT ROWID;

-- Which of them are with the person. Kept when the work is done anew: nobody gets a piece twice.
CREATE TABLE delivered_pieces (
    job     INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    number  INTEGER NOT NULL,
    count   INTEGER NOT NULL,
    message INTEGER NOT NULL,
    PRIMARY KEY (job, number, count)
) STRICT, WITHOUT ROWID;
