-- insert_stage_runs --
-- Runs of CI stages, one a line of JSON; a run that is known changes nothing.
INSERT INTO pipeline_stage_runs (
  run_id,
  pipeline_name,
  stage,
  workflow_phase,
  started_at,
  duration_seconds,
  recorded_at,
  outcome,
  exit_code,
  command,
  error,
  ci_system,
  build_number,
  git_commit,
  git_branch,
  environment,
  triggered_by,
  session_id,
  agent,
  project,
  user_id,
  source
)
SELECT
  parsed.run_id,
  parsed.pipeline_name,
  parsed.stage,
  parsed.workflow_phase,
  parsed.started_at,
  parsed.duration_seconds,
  parsed.recorded_at,
  parsed.outcome,
  parsed.exit_code,
  parsed.command,
  parsed.error,
  parsed.ci_system,
  parsed.build_number,
  parsed.git_commit,
  parsed.git_branch,
  parsed.environment,
  parsed.triggered_by,
  parsed.session_id,
  parsed.agent,
  parsed.project,
  parsed.user_id,
  parsed.source
FROM (
  SELECT
    UNNEST(STRING_TO_ARRAY($rows, CHR(  10))) AS line
) AS part_1
CROSS JOIN LATERAL JSON_TO_RECORD(CAST(line AS JSON)) AS parsed(run_id UUID, pipeline_name TEXT, stage TEXT, workflow_phase TEXT, started_at TIMESTAMP, duration_seconds DOUBLE PRECISION, recorded_at TIMESTAMP, outcome TEXT, exit_code BIGINT, command TEXT, error TEXT, ci_system TEXT, build_number TEXT, git_commit TEXT, git_branch TEXT, environment TEXT, triggered_by TEXT, session_id TEXT, agent TEXT, project TEXT, user_id TEXT, source TEXT)
WHERE
  line <> '' ON CONFLICT(run_id) DO NOTHING;

-- insert_gate_runs --
-- Runs of quality gates, likewise.
INSERT INTO quality_gate_runs (
  run_id,
  tool,
  phase,
  workflow_phase,
  started_at,
  duration_seconds,
  recorded_at,
  outcome,
  failed_checks,
  check_count,
  failed_count,
  error,
  session_id,
  agent,
  project,
  user_id,
  source
)
SELECT
  parsed.run_id,
  parsed.tool,
  parsed.phase,
  parsed.workflow_phase,
  parsed.started_at,
  parsed.duration_seconds,
  parsed.recorded_at,
  parsed.outcome,
  parsed.failed_checks,
  parsed.check_count,
  parsed.failed_count,
  parsed.error,
  parsed.session_id,
  parsed.agent,
  parsed.project,
  parsed.user_id,
  parsed.source
FROM (
  SELECT
    UNNEST(STRING_TO_ARRAY($rows, CHR(  10))) AS line
) AS part_1
CROSS JOIN LATERAL JSON_TO_RECORD(CAST(line AS JSON)) AS parsed(run_id UUID, tool TEXT, phase TEXT, workflow_phase TEXT, started_at TIMESTAMP, duration_seconds DOUBLE PRECISION, recorded_at TIMESTAMP, outcome TEXT, failed_checks TEXT, check_count BIGINT, failed_count BIGINT, error TEXT, session_id TEXT, agent TEXT, project TEXT, user_id TEXT, source TEXT)
WHERE
  line <> '' ON CONFLICT(run_id) DO NOTHING;

-- run_is_known --
-- Whether a run was folded before.
SELECT
  1
FROM pipeline_stage_runs
WHERE
  run_id = $run_id
UNION ALL
SELECT
  1
FROM quality_gate_runs
WHERE
  run_id = $run_id;

-- totals_of_stages --
-- Each stage of each pipeline in a window, in the order in which the stages were first run.
SELECT
  pipeline_name,
  stage,
  MAX(workflow_phase) AS workflow_phase,
  COUNT(*) AS run_count,
  COUNT(*) FILTER(WHERE
    outcome = 'completed') AS completed_count,
  COUNT(*) FILTER(WHERE
    outcome = 'failed') AS failed_count,
  COUNT(*) FILTER(WHERE
    outcome = 'abandoned') AS abandoned_count,
  AVG(duration_seconds) AS mean_seconds,
  PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY
    duration_seconds) AS p50_seconds,
  PERCENTILE_CONT(0.95) WITHIN GROUP (ORDER BY
    duration_seconds) AS p95_seconds,
  MAX(started_at) AS last_run_at
FROM pipeline_stage_runs
WHERE
  started_at >= $since
  AND started_at < $until
  AND (
    CAST($pipeline_name AS TEXT) IS NULL
    OR pipeline_name = $pipeline_name
  )
  AND (
    CAST($project AS TEXT) IS NULL OR project = $project
  )
  AND (
    CAST($session_id AS TEXT) IS NULL OR session_id = $session_id
  )
GROUP BY
  pipeline_name,
  stage
ORDER BY
  pipeline_name,
  MIN(started_at),
  stage;

-- days_of_stages --
-- The same by UTC day.
SELECT
  pipeline_name,
  stage,
  MAX(workflow_phase) AS workflow_phase,
  COUNT(*) AS run_count,
  COUNT(*) FILTER(WHERE
    outcome = 'completed') AS completed_count,
  COUNT(*) FILTER(WHERE
    outcome = 'failed') AS failed_count,
  COUNT(*) FILTER(WHERE
    outcome = 'abandoned') AS abandoned_count,
  AVG(duration_seconds) AS mean_seconds,
  PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY
    duration_seconds) AS p50_seconds,
  PERCENTILE_CONT(0.95) WITHIN GROUP (ORDER BY
    duration_seconds) AS p95_seconds,
  MAX(started_at) AS last_run_at,
  CAST(DATE_TRUNC('DAY', started_at) AS TIMESTAMP) AS day
FROM pipeline_stage_runs
WHERE
  started_at >= $since
  AND started_at < $until
  AND (
    CAST($pipeline_name AS TEXT) IS NULL
    OR pipeline_name = $pipeline_name
  )
  AND (
    CAST($project AS TEXT) IS NULL OR project = $project
  )
  AND (
    CAST($session_id AS TEXT) IS NULL OR session_id = $session_id
  )
GROUP BY
  pipeline_name,
  stage,
  DATE_TRUNC('DAY', started_at)
ORDER BY
  DATE_TRUNC('DAY', started_at),
  pipeline_name,
  MIN(started_at),
  stage;

-- totals_of_gates --
-- Each phase of quality gates in a window.
SELECT
  phase,
  COUNT(*) AS run_count,
  COUNT(*) FILTER(WHERE
    outcome = 'completed') AS completed_count,
  COUNT(*) FILTER(WHERE
    outcome = 'failed') AS failed_count,
  COUNT(*) FILTER(WHERE
    outcome = 'abandoned') AS abandoned_count,
  AVG(duration_seconds) AS mean_seconds,
  PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY
    duration_seconds) AS p50_seconds,
  (
    ARRAY_AGG(outcome ORDER BY started_at DESC, run_id DESC) FILTER(WHERE
      NOT outcome IS NULL)
  )[1] AS last_outcome,
  MAX(started_at) AS last_run_at
FROM quality_gate_runs
WHERE
  started_at >= $since
  AND started_at < $until
  AND (
    CAST($project AS TEXT) IS NULL OR project = $project
  )
  AND (
    CAST($session_id AS TEXT) IS NULL OR session_id = $session_id
  )
GROUP BY
  phase
ORDER BY
  phase;

-- failed_checks --
-- What failed how often in each phase.
SELECT
  phase,
  check_name,
  COUNT(*) AS run_count,
  MAX(started_at) AS last_failed_at
FROM (
  SELECT
    phase,
    started_at,
    CAST(JSON_ARRAY_ELEMENTS_TEXT(CAST(failed_checks AS JSON)) AS TEXT) AS check_name
  FROM quality_gate_runs
  WHERE
    started_at >= $since
    AND started_at < $until
    AND (
      CAST($project AS TEXT) IS NULL OR project = $project
    )
    AND (
      CAST($session_id AS TEXT) IS NULL OR session_id = $session_id
    )
) AS part_1
GROUP BY
  phase,
  check_name
ORDER BY
  COUNT(*) DESC,
  phase,
  check_name;

-- fixes_of_gates --
-- Which skills were used between a failed run and the next run of that phase in the same place, within a day, and whether the check failed again. A place is an agent's session where the run has one, else a project.
WITH runs AS (
  SELECT
    phase,
    session_id,
    project,
    outcome,
    failed_checks,
    started_at AS began,
    started_at + CAST(duration_seconds * 1000000 AS BIGINT) * INTERVAL '1 MICROSECOND' AS ended,
    LEAD(started_at) OVER place AS next_began,
    LEAD(outcome) OVER place AS next_outcome,
    LEAD(failed_checks) OVER place AS next_failed_checks
  FROM quality_gate_runs
  WINDOW place AS (
    PARTITION BY phase, COALESCE('s' || session_id, 'p' || project, '')
    ORDER BY started_at, run_id
  )
), failures AS (
  SELECT
    *,
    ROW_NUMBER() OVER (ORDER BY began, phase) AS failure
  FROM runs
  WHERE
    outcome = 'failed'
    AND NOT next_began IS NULL
    AND next_began <= ended + INTERVAL '1 DAY'
), used AS (
  SELECT
    f.failure,
    i.skill_name
  FROM failures AS f
  INNER JOIN team_invocation AS i
    ON i.session_id = f.session_id
  WHERE
    i.invoked_at >= f.ended
    AND i.invoked_at < f.next_began
    AND i.outcome IS DISTINCT FROM 'failed'
  UNION
  SELECT
    f.failure,
    i.skill_name
  FROM failures AS f
  INNER JOIN team_invocation AS i
    ON i.project = f.project
  WHERE
    f.session_id IS NULL
    AND i.invoked_at >= f.ended
    AND i.invoked_at < f.next_began
    AND i.outcome IS DISTINCT FROM 'failed'
), checks AS (
  SELECT
    failure,
    phase,
    CAST(JSON_ARRAY_ELEMENTS_TEXT(CAST(failed_checks AS JSON)) AS TEXT) AS check_name,
    next_failed_checks,
    next_outcome
  FROM failures
  UNION ALL
  SELECT
    failure,
    phase,
    '' AS check_name,
    next_failed_checks,
    next_outcome
  FROM failures
)
SELECT
  c.phase,
  c.check_name,
  u.skill_name,
  COUNT(*) AS tried_count,
  COUNT(*) FILTER(WHERE
    c.next_outcome = 'completed'
    OR (
      c.next_outcome = 'failed'
      AND c.check_name <> ''
      AND JSON_ARRAY_LENGTH(CAST(c.next_failed_checks AS JSON)) > 0
      AND NOT JSONB_EXISTS(CAST(c.next_failed_checks AS JSONB), c.check_name)
    )) AS fixed_count
FROM checks AS c
INNER JOIN used AS u
  ON u.failure = c.failure
GROUP BY
  c.phase,
  c.check_name,
  u.skill_name
ORDER BY
  c.phase,
  c.check_name,
  u.skill_name;

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

-- runs_of_session --
-- The stages and gates that ran in an agent's session.
SELECT
  'stage' AS kind,
  pipeline_name || ': ' || stage AS name,
  started_at,
  duration_seconds,
  outcome,
  workflow_phase,
  source
FROM pipeline_stage_runs
WHERE
  session_id = $session_id
UNION ALL
SELECT
  'gate' AS kind,
  tool || ': ' || phase AS name,
  started_at,
  duration_seconds,
  outcome,
  workflow_phase,
  source
FROM quality_gate_runs
WHERE
  session_id = $session_id
ORDER BY
  started_at,
  kind,
  name;
