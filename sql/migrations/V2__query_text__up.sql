-- What was asked for: the text redacted and only where the user chose to keep it, else a keyed hash and
-- a length. No constraint and no default, so the columns can be added in place.

ALTER TABLE skill_event ADD COLUMN query_text VARCHAR;
ALTER TABLE skill_event ADD COLUMN query_hash VARCHAR;
ALTER TABLE skill_event ADD COLUMN query_length INTEGER;

ALTER TABLE skill_invocation ADD COLUMN query_text VARCHAR;
ALTER TABLE skill_invocation ADD COLUMN query_hash VARCHAR;
ALTER TABLE skill_invocation ADD COLUMN query_length INTEGER;
