DROP VIEW v_workflow_phase_summary;

DELETE FROM skill_tally WHERE dimension = 'workflow_phase';

ALTER TABLE skill_invocation DROP COLUMN workflow_step;
ALTER TABLE skill_invocation DROP COLUMN workflow_phase;

ALTER TABLE skill_event DROP COLUMN workflow_step;
ALTER TABLE skill_event DROP COLUMN workflow_phase;
