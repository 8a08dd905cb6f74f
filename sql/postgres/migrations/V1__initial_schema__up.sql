-- Made by scripts/postgres_sql.py from sql/migrations/V1__initial_schema__up.sql.

CREATE TABLE skill_migrations (
  version INT PRIMARY KEY,
  name TEXT COLLATE "C" NOT NULL,
  checksum TEXT COLLATE "C" NOT NULL,
  applied_at TIMESTAMP NOT NULL
);

CREATE TABLE skill_metrics (
  skill_name TEXT COLLATE "C" PRIMARY KEY,
  invocation_count BIGINT NOT NULL DEFAULT 0,
  completed_count BIGINT NOT NULL DEFAULT 0,
  failed_count BIGINT NOT NULL DEFAULT 0,
  abandoned_count BIGINT NOT NULL DEFAULT 0,
  reported_count BIGINT NOT NULL DEFAULT 0,
  inferred_count BIGINT NOT NULL DEFAULT 0,
  duration_count BIGINT NOT NULL DEFAULT 0,
  duration_sum DECIMAL(38, 6) NOT NULL DEFAULT 0,
  rating_count BIGINT NOT NULL DEFAULT 0,
  rating_sum BIGINT NOT NULL DEFAULT 0,
  first_invoked_at TIMESTAMP,
  last_invoked_at TIMESTAMP
);

CREATE TABLE skill_event (
  id UUID NOT NULL,
  kind TEXT COLLATE "C" NOT NULL CHECK (kind IN ('started', 'ended', 'reported', 'rated', 'recorded', 'superseded')),
  invocation_id UUID NOT NULL,
  occurred_at TIMESTAMP NOT NULL,
  skill_name TEXT COLLATE "C" NOT NULL,
  session_id TEXT COLLATE "C" NOT NULL,
  source TEXT COLLATE "C" NOT NULL,
  authority SMALLINT NOT NULL,
  agent TEXT COLLATE "C" NOT NULL,
  thread TEXT COLLATE "C" NOT NULL,
  origin TEXT COLLATE "C" NOT NULL,
  project TEXT COLLATE "C",
  user_id TEXT COLLATE "C",
  parent_invocation_id UUID,
  invoked_at TIMESTAMP,
  ended_at TIMESTAMP,
  duration_seconds DOUBLE PRECISION,
  outcome TEXT COLLATE "C" CHECK (outcome IN ('completed', 'failed', 'abandoned')),
  outcome_source TEXT COLLATE "C" CHECK (outcome_source IN ('reported', 'inferred')),
  evidence TEXT COLLATE "C",
  error_type TEXT COLLATE "C",
  tool_call_count INT,
  tool_error_count INT,
  rating SMALLINT CHECK (rating BETWEEN 1 AND 5),
  note TEXT COLLATE "C"
);

CREATE TABLE skill_invocation (
  invocation_id UUID NOT NULL,
  skill_name TEXT COLLATE "C" NOT NULL,
  session_id TEXT COLLATE "C" NOT NULL,
  agent TEXT COLLATE "C" NOT NULL,
  thread TEXT COLLATE "C" NOT NULL,
  origin TEXT COLLATE "C" NOT NULL CHECK (origin IN ('agent', 'user')),
  source TEXT COLLATE "C" NOT NULL,
  project TEXT COLLATE "C",
  user_id TEXT COLLATE "C",
  parent_invocation_id UUID,
  invoked_at TIMESTAMP NOT NULL,
  ended_at TIMESTAMP,
  duration_seconds DOUBLE PRECISION,
  outcome TEXT COLLATE "C" CHECK (outcome IN ('completed', 'failed', 'abandoned')),
  completed BOOLEAN,
  outcome_source TEXT COLLATE "C" CHECK (outcome_source IN ('reported', 'inferred')),
  evidence TEXT COLLATE "C",
  error_type TEXT COLLATE "C",
  tool_call_count INT,
  tool_error_count INT,
  rating SMALLINT CHECK (rating BETWEEN 1 AND 5),
  note TEXT COLLATE "C"
);

CREATE TABLE superseded_invocation (
  invocation_id UUID PRIMARY KEY
);

CREATE TABLE skill_tally (
  skill_name TEXT COLLATE "C" NOT NULL REFERENCES skill_metrics (
    skill_name
  ),
  dimension TEXT COLLATE "C" NOT NULL CHECK (dimension IN ('duration_bucket', 'workflow_phase', 'error_type')),
  value TEXT COLLATE "C" NOT NULL,
  invocation_count BIGINT NOT NULL,
  PRIMARY KEY (skill_name, dimension, value)
);

CREATE TABLE session_skills (
  session_skill_id UUID PRIMARY KEY,
  session_id TEXT COLLATE "C" NOT NULL,
  skill_name TEXT COLLATE "C" NOT NULL,
  invocation_count BIGINT NOT NULL,
  completed_count BIGINT NOT NULL,
  failed_count BIGINT NOT NULL,
  abandoned_count BIGINT NOT NULL,
  duration_sum DECIMAL(38, 6) NOT NULL
);

CREATE TABLE session_event (
  id UUID PRIMARY KEY,
  kind TEXT COLLATE "C" NOT NULL CHECK (kind IN ('session_started', 'session_ended')),
  session_id TEXT COLLATE "C" NOT NULL,
  occurred_at TIMESTAMP NOT NULL,
  agent TEXT COLLATE "C" NOT NULL,
  project TEXT COLLATE "C",
  user_id TEXT COLLATE "C",
  reason TEXT COLLATE "C"
);

CREATE TABLE agent_session (
  session_id TEXT COLLATE "C" PRIMARY KEY,
  agent TEXT COLLATE "C" NOT NULL,
  project TEXT COLLATE "C",
  project_at TIMESTAMP,
  user_id TEXT COLLATE "C",
  started_at TIMESTAMP,
  ended_at TIMESTAMP,
  end_reason TEXT COLLATE "C",
  first_activity_at TIMESTAMP NOT NULL,
  last_activity_at TIMESTAMP NOT NULL,
  last_observed_at TIMESTAMP
);

CREATE TABLE skill_catalogue (
  skill_name TEXT COLLATE "C" NOT NULL REFERENCES skill_metrics (
    skill_name
  ),
  scope TEXT COLLATE "C" NOT NULL CHECK (scope IN ('user', 'project', 'plugin')),
  project TEXT COLLATE "C" NOT NULL,
  description TEXT COLLATE "C" NOT NULL,
  installed BOOLEAN NOT NULL,
  seen_at TIMESTAMP NOT NULL,
  event_id UUID NOT NULL,
  PRIMARY KEY (skill_name, scope, project)
);

CREATE TABLE journal_offset (
    home TEXT COLLATE "C" NOT NULL, -- several machines fold into one store, each from journals of its own
    journal TEXT COLLATE "C" NOT NULL,
    folded_bytes BIGINT NOT NULL,
    PRIMARY KEY (home, journal)
);

CREATE TABLE forgotten (
    home TEXT COLLATE "C" NOT NULL, -- its values are hashes under that home's key
    scope TEXT COLLATE "C" NOT NULL CHECK (scope IN ('session', 'skill', 'before')),
    value TEXT COLLATE "C" NOT NULL,
    before TIMESTAMP NOT NULL,
    removed_count BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (home, scope, value)
);

CREATE VIEW v_skill_summary AS
SELECT
  skill_name,
  invocation_count,
  completed_count,
  failed_count,
  abandoned_count,
  invocation_count - completed_count - failed_count - abandoned_count AS open_count,
  CAST(completed_count AS DOUBLE PRECISION) / NULLIF(completed_count + failed_count + abandoned_count, 0) AS completion_rate,
  CAST(duration_sum AS DOUBLE PRECISION) / NULLIF(duration_count, 0) AS mean_duration_seconds,
  CAST(rating_sum AS DOUBLE PRECISION) / NULLIF(rating_count, 0) AS mean_rating,
  first_invoked_at,
  last_invoked_at
FROM skill_metrics
WHERE
  invocation_count > 0;

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
    CAST(coalesce(sum(k.duration_sum), 0) AS DOUBLE PRECISION) AS duration_seconds
FROM agent_session AS s
LEFT JOIN session_skills AS k ON k.session_id = s.session_id AND k.invocation_count > 0
GROUP BY s.session_id;

CREATE TABLE folding_home (
    home TEXT COLLATE "C" NOT NULL PRIMARY KEY, -- offsets go with the journals that are archived; this stays
    folded_at TIMESTAMP NOT NULL
);

-- Unlike DuckDB's, these indexes cost little, and several leaders need them to meet in one row.
ALTER TABLE skill_event ADD PRIMARY KEY (id);

ALTER TABLE skill_invocation ADD PRIMARY KEY (invocation_id);

-- Whose it is: only they change it, and read what was asked.
ALTER TABLE skill_event ADD COLUMN written_by NAME NOT NULL DEFAULT current_user;

ALTER TABLE skill_invocation ADD COLUMN written_by NAME NOT NULL DEFAULT current_user;

ALTER TABLE session_event ADD COLUMN written_by NAME NOT NULL DEFAULT current_user;

CREATE INDEX skill_event_by_invocation ON skill_event (invocation_id);

CREATE INDEX skill_event_by_session ON skill_event (session_id);

CREATE INDEX skill_event_superseded ON skill_event (occurred_at) WHERE kind = 'superseded';

CREATE INDEX skill_invocation_by_skill ON skill_invocation (skill_name, invoked_at, invocation_id);

CREATE INDEX skill_invocation_by_session ON skill_invocation (session_id, invoked_at, invocation_id);

CREATE INDEX skill_invocation_by_time ON skill_invocation (invoked_at, invocation_id);

-- By what it is of, and not by a hash of that: what is written together then lies together.
ALTER TABLE session_skills DROP CONSTRAINT session_skills_pkey, ADD PRIMARY KEY (session_id, skill_name);

CREATE INDEX session_skills_by_skill ON session_skills (skill_name);

CREATE INDEX agent_session_by_activity ON agent_session (last_activity_at DESC, session_id);

CREATE INDEX session_event_by_session ON session_event (session_id);

CREATE INDEX skill_event_by_skill ON skill_event (skill_name);

CREATE INDEX skill_invocation_by_agent ON skill_invocation (agent, skill_name);

-- Few uses are open at a time.
CREATE INDEX skill_invocation_open ON skill_invocation (session_id) WHERE outcome IS NULL;
