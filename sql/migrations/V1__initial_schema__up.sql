-- The record itself: what was said about each use (skill_event), what is known of each use
-- (skill_invocation), and the totals that answers read.
-- Times are UTC without zone: a TIMESTAMPTZ cannot be fetched without pytz.

CREATE TABLE skill_migrations (
    version INTEGER PRIMARY KEY,
    name VARCHAR NOT NULL,
    checksum VARCHAR NOT NULL, -- SHA-256 of the up and down files; a changed file is refused
    applied_at TIMESTAMP NOT NULL
);

-- Parent of every foreign key. DuckDB turns an UPDATE of an indexed or LIST column of a referenced row
-- into delete and insert, which the foreign keys refuse: so scalar counters only and no further index.
CREATE TABLE skill_metrics (
    skill_name VARCHAR PRIMARY KEY,
    invocation_count BIGINT NOT NULL DEFAULT 0,
    completed_count BIGINT NOT NULL DEFAULT 0,
    failed_count BIGINT NOT NULL DEFAULT 0,
    abandoned_count BIGINT NOT NULL DEFAULT 0,
    reported_count BIGINT NOT NULL DEFAULT 0,
    inferred_count BIGINT NOT NULL DEFAULT 0,
    duration_count BIGINT NOT NULL DEFAULT 0,
    duration_sum DECIMAL(38, 6) NOT NULL DEFAULT 0, -- exact: it is moved by differences for ever
    rating_count BIGINT NOT NULL DEFAULT 0,
    rating_sum BIGINT NOT NULL DEFAULT 0,
    first_invoked_at TIMESTAMP,
    last_invoked_at TIMESTAMP
);

-- Append-only. Nothing is indexed: ids are hashes, and an index of a million of them is 50 MB that every fold
-- pins and every checkpoint writes anew. The fold joins its batch against the log instead.
CREATE TABLE skill_event (
    id UUID NOT NULL, -- unique by the fold, not by an index: docs/adr/0007
    kind VARCHAR NOT NULL
    CHECK (kind IN ('started', 'ended', 'reported', 'rated', 'recorded', 'superseded')),
    invocation_id UUID NOT NULL,
    occurred_at TIMESTAMP NOT NULL,
    skill_name VARCHAR NOT NULL,
    session_id VARCHAR NOT NULL,
    source VARCHAR NOT NULL,
    authority UTINYINT NOT NULL,
    agent VARCHAR NOT NULL,
    thread VARCHAR NOT NULL,
    origin VARCHAR NOT NULL,
    project VARCHAR,
    user_id VARCHAR,
    parent_invocation_id UUID,
    invoked_at TIMESTAMP,
    ended_at TIMESTAMP,
    duration_seconds DOUBLE,
    outcome VARCHAR CHECK (outcome IN ('completed', 'failed', 'abandoned')),
    outcome_source VARCHAR CHECK (outcome_source IN ('reported', 'inferred')),
    evidence JSON,
    error_type VARCHAR,
    tool_call_count INTEGER,
    tool_error_count INTEGER,
    rating UTINYINT CHECK (rating BETWEEN 1 AND 5),
    note VARCHAR
);

-- One row per use, a function of its events alone (sql/queries/fold.sql says which event wins).
CREATE TABLE skill_invocation (
    invocation_id UUID NOT NULL, -- likewise
    skill_name VARCHAR NOT NULL,
    session_id VARCHAR NOT NULL,
    agent VARCHAR NOT NULL,
    thread VARCHAR NOT NULL,
    origin VARCHAR NOT NULL CHECK (origin IN ('agent', 'user')),
    source VARCHAR NOT NULL,
    project VARCHAR,
    user_id VARCHAR,
    parent_invocation_id UUID,
    invoked_at TIMESTAMP NOT NULL,
    ended_at TIMESTAMP,
    duration_seconds DOUBLE,
    outcome VARCHAR CHECK (outcome IN ('completed', 'failed', 'abandoned')),
    completed BOOLEAN, -- outcome = 'completed'; null while the outcome is not known
    outcome_source VARCHAR CHECK (outcome_source IN ('reported', 'inferred')),
    evidence JSON, -- text, not a LIST: a LIST cannot be updated in place
    error_type VARCHAR,
    tool_call_count INTEGER,
    tool_error_count INTEGER,
    rating UTINYINT CHECK (rating BETWEEN 1 AND 5),
    note VARCHAR
);

-- Invocations that a later event said to be no use of their own: their rows are gone, their events stay.
CREATE TABLE superseded_invocation (
    invocation_id UUID PRIMARY KEY
);

-- Distributions behind the all-time answer, moved by difference in each fold, so that this answer costs
-- the same with ten rows and with ten million. A duration_bucket is a DDSketch index of relative accuracy
-- 0.01, ceil(ln(seconds) / ln(1.01 / 0.99)), all below 1 ms in the bucket of 1 ms (Masson, Rim and Lee,
-- "DDSketch", VLDB 2019, section 2). Rows whose count returned to 0 stay: their key will come back.
CREATE TABLE skill_tally (
    skill_name VARCHAR NOT NULL REFERENCES skill_metrics (skill_name),
    dimension VARCHAR NOT NULL CHECK (dimension IN ('duration_bucket', 'workflow_phase', 'error_type')),
    value VARCHAR NOT NULL,
    invocation_count BIGINT NOT NULL,
    PRIMARY KEY (skill_name, dimension, value)
);

-- The key is md5(session_id, a line break, skill_name): DuckDB finds a row to update by its index only
-- through a key of one column. No foreign key: an index of few names over very many rows makes each
-- checkpoint three times as long.
CREATE TABLE session_skills (
    session_skill_id UUID PRIMARY KEY,
    session_id VARCHAR NOT NULL,
    skill_name VARCHAR NOT NULL,
    invocation_count BIGINT NOT NULL,
    completed_count BIGINT NOT NULL,
    failed_count BIGINT NOT NULL,
    abandoned_count BIGINT NOT NULL,
    duration_sum DECIMAL(38, 6) NOT NULL
);

-- Append-only, like skill_event: an agent's conversation began or ended.
CREATE TABLE session_event (
    id UUID PRIMARY KEY,
    kind VARCHAR NOT NULL CHECK (kind IN ('session_started', 'session_ended')),
    session_id VARCHAR NOT NULL,
    occurred_at TIMESTAMP NOT NULL,
    agent VARCHAR NOT NULL,
    project VARCHAR,
    user_id VARCHAR,
    reason VARCHAR
);

-- Every column is a minimum or maximum over the session's events, so that the order in which they
-- arrive cannot matter. A session that was resumed has ended_at < last_observed_at.
CREATE TABLE agent_session (
    session_id VARCHAR PRIMARY KEY,
    agent VARCHAR NOT NULL,
    project VARCHAR, -- where the session began: that of the earliest event which names one
    project_at TIMESTAMP, -- when that event occurred
    user_id VARCHAR,
    started_at TIMESTAMP, -- null if no event said that it began
    ended_at TIMESTAMP,
    end_reason VARCHAR,
    first_activity_at TIMESTAMP NOT NULL,
    last_activity_at TIMESTAMP NOT NULL,
    last_observed_at TIMESTAMP -- without what was reported: a rating given afterwards reopens no session
);

CREATE TABLE skill_catalogue (
    skill_name VARCHAR NOT NULL REFERENCES skill_metrics (skill_name),
    scope VARCHAR NOT NULL CHECK (scope IN ('user', 'project', 'plugin')),
    project VARCHAR NOT NULL, -- '' unless the scope is a project
    description VARCHAR NOT NULL,
    installed BOOLEAN NOT NULL, -- a removed skill keeps its row, so that an older event cannot bring it back
    seen_at TIMESTAMP NOT NULL,
    event_id UUID NOT NULL,
    PRIMARY KEY (skill_name, scope, project)
);

CREATE TABLE journal_offset (
    journal VARCHAR PRIMARY KEY,
    folded_bytes BIGINT NOT NULL
);

-- value is a keyed hash: the request keeps nothing of what was forgotten.
CREATE TABLE forgotten (
    scope VARCHAR NOT NULL CHECK (scope IN ('session', 'skill', 'before')),
    value VARCHAR NOT NULL,
    before TIMESTAMP NOT NULL,
    removed_count BIGINT NOT NULL DEFAULT 0, -- invocations that went at this request
    PRIMARY KEY (scope, value)
);

CREATE VIEW v_skill_summary AS
SELECT
    skill_name,
    invocation_count,
    completed_count,
    failed_count,
    abandoned_count,
    invocation_count - completed_count - failed_count - abandoned_count AS open_count,
    completed_count / nullif(completed_count + failed_count + abandoned_count, 0) AS completion_rate,
    CAST(duration_sum AS DOUBLE) / nullif(duration_count, 0) AS mean_duration_seconds,
    rating_sum / nullif(rating_count, 0) AS mean_rating,
    first_invoked_at,
    last_invoked_at
FROM skill_metrics
WHERE invocation_count > 0;

CREATE VIEW v_session_summary AS
SELECT
    s.session_id,
    s.agent,
    s.project,
    coalesce(s.started_at, s.first_activity_at) AS started_at,
    s.last_activity_at,
    CASE WHEN s.ended_at >= coalesce(s.last_observed_at, s.ended_at) THEN s.ended_at END AS ended_at,
    CASE WHEN s.ended_at >= coalesce(s.last_observed_at, s.ended_at) THEN s.end_reason END AS end_reason,
    count(k.skill_name) AS skill_count,
    CAST(coalesce(sum(k.invocation_count), 0) AS BIGINT) AS invocation_count,
    CAST(coalesce(sum(k.completed_count), 0) AS BIGINT) AS completed_count,
    CAST(coalesce(sum(k.failed_count), 0) AS BIGINT) AS failed_count,
    CAST(coalesce(sum(k.abandoned_count), 0) AS BIGINT) AS abandoned_count,
    CAST(coalesce(sum(k.duration_sum), 0) AS DOUBLE) AS duration_seconds
FROM agent_session AS s
LEFT JOIN session_skills AS k ON k.session_id = s.session_id AND k.invocation_count > 0
GROUP BY ALL;
