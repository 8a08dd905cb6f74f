CREATE VIEW v_realtime_skill_dashboard AS
WITH recent AS (
    SELECT
        skill_name,
        count(*) AS invocation_count,
        count(*) FILTER (WHERE completed) AS completed_count,
        count(completed) AS decided_count,
        avg(duration_seconds) AS mean_duration_seconds,
        percentile_cont(0.95) WITHIN GROUP (ORDER BY duration_seconds) AS p95_duration_seconds,
        count(DISTINCT session_id) AS session_count,
        max(invoked_at) AS last_invoked_at
    FROM skill_invocation
    WHERE invoked_at >= (now() AT TIME ZONE 'UTC') - INTERVAL '24 hours'
    GROUP BY skill_name
),
unresolved AS (
    SELECT skill_name, count(*) AS anomaly_count
    FROM skill_anomalies
    WHERE resolved_at IS NULL
    GROUP BY skill_name
)
SELECT
    r.skill_name,
    r.invocation_count,
    r.completed_count,
    CAST(r.completed_count AS DOUBLE PRECISION) / nullif(r.decided_count, 0) AS completion_rate,
    r.mean_duration_seconds,
    r.p95_duration_seconds,
    r.session_count,
    r.last_invoked_at,
    coalesce(u.anomaly_count, 0) AS anomaly_count
FROM recent AS r
LEFT JOIN unresolved AS u ON u.skill_name = r.skill_name;

-- Everybody's, as one member may see it: what others asked is theirs alone.
CREATE VIEW team_invocation AS
SELECT
    invocation_id, skill_name, session_id, agent, thread, origin, source, project, user_id,
    parent_invocation_id, invoked_at, ended_at, duration_seconds, outcome, completed, outcome_source,
    evidence, error_type, tool_call_count, tool_error_count, rating, note,
    CASE WHEN written_by = current_user THEN query_text END AS query_text,
    CASE WHEN written_by = current_user THEN query_hash END AS query_hash,
    query_length, workflow_phase, workflow_step
FROM skill_invocation;

-- Everybody's, as one member may see it: what others asked is theirs alone.
CREATE VIEW team_event AS
SELECT
    id, kind, invocation_id, occurred_at, skill_name, session_id, source, authority, agent, thread, origin,
    project, user_id, parent_invocation_id, invoked_at, ended_at, duration_seconds, outcome, outcome_source,
    evidence, error_type, tool_call_count, tool_error_count, rating, note,
    CASE WHEN written_by = current_user THEN query_text END AS query_text,
    CASE WHEN written_by = current_user THEN query_hash END AS query_hash,
    query_length, workflow_phase, workflow_step
FROM skill_event;

-- What this member wrote; who may not read the columns of others' queries reads their own here.
CREATE VIEW own_invocation AS
SELECT
    invocation_id, skill_name, session_id, agent, thread, origin, source, project, user_id,
    parent_invocation_id, invoked_at, ended_at, duration_seconds, outcome, completed, outcome_source,
    evidence, error_type, tool_call_count, tool_error_count, rating, note,
    query_text, query_hash, query_length, workflow_phase, workflow_step
FROM skill_invocation
WHERE written_by = current_user;

-- What this member wrote; who may not read the columns of others' queries reads their own here.
CREATE VIEW own_event AS
SELECT
    id, kind, invocation_id, occurred_at, skill_name, session_id, source, authority, agent, thread, origin,
    project, user_id, parent_invocation_id, invoked_at, ended_at, duration_seconds, outcome, outcome_source,
    evidence, error_type, tool_call_count, tool_error_count, rating, note,
    query_text, query_hash, query_length, workflow_phase, workflow_step
FROM skill_event
WHERE written_by = current_user;

ALTER TABLE pipeline_stage_runs ADD COLUMN written_by NAME NOT NULL DEFAULT current_user;

ALTER TABLE quality_gate_runs ADD COLUMN written_by NAME NOT NULL DEFAULT current_user;

CREATE INDEX pipeline_stage_runs_by_session ON pipeline_stage_runs (session_id);

CREATE INDEX quality_gate_runs_by_session ON quality_gate_runs (session_id);

ALTER TABLE ab_test_exposures ADD COLUMN written_by NAME NOT NULL DEFAULT current_user;

ALTER TABLE ab_test_outcomes ADD COLUMN written_by NAME NOT NULL DEFAULT current_user;

ALTER TABLE skill_event ENABLE ROW LEVEL SECURITY;

ALTER TABLE skill_invocation ENABLE ROW LEVEL SECURITY;

ALTER TABLE session_event ENABLE ROW LEVEL SECURITY;

ALTER TABLE pipeline_stage_runs ENABLE ROW LEVEL SECURITY;

ALTER TABLE quality_gate_runs ENABLE ROW LEVEL SECURITY;

CREATE POLICY seen_by_all ON skill_event FOR SELECT USING (TRUE);

CREATE POLICY seen_by_all ON skill_invocation FOR SELECT USING (TRUE);

CREATE POLICY seen_by_all ON session_event FOR SELECT USING (TRUE);

CREATE POLICY seen_by_all ON pipeline_stage_runs FOR SELECT USING (TRUE);

CREATE POLICY seen_by_all ON quality_gate_runs FOR SELECT USING (TRUE);

CREATE POLICY written_by_one ON skill_event
USING (written_by = current_user) WITH CHECK (written_by = current_user);

CREATE POLICY written_by_one ON skill_invocation
USING (written_by = current_user) WITH CHECK (written_by = current_user);

CREATE POLICY written_by_one ON session_event
USING (written_by = current_user) WITH CHECK (written_by = current_user);

CREATE POLICY written_by_one ON pipeline_stage_runs
USING (written_by = current_user) WITH CHECK (written_by = current_user);

CREATE POLICY written_by_one ON quality_gate_runs
USING (written_by = current_user) WITH CHECK (written_by = current_user);

-- Uses directly followed by another of the same skill: `skill_dependencies` knows pairs of different ones.
ALTER TABLE skill_session_counts ADD COLUMN repeat_count BIGINT NOT NULL DEFAULT 0;

CREATE INDEX skill_dependencies_by_second ON skill_dependencies (skill_b);

-- Looked into every minute, and after each fold, while an experiment is at work.
CREATE INDEX ab_test_exposures_unsettled ON ab_test_exposures (exposed_at) WHERE NOT settled;

CREATE INDEX ab_test_outcomes_by_test ON ab_test_outcomes (test_name, metric);

CREATE INDEX quality_gate_runs_by_place
ON quality_gate_runs ((coalesce(project, '')), phase, started_at DESC, run_id DESC);
