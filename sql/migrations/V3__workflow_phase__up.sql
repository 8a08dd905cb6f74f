-- Where in the work a skill was used. skill_event keeps null where an event says nothing of the phase;
-- skill_invocation says 'unknown', so that grouping by phase loses no row.
-- DuckDB cannot add a column with a CHECK; the vocabulary is held by the model that every event passes.

ALTER TABLE skill_event ADD COLUMN workflow_phase VARCHAR;
ALTER TABLE skill_event ADD COLUMN workflow_step VARCHAR;

ALTER TABLE skill_invocation ADD COLUMN workflow_phase VARCHAR DEFAULT 'unknown';
ALTER TABLE skill_invocation ALTER COLUMN workflow_phase SET NOT NULL;
ALTER TABLE skill_invocation ADD COLUMN workflow_step VARCHAR;

-- The uses that were recorded before there were phases.
INSERT INTO skill_tally (skill_name, dimension, value, invocation_count)
SELECT skill_name, 'workflow_phase', 'unknown', invocation_count
FROM skill_metrics
WHERE invocation_count > 0;

CREATE VIEW v_workflow_phase_summary AS
SELECT
    workflow_phase,
    skill_name,
    count(*) AS invocation_count,
    count(*) FILTER (completed) AS completed_count,
    count(completed) AS decided_count,
    count(*) FILTER (completed) / nullif(count(completed), 0) AS completion_rate,
    avg(duration_seconds) AS mean_duration_seconds,
    quantile_cont(duration_seconds, 0.5) AS p50_duration_seconds,
    quantile_cont(duration_seconds, 0.95) AS p95_duration_seconds,
    count(DISTINCT session_id) AS session_count
FROM skill_invocation
GROUP BY workflow_phase, skill_name;
