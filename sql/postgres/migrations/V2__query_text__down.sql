-- Made by scripts/postgres_sql.py from sql/migrations/V2__query_text__down.sql.

ALTER TABLE skill_invocation
DROP COLUMN query_length;

ALTER TABLE skill_invocation
DROP COLUMN query_hash;

ALTER TABLE skill_invocation
DROP COLUMN query_text;

ALTER TABLE skill_event
DROP COLUMN query_length;

ALTER TABLE skill_event
DROP COLUMN query_hash;

ALTER TABLE skill_event
DROP COLUMN query_text;
