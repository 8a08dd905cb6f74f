-- open_failures --
-- Gates whose latest run in a project failed, the newest first.
SELECT l.project, l.phase, l.failed_checks, l.started_at AS failed_at
FROM (
    SELECT DISTINCT ON (coalesce(project, ''), phase) project, phase, failed_checks, started_at, outcome
    FROM quality_gate_runs
    ORDER BY coalesce(project, ''), phase, started_at DESC, run_id DESC
) AS l
WHERE l.outcome = 'failed'
ORDER BY l.started_at DESC, l.phase;
