CREATE TABLE journal_offset (
    home TEXT COLLATE "C" NOT NULL, -- several machines fold into one store, each from journals of its own
    journal TEXT COLLATE "C" NOT NULL,
    folded_bytes BIGINT NOT NULL,
    PRIMARY KEY (home, journal)
);

CREATE TABLE folding_home (
    home TEXT COLLATE "C" NOT NULL PRIMARY KEY, -- offsets go with the journals that are archived; this stays
    folded_at TIMESTAMP NOT NULL
);

CREATE TABLE forgotten (
    home TEXT COLLATE "C" NOT NULL, -- its values are hashes under that home's key
    scope TEXT COLLATE "C" NOT NULL CHECK (scope IN ('session', 'skill', 'before')),
    value TEXT COLLATE "C" NOT NULL,
    before TIMESTAMP NOT NULL,
    removed_count BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (home, scope, value)
);

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
