-- The index that named the column went with it.
CREATE INDEX skill_invocation_by_skill ON skill_invocation (skill_name, invoked_at, invocation_id);
