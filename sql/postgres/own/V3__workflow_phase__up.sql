DROP INDEX skill_invocation_by_skill;

-- What is asked of a skill reads many of its uses, which lie all over the table: it finds them in the index.
CREATE INDEX skill_invocation_by_skill ON skill_invocation (skill_name, invoked_at, invocation_id)
INCLUDE (outcome, completed, outcome_source, duration_seconds, rating, error_type, workflow_phase);
