-- insert_stage_runs --
-- Runs of CI stages, one a line of JSON; a run that is known changes nothing.
INSERT INTO pipeline_stage_runs BY NAME
SELECT unnest(from_json(
    line,
    '{"run_id":"UUID","pipeline_name":"VARCHAR","stage":"VARCHAR","workflow_phase":"VARCHAR",
    "started_at":"TIMESTAMP","duration_seconds":"DOUBLE","recorded_at":"TIMESTAMP","outcome":"VARCHAR","exit_code":"BIGINT",
    "command":"VARCHAR","error":"VARCHAR","ci_system":"VARCHAR","build_number":"VARCHAR",
    "git_commit":"VARCHAR","git_branch":"VARCHAR","environment":"VARCHAR","triggered_by":"VARCHAR",
    "session_id":"VARCHAR","agent":"VARCHAR","project":"VARCHAR","user_id":"VARCHAR","source":"VARCHAR"}'
))
FROM (SELECT unnest(string_split($rows, chr(10))) AS line)
WHERE line <> ''
ON CONFLICT (run_id) DO NOTHING;

-- insert_gate_runs --
-- Runs of quality gates, likewise.
INSERT INTO quality_gate_runs BY NAME
SELECT unnest(from_json(
    line,
    '{"run_id":"UUID","tool":"VARCHAR","phase":"VARCHAR","workflow_phase":"VARCHAR",
    "started_at":"TIMESTAMP","duration_seconds":"DOUBLE","recorded_at":"TIMESTAMP","outcome":"VARCHAR","failed_checks":"JSON",
    "check_count":"BIGINT","failed_count":"BIGINT","error":"VARCHAR","session_id":"VARCHAR",
    "agent":"VARCHAR","project":"VARCHAR","user_id":"VARCHAR","source":"VARCHAR"}'
))
FROM (SELECT unnest(string_split($rows, chr(10))) AS line)
WHERE line <> ''
ON CONFLICT (run_id) DO NOTHING;

-- run_is_known --
-- Whether a run was folded before.
SELECT 1 FROM pipeline_stage_runs WHERE run_id = $run_id
UNION ALL
SELECT 1 FROM quality_gate_runs WHERE run_id = $run_id;

-- totals_of_stages --
-- Each stage of each pipeline in a window, in the order in which the stages were first run.
SELECT
    pipeline_name,
    stage,
    max(workflow_phase) AS workflow_phase,
    count(*) AS run_count,
    count(*) FILTER (outcome = 'completed') AS completed_count,
    count(*) FILTER (outcome = 'failed') AS failed_count,
    count(*) FILTER (outcome = 'abandoned') AS abandoned_count,
    avg(duration_seconds) AS mean_seconds,
    quantile_cont(duration_seconds, 0.5) AS p50_seconds,
    quantile_cont(duration_seconds, 0.95) AS p95_seconds,
    max(started_at) AS last_run_at
FROM pipeline_stage_runs
WHERE
    started_at >= $since
    AND started_at < $until
    AND ($pipeline_name IS NULL OR pipeline_name = $pipeline_name)
    AND ($project IS NULL OR project = $project)
    AND ($session_id IS NULL OR session_id = $session_id)
GROUP BY pipeline_name, stage
ORDER BY pipeline_name, min(started_at), stage;

-- days_of_stages --
-- The same by UTC day.
SELECT
    pipeline_name,
    stage,
    max(workflow_phase) AS workflow_phase,
    count(*) AS run_count,
    count(*) FILTER (outcome = 'completed') AS completed_count,
    count(*) FILTER (outcome = 'failed') AS failed_count,
    count(*) FILTER (outcome = 'abandoned') AS abandoned_count,
    avg(duration_seconds) AS mean_seconds,
    quantile_cont(duration_seconds, 0.5) AS p50_seconds,
    quantile_cont(duration_seconds, 0.95) AS p95_seconds,
    max(started_at) AS last_run_at,
    CAST(date_trunc('day', started_at) AS TIMESTAMP) AS day
FROM pipeline_stage_runs
WHERE
    started_at >= $since
    AND started_at < $until
    AND ($pipeline_name IS NULL OR pipeline_name = $pipeline_name)
    AND ($project IS NULL OR project = $project)
    AND ($session_id IS NULL OR session_id = $session_id)
GROUP BY pipeline_name, stage, date_trunc('day', started_at)
ORDER BY date_trunc('day', started_at), pipeline_name, min(started_at), stage;

-- totals_of_gates --
-- Each phase of quality gates in a window.
SELECT
    phase,
    count(*) AS run_count,
    count(*) FILTER (outcome = 'completed') AS completed_count,
    count(*) FILTER (outcome = 'failed') AS failed_count,
    count(*) FILTER (outcome = 'abandoned') AS abandoned_count,
    avg(duration_seconds) AS mean_seconds,
    quantile_cont(duration_seconds, 0.5) AS p50_seconds,
    arg_max(outcome, struct_pack(t := started_at, i := run_id)) AS last_outcome,
    max(started_at) AS last_run_at
FROM quality_gate_runs
WHERE
    started_at >= $since
    AND started_at < $until
    AND ($project IS NULL OR project = $project)
    AND ($session_id IS NULL OR session_id = $session_id)
GROUP BY phase
ORDER BY phase;

-- failed_checks --
-- What failed how often in each phase.
SELECT phase, check_name, count(*) AS run_count, max(started_at) AS last_failed_at
FROM (
    SELECT phase, started_at, unnest(from_json(failed_checks, '["VARCHAR"]')) AS check_name
    FROM quality_gate_runs
    WHERE
        started_at >= $since
        AND started_at < $until
        AND ($project IS NULL OR project = $project)
        AND ($session_id IS NULL OR session_id = $session_id)
)
GROUP BY phase, check_name
ORDER BY count(*) DESC, phase, check_name;

-- fixes_of_gates --
-- Which skills were used between a failed run and the next run of that phase in the same place, within a day,
-- and whether the check failed again. A place is an agent's session where the run has one, else a project.
WITH runs AS (
    SELECT
        phase,
        session_id,
        project,
        outcome,
        failed_checks,
        started_at AS began,
        started_at + to_microseconds(CAST(duration_seconds * 1000000 AS BIGINT)) AS ended,
        lead(started_at) OVER place AS next_began,
        lead(outcome) OVER place AS next_outcome,
        lead(failed_checks) OVER place AS next_failed_checks
    FROM quality_gate_runs
    WINDOW place AS (
        PARTITION BY phase, coalesce('s' || session_id, 'p' || project, '') ORDER BY started_at, run_id
    )
),

failures AS (
    SELECT *, row_number() OVER (ORDER BY began, phase) AS failure
    FROM runs
    WHERE outcome = 'failed' AND next_began IS NOT NULL AND next_began <= ended + INTERVAL 1 DAY
),

used AS (
    SELECT f.failure, i.skill_name
    FROM failures AS f
    INNER JOIN skill_invocation AS i ON i.session_id = f.session_id
    WHERE i.invoked_at >= f.ended AND i.invoked_at < f.next_began AND i.outcome IS DISTINCT FROM 'failed'
    UNION
    SELECT f.failure, i.skill_name
    FROM failures AS f
    INNER JOIN skill_invocation AS i ON i.project = f.project
    WHERE
        f.session_id IS NULL
        AND i.invoked_at >= f.ended
        AND i.invoked_at < f.next_began
        AND i.outcome IS DISTINCT FROM 'failed'
),

checks AS (
    SELECT failure, phase, unnest(from_json(failed_checks, '["VARCHAR"]')) AS check_name, next_failed_checks, next_outcome
    FROM failures
    UNION ALL
    SELECT failure, phase, '' AS check_name, next_failed_checks, next_outcome
    FROM failures
)

SELECT
    c.phase,
    c.check_name,
    u.skill_name,
    count(*) AS tried_count,
    count(*) FILTER (
        c.next_outcome = 'completed'
        OR (
            c.next_outcome = 'failed'
            AND c.check_name <> ''
            AND json_array_length(c.next_failed_checks) > 0
            AND NOT list_contains(from_json(c.next_failed_checks, '["VARCHAR"]'), c.check_name)
        )
    ) AS fixed_count
FROM checks AS c
INNER JOIN used AS u ON u.failure = c.failure
GROUP BY c.phase, c.check_name, u.skill_name
ORDER BY c.phase, c.check_name, u.skill_name;

-- open_failures --
-- Gates whose latest run in a project failed, the newest first.
SELECT project, phase, failed_checks, started_at AS failed_at
FROM quality_gate_runs
QUALIFY
    outcome = 'failed'
    AND row_number() OVER (PARTITION BY coalesce(project, ''), phase ORDER BY started_at DESC, run_id DESC) = 1
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
WHERE session_id = $session_id
UNION ALL
SELECT 'gate' AS kind, tool || ': ' || phase AS name, started_at, duration_seconds, outcome, workflow_phase, source
FROM quality_gate_runs
WHERE session_id = $session_id
ORDER BY started_at, kind, name;

-- delete_matching_stage_runs --
-- The runs that a request to forget covers; `names` as in stage_matching_events.
DELETE FROM pipeline_stage_runs
WHERE
    ($scope = 'before' AND started_at < $before)
    OR (
        $scope = 'session'
        AND recorded_at < $before
        AND session_id IN (SELECT unnest(string_split($names, chr(10))))
    );

-- delete_matching_gate_runs --
-- The same of quality gates.
DELETE FROM quality_gate_runs
WHERE
    ($scope = 'before' AND started_at < $before)
    OR (
        $scope = 'session'
        AND recorded_at < $before
        AND session_id IN (SELECT unnest(string_split($names, chr(10))))
    );
