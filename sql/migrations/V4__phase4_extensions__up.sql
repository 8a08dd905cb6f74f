-- What is learned from the record: live state, time series, anomalies, baselines, similar users, clusters,
-- experiments, taxonomy, dependencies, suggestions and predictions. All of it can be derived again.
-- Explicit indexes stand only on columns that no statement updates: an UPDATE of an indexed column is a
-- delete and an insert in DuckDB. A primary or foreign key has an index already.

-- Sliding windows of the live state, written with each fold and loaded at start.
CREATE TABLE skill_metrics_cache (
    skill_name VARCHAR NOT NULL REFERENCES skill_metrics (skill_name),
    window_hours INTEGER NOT NULL CHECK (window_hours > 0),
    invocation_count BIGINT NOT NULL DEFAULT 0,
    completed_count BIGINT NOT NULL DEFAULT 0,
    failed_count BIGINT NOT NULL DEFAULT 0,
    abandoned_count BIGINT NOT NULL DEFAULT 0,
    duration_count BIGINT NOT NULL DEFAULT 0,
    duration_sum DOUBLE NOT NULL DEFAULT 0,
    p50_seconds DOUBLE,
    p95_seconds DOUBLE,
    last_invoked_at TIMESTAMP,
    updated_at TIMESTAMP NOT NULL,
    PRIMARY KEY (skill_name, window_hours)
);

-- Uses as they are (sign 1) and were (-1) that the roll-ups below do not have yet. A fold only appends here:
-- planning the statements that move the roll-ups takes longer than folding one event. No key: all rows go at once.
CREATE TABLE skill_change (
    sign INTEGER NOT NULL,
    invocation_id UUID NOT NULL,
    skill_name VARCHAR NOT NULL,
    session_id VARCHAR NOT NULL,
    user_id VARCHAR,
    invoked_at TIMESTAMP NOT NULL,
    outcome VARCHAR,
    duration_seconds DOUBLE,
    rating UTINYINT
);

-- The uses that were recorded before there were roll-ups.
INSERT INTO skill_change
SELECT 1, invocation_id, skill_name, session_id, user_id, invoked_at, outcome, duration_seconds, rating
FROM skill_invocation;

-- Hourly roll-up by the time an invocation began.
CREATE TABLE skill_time_series (
    skill_name VARCHAR NOT NULL REFERENCES skill_metrics (skill_name),
    bucket_start TIMESTAMP NOT NULL, -- the full hour
    invocation_count BIGINT NOT NULL DEFAULT 0,
    completed_count BIGINT NOT NULL DEFAULT 0,
    failed_count BIGINT NOT NULL DEFAULT 0,
    abandoned_count BIGINT NOT NULL DEFAULT 0,
    duration_count BIGINT NOT NULL DEFAULT 0,
    duration_sum DOUBLE NOT NULL DEFAULT 0,
    log_duration_sum DOUBLE NOT NULL DEFAULT 0, -- of ln(1 + seconds): durations are skewed
    log_duration_sum_of_squares DOUBLE NOT NULL DEFAULT 0,
    PRIMARY KEY (skill_name, bucket_start)
);
CREATE INDEX skill_time_series_by_bucket ON skill_time_series (bucket_start);

CREATE TABLE skill_anomalies (
    anomaly_id UUID PRIMARY KEY,
    skill_name VARCHAR NOT NULL REFERENCES skill_metrics (skill_name),
    anomaly_type VARCHAR NOT NULL
    CHECK (anomaly_type IN ('performance_drop', 'performance_spike', 'pattern_shift')),
    measure VARCHAR NOT NULL CHECK (measure IN ('completion', 'duration', 'volume')),
    method VARCHAR NOT NULL,
    baseline_value DOUBLE NOT NULL,
    observed_value DOUBLE NOT NULL,
    deviation_score DOUBLE NOT NULL,
    sample_count BIGINT NOT NULL,
    detected_at TIMESTAMP NOT NULL,
    resolved_at TIMESTAMP, -- null while it lasts
    resolution VARCHAR
);
CREATE INDEX skill_anomalies_by_detection ON skill_anomalies (detected_at);
CREATE INDEX skill_anomalies_by_type ON skill_anomalies (anomaly_type);
CREATE INDEX skill_anomalies_by_skill ON skill_anomalies (skill_name);

-- How a skill goes for everybody in this store.
CREATE TABLE skill_community_baselines (
    skill_name VARCHAR PRIMARY KEY REFERENCES skill_metrics (skill_name),
    user_count BIGINT NOT NULL,
    session_count BIGINT NOT NULL,
    invocation_count BIGINT NOT NULL,
    decided_count BIGINT NOT NULL,
    completed_count BIGINT NOT NULL,
    completion_rate DOUBLE CHECK (completion_rate BETWEEN 0 AND 1),
    mean_duration_seconds DOUBLE,
    p50_seconds DOUBLE,
    p95_seconds DOUBLE,
    mean_rating DOUBLE,
    percentile DOUBLE CHECK (percentile BETWEEN 0 AND 1), -- of the completion rate among all skills
    computed_at TIMESTAMP NOT NULL
);

-- What similar users are found by. user_id is a keyed hash.
CREATE TABLE skill_user_interactions (
    user_id VARCHAR NOT NULL,
    skill_name VARCHAR NOT NULL REFERENCES skill_metrics (skill_name),
    invocation_count BIGINT NOT NULL,
    decided_count BIGINT NOT NULL,
    completed_count BIGINT NOT NULL,
    rating_count BIGINT NOT NULL DEFAULT 0,
    rating_sum BIGINT NOT NULL DEFAULT 0,
    last_invoked_at TIMESTAMP NOT NULL,
    PRIMARY KEY (user_id, skill_name)
);
CREATE INDEX skill_user_interactions_by_user ON skill_user_interactions (user_id);

-- Skills that are used alike.
CREATE TABLE skill_clusters (
    cluster_id INTEGER PRIMARY KEY,
    label VARCHAR NOT NULL,
    method VARCHAR NOT NULL,
    skill_count BIGINT NOT NULL,
    cohesion DOUBLE, -- mean similarity of the members to each other, 0..1
    computed_at TIMESTAMP NOT NULL
);

CREATE TABLE skill_cluster_membership (
    cluster_id INTEGER NOT NULL REFERENCES skill_clusters (cluster_id),
    skill_name VARCHAR NOT NULL REFERENCES skill_metrics (skill_name),
    strength DOUBLE NOT NULL CHECK (strength BETWEEN 0 AND 1),
    PRIMARY KEY (cluster_id, skill_name)
);

CREATE TABLE ab_test_configs (
    test_name VARCHAR PRIMARY KEY,
    description VARCHAR NOT NULL DEFAULT '',
    control_strategy VARCHAR NOT NULL,
    treatment_strategy VARCHAR NOT NULL,
    further_strategies JSON, -- a list of names where there are more than two arms
    unit VARCHAR NOT NULL CHECK (unit IN ('user', 'session')),
    metric VARCHAR NOT NULL
    CHECK (metric IN ('completion_rate', 'duration_seconds', 'user_rating', 'acceptance_rate')),
    metrics JSON, -- all that are reported, the deciding one among them
    method VARCHAR NOT NULL CHECK (method IN ('sequential', 'fixed_horizon')),
    assignment_ratio DOUBLE NOT NULL CHECK (assignment_ratio > 0 AND assignment_ratio < 1),
    min_sample_size BIGINT NOT NULL CHECK (min_sample_size > 0), -- outcomes in each group
    minimum_detectable_effect DOUBLE,
    planned_sample_size BIGINT NOT NULL CHECK (planned_sample_size > 0), -- units in all groups
    promote_winner BOOLEAN NOT NULL DEFAULT FALSE,
    start_date TIMESTAMP NOT NULL,
    end_date TIMESTAMP,
    created_at TIMESTAMP NOT NULL,
    status VARCHAR NOT NULL CHECK (status IN ('running', 'completed', 'stopped')),
    status_reason VARCHAR,
    status_at TIMESTAMP NOT NULL,
    decision VARCHAR, -- what was concluded at its end
    winner VARCHAR,
    CHECK (end_date IS NULL OR end_date > start_date)
);

-- ab_test_configs changes its status while these rows reference it: none of its updated columns is indexed.
CREATE TABLE ab_test_assignments (
    test_name VARCHAR NOT NULL REFERENCES ab_test_configs (test_name),
    unit_id VARCHAR NOT NULL,
    group_name VARCHAR NOT NULL, -- control, treatment, or treatment_2 and so on
    strategy VARCHAR NOT NULL,
    propensity DOUBLE NOT NULL CHECK (propensity > 0 AND propensity <= 1),
    assigned_at TIMESTAMP NOT NULL,
    PRIMARY KEY (test_name, unit_id)
);
CREATE INDEX ab_test_assignments_by_unit ON ab_test_assignments (unit_id);
CREATE INDEX ab_test_assignments_by_group ON ab_test_assignments (group_name);

-- A suggestion that was made in a group, even where its strategy had nothing to suggest: leaving those out
-- would compare the groups on different occasions.
CREATE TABLE ab_test_exposures (
    exposure_id UUID PRIMARY KEY, -- that of the suggestion
    test_name VARCHAR NOT NULL REFERENCES ab_test_configs (test_name),
    unit_id VARCHAR NOT NULL,
    group_name VARCHAR NOT NULL,
    session_id VARCHAR NOT NULL,
    exposed_at TIMESTAMP NOT NULL,
    settled BOOLEAN NOT NULL DEFAULT FALSE -- the hour is over, and an outcome tells whether it was taken
);
CREATE INDEX ab_test_exposures_by_session ON ab_test_exposures (session_id);

CREATE TABLE ab_test_outcomes (
    outcome_id UUID PRIMARY KEY,
    test_name VARCHAR NOT NULL REFERENCES ab_test_configs (test_name),
    unit_id VARCHAR NOT NULL,
    group_name VARCHAR NOT NULL,
    exposure_id UUID, -- null for an outcome that we could not see
    session_id VARCHAR,
    skill_name VARCHAR REFERENCES skill_metrics (skill_name),
    invocation_id UUID, -- null where no use followed, and for an outcome that we could not see
    metric VARCHAR NOT NULL,
    value DOUBLE NOT NULL,
    source VARCHAR NOT NULL CHECK (source IN ('observed', 'told')),
    occurred_at TIMESTAMP NOT NULL
);
CREATE INDEX ab_test_outcomes_by_unit ON ab_test_outcomes (unit_id);
CREATE INDEX ab_test_outcomes_by_exposure ON ab_test_outcomes (exposure_id);
CREATE INDEX ab_test_outcomes_by_time ON ab_test_outcomes (occurred_at);
CREATE INDEX ab_test_outcomes_by_invocation ON ab_test_outcomes (invocation_id);

CREATE TABLE skill_categories (
    category VARCHAR PRIMARY KEY,
    description VARCHAR NOT NULL,
    built_in BOOLEAN NOT NULL
);

CREATE TABLE skill_category_mapping (
    skill_name VARCHAR NOT NULL REFERENCES skill_metrics (skill_name),
    category VARCHAR NOT NULL REFERENCES skill_categories (category),
    confidence DOUBLE NOT NULL CHECK (confidence BETWEEN 0 AND 1),
    assigned_by VARCHAR NOT NULL CHECK (assigned_by IN ('rule', 'user')),
    assigned_at TIMESTAMP, -- null for what a rule says; of what the user said, the latest counts
    PRIMARY KEY (skill_name, category)
);

-- Kept so that no question counts sessions. Each session has one first skill, by name: those add up to all sessions.
CREATE TABLE skill_session_counts (
    skill_name VARCHAR PRIMARY KEY REFERENCES skill_metrics (skill_name),
    session_count BIGINT NOT NULL, -- sessions that used it
    first_count BIGINT NOT NULL -- of them, those whose first skill by name it is
);

-- Each pair has one row, skill_a < skill_b. No CHECK says so: DuckDB makes a delete and an insert of every update
-- of a table that has one over columns of its key. Lift needs the skills' own counts: v_skill_dependency_network.
CREATE TABLE skill_dependencies (
    skill_a VARCHAR NOT NULL REFERENCES skill_metrics (skill_name),
    skill_b VARCHAR NOT NULL REFERENCES skill_metrics (skill_name),
    session_count BIGINT NOT NULL, -- sessions that used both
    a_before_b_count BIGINT NOT NULL DEFAULT 0, -- b invoked directly after a
    b_before_a_count BIGINT NOT NULL DEFAULT 0,
    updated_at TIMESTAMP NOT NULL,
    PRIMARY KEY (skill_a, skill_b)
);

CREATE TABLE skill_modalities (
    skill_name VARCHAR NOT NULL REFERENCES skill_metrics (skill_name),
    modality VARCHAR NOT NULL
    CHECK (modality IN ('text', 'code', 'image', 'audio', 'video', 'document', 'data', 'web')),
    confidence DOUBLE NOT NULL CHECK (confidence BETWEEN 0 AND 1),
    assigned_by VARCHAR NOT NULL CHECK (assigned_by IN ('rule', 'user')),
    assigned_at TIMESTAMP,
    PRIMARY KEY (skill_name, modality)
);

-- One row per suggested skill; what was taken is attributed to it later.
CREATE TABLE skill_suggestions (
    suggestion_id UUID NOT NULL,
    position INTEGER NOT NULL CHECK (position >= 1),
    skill_name VARCHAR NOT NULL REFERENCES skill_metrics (skill_name),
    session_id VARCHAR NOT NULL,
    user_id VARCHAR,
    strategy VARCHAR NOT NULL,
    score DOUBLE NOT NULL,
    propensity DOUBLE NOT NULL CHECK (propensity > 0 AND propensity <= 1),
    test_name VARCHAR REFERENCES ab_test_configs (test_name),
    group_name VARCHAR,
    suggested_at TIMESTAMP NOT NULL,
    accepted_invocation_id UUID,
    PRIMARY KEY (suggestion_id, position)
);
CREATE INDEX skill_suggestions_by_session ON skill_suggestions (session_id);
CREATE INDEX skill_suggestions_by_time ON skill_suggestions (suggested_at);
CREATE INDEX skill_suggestions_by_strategy ON skill_suggestions (strategy);
CREATE INDEX skill_suggestions_by_test ON skill_suggestions (test_name);

-- The trail of which strategy was the default, when and why.
CREATE TABLE skill_strategy_promotions (
    promotion_id UUID PRIMARY KEY,
    strategy VARCHAR NOT NULL,
    replaced_strategy VARCHAR,
    test_name VARCHAR REFERENCES ab_test_configs (test_name),
    reason VARCHAR NOT NULL,
    reverts BOOLEAN NOT NULL DEFAULT FALSE, -- puts back what a promotion replaced
    promoted_at TIMESTAMP NOT NULL
);
CREATE INDEX skill_strategy_promotions_by_time ON skill_strategy_promotions (promoted_at);

-- Runs of CI stages and of quality gates; a run is told of once, so rows are only added.
CREATE TABLE pipeline_stage_runs (
    run_id UUID PRIMARY KEY,
    pipeline_name VARCHAR NOT NULL,
    stage VARCHAR NOT NULL,
    workflow_phase VARCHAR NOT NULL,
    started_at TIMESTAMP NOT NULL,
    duration_seconds DOUBLE NOT NULL,
    recorded_at TIMESTAMP NOT NULL,
    outcome VARCHAR NOT NULL CHECK (outcome IN ('completed', 'failed', 'abandoned')),
    exit_code BIGINT, -- Windows tells of 32 bits without a sign
    command VARCHAR,
    error VARCHAR,
    ci_system VARCHAR,
    build_number VARCHAR,
    git_commit VARCHAR,
    git_branch VARCHAR,
    environment VARCHAR CHECK (environment IN ('staging', 'production', 'development', 'testing')),
    triggered_by VARCHAR,
    session_id VARCHAR,
    agent VARCHAR,
    project VARCHAR,
    user_id VARCHAR,
    source VARCHAR NOT NULL
);
CREATE INDEX pipeline_stage_runs_by_time ON pipeline_stage_runs (started_at);
CREATE INDEX pipeline_stage_runs_by_pipeline ON pipeline_stage_runs (pipeline_name);

CREATE TABLE quality_gate_runs (
    run_id UUID PRIMARY KEY,
    tool VARCHAR NOT NULL,
    phase VARCHAR NOT NULL CHECK (phase IN ('fast_hooks', 'tests', 'ai_fix', 'comprehensive_hooks')),
    workflow_phase VARCHAR NOT NULL,
    started_at TIMESTAMP NOT NULL,
    duration_seconds DOUBLE NOT NULL,
    recorded_at TIMESTAMP NOT NULL,
    outcome VARCHAR NOT NULL CHECK (outcome IN ('completed', 'failed', 'abandoned')),
    failed_checks JSON NOT NULL, -- a list of names
    check_count BIGINT,
    failed_count BIGINT,
    error VARCHAR,
    session_id VARCHAR,
    agent VARCHAR,
    project VARCHAR,
    user_id VARCHAR,
    source VARCHAR NOT NULL
);
CREATE INDEX quality_gate_runs_by_time ON quality_gate_runs (started_at);

-- The last 24 hours, from the rows themselves.
CREATE VIEW v_realtime_skill_dashboard AS
WITH recent AS (
    SELECT
        skill_name,
        count(*) AS invocation_count,
        count(*) FILTER (completed) AS completed_count,
        count(completed) AS decided_count,
        avg(duration_seconds) AS mean_duration_seconds,
        quantile_cont(duration_seconds, 0.95) AS p95_duration_seconds,
        count(DISTINCT session_id) AS session_count,
        max(invoked_at) AS last_invoked_at
    FROM skill_invocation
    -- now() as UTC without the time zone functions, which need a further extension
    WHERE invoked_at >= make_timestamp(epoch_us(now())) - INTERVAL 24 HOURS
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
    r.completed_count / nullif(r.decided_count, 0) AS completion_rate,
    r.mean_duration_seconds,
    r.p95_duration_seconds,
    r.session_count,
    r.last_invoked_at,
    coalesce(u.anomaly_count, 0) AS anomaly_count
FROM recent AS r
LEFT JOIN unresolved AS u ON u.skill_name = r.skill_name;

-- The slope is that of a least-squares line through the daily completion rates, each day weighed by its
-- decided invocations (a line through the invocations themselves, which is the same), in ratio per day.
CREATE VIEW v_skill_effectiveness_trend AS
SELECT
    skill_name,
    count(*) AS decided_count,
    count(DISTINCT date_trunc('day', invoked_at)) AS day_count,
    avg(CAST(completed AS INTEGER)) AS completion_rate,
    regr_slope(CAST(completed AS INTEGER), date_diff('day', DATE '2020-01-01', CAST(invoked_at AS DATE)))
        AS completion_slope_per_day,
    regr_r2(CAST(completed AS INTEGER), date_diff('day', DATE '2020-01-01', CAST(invoked_at AS DATE)))
        AS completion_fit,
    regr_slope(duration_seconds, date_diff('day', DATE '2020-01-01', CAST(invoked_at AS DATE)))
        AS duration_slope_seconds_per_day,
    min(invoked_at) AS first_invoked_at,
    max(invoked_at) AS last_invoked_at
FROM skill_invocation
WHERE completed IS NOT NULL
GROUP BY skill_name;

CREATE VIEW v_community_baseline_comparison AS
SELECT
    i.user_id,
    i.skill_name,
    i.invocation_count,
    i.completed_count / nullif(i.decided_count, 0) AS completion_rate,
    b.completion_rate AS community_completion_rate,
    i.completed_count / nullif(i.decided_count, 0) - b.completion_rate AS difference,
    b.user_count AS community_user_count,
    b.percentile AS skill_percentile
FROM skill_user_interactions AS i
INNER JOIN skill_community_baselines AS b ON b.skill_name = i.skill_name;

-- lift = P(a, b) / (P(a) P(b)) over sessions.
CREATE VIEW v_skill_dependency_network AS
WITH usage AS (
    SELECT skill_name, count(*) AS session_count
    FROM session_skills
    WHERE invocation_count > 0
    GROUP BY skill_name
),

total AS (
    SELECT count(DISTINCT session_id) AS session_count
    FROM session_skills
    WHERE invocation_count > 0
)

SELECT
    d.skill_a,
    d.skill_b,
    d.session_count,
    a.session_count AS a_session_count,
    b.session_count AS b_session_count,
    d.session_count * total.session_count / (a.session_count * b.session_count) AS lift,
    d.session_count / (a.session_count + b.session_count - d.session_count) AS jaccard,
    d.a_before_b_count,
    d.b_before_a_count
FROM skill_dependencies AS d
INNER JOIN usage AS a ON a.skill_name = d.skill_a
INNER JOIN usage AS b ON b.skill_name = d.skill_b
CROSS JOIN total;

-- The units are what counts: outcomes of one user or session are not independent.
CREATE VIEW v_ab_test_summary AS
WITH per_unit AS (
    SELECT
        test_name, unit_id, metric, count(*) AS outcome_count, sum(value) AS unit_total, avg(value) AS unit_mean
    FROM ab_test_outcomes
    GROUP BY test_name, unit_id, metric
)

SELECT
    c.test_name,
    c.status,
    c.winner,
    c.unit,
    s.group_name,
    s.strategy,
    u.metric,
    coalesce(u.metric = c.metric, FALSE) AS decides,
    count(DISTINCT s.unit_id) AS unit_count,
    c.min_sample_size,
    CAST(coalesce(sum(u.outcome_count), 0) AS BIGINT) AS outcome_count,
    sum(u.unit_total) / sum(u.outcome_count) AS mean,
    avg(u.unit_mean) AS mean_of_units,
    stddev_samp(u.unit_mean) AS standard_deviation_of_units
FROM ab_test_configs AS c
INNER JOIN ab_test_assignments AS s ON s.test_name = c.test_name
LEFT JOIN per_unit AS u ON u.test_name = s.test_name AND u.unit_id = s.unit_id
GROUP BY c.test_name, c.status, c.winner, c.unit, c.metric, c.min_sample_size, s.group_name, s.strategy, u.metric;

CREATE VIEW v_multimodal_skill_catalog AS
WITH described AS (
    SELECT
        skill_name,
        arg_max(description, seen_at) AS description,
        string_agg(DISTINCT scope, ', ' ORDER BY scope) AS scopes
    FROM skill_catalogue
    WHERE installed
    GROUP BY skill_name
),

categorised AS (
    SELECT skill_name, string_agg(category, ', ' ORDER BY confidence DESC, category) AS categories
    FROM skill_category_mapping
    GROUP BY skill_name
),

modal AS (
    SELECT
        skill_name,
        string_agg(modality, ', ' ORDER BY confidence DESC, modality) AS modalities,
        count(*) AS modality_count
    FROM skill_modalities
    GROUP BY skill_name
)

SELECT
    m.skill_name,
    d.skill_name IS NOT NULL AS installed,
    d.description,
    d.scopes,
    c.categories,
    o.modalities,
    coalesce(o.modality_count, 0) > 1 AS multimodal,
    m.invocation_count,
    m.completed_count / nullif(m.completed_count + m.failed_count + m.abandoned_count, 0) AS completion_rate,
    m.last_invoked_at
FROM skill_metrics AS m
LEFT JOIN described AS d ON d.skill_name = m.skill_name
LEFT JOIN categorised AS c ON c.skill_name = m.skill_name
LEFT JOIN modal AS o ON o.skill_name = m.skill_name;

-- How often one phase directly follows another within a session.
CREATE VIEW v_workflow_phase_transitions AS
WITH steps AS (
    SELECT
        workflow_phase AS from_phase,
        lead(workflow_phase) OVER (
            PARTITION BY session_id ORDER BY invoked_at, invocation_id
        ) AS to_phase
    FROM skill_invocation
)

SELECT
    from_phase,
    to_phase,
    count(*) AS transition_count,
    count(*) / sum(count(*)) OVER (PARTITION BY from_phase) AS transition_rate
FROM steps
WHERE to_phase IS NOT NULL
GROUP BY from_phase, to_phase;
