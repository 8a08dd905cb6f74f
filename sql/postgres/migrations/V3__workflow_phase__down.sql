-- Made by scripts/postgres_sql.py from sql/migrations/V3__workflow_phase__down.sql.

DROP VIEW v_workflow_phase_summary;

DELETE FROM skill_tally
WHERE
  dimension = 'workflow_phase';

ALTER TABLE skill_invocation
DROP COLUMN workflow_step;

ALTER TABLE skill_invocation
DROP COLUMN workflow_phase;

ALTER TABLE skill_event
DROP COLUMN workflow_step;

ALTER TABLE skill_event
DROP COLUMN workflow_phase;

-- The index that named the column went with it.
CREATE INDEX skill_invocation_by_skill ON skill_invocation (skill_name, invoked_at, invocation_id);
