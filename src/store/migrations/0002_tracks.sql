-- What was fetched may be two files now; a job from before fetches again.
UPDATE work SET fetched = NULL;
