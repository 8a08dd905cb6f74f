-- stage_events --
-- The skill events of a batch, bound as one text of JSON lines: one JSON list takes five times as long
-- and fifty times the memory, a list of Python values four hundred times as long.
CREATE OR REPLACE TEMP TABLE staged AS
SELECT unnest(from_json(
    line,
    '{"id":"UUID","kind":"VARCHAR","invocation_id":"UUID","occurred_at":"TIMESTAMP",
    "skill_name":"VARCHAR","session_id":"VARCHAR","source":"VARCHAR","authority":"UTINYINT",
    "agent":"VARCHAR","thread":"VARCHAR","origin":"VARCHAR","project":"VARCHAR","user_id":"VARCHAR",
    "parent_invocation_id":"UUID","invoked_at":"TIMESTAMP","ended_at":"TIMESTAMP",
    "duration_seconds":"DOUBLE","outcome":"VARCHAR","outcome_source":"VARCHAR","evidence":"JSON",
    "error_type":"VARCHAR","tool_call_count":"INTEGER","tool_error_count":"INTEGER",
    "rating":"UTINYINT","note":"VARCHAR","query_text":"VARCHAR","query_hash":"VARCHAR",
    "query_length":"INTEGER","workflow_phase":"VARCHAR","workflow_step":"VARCHAR"}'
))
FROM (SELECT unnest(string_split($events, chr(10))) AS line)
WHERE line <> '';

-- needs_closer_look --
-- Whether a line that nobody parsed is anything but a skill event as session-buddy writes it, or belongs to a
-- session with suggestions, which it may have taken; and whether evidence is so long that its details have to
-- be measured too, with a pattern that takes as long to prepare as thousands of lines take to look at.
SELECT
    odd OR EXISTS (SELECT 1 FROM skill_suggestions WHERE session_id IN (SELECT session_id FROM staged)) AS odd,
    long_evidence
FROM (
    SELECT
        count(*) > count(DISTINCT id)
        OR bool_or(
            id IS NULL
            OR coalesce(NOT list_contains(string_split($kinds, ','), kind), TRUE)
            OR invocation_id IS NULL
            OR occurred_at IS NULL
            OR coalesce(NOT list_contains(string_split($sources, ','), source), TRUE)
            OR coalesce(NOT list_contains(string_split($origins, ','), origin), TRUE)
            OR authority IS NULL
            OR skill_name IS NULL
            OR session_id IS NULL
            OR agent IS NULL
            OR thread IS NULL
            OR least(length(skill_name), length(session_id), length(agent), length(thread)) = 0
            OR greatest(length(skill_name), length(session_id), length(agent), length(thread)) > $name_limit
            OR regexp_matches(concat(skill_name, session_id, agent, thread), $unprintable)
            OR coalesce(duration_seconds < 0 OR NOT isfinite(duration_seconds), FALSE)
            OR coalesce(NOT regexp_full_match(CAST(evidence AS VARCHAR), $evidence), FALSE)
            OR coalesce(least(tool_call_count, tool_error_count, query_length) < 0, FALSE)
            OR coalesce(NOT list_contains(string_split($phases, ','), workflow_phase), FALSE)
            OR coalesce(NOT list_contains(string_split($outcomes, ','), outcome), FALSE)
            OR coalesce(NOT list_contains(string_split($outcome_sources, ','), outcome_source), FALSE)
            OR coalesce(rating NOT BETWEEN 1 AND 5, FALSE)
            OR coalesce(greatest(
                length(project), length(user_id), length(error_type), length(note), length(workflow_step),
                length(query_hash)
            ) > 500, FALSE)
            OR coalesce(length(query_text) > 10000, FALSE)
        ) AS odd,
        coalesce(max(length(CAST(evidence AS VARCHAR))) > 500, FALSE) AS long_evidence
    FROM staged
);

-- has_odd_evidence --
-- Whether any evidence is not as session-buddy writes it, its details measured.
SELECT 1
FROM staged
WHERE NOT regexp_full_match(CAST(evidence AS VARCHAR), $evidence)
LIMIT 1;

-- stage_nothing --
-- An empty batch, for what concerns sessions alone or recomputes invocations from the log.
CREATE OR REPLACE TEMP TABLE staged AS SELECT * FROM skill_event LIMIT 0;

-- drop_known_events --
-- An event that was folded before changes nothing.
DELETE FROM staged WHERE id IN (SELECT id FROM skill_event);

-- touched_uses --
-- How many of the batch's events speak of a use that is known, or that another one of them speaks of too. It
-- reads one column of what is known: an import, where the answer is none, has no need of the others.
SELECT
    (SELECT count(*) FROM skill_invocation WHERE invocation_id IN (SELECT invocation_id FROM staged)) AS known,
    (SELECT count(*) - count(DISTINCT invocation_id) FROM staged) AS shared;

-- stage_no_before --
-- None of the touched invocations is known.
CREATE OR REPLACE TEMP TABLE before AS SELECT * FROM skill_invocation LIMIT 0;

-- stage_before --
-- The touched invocations as they are.
CREATE OR REPLACE TEMP TABLE before AS
SELECT * FROM skill_invocation WHERE invocation_id IN (SELECT invocation_id FROM staged);

-- insert_superseded --
-- Invocations that are no use of their own stay known, whatever else is told of them later.
INSERT INTO superseded_invocation
SELECT DISTINCT invocation_id FROM staged WHERE kind = 'superseded'
ON CONFLICT (invocation_id) DO NOTHING;

-- stage_after --
-- The touched invocations as all their events together say; `session_buddy.live.merge` has the same rule
-- and says why it is so. The order of arrival never matters: `claim` ranks the events by strength, `sight`
-- puts those that observed the use before those that report on it, `recency` goes by time.
CREATE OR REPLACE TEMP TABLE after AS
WITH relevant AS (
    SELECT * FROM staged
    UNION ALL BY NAME
    SELECT * FROM skill_event WHERE invocation_id IN (SELECT invocation_id FROM before)
),

ranked AS (
    SELECT
        *,
        row_number() OVER (PARTITION BY invocation_id ORDER BY authority, occurred_at, id) AS claim
    FROM relevant
    WHERE invocation_id NOT IN (SELECT invocation_id FROM superseded_invocation)
),

keyed AS (
    SELECT
        *,
        claim + CASE WHEN kind IN ('reported', 'rated') THEN 0 ELSE 1000000000 END AS sight,
        struct_pack(t := occurred_at, i := id) AS recency
    FROM ranked
)

SELECT
    invocation_id,
    arg_max(skill_name, sight) AS skill_name,
    arg_max(session_id, sight) AS session_id,
    arg_max(agent, sight) AS agent,
    arg_max(thread, sight) AS thread,
    arg_max(origin, sight) AS origin,
    arg_max(source, sight) AS source,
    arg_max(project, sight) AS project,
    arg_max(user_id, sight) AS user_id,
    arg_max(parent_invocation_id, sight) AS parent_invocation_id,
    coalesce(arg_max(invoked_at, sight), min(occurred_at)) AS invoked_at,
    arg_max(ended_at, sight) AS ended_at,
    arg_max(duration_seconds, sight) AS duration_seconds,
    arg_max(outcome, claim) AS outcome,
    arg_max(outcome, claim) = 'completed' AS completed,
    arg_max_null(outcome_source, claim) FILTER (outcome IS NOT NULL) AS outcome_source,
    arg_max_null(evidence, claim) FILTER (outcome IS NOT NULL) AS evidence,
    arg_max_null(error_type, claim) FILTER (outcome IS NOT NULL) AS error_type,
    arg_max(tool_call_count, sight) AS tool_call_count,
    arg_max(tool_error_count, sight) AS tool_error_count,
    arg_max(rating, recency) FILTER (rating IS NOT NULL) AS rating,
    CASE
        WHEN count(rating) > 0 THEN arg_max_null(note, recency) FILTER (rating IS NOT NULL)
        ELSE arg_max(note, claim)
    END AS note,
    arg_max(query_text, claim) AS query_text,
    arg_max(query_hash, claim) AS query_hash,
    arg_max(query_length, claim) AS query_length,
    coalesce(arg_max(workflow_phase, claim), 'unknown') AS workflow_phase,
    arg_max(workflow_step, claim) AS workflow_step
FROM keyed
GROUP BY invocation_id;

-- stage_after_alone --
-- The same where each event is all that is known of its invocation.
CREATE OR REPLACE TEMP TABLE after AS
SELECT
    invocation_id,
    skill_name,
    session_id,
    agent,
    thread,
    origin,
    source,
    project,
    user_id,
    parent_invocation_id,
    coalesce(invoked_at, occurred_at) AS invoked_at,
    ended_at,
    duration_seconds,
    outcome,
    outcome = 'completed' AS completed,
    CASE WHEN outcome IS NOT NULL THEN outcome_source END AS outcome_source,
    CASE WHEN outcome IS NOT NULL THEN evidence END AS evidence,
    CASE WHEN outcome IS NOT NULL THEN error_type END AS error_type,
    tool_call_count,
    tool_error_count,
    rating,
    note,
    query_text,
    query_hash,
    query_length,
    coalesce(workflow_phase, 'unknown') AS workflow_phase,
    workflow_step
FROM staged
WHERE invocation_id NOT IN (SELECT invocation_id FROM superseded_invocation);

-- insert_after --
-- All of the touched invocations, where none was known before.
INSERT INTO skill_invocation BY NAME SELECT * FROM after;

-- count_before --
-- How many of the touched invocations were known.
SELECT count(*) FROM before;

-- stage_difference --
-- What the batch adds to every total: each touched invocation as it is now, less as it was.
CREATE OR REPLACE TEMP TABLE difference AS
SELECT
    1 AS sign, skill_name, session_id, invoked_at, duration_seconds, outcome, outcome_source, error_type,
    rating, workflow_phase
FROM after
UNION ALL
SELECT
    -1 AS sign, skill_name, session_id, invoked_at, duration_seconds, outcome, outcome_source, error_type,
    rating, workflow_phase
FROM before;

-- insert_skills --
-- Parents first: the totals reference them.
INSERT INTO skill_metrics (skill_name)
SELECT DISTINCT skill_name FROM staged
ON CONFLICT (skill_name) DO NOTHING;

-- insert_events --
-- Append what is new.
INSERT INTO skill_event BY NAME SELECT * FROM staged;

-- insert_invocations --
-- Uses that were not known before.
INSERT INTO skill_invocation BY NAME
SELECT * FROM after WHERE invocation_id NOT IN (SELECT invocation_id FROM before);

-- update_invocations --
-- Uses of which more is known now; no column here is indexed, so rows are updated in place.
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
FROM after AS a
WHERE i.invocation_id = a.invocation_id AND a.invocation_id IN (SELECT invocation_id FROM before);

-- delete_vanished --
-- Uses that turned out to be none, or of which nothing is left.
DELETE FROM skill_invocation
WHERE invocation_id IN (SELECT invocation_id FROM before) AND invocation_id NOT IN (SELECT invocation_id FROM after);

-- move_skill_metrics --
-- The totals of the touched skills.
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
FROM (
    SELECT
        skill_name,
        sum(sign) AS invocation_count,
        coalesce(sum(sign) FILTER (outcome = 'completed'), 0) AS completed_count,
        coalesce(sum(sign) FILTER (outcome = 'failed'), 0) AS failed_count,
        coalesce(sum(sign) FILTER (outcome = 'abandoned'), 0) AS abandoned_count,
        coalesce(sum(sign) FILTER (outcome_source = 'reported'), 0) AS reported_count,
        coalesce(sum(sign) FILTER (outcome_source = 'inferred'), 0) AS inferred_count,
        coalesce(sum(sign) FILTER (duration_seconds IS NOT NULL), 0) AS duration_count,
        coalesce(
            sum(sign * CAST(least(duration_seconds, 1e12) AS DECIMAL(30, 6)))
                FILTER (duration_seconds IS NOT NULL),
            0
        ) AS duration_sum,
        coalesce(sum(sign) FILTER (rating IS NOT NULL), 0) AS rating_count,
        coalesce(sum(sign * rating), 0) AS rating_sum,
        min(invoked_at) FILTER (sign = 1) AS first_invoked_at,
        max(invoked_at) FILTER (sign = 1) AS last_invoked_at
    FROM difference
    GROUP BY skill_name
) AS d
WHERE m.skill_name = d.skill_name;

-- shifted_skills --
-- Skills that may have lost their first or last invocation: corrected, or superseded.
SELECT DISTINCT b.skill_name
FROM before AS b
LEFT JOIN after AS a ON a.invocation_id = b.invocation_id
WHERE b.invoked_at IS DISTINCT FROM a.invoked_at OR b.skill_name IS DISTINCT FROM a.skill_name;

-- recount_skill_times --
-- First and last invocation of the shifted skills, from the rows.
UPDATE skill_metrics AS m
SET first_invoked_at = t.first_invoked_at, last_invoked_at = t.last_invoked_at
FROM (
    SELECT s.skill_name, min(i.invoked_at) AS first_invoked_at, max(i.invoked_at) AS last_invoked_at
    FROM (SELECT unnest(string_split($skill_names, chr(10))) AS skill_name) AS s
    LEFT JOIN skill_invocation AS i ON i.skill_name = s.skill_name
    GROUP BY s.skill_name
) AS t
WHERE m.skill_name = t.skill_name;

-- move_session_skills --
-- What each touched session did with each skill.
INSERT INTO session_skills
SELECT
    CAST(md5(session_id || chr(10) || skill_name) AS UUID) AS session_skill_id,
    session_id,
    skill_name,
    sum(sign) AS invocation_count,
    coalesce(sum(sign) FILTER (outcome = 'completed'), 0) AS completed_count,
    coalesce(sum(sign) FILTER (outcome = 'failed'), 0) AS failed_count,
    coalesce(sum(sign) FILTER (outcome = 'abandoned'), 0) AS abandoned_count,
    coalesce(
            sum(sign * CAST(least(duration_seconds, 1e12) AS DECIMAL(30, 6)))
                FILTER (duration_seconds IS NOT NULL),
            0
        ) AS duration_sum
FROM difference
GROUP BY session_id, skill_name
ON CONFLICT (session_skill_id) DO UPDATE SET
    invocation_count = session_skills.invocation_count + excluded.invocation_count,
    completed_count = session_skills.completed_count + excluded.completed_count,
    failed_count = session_skills.failed_count + excluded.failed_count,
    abandoned_count = session_skills.abandoned_count + excluded.abandoned_count,
    duration_sum = session_skills.duration_sum + excluded.duration_sum;

-- move_tallies --
-- Duration buckets, phases and error types of the touched skills.
INSERT INTO skill_tally
SELECT skill_name, dimension, value, sum(sign) AS invocation_count
FROM (
    SELECT
        sign,
        skill_name,
        'duration_bucket' AS dimension,
        CAST(CAST(ceil(ln(greatest(duration_seconds, 0.001)) / ln(1.01 / 0.99)) AS INTEGER) AS VARCHAR)
            AS value
    FROM difference
    WHERE duration_seconds IS NOT NULL
    UNION ALL
    SELECT sign, skill_name, 'workflow_phase', workflow_phase FROM difference
    UNION ALL
    SELECT sign, skill_name, 'error_type', error_type FROM difference WHERE error_type IS NOT NULL
)
GROUP BY skill_name, dimension, value
HAVING sum(sign) <> 0
ON CONFLICT (skill_name, dimension, value) DO UPDATE SET
    invocation_count = skill_tally.invocation_count + excluded.invocation_count;

-- insert_session_events --
-- Append the beginnings and ends of sessions.
INSERT INTO session_event BY NAME
SELECT unnest(from_json(
    line,
    '{"id":"UUID","kind":"VARCHAR","session_id":"VARCHAR","occurred_at":"TIMESTAMP","agent":"VARCHAR",
    "project":"VARCHAR","user_id":"VARCHAR","reason":"VARCHAR"}'
))
FROM (SELECT unnest(string_split($events, chr(10))) AS line)
WHERE line <> ''
ON CONFLICT (id) DO NOTHING;

-- move_sessions --
-- The sessions of the batch: minima and maxima only, so repeating it changes nothing.
INSERT INTO agent_session BY NAME
WITH facts AS (
    SELECT
        'skill' AS kind, session_id, occurred_at, agent, project, user_id, kind NOT IN ('reported', 'rated', 'superseded') AS observed,
        NULL AS reason
    FROM staged
    UNION ALL BY NAME
    SELECT *, TRUE AS observed
    FROM (
        SELECT unnest(from_json(
            line,
            '{"kind":"VARCHAR","session_id":"VARCHAR","occurred_at":"TIMESTAMP","agent":"VARCHAR",
            "project":"VARCHAR","user_id":"VARCHAR","reason":"VARCHAR"}'
        ))
        FROM (SELECT unnest(string_split($session_events, chr(10))) AS line)
        WHERE line <> ''
    )
),

grouped AS (
    SELECT
        session_id,
        max(agent) AS agent,
        min(struct_pack(t := occurred_at, v := project)) FILTER (project IS NOT NULL) AS origin,
        max(user_id) AS user_id,
        min(occurred_at) FILTER (kind = 'session_started') AS started_at,
        max(struct_pack(t := occurred_at, v := coalesce(reason, '')))
            FILTER (kind = 'session_ended') AS ending,
        min(occurred_at) AS first_activity_at,
        max(occurred_at) AS last_activity_at,
        max(occurred_at) FILTER (observed) AS last_observed_at
    FROM facts
    GROUP BY session_id
)

SELECT
    session_id,
    agent,
    origin.v AS project,
    origin.t AS project_at,
    user_id,
    started_at,
    ending.t AS ended_at,
    ending.v AS end_reason,
    first_activity_at,
    last_activity_at,
    last_observed_at
FROM grouped
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
-- Parents of the catalogue, so that an installed skill which nobody used yet can have a category too.
INSERT INTO skill_metrics (skill_name)
SELECT DISTINCT unnest(from_json(
    line,
    '{"skill_name":"VARCHAR"}'
))
FROM (SELECT unnest(string_split($events, chr(10))) AS line)
WHERE line <> ''
ON CONFLICT (skill_name) DO NOTHING;

-- move_catalogue --
-- The newest word on each skill that is or was installed.
INSERT INTO skill_catalogue BY NAME
SELECT
    skill_name,
    scope,
    coalesce(project, '') AS project,
    coalesce(description, '') AS description,
    kind = 'skill_installed' AS installed,
    occurred_at AS seen_at,
    id AS event_id
FROM (
    SELECT unnest(from_json(
        line,
        '{"id":"UUID","kind":"VARCHAR","occurred_at":"TIMESTAMP","skill_name":"VARCHAR","description":"VARCHAR",
        "scope":"VARCHAR","project":"VARCHAR"}'
    ))
    FROM (SELECT unnest(string_split($events, chr(10))) AS line)
    WHERE line <> ''
)
QUALIFY row_number() OVER (
    PARTITION BY skill_name, scope, coalesce(project, '') ORDER BY occurred_at DESC, id DESC
) = 1
ON CONFLICT (skill_name, scope, project) DO UPDATE SET
    description = excluded.description,
    installed = excluded.installed,
    seen_at = excluded.seen_at,
    event_id = excluded.event_id
WHERE
    excluded.seen_at > skill_catalogue.seen_at
    OR (excluded.seen_at = skill_catalogue.seen_at AND excluded.event_id > skill_catalogue.event_id);

-- touched_skills --
-- The skills whose totals the batch moved.
SELECT DISTINCT skill_name FROM difference;
