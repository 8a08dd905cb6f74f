-- Made by scripts/postgres_sql.py from sql/migrations/V2__query_text__up.sql.

ALTER TABLE skill_event
ADD COLUMN query_text TEXT COLLATE "C";

ALTER TABLE skill_event
ADD COLUMN query_hash TEXT COLLATE "C";

ALTER TABLE skill_event
ADD COLUMN query_length INT;

ALTER TABLE skill_invocation
ADD COLUMN query_text TEXT COLLATE "C";

ALTER TABLE skill_invocation
ADD COLUMN query_hash TEXT COLLATE "C";

ALTER TABLE skill_invocation
ADD COLUMN query_length INT;
