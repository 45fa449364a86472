-- What subtitles a person wants, and what became of those that are no part of the file: they were missing, are being sent, or nothing is left to do.
ALTER TABLE jobs ADD COLUMN subtitles TEXT;
ALTER TABLE work ADD COLUMN subtitles TEXT;
ALTER TABLE work ADD COLUMN subtitles_message INTEGER;
