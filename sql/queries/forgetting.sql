-- requests_to_forget --
-- What must not be recorded again.
SELECT scope, value, before FROM forgotten;

-- record_request --
-- A request to forget; a later one of the same scope reaches further.
INSERT INTO forgotten (scope, value, before) VALUES ($scope, $value, $before)
ON CONFLICT (scope, value) DO UPDATE SET
    removed_count = CASE WHEN excluded.before > forgotten.before THEN 0 ELSE forgotten.removed_count END,
    before = greatest(excluded.before, forgotten.before);

-- add_to_request --
-- Count what went at a request.
UPDATE forgotten SET removed_count = removed_count + $removed_count WHERE scope = $scope AND value = $value;

-- removed_at_request --
-- How many invocations went at a request.
SELECT removed_count FROM forgotten WHERE scope = $scope AND value = $value AND before = $before;

-- known_sessions --
-- The sessions of which anything is stored.
SELECT DISTINCT session_id FROM skill_event
UNION
SELECT DISTINCT session_id FROM session_event
UNION
SELECT DISTINCT session_id FROM pipeline_stage_runs WHERE session_id IS NOT NULL
UNION
SELECT DISTINCT session_id FROM quality_gate_runs WHERE session_id IS NOT NULL;

-- known_skills --
-- The skills of which anything is stored.
SELECT DISTINCT skill_name FROM skill_event
UNION
SELECT DISTINCT skill_name FROM skill_catalogue;

-- stage_matching_events --
-- The events that a request covers. `names` is empty where the scope is a time; then all events of a use that
-- began before it go, a later rating too, or none.
CREATE OR REPLACE TEMP TABLE matching AS
SELECT id, invocation_id, session_id
FROM skill_event
WHERE
    CASE $scope
        WHEN 'before' THEN coalesce(
            (SELECT i.invoked_at FROM skill_invocation AS i WHERE i.invocation_id = skill_event.invocation_id),
            invoked_at,
            occurred_at
        ) < $before
        WHEN 'session' THEN occurred_at < $before AND session_id IN (SELECT unnest(string_split($names, chr(10))))
        ELSE occurred_at < $before AND skill_name IN (SELECT unnest(string_split($names, chr(10))))
    END;

-- stage_matching_session_events --
-- The beginnings and ends of sessions that a request covers.
CREATE OR REPLACE TEMP TABLE matching_session AS
SELECT id, session_id
FROM session_event
WHERE
    occurred_at < $before
    AND (
        $scope = 'before'
        OR ($scope = 'session' AND session_id IN (SELECT unnest(string_split($names, chr(10)))))
    );

-- stage_before_of_matching --
-- The touched invocations as they are.
CREATE OR REPLACE TEMP TABLE before AS
SELECT * FROM skill_invocation WHERE invocation_id IN (SELECT invocation_id FROM matching);

-- delete_matching_events --
-- What is forgotten leaves the log.
DELETE FROM skill_event WHERE id IN (SELECT id FROM matching);

-- delete_matching_session_events --
-- What is forgotten leaves the log of sessions.
DELETE FROM session_event WHERE id IN (SELECT id FROM matching_session);

-- delete_orphaned_superseded --
-- A mark on an invocation of which nothing is left says too much.
DELETE FROM superseded_invocation
WHERE
    invocation_id IN (SELECT invocation_id FROM matching)
    AND invocation_id NOT IN (SELECT invocation_id FROM skill_event WHERE kind = 'superseded');

-- stage_events_of_touched_sessions --
-- What is left of the sessions that lost something.
CREATE OR REPLACE TEMP TABLE staged AS
SELECT * FROM skill_event
WHERE
    session_id IN (SELECT session_id FROM matching)
    OR session_id IN (SELECT session_id FROM matching_session);

-- left_session_events --
-- The same of their beginnings and ends, as lines of JSON.
SELECT to_json(struct_pack(
    kind := kind, session_id := session_id, occurred_at := occurred_at, agent := agent,
    project := project, user_id := user_id, reason := reason
))
FROM session_event
WHERE
    session_id IN (SELECT session_id FROM matching)
    OR session_id IN (SELECT session_id FROM matching_session);

-- delete_touched_sessions --
-- They are made again from what is left.
DELETE FROM agent_session
WHERE
    session_id IN (SELECT session_id FROM matching)
    OR session_id IN (SELECT session_id FROM matching_session);

-- delete_skills_of_gone_sessions --
-- Sessions of which nothing is left.
DELETE FROM session_skills
WHERE session_id NOT IN (SELECT session_id FROM agent_session);

-- delete_matching_catalogue --
-- A skill that is still installed will be catalogued again.
DELETE FROM skill_catalogue
WHERE
    seen_at < $before
    AND (
        $scope = 'before'
        OR ($scope = 'skill' AND skill_name IN (SELECT unnest(string_split($names, chr(10)))))
    );

-- delete_suggestions_of_gone_sessions --
-- Suggestions made in sessions that are gone.
DELETE FROM skill_suggestions WHERE session_id NOT IN (SELECT session_id FROM agent_session);

-- delete_matching_exposures --
-- Suggestions of experiments that a request to forget covers.
DELETE FROM ab_test_exposures
WHERE
    exposed_at < $before
    AND CASE $scope
        WHEN 'before' THEN TRUE
        WHEN 'session' THEN session_id IN (SELECT unnest(string_split($names, chr(10))))
        ELSE exposure_id IN (
            SELECT suggestion_id
            FROM skill_suggestions
            WHERE skill_name IN (SELECT unnest(string_split($names, chr(10))))
        )
    END;

-- delete_matching_outcomes --
-- What followed them, what came from uses that are gone, and what was told of the same session or time.
DELETE FROM ab_test_outcomes
WHERE
    (source = 'observed' AND exposure_id NOT IN (SELECT exposure_id FROM ab_test_exposures))
    OR (invocation_id IS NOT NULL AND invocation_id NOT IN (SELECT invocation_id FROM skill_invocation))
    OR (
        source = 'told'
        AND occurred_at < $before
        AND CASE $scope
            WHEN 'before' THEN TRUE
            WHEN 'session' THEN session_id IN (SELECT unnest(string_split($names, chr(10))))
            ELSE skill_name IN (SELECT unnest(string_split($names, chr(10))))
        END
    );

-- skills_without_a_trace --
-- Names that nothing but their own row knows.
SELECT skill_name
FROM skill_metrics
WHERE
    invocation_count = 0
    AND skill_name NOT IN (SELECT skill_name FROM skill_catalogue)
    AND skill_name NOT IN (SELECT skill_name FROM skill_event);

-- delete_session_skills --
-- The one table that names skills without a foreign key, beside the logs.
DELETE FROM session_skills WHERE skill_name IN (SELECT unnest(string_split($names, chr(10))));

-- delete_skills --
-- Parents go in a transaction of their own: DuckDB still sees children deleted in the same one.
DELETE FROM skill_metrics WHERE skill_name IN (SELECT unnest(string_split($names, chr(10))));

-- count_invocations --
-- How many uses there are.
SELECT count(*) FROM skill_invocation;
