-- open_failures --
-- Gates whose latest run in a project failed, the newest first: one look into the index for each of them.
WITH RECURSIVE latest AS (
    (
        SELECT coalesce(project, '') AS place, phase, project, failed_checks, started_at, outcome
        FROM quality_gate_runs
        ORDER BY coalesce(project, ''), phase, started_at DESC, run_id DESC
        LIMIT 1
    )
    UNION ALL
    SELECT n.place, n.phase, n.project, n.failed_checks, n.started_at, n.outcome
    FROM latest AS l
    CROSS JOIN LATERAL (
        SELECT coalesce(g.project, '') AS place, g.phase, g.project, g.failed_checks, g.started_at, g.outcome
        FROM quality_gate_runs AS g
        WHERE (coalesce(g.project, ''), g.phase) > (l.place, l.phase)
        ORDER BY coalesce(g.project, ''), g.phase, g.started_at DESC, g.run_id DESC
        LIMIT 1
    ) AS n
)

SELECT project, phase, failed_checks, started_at AS failed_at
FROM latest
WHERE outcome = 'failed'
ORDER BY started_at DESC, phase;
