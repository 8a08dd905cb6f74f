-- Made by scripts/postgres_sql.py from sql/migrations/V4__phase4_extensions__up.sql.

CREATE TABLE skill_metrics_cache (
  skill_name TEXT COLLATE "C" NOT NULL REFERENCES skill_metrics (
    skill_name
  ),
  window_hours INT NOT NULL CHECK (window_hours > 0),
  invocation_count BIGINT NOT NULL DEFAULT 0,
  completed_count BIGINT NOT NULL DEFAULT 0,
  failed_count BIGINT NOT NULL DEFAULT 0,
  abandoned_count BIGINT NOT NULL DEFAULT 0,
  duration_count BIGINT NOT NULL DEFAULT 0,
  duration_sum DOUBLE PRECISION NOT NULL DEFAULT 0,
  p50_seconds DOUBLE PRECISION,
  p95_seconds DOUBLE PRECISION,
  last_invoked_at TIMESTAMP,
  updated_at TIMESTAMP NOT NULL,
  PRIMARY KEY (skill_name, window_hours)
);

CREATE TABLE skill_change (
  sign INT NOT NULL,
  invocation_id UUID NOT NULL,
  skill_name TEXT COLLATE "C" NOT NULL,
  session_id TEXT COLLATE "C" NOT NULL,
  user_id TEXT COLLATE "C",
  invoked_at TIMESTAMP NOT NULL,
  outcome TEXT COLLATE "C",
  duration_seconds DOUBLE PRECISION,
  rating SMALLINT
);

INSERT INTO skill_change
SELECT
  1,
  invocation_id,
  skill_name,
  session_id,
  user_id,
  invoked_at,
  outcome,
  duration_seconds,
  rating
FROM skill_invocation;

CREATE TABLE skill_time_series (
  skill_name TEXT COLLATE "C" NOT NULL REFERENCES skill_metrics (
    skill_name
  ),
  bucket_start TIMESTAMP NOT NULL,
  invocation_count BIGINT NOT NULL DEFAULT 0,
  completed_count BIGINT NOT NULL DEFAULT 0,
  failed_count BIGINT NOT NULL DEFAULT 0,
  abandoned_count BIGINT NOT NULL DEFAULT 0,
  duration_count BIGINT NOT NULL DEFAULT 0,
  duration_sum DOUBLE PRECISION NOT NULL DEFAULT 0,
  log_duration_sum DOUBLE PRECISION NOT NULL DEFAULT 0,
  log_duration_sum_of_squares DOUBLE PRECISION NOT NULL DEFAULT 0,
  PRIMARY KEY (skill_name, bucket_start)
);

CREATE INDEX skill_time_series_by_bucket ON skill_time_series(bucket_start);

CREATE TABLE skill_anomalies (
  anomaly_id UUID PRIMARY KEY,
  skill_name TEXT COLLATE "C" NOT NULL REFERENCES skill_metrics (
    skill_name
  ),
  anomaly_type TEXT COLLATE "C" NOT NULL CHECK (anomaly_type IN ('performance_drop', 'performance_spike', 'pattern_shift')),
  measure TEXT COLLATE "C" NOT NULL CHECK (measure IN ('completion', 'duration', 'volume')),
  method TEXT COLLATE "C" NOT NULL,
  baseline_value DOUBLE PRECISION NOT NULL,
  observed_value DOUBLE PRECISION NOT NULL,
  deviation_score DOUBLE PRECISION NOT NULL,
  sample_count BIGINT NOT NULL,
  detected_at TIMESTAMP NOT NULL,
  resolved_at TIMESTAMP,
  resolution TEXT COLLATE "C"
);

CREATE INDEX skill_anomalies_by_detection ON skill_anomalies(detected_at);

CREATE INDEX skill_anomalies_by_type ON skill_anomalies(anomaly_type);

CREATE INDEX skill_anomalies_by_skill ON skill_anomalies(skill_name);

CREATE TABLE skill_community_baselines (
  skill_name TEXT COLLATE "C" PRIMARY KEY REFERENCES skill_metrics (
    skill_name
  ),
  user_count BIGINT NOT NULL,
  session_count BIGINT NOT NULL,
  invocation_count BIGINT NOT NULL,
  decided_count BIGINT NOT NULL,
  completed_count BIGINT NOT NULL,
  completion_rate DOUBLE PRECISION CHECK (completion_rate BETWEEN 0 AND 1),
  mean_duration_seconds DOUBLE PRECISION,
  p50_seconds DOUBLE PRECISION,
  p95_seconds DOUBLE PRECISION,
  mean_rating DOUBLE PRECISION,
  percentile DOUBLE PRECISION CHECK (percentile BETWEEN 0 AND 1),
  computed_at TIMESTAMP NOT NULL
);

CREATE TABLE skill_user_interactions (
  user_id TEXT COLLATE "C" NOT NULL,
  skill_name TEXT COLLATE "C" NOT NULL REFERENCES skill_metrics (
    skill_name
  ),
  invocation_count BIGINT NOT NULL,
  decided_count BIGINT NOT NULL,
  completed_count BIGINT NOT NULL,
  rating_count BIGINT NOT NULL DEFAULT 0,
  rating_sum BIGINT NOT NULL DEFAULT 0,
  last_invoked_at TIMESTAMP NOT NULL,
  PRIMARY KEY (user_id, skill_name)
);

CREATE INDEX skill_user_interactions_by_user ON skill_user_interactions(user_id);

CREATE TABLE skill_clusters (
  cluster_id INT PRIMARY KEY,
  label TEXT COLLATE "C" NOT NULL,
  method TEXT COLLATE "C" NOT NULL,
  skill_count BIGINT NOT NULL,
  cohesion DOUBLE PRECISION,
  computed_at TIMESTAMP NOT NULL
);

CREATE TABLE skill_cluster_membership (
  cluster_id INT NOT NULL REFERENCES skill_clusters (
    cluster_id
  ),
  skill_name TEXT COLLATE "C" NOT NULL REFERENCES skill_metrics (
    skill_name
  ),
  strength DOUBLE PRECISION NOT NULL CHECK (strength BETWEEN 0 AND 1),
  PRIMARY KEY (cluster_id, skill_name)
);

CREATE TABLE ab_test_configs (
  test_name TEXT COLLATE "C" PRIMARY KEY,
  description TEXT COLLATE "C" NOT NULL DEFAULT '',
  control_strategy TEXT COLLATE "C" NOT NULL,
  treatment_strategy TEXT COLLATE "C" NOT NULL,
  further_strategies TEXT COLLATE "C",
  unit TEXT COLLATE "C" NOT NULL CHECK (unit IN ('user', 'session')),
  metric TEXT COLLATE "C" NOT NULL CHECK (metric IN ('completion_rate', 'duration_seconds', 'user_rating', 'acceptance_rate')),
  metrics TEXT COLLATE "C",
  method TEXT COLLATE "C" NOT NULL CHECK (method IN ('sequential', 'fixed_horizon')),
  assignment_ratio DOUBLE PRECISION NOT NULL CHECK (assignment_ratio > 0 AND assignment_ratio < 1),
  min_sample_size BIGINT NOT NULL CHECK (min_sample_size > 0),
  minimum_detectable_effect DOUBLE PRECISION,
  planned_sample_size BIGINT NOT NULL CHECK (planned_sample_size > 0),
  promote_winner BOOLEAN NOT NULL DEFAULT FALSE,
  start_date TIMESTAMP NOT NULL,
  end_date TIMESTAMP,
  created_at TIMESTAMP NOT NULL,
  status TEXT COLLATE "C" NOT NULL CHECK (status IN ('running', 'completed', 'stopped')),
  status_reason TEXT COLLATE "C",
  status_at TIMESTAMP NOT NULL,
  decision TEXT COLLATE "C",
  winner TEXT COLLATE "C",
  CHECK (end_date IS NULL OR end_date > start_date)
);

CREATE TABLE ab_test_assignments (
  test_name TEXT COLLATE "C" NOT NULL REFERENCES ab_test_configs (
    test_name
  ),
  unit_id TEXT COLLATE "C" NOT NULL,
  group_name TEXT COLLATE "C" NOT NULL,
  strategy TEXT COLLATE "C" NOT NULL,
  propensity DOUBLE PRECISION NOT NULL CHECK (propensity > 0 AND propensity <= 1),
  assigned_at TIMESTAMP NOT NULL,
  PRIMARY KEY (test_name, unit_id)
);

CREATE INDEX ab_test_assignments_by_unit ON ab_test_assignments(unit_id);

CREATE INDEX ab_test_assignments_by_group ON ab_test_assignments(group_name);

CREATE TABLE ab_test_exposures (
  exposure_id UUID PRIMARY KEY,
  test_name TEXT COLLATE "C" NOT NULL REFERENCES ab_test_configs (
    test_name
  ),
  unit_id TEXT COLLATE "C" NOT NULL,
  group_name TEXT COLLATE "C" NOT NULL,
  session_id TEXT COLLATE "C" NOT NULL,
  exposed_at TIMESTAMP NOT NULL,
  settled BOOLEAN NOT NULL DEFAULT FALSE
);

CREATE INDEX ab_test_exposures_by_session ON ab_test_exposures(session_id);

CREATE TABLE ab_test_outcomes (
  outcome_id UUID PRIMARY KEY,
  test_name TEXT COLLATE "C" NOT NULL REFERENCES ab_test_configs (
    test_name
  ),
  unit_id TEXT COLLATE "C" NOT NULL,
  group_name TEXT COLLATE "C" NOT NULL,
  exposure_id UUID,
  session_id TEXT COLLATE "C",
  skill_name TEXT COLLATE "C" REFERENCES skill_metrics (
    skill_name
  ),
  invocation_id UUID,
  metric TEXT COLLATE "C" NOT NULL,
  value DOUBLE PRECISION NOT NULL,
  source TEXT COLLATE "C" NOT NULL CHECK (source IN ('observed', 'told')),
  occurred_at TIMESTAMP NOT NULL
);

CREATE INDEX ab_test_outcomes_by_unit ON ab_test_outcomes(unit_id);

CREATE INDEX ab_test_outcomes_by_exposure ON ab_test_outcomes(exposure_id);

CREATE INDEX ab_test_outcomes_by_time ON ab_test_outcomes(occurred_at);

CREATE INDEX ab_test_outcomes_by_invocation ON ab_test_outcomes(invocation_id);

CREATE TABLE skill_categories (
  category TEXT COLLATE "C" PRIMARY KEY,
  description TEXT COLLATE "C" NOT NULL,
  built_in BOOLEAN NOT NULL
);

CREATE TABLE skill_category_mapping (
  skill_name TEXT COLLATE "C" NOT NULL REFERENCES skill_metrics (
    skill_name
  ),
  category TEXT COLLATE "C" NOT NULL REFERENCES skill_categories (
    category
  ),
  confidence DOUBLE PRECISION NOT NULL CHECK (confidence BETWEEN 0 AND 1),
  assigned_by TEXT COLLATE "C" NOT NULL CHECK (assigned_by IN ('rule', 'user')),
  assigned_at TIMESTAMP,
  PRIMARY KEY (skill_name, category)
);

CREATE TABLE skill_session_counts (
  skill_name TEXT COLLATE "C" PRIMARY KEY REFERENCES skill_metrics (
    skill_name
  ),
  session_count BIGINT NOT NULL,
  first_count BIGINT NOT NULL
);

CREATE TABLE skill_dependencies (
  skill_a TEXT COLLATE "C" NOT NULL REFERENCES skill_metrics (
    skill_name
  ),
  skill_b TEXT COLLATE "C" NOT NULL REFERENCES skill_metrics (
    skill_name
  ),
  session_count BIGINT NOT NULL,
  a_before_b_count BIGINT NOT NULL DEFAULT 0,
  b_before_a_count BIGINT NOT NULL DEFAULT 0,
  updated_at TIMESTAMP NOT NULL,
  PRIMARY KEY (skill_a, skill_b)
);

CREATE TABLE skill_modalities (
  skill_name TEXT COLLATE "C" NOT NULL REFERENCES skill_metrics (
    skill_name
  ),
  modality TEXT COLLATE "C" NOT NULL CHECK (modality IN ('text', 'code', 'image', 'audio', 'video', 'document', 'data', 'web')),
  confidence DOUBLE PRECISION NOT NULL CHECK (confidence BETWEEN 0 AND 1),
  assigned_by TEXT COLLATE "C" NOT NULL CHECK (assigned_by IN ('rule', 'user')),
  assigned_at TIMESTAMP,
  PRIMARY KEY (skill_name, modality)
);

CREATE TABLE skill_suggestions (
  suggestion_id UUID NOT NULL,
  position INT NOT NULL CHECK (position >= 1),
  skill_name TEXT COLLATE "C" NOT NULL REFERENCES skill_metrics (
    skill_name
  ),
  session_id TEXT COLLATE "C" NOT NULL,
  user_id TEXT COLLATE "C",
  strategy TEXT COLLATE "C" NOT NULL,
  score DOUBLE PRECISION NOT NULL,
  propensity DOUBLE PRECISION NOT NULL CHECK (propensity > 0 AND propensity <= 1),
  test_name TEXT COLLATE "C" REFERENCES ab_test_configs (
    test_name
  ),
  group_name TEXT COLLATE "C",
  suggested_at TIMESTAMP NOT NULL,
  accepted_invocation_id UUID,
  PRIMARY KEY (suggestion_id, position)
);

CREATE INDEX skill_suggestions_by_session ON skill_suggestions(session_id);

CREATE INDEX skill_suggestions_by_time ON skill_suggestions(suggested_at);

CREATE INDEX skill_suggestions_by_strategy ON skill_suggestions(strategy);

CREATE INDEX skill_suggestions_by_test ON skill_suggestions(test_name);

CREATE TABLE skill_strategy_promotions (
  promotion_id UUID PRIMARY KEY,
  strategy TEXT COLLATE "C" NOT NULL,
  replaced_strategy TEXT COLLATE "C",
  test_name TEXT COLLATE "C" REFERENCES ab_test_configs (
    test_name
  ),
  reason TEXT COLLATE "C" NOT NULL,
  reverts BOOLEAN NOT NULL DEFAULT FALSE,
  promoted_at TIMESTAMP NOT NULL
);

CREATE INDEX skill_strategy_promotions_by_time ON skill_strategy_promotions(promoted_at);

CREATE TABLE pipeline_stage_runs (
  run_id UUID PRIMARY KEY,
  pipeline_name TEXT COLLATE "C" NOT NULL,
  stage TEXT COLLATE "C" NOT NULL,
  workflow_phase TEXT COLLATE "C" NOT NULL,
  started_at TIMESTAMP NOT NULL,
  duration_seconds DOUBLE PRECISION NOT NULL,
  recorded_at TIMESTAMP NOT NULL,
  outcome TEXT COLLATE "C" NOT NULL CHECK (outcome IN ('completed', 'failed', 'abandoned')),
  exit_code BIGINT,
  command TEXT COLLATE "C",
  error TEXT COLLATE "C",
  ci_system TEXT COLLATE "C",
  build_number TEXT COLLATE "C",
  git_commit TEXT COLLATE "C",
  git_branch TEXT COLLATE "C",
  environment TEXT COLLATE "C" CHECK (environment IN ('staging', 'production', 'development', 'testing')),
  triggered_by TEXT COLLATE "C",
  session_id TEXT COLLATE "C",
  agent TEXT COLLATE "C",
  project TEXT COLLATE "C",
  user_id TEXT COLLATE "C",
  source TEXT COLLATE "C" NOT NULL
);

CREATE INDEX pipeline_stage_runs_by_time ON pipeline_stage_runs(started_at);

CREATE INDEX pipeline_stage_runs_by_pipeline ON pipeline_stage_runs(pipeline_name);

CREATE TABLE quality_gate_runs (
  run_id UUID PRIMARY KEY,
  tool TEXT COLLATE "C" NOT NULL,
  phase TEXT COLLATE "C" NOT NULL CHECK (phase IN ('fast_hooks', 'tests', 'ai_fix', 'comprehensive_hooks')),
  workflow_phase TEXT COLLATE "C" NOT NULL,
  started_at TIMESTAMP NOT NULL,
  duration_seconds DOUBLE PRECISION NOT NULL,
  recorded_at TIMESTAMP NOT NULL,
  outcome TEXT COLLATE "C" NOT NULL CHECK (outcome IN ('completed', 'failed', 'abandoned')),
  failed_checks TEXT COLLATE "C" NOT NULL,
  check_count BIGINT,
  failed_count BIGINT,
  error TEXT COLLATE "C",
  session_id TEXT COLLATE "C",
  agent TEXT COLLATE "C",
  project TEXT COLLATE "C",
  user_id TEXT COLLATE "C",
  source TEXT COLLATE "C" NOT NULL
);

CREATE INDEX quality_gate_runs_by_time ON quality_gate_runs(started_at);

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

CREATE VIEW v_skill_effectiveness_trend AS
SELECT
  skill_name,
  COUNT(*) AS decided_count,
  COUNT(DISTINCT DATE_TRUNC('DAY', invoked_at)) AS day_count,
  AVG(CAST(completed AS INT)) AS completion_rate,
  REGR_SLOPE(
    CAST(completed AS INT),
    (
      CAST(invoked_at AS DATE) - CAST('2020-01-01' AS DATE)
    )
  ) AS completion_slope_per_day,
  REGR_R2(
    CAST(completed AS INT),
    (
      CAST(invoked_at AS DATE) - CAST('2020-01-01' AS DATE)
    )
  ) AS completion_fit,
  REGR_SLOPE(duration_seconds, (
    CAST(invoked_at AS DATE) - CAST('2020-01-01' AS DATE)
  )) AS duration_slope_seconds_per_day,
  MIN(invoked_at) AS first_invoked_at,
  MAX(invoked_at) AS last_invoked_at
FROM skill_invocation
WHERE
  NOT completed IS NULL
GROUP BY
  skill_name;

CREATE VIEW v_community_baseline_comparison AS
SELECT
  i.user_id,
  i.skill_name,
  i.invocation_count,
  CAST(i.completed_count AS DOUBLE PRECISION) / NULLIF(i.decided_count, 0) AS completion_rate,
  b.completion_rate AS community_completion_rate,
  CAST(i.completed_count AS DOUBLE PRECISION) / NULLIF(i.decided_count, 0) - b.completion_rate AS difference,
  b.user_count AS community_user_count,
  b.percentile AS skill_percentile
FROM skill_user_interactions AS i
INNER JOIN skill_community_baselines AS b
  ON b.skill_name = i.skill_name;

CREATE VIEW v_skill_dependency_network AS
WITH usage AS (
  SELECT
    skill_name,
    COUNT(*) AS session_count
  FROM session_skills
  WHERE
    invocation_count > 0
  GROUP BY
    skill_name
), total AS (
  SELECT
    COUNT(DISTINCT session_id) AS session_count
  FROM session_skills
  WHERE
    invocation_count > 0
)
SELECT
  d.skill_a,
  d.skill_b,
  d.session_count,
  a.session_count AS a_session_count,
  b.session_count AS b_session_count,
  CAST(d.session_count * total.session_count AS DOUBLE PRECISION) / (
    a.session_count * b.session_count
  ) AS lift,
  CAST(d.session_count AS DOUBLE PRECISION) / (
    a.session_count + b.session_count - d.session_count
  ) AS jaccard,
  d.a_before_b_count,
  d.b_before_a_count
FROM skill_dependencies AS d
INNER JOIN usage AS a
  ON a.skill_name = d.skill_a
INNER JOIN usage AS b
  ON b.skill_name = d.skill_b
CROSS JOIN total;

CREATE VIEW v_ab_test_summary AS
WITH per_unit AS (
  SELECT
    test_name,
    unit_id,
    metric,
    COUNT(*) AS outcome_count,
    SUM(value) AS unit_total,
    AVG(value) AS unit_mean
  FROM ab_test_outcomes
  GROUP BY
    test_name,
    unit_id,
    metric
)
SELECT
  c.test_name,
  c.status,
  c.winner,
  c.unit,
  s.group_name,
  s.strategy,
  u.metric,
  COALESCE(u.metric = c.metric, FALSE) AS decides,
  COUNT(DISTINCT s.unit_id) AS unit_count,
  c.min_sample_size,
  CAST(COALESCE(SUM(u.outcome_count), 0) AS BIGINT) AS outcome_count,
  CAST(SUM(u.unit_total) AS DOUBLE PRECISION) / SUM(u.outcome_count) AS mean,
  AVG(u.unit_mean) AS mean_of_units,
  STDDEV_SAMP(u.unit_mean) AS standard_deviation_of_units
FROM ab_test_configs AS c
INNER JOIN ab_test_assignments AS s
  ON s.test_name = c.test_name
LEFT JOIN per_unit AS u
  ON u.test_name = s.test_name AND u.unit_id = s.unit_id
GROUP BY
  c.test_name,
  c.status,
  c.winner,
  c.unit,
  c.metric,
  c.min_sample_size,
  s.group_name,
  s.strategy,
  u.metric;

CREATE VIEW v_multimodal_skill_catalog AS
WITH described AS (
  SELECT
    skill_name,
    (
      ARRAY_AGG(description ORDER BY seen_at DESC) FILTER(WHERE
        NOT description IS NULL)
    )[1] AS description,
    STRING_AGG(DISTINCT scope, ', '
    ORDER BY
      scope) AS scopes
  FROM skill_catalogue
  WHERE
    installed
  GROUP BY
    skill_name
), categorised AS (
  SELECT
    skill_name,
    STRING_AGG(category, ', '
    ORDER BY
      confidence DESC,
      category) AS categories
  FROM skill_category_mapping
  GROUP BY
    skill_name
), modal AS (
  SELECT
    skill_name,
    STRING_AGG(modality, ', '
    ORDER BY
      confidence DESC,
      modality) AS modalities,
    COUNT(*) AS modality_count
  FROM skill_modalities
  GROUP BY
    skill_name
)
SELECT
  m.skill_name,
  NOT d.skill_name IS NULL AS installed,
  d.description,
  d.scopes,
  c.categories,
  o.modalities,
  COALESCE(o.modality_count, 0) > 1 AS multimodal,
  m.invocation_count,
  CAST(m.completed_count AS DOUBLE PRECISION) / NULLIF(m.completed_count + m.failed_count + m.abandoned_count, 0) AS completion_rate,
  m.last_invoked_at
FROM skill_metrics AS m
LEFT JOIN described AS d
  ON d.skill_name = m.skill_name
LEFT JOIN categorised AS c
  ON c.skill_name = m.skill_name
LEFT JOIN modal AS o
  ON o.skill_name = m.skill_name;

CREATE VIEW v_workflow_phase_transitions AS
WITH steps AS (
  SELECT
    workflow_phase AS from_phase,
    LEAD(workflow_phase) OVER (PARTITION BY session_id ORDER BY invoked_at, invocation_id) AS to_phase
  FROM skill_invocation
)
SELECT
  from_phase,
  to_phase,
  COUNT(*) AS transition_count,
  CAST(COUNT(*) AS DOUBLE PRECISION) / SUM(COUNT(*)) OVER (PARTITION BY from_phase) AS transition_rate
FROM steps
WHERE
  NOT to_phase IS NULL
GROUP BY
  from_phase,
  to_phase;

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
