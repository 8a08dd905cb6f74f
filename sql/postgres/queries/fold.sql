-- take_turn --
-- One fold or migration at a time, of whatever machine; the lock goes with the transaction.
SELECT pg_advisory_xact_lock(7361621);

-- limit_turn --
-- A machine that is cut off in its turn must not keep the others waiting for long; and as one has its turn at a time, it may use some memory.
SELECT
    set_config('idle_in_transaction_session_timeout', '15s', TRUE),
    set_config('work_mem', '64MB', TRUE),
    set_config('jit', 'off', TRUE);

-- note_home --
-- This machine folds into the store.
INSERT INTO folding_home (home, folded_at) VALUES ($home, now() AT TIME ZONE 'UTC')
ON CONFLICT (home) DO UPDATE SET folded_at = excluded.folded_at;

-- told_before --
-- What is known of some events and their uses: those folded before, by whomever; uses of this writer; uses that somebody else wrote, which nobody else changes; and invocations that are no use of their own. Of a list the planner expects few members, so it takes the index for one event as for thousands.
WITH given AS MATERIALIZED (
    SELECT id, invocation_id
    FROM json_to_recordset(CAST($rows AS JSON)) AS r (id UUID, invocation_id UUID)
)

SELECT 'event' AS known, id FROM skill_event WHERE id = ANY(ARRAY(SELECT id FROM given))
UNION ALL
SELECT CASE WHEN written_by = current_user THEN 'own' ELSE 'foreign' END, invocation_id
FROM skill_invocation
WHERE invocation_id = ANY(ARRAY(SELECT invocation_id FROM given))
UNION ALL
SELECT 'superseded', invocation_id FROM superseded_invocation
WHERE invocation_id = ANY(ARRAY(SELECT invocation_id FROM given));

-- insert_uses --
-- Uses of which one event is all that is known, as of most that is imported: the event, the use that it makes by the rule of `merge`, every total that this moves, and what the roll-ups have to learn, in one go.
WITH given AS MATERIALIZED (
    SELECT * FROM json_populate_recordset(CAST(NULL AS skill_event), CAST($rows AS JSON))
),

used AS MATERIALIZED (
    SELECT
        invocation_id, skill_name, session_id, agent, thread, origin, source, project, user_id,
        parent_invocation_id, coalesce(invoked_at, occurred_at) AS invoked_at, ended_at, duration_seconds,
        outcome, outcome = 'completed' AS completed,
        CASE WHEN outcome IS NOT NULL THEN outcome_source END AS outcome_source,
        coalesce(CASE WHEN outcome IS NOT NULL THEN evidence END, '[]') AS evidence,
        CASE WHEN outcome IS NOT NULL THEN error_type END AS error_type,
        tool_call_count, tool_error_count, rating, note, query_text, query_hash, query_length,
        coalesce(workflow_phase, 'unknown') AS workflow_phase, workflow_step,
        CASE
            WHEN duration_seconds IS NOT NULL THEN CAST(round(least(duration_seconds, 1e12) * 1000000) AS BIGINT)
        END AS microseconds
    FROM given
),

told AS (
    INSERT INTO skill_event (
        id, kind, invocation_id, occurred_at, skill_name, session_id, source, authority, agent, thread, origin,
        project, user_id, parent_invocation_id, invoked_at, ended_at, duration_seconds, outcome,
        outcome_source, evidence, error_type, tool_call_count, tool_error_count, rating, note, query_text,
        query_hash, query_length, workflow_phase, workflow_step
    )
    SELECT
        id, kind, invocation_id, occurred_at, skill_name, session_id, source, authority, agent, thread, origin,
        project, user_id, parent_invocation_id, invoked_at, ended_at, duration_seconds, outcome,
        outcome_source, evidence, error_type, tool_call_count, tool_error_count, rating, note, query_text,
        query_hash, query_length, workflow_phase, workflow_step
    FROM given
),

queued AS (
    INSERT INTO skill_change (
        sign, invocation_id, skill_name, session_id, user_id, invoked_at, outcome, duration_seconds, rating
    )
    SELECT 1, invocation_id, skill_name, session_id, user_id, invoked_at, outcome, duration_seconds, rating
    FROM used
),

of_skills AS (
    INSERT INTO skill_metrics AS m (
        skill_name, invocation_count, completed_count, failed_count, abandoned_count, reported_count,
        inferred_count, duration_count, duration_sum, rating_count, rating_sum, first_invoked_at,
        last_invoked_at
    )
    SELECT
        skill_name, count(*), count(*) FILTER (WHERE outcome = 'completed'),
        count(*) FILTER (WHERE outcome = 'failed'), count(*) FILTER (WHERE outcome = 'abandoned'),
        count(*) FILTER (WHERE outcome_source = 'reported'), count(*) FILTER (WHERE outcome_source = 'inferred'),
        count(duration_seconds), coalesce(sum(microseconds), 0) / 1000000, count(rating),
        coalesce(sum(rating), 0), min(invoked_at), max(invoked_at)
    FROM used
    GROUP BY skill_name
    ON CONFLICT (skill_name) DO UPDATE SET
        invocation_count = m.invocation_count + excluded.invocation_count,
        completed_count = m.completed_count + excluded.completed_count,
        failed_count = m.failed_count + excluded.failed_count,
        abandoned_count = m.abandoned_count + excluded.abandoned_count,
        reported_count = m.reported_count + excluded.reported_count,
        inferred_count = m.inferred_count + excluded.inferred_count,
        duration_count = m.duration_count + excluded.duration_count,
        duration_sum = m.duration_sum + excluded.duration_sum,
        rating_count = m.rating_count + excluded.rating_count,
        rating_sum = m.rating_sum + excluded.rating_sum,
        first_invoked_at = least(m.first_invoked_at, excluded.first_invoked_at),
        last_invoked_at = greatest(m.last_invoked_at, excluded.last_invoked_at)
),

of_sessions AS (
    INSERT INTO session_skills AS s (
        session_skill_id, session_id, skill_name, invocation_count, completed_count, failed_count,
        abandoned_count, duration_sum
    )
    SELECT
        CAST(md5(session_id || chr(10) || skill_name) AS UUID), session_id, skill_name, count(*),
        count(*) FILTER (WHERE outcome = 'completed'), count(*) FILTER (WHERE outcome = 'failed'),
        count(*) FILTER (WHERE outcome = 'abandoned'), coalesce(sum(microseconds), 0) / 1000000
    FROM used
    GROUP BY session_id, skill_name
    ON CONFLICT (session_id, skill_name) DO UPDATE SET
        invocation_count = s.invocation_count + excluded.invocation_count,
        completed_count = s.completed_count + excluded.completed_count,
        failed_count = s.failed_count + excluded.failed_count,
        abandoned_count = s.abandoned_count + excluded.abandoned_count,
        duration_sum = s.duration_sum + excluded.duration_sum
),

of_tallies AS (
    INSERT INTO skill_tally AS t (skill_name, dimension, value, invocation_count)
    SELECT skill_name, 'workflow_phase', workflow_phase, count(*) FROM used GROUP BY skill_name, workflow_phase
    UNION ALL
    SELECT skill_name, 'error_type', error_type, count(*)
    FROM used
    WHERE error_type IS NOT NULL
    GROUP BY skill_name, error_type
    UNION ALL
    SELECT skill_name, 'duration_bucket', CAST(CAST(bucket AS INT) AS TEXT), count(*)
    FROM (
        SELECT
            skill_name,
            ceil(
                ln(greatest(duration_seconds, 0.001))
                / ln(CAST(1.01 AS DOUBLE PRECISION) / CAST(0.99 AS DOUBLE PRECISION))
            ) AS bucket
        FROM used
        WHERE duration_seconds IS NOT NULL
    ) AS measured
    GROUP BY skill_name, bucket
    ON CONFLICT (skill_name, dimension, value) DO UPDATE SET
        invocation_count = t.invocation_count + excluded.invocation_count
)

INSERT INTO skill_invocation (
    invocation_id, skill_name, session_id, agent, thread, origin, source, project, user_id,
    parent_invocation_id, invoked_at, ended_at, duration_seconds, outcome, completed, outcome_source,
    evidence, error_type, tool_call_count, tool_error_count, rating, note, query_text, query_hash,
    query_length, workflow_phase, workflow_step
)
SELECT
    invocation_id, skill_name, session_id, agent, thread, origin, source, project, user_id,
    parent_invocation_id, invoked_at, ended_at, duration_seconds, outcome, completed, outcome_source,
    evidence, error_type, tool_call_count, tool_error_count, rating, note, query_text, query_hash,
    query_length, workflow_phase, workflow_step
FROM used;

-- own_invocations --
-- Some of the uses that this writer wrote, as they are.
SELECT * FROM own_invocation
WHERE invocation_id = ANY(ARRAY(SELECT CAST(json_array_elements_text(CAST($ids AS JSON)) AS UUID)));

-- own_events --
-- What this writer said of some uses.
SELECT * FROM own_event
WHERE invocation_id = ANY(ARRAY(SELECT CAST(json_array_elements_text(CAST($ids AS JSON)) AS UUID)));

-- insert_skills --
-- Parents first: the totals reference them.
INSERT INTO skill_metrics (skill_name)
SELECT DISTINCT json_array_elements_text(CAST($rows AS JSON))
ON CONFLICT (skill_name) DO NOTHING;

-- insert_superseded --
-- Invocations that are no use of their own stay known, whatever else is told of them later.
INSERT INTO superseded_invocation (invocation_id)
SELECT CAST(json_array_elements_text(CAST($ids AS JSON)) AS UUID)
ON CONFLICT (invocation_id) DO NOTHING;

-- insert_events --
-- Append what is new.
INSERT INTO skill_event (
    id, kind, invocation_id, occurred_at, skill_name, session_id, source, authority, agent, thread, origin,
    project, user_id, parent_invocation_id, invoked_at, ended_at, duration_seconds, outcome, outcome_source,
    evidence, error_type, tool_call_count, tool_error_count, rating, note, query_text, query_hash,
    query_length, workflow_phase, workflow_step
)
SELECT
    id, kind, invocation_id, occurred_at, skill_name, session_id, source, authority, agent, thread, origin,
    project, user_id, parent_invocation_id, invoked_at, ended_at, duration_seconds, outcome, outcome_source,
    evidence, error_type, tool_call_count, tool_error_count, rating, note, query_text, query_hash,
    query_length, workflow_phase, workflow_step
FROM json_populate_recordset(CAST(NULL AS skill_event), CAST($rows AS JSON));

-- insert_invocations --
-- Uses that were not known before, which the roll-ups have to learn.
WITH given AS MATERIALIZED (
    SELECT * FROM json_populate_recordset(CAST(NULL AS skill_invocation), CAST($rows AS JSON))
),

queued AS (
    INSERT INTO skill_change (
        sign, invocation_id, skill_name, session_id, user_id, invoked_at, outcome, duration_seconds, rating
    )
    SELECT 1, invocation_id, skill_name, session_id, user_id, invoked_at, outcome, duration_seconds, rating
    FROM given
)

INSERT INTO skill_invocation (
    invocation_id, skill_name, session_id, agent, thread, origin, source, project, user_id,
    parent_invocation_id, invoked_at, ended_at, duration_seconds, outcome, completed, outcome_source,
    evidence, error_type, tool_call_count, tool_error_count, rating, note, query_text, query_hash,
    query_length, workflow_phase, workflow_step
)
SELECT
    invocation_id, skill_name, session_id, agent, thread, origin, source, project, user_id,
    parent_invocation_id, invoked_at, ended_at, duration_seconds, outcome, completed, outcome_source,
    evidence, error_type, tool_call_count, tool_error_count, rating, note, query_text, query_hash,
    query_length, workflow_phase, workflow_step
FROM given;

-- update_invocations --
-- Uses of which more is known now. An upsert would want the right to read what others asked.
UPDATE skill_invocation AS i
SET
    skill_name = a.skill_name,
    session_id = a.session_id,
    agent = a.agent,
    thread = a.thread,
    origin = a.origin,
    source = a.source,
    project = a.project,
    user_id = a.user_id,
    parent_invocation_id = a.parent_invocation_id,
    invoked_at = a.invoked_at,
    ended_at = a.ended_at,
    duration_seconds = a.duration_seconds,
    outcome = a.outcome,
    completed = a.completed,
    outcome_source = a.outcome_source,
    evidence = a.evidence,
    error_type = a.error_type,
    tool_call_count = a.tool_call_count,
    tool_error_count = a.tool_error_count,
    rating = a.rating,
    note = a.note,
    query_text = a.query_text,
    query_hash = a.query_hash,
    query_length = a.query_length,
    workflow_phase = a.workflow_phase,
    workflow_step = a.workflow_step
FROM json_populate_recordset(CAST(NULL AS skill_invocation), CAST($rows AS JSON)) AS a
WHERE i.invocation_id = a.invocation_id;

-- delete_invocations --
-- Uses that turned out to be none, or of which nothing is left.
DELETE FROM skill_invocation
WHERE invocation_id IN (SELECT CAST(json_array_elements_text(CAST($ids AS JSON)) AS UUID));

-- move_skills --
-- The totals of the touched skills by the difference that a batch makes.
UPDATE skill_metrics AS m
SET
    invocation_count = m.invocation_count + d.invocation_count,
    completed_count = m.completed_count + d.completed_count,
    failed_count = m.failed_count + d.failed_count,
    abandoned_count = m.abandoned_count + d.abandoned_count,
    reported_count = m.reported_count + d.reported_count,
    inferred_count = m.inferred_count + d.inferred_count,
    duration_count = m.duration_count + d.duration_count,
    duration_sum = m.duration_sum + d.duration_sum,
    rating_count = m.rating_count + d.rating_count,
    rating_sum = m.rating_sum + d.rating_sum,
    first_invoked_at = least(m.first_invoked_at, d.first_invoked_at),
    last_invoked_at = greatest(m.last_invoked_at, d.last_invoked_at)
FROM json_populate_recordset(CAST(NULL AS skill_metrics), CAST($rows AS JSON)) AS d
WHERE m.skill_name = d.skill_name;

-- recount_skill_times --
-- First and last invocation of skills that may have lost theirs, from both ends of their index.
UPDATE skill_metrics AS m
SET first_invoked_at = t.first_invoked_at, last_invoked_at = t.last_invoked_at
FROM (
    SELECT
        s.skill_name,
        (SELECT min(i.invoked_at) FROM skill_invocation AS i WHERE i.skill_name = s.skill_name) AS first_invoked_at,
        (SELECT max(i.invoked_at) FROM skill_invocation AS i WHERE i.skill_name = s.skill_name) AS last_invoked_at
    FROM (SELECT json_array_elements_text(CAST($rows AS JSON)) AS skill_name) AS s
) AS t
WHERE m.skill_name = t.skill_name;

-- move_session_skills --
-- What each touched session did with each skill.
INSERT INTO session_skills (
    session_skill_id, session_id, skill_name, invocation_count, completed_count, failed_count, abandoned_count,
    duration_sum
)
SELECT
    CAST(md5(session_id || chr(10) || skill_name) AS UUID), session_id, skill_name, invocation_count,
    completed_count, failed_count, abandoned_count, duration_sum
FROM json_populate_recordset(CAST(NULL AS session_skills), CAST($rows AS JSON))
ON CONFLICT (session_id, skill_name) DO UPDATE SET
    invocation_count = session_skills.invocation_count + excluded.invocation_count,
    completed_count = session_skills.completed_count + excluded.completed_count,
    failed_count = session_skills.failed_count + excluded.failed_count,
    abandoned_count = session_skills.abandoned_count + excluded.abandoned_count,
    duration_sum = session_skills.duration_sum + excluded.duration_sum;

-- move_tallies --
-- Duration buckets, phases and error types of the touched skills.
INSERT INTO skill_tally (skill_name, dimension, value, invocation_count)
SELECT skill_name, dimension, value, invocation_count
FROM json_populate_recordset(CAST(NULL AS skill_tally), CAST($rows AS JSON))
ON CONFLICT (skill_name, dimension, value) DO UPDATE SET
    invocation_count = skill_tally.invocation_count + excluded.invocation_count;

-- queue_changes --
-- What a batch changed of uses that were known, for the roll-ups of what is learned.
INSERT INTO skill_change (
    sign, invocation_id, skill_name, session_id, user_id, invoked_at, outcome, duration_seconds, rating
)
SELECT sign, invocation_id, skill_name, session_id, user_id, invoked_at, outcome, duration_seconds, rating
FROM json_populate_recordset(CAST(NULL AS skill_change), CAST($rows AS JSON));

-- insert_session_events --
-- Append the beginnings and ends of sessions.
INSERT INTO session_event (id, kind, session_id, occurred_at, agent, project, user_id, reason)
SELECT id, kind, session_id, occurred_at, agent, project, user_id, reason
FROM json_populate_recordset(CAST(NULL AS session_event), CAST($rows AS JSON))
ON CONFLICT (id) DO NOTHING;

-- move_sessions --
-- The sessions of the batch: minima and maxima only, so repeating it changes nothing.
INSERT INTO agent_session (
    session_id, agent, project, project_at, user_id, started_at, ended_at, end_reason, first_activity_at,
    last_activity_at, last_observed_at
)
SELECT
    session_id, agent, project, project_at, user_id, started_at, ended_at, end_reason, first_activity_at,
    last_activity_at, last_observed_at
FROM json_populate_recordset(CAST(NULL AS agent_session), CAST($rows AS JSON))
ON CONFLICT (session_id) DO UPDATE SET
    agent = greatest(agent_session.agent, excluded.agent),
    project = CASE
        WHEN
            excluded.project_at IS NULL
            OR agent_session.project_at < excluded.project_at
            OR (agent_session.project_at = excluded.project_at AND agent_session.project < excluded.project)
            THEN agent_session.project
        ELSE excluded.project
    END,
    project_at = least(agent_session.project_at, excluded.project_at),
    user_id = greatest(agent_session.user_id, excluded.user_id),
    started_at = least(agent_session.started_at, excluded.started_at),
    ended_at = greatest(agent_session.ended_at, excluded.ended_at),
    end_reason = CASE
        WHEN
            excluded.ended_at IS NULL
            OR agent_session.ended_at > excluded.ended_at
            OR (
                agent_session.ended_at = excluded.ended_at
                AND agent_session.end_reason > excluded.end_reason
            )
            THEN agent_session.end_reason
        ELSE excluded.end_reason
    END,
    first_activity_at = least(agent_session.first_activity_at, excluded.first_activity_at),
    last_activity_at = greatest(agent_session.last_activity_at, excluded.last_activity_at),
    last_observed_at = greatest(agent_session.last_observed_at, excluded.last_observed_at);

-- insert_catalogued_skills --
-- Parents of what is catalogued or suggested, so that a skill which nobody used yet can have a category too.
INSERT INTO skill_metrics (skill_name)
SELECT DISTINCT r.skill_name
FROM (SELECT unnest(string_to_array($events, chr(10))) AS line) AS lines
CROSS JOIN LATERAL json_to_record(CAST(line AS JSON)) AS r (skill_name TEXT)
WHERE line <> ''
ON CONFLICT (skill_name) DO NOTHING;

-- skill_is_known --
-- Whether a skill has its row.
SELECT 1 FROM skill_metrics WHERE skill_name = $skill_name;

-- insert_skill --
-- The parent of a new skill's totals.
INSERT INTO skill_metrics (skill_name) VALUES ($skill_name) ON CONFLICT (skill_name) DO NOTHING;

-- move_catalogue --
-- The newest word on each skill that is or was installed.
INSERT INTO skill_catalogue (skill_name, scope, project, description, installed, seen_at, event_id)
SELECT DISTINCT ON (r.skill_name, r.scope, coalesce(r.project, ''))
    r.skill_name, r.scope, coalesce(r.project, ''), coalesce(r.description, ''), r.kind = 'skill_installed',
    r.occurred_at, r.id
FROM (SELECT unnest(string_to_array($events, chr(10))) AS line) AS lines
CROSS JOIN LATERAL json_to_record(CAST(line AS JSON)) AS r (
    id UUID, kind TEXT, occurred_at TIMESTAMP, skill_name TEXT, description TEXT, scope TEXT, project TEXT
)
WHERE line <> ''
ORDER BY r.skill_name, r.scope, coalesce(r.project, ''), r.occurred_at DESC, r.id DESC
ON CONFLICT (skill_name, scope, project) DO UPDATE SET
    description = excluded.description,
    installed = excluded.installed,
    seen_at = excluded.seen_at,
    event_id = excluded.event_id
WHERE
    excluded.seen_at > skill_catalogue.seen_at
    OR (excluded.seen_at = skill_catalogue.seen_at AND excluded.event_id > skill_catalogue.event_id);

-- move_journal_offset --
-- How far one journal of this home is folded.
INSERT INTO journal_offset (home, journal, folded_bytes) VALUES ($home, $journal, $folded_bytes)
ON CONFLICT (home, journal) DO UPDATE SET folded_bytes = excluded.folded_bytes;

-- sessions_known --
-- Those of some sessions of which anything is stored.
SELECT session_id FROM agent_session
WHERE session_id IN (SELECT json_array_elements_text(CAST($rows AS JSON)));
