ALTER TABLE skill_invocation DROP COLUMN query_length;
ALTER TABLE skill_invocation DROP COLUMN query_hash;
ALTER TABLE skill_invocation DROP COLUMN query_text;

ALTER TABLE skill_event DROP COLUMN query_length;
ALTER TABLE skill_event DROP COLUMN query_hash;
ALTER TABLE skill_event DROP COLUMN query_text;
