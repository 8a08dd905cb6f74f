-- Made by scripts/postgres_sql.py from sql/migrations/V3__workflow_phase__up.sql.

ALTER TABLE skill_event
ADD COLUMN workflow_phase TEXT COLLATE "C";

ALTER TABLE skill_event
ADD COLUMN workflow_step TEXT COLLATE "C";

ALTER TABLE skill_invocation
ADD COLUMN workflow_phase TEXT COLLATE "C" DEFAULT 'unknown';

ALTER TABLE skill_invocation
ALTER COLUMN workflow_phase SET NOT NULL;

ALTER TABLE skill_invocation
ADD COLUMN workflow_step TEXT COLLATE "C";

INSERT INTO skill_tally (
  skill_name,
  dimension,
  value,
  invocation_count
)
SELECT
  skill_name,
  'workflow_phase',
  'unknown',
  invocation_count
FROM skill_metrics
WHERE
  invocation_count > 0;

CREATE VIEW v_workflow_phase_summary AS
SELECT
  workflow_phase,
  skill_name,
  COUNT(*) AS invocation_count,
  COUNT(*) FILTER(WHERE
    completed) AS completed_count,
  COUNT(completed) AS decided_count,
  CAST(COUNT(*) FILTER(WHERE
    completed) AS DOUBLE PRECISION) / NULLIF(COUNT(completed), 0) AS completion_rate,
  AVG(duration_seconds) AS mean_duration_seconds,
  PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY
    duration_seconds) AS p50_duration_seconds,
  PERCENTILE_CONT(0.95) WITHIN GROUP (ORDER BY
    duration_seconds) AS p95_duration_seconds,
  COUNT(DISTINCT session_id) AS session_count
FROM skill_invocation
GROUP BY
  workflow_phase,
  skill_name;

DROP INDEX skill_invocation_by_skill;

-- What is asked of a skill reads many of its uses, which lie all over the table: it finds them in the index.
CREATE INDEX skill_invocation_by_skill ON skill_invocation (skill_name, invoked_at, invocation_id)
INCLUDE (outcome, completed, outcome_source, duration_seconds, rating, error_type, workflow_phase);
