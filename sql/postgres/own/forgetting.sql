-- requests_to_forget --
-- What must not be recorded again from this home.
SELECT scope, value, before FROM forgotten WHERE home = $home;

-- record_request --
-- A request to forget; a later one of the same scope reaches further.
INSERT INTO forgotten (home, scope, value, before) VALUES ($home, $scope, $value, $before)
ON CONFLICT (home, scope, value) DO UPDATE SET
    removed_count = CASE WHEN excluded.before > forgotten.before THEN 0 ELSE forgotten.removed_count END,
    before = greatest(excluded.before, forgotten.before);

-- add_to_request --
-- Count what went at a request.
UPDATE forgotten SET removed_count = removed_count + $removed_count
WHERE home = $home AND scope = $scope AND value = $value;

-- removed_at_request --
-- How many invocations went at a request.
SELECT removed_count FROM forgotten
WHERE home = $home AND scope = $scope AND value = $value AND before = $before;

-- known_sessions --
-- The sessions of which this writer stored anything.
SELECT DISTINCT session_id FROM own_event
UNION
SELECT DISTINCT session_id FROM session_event
UNION
SELECT DISTINCT session_id FROM pipeline_stage_runs WHERE session_id IS NOT NULL
UNION
SELECT DISTINCT session_id FROM quality_gate_runs WHERE session_id IS NOT NULL;

-- known_skills --
-- The skills of which anything is stored.
SELECT DISTINCT skill_name FROM own_event
UNION
SELECT DISTINCT skill_name FROM skill_catalogue;

-- matching_events --
-- The writer's own events that a request covers; where its scope is a time, all events of a use that began before.
SELECT e.id, e.invocation_id, e.session_id
FROM own_event AS e
WHERE
    CASE CAST($scope AS TEXT)
        WHEN 'before' THEN coalesce(
            (SELECT i.invoked_at FROM own_invocation AS i WHERE i.invocation_id = e.invocation_id),
            e.invoked_at,
            e.occurred_at
        ) < $before
        WHEN 'session' THEN
            e.occurred_at < $before AND e.session_id IN (SELECT json_array_elements_text(CAST($rows AS JSON)))
        ELSE e.occurred_at < $before AND e.skill_name IN (SELECT json_array_elements_text(CAST($rows AS JSON)))
    END;

-- matching_session_events --
-- The beginnings and ends of this writer's sessions that a request covers.
SELECT id, session_id
FROM session_event
WHERE
    written_by = current_user
    AND occurred_at < $before
    AND (
        CAST($scope AS TEXT) = 'before'
        OR (
            CAST($scope AS TEXT) = 'session'
            AND session_id IN (SELECT json_array_elements_text(CAST($rows AS JSON)))
        )
    );

-- delete_events --
-- What is forgotten leaves the log.
DELETE FROM skill_event WHERE id IN (SELECT CAST(json_array_elements_text(CAST($ids AS JSON)) AS UUID));

-- delete_session_events --
-- What is forgotten leaves the log of sessions.
DELETE FROM session_event WHERE id IN (SELECT CAST(json_array_elements_text(CAST($ids AS JSON)) AS UUID));

-- delete_orphaned_superseded --
-- A mark on an invocation of which nothing is left says too much.
DELETE FROM superseded_invocation
WHERE
    invocation_id IN (SELECT CAST(json_array_elements_text(CAST($ids AS JSON)) AS UUID))
    AND invocation_id NOT IN (SELECT invocation_id FROM skill_event WHERE kind = 'superseded');

-- events_of_sessions --
-- What is left of some sessions.
SELECT kind, session_id, occurred_at, agent, project, user_id FROM skill_event
WHERE session_id IN (SELECT json_array_elements_text(CAST($rows AS JSON)));

-- session_events_of_sessions --
-- The same of their beginnings and ends.
SELECT kind, session_id, occurred_at, agent, project, user_id, reason FROM session_event
WHERE session_id IN (SELECT json_array_elements_text(CAST($rows AS JSON)));

-- delete_sessions --
-- They are made again from what is left.
DELETE FROM agent_session WHERE session_id IN (SELECT json_array_elements_text(CAST($rows AS JSON)));

-- delete_skills_of_gone_sessions --
-- Sessions of which nothing is left.
DELETE FROM session_skills AS k
WHERE
    k.session_id IN (SELECT json_array_elements_text(CAST($rows AS JSON)))
    AND NOT EXISTS (SELECT 1 FROM agent_session AS s WHERE s.session_id = k.session_id);

-- delete_suggestions_of_gone_sessions --
-- Suggestions made in sessions that are gone.
DELETE FROM skill_suggestions AS g
WHERE
    g.session_id IN (SELECT json_array_elements_text(CAST($rows AS JSON)))
    AND NOT EXISTS (SELECT 1 FROM agent_session AS s WHERE s.session_id = g.session_id);

-- delete_matching_catalogue --
-- A skill that is still installed will be catalogued again.
DELETE FROM skill_catalogue
WHERE
    seen_at < $before
    AND (
        CAST($scope AS TEXT) = 'before'
        OR (
            CAST($scope AS TEXT) = 'skill'
            AND skill_name IN (SELECT json_array_elements_text(CAST($rows AS JSON)))
        )
    );

-- delete_matching_anomalies --
-- Anomalies of what is forgotten.
DELETE FROM skill_anomalies
WHERE
    detected_at < $before
    AND (
        CAST($scope AS TEXT) = 'before'
        OR (
            CAST($scope AS TEXT) = 'skill'
            AND skill_name IN (SELECT json_array_elements_text(CAST($rows AS JSON)))
        )
    );

-- skills_without_a_trace --
-- Names that nothing but their own row knows.
SELECT m.skill_name
FROM skill_metrics AS m
WHERE
    m.invocation_count = 0
    AND NOT EXISTS (SELECT 1 FROM skill_catalogue AS c WHERE c.skill_name = m.skill_name)
    AND NOT EXISTS (SELECT 1 FROM skill_event AS e WHERE e.skill_name = m.skill_name);

-- delete_session_skills --
-- A table that names skills without a foreign key.
DELETE FROM session_skills WHERE skill_name IN (SELECT json_array_elements_text(CAST($rows AS JSON)));

-- delete_skills --
-- The parents, once no child is left.
DELETE FROM skill_metrics WHERE skill_name IN (SELECT json_array_elements_text(CAST($rows AS JSON)));

-- count_invocations --
-- How many uses this writer wrote.
SELECT count(*) FROM skill_invocation WHERE written_by = current_user;

-- delete_matching_stage_runs --
-- The runs that this member told of and a request to forget covers.
DELETE FROM pipeline_stage_runs
WHERE
    written_by = current_user
    AND (
        (CAST($scope AS TEXT) = 'before' AND started_at < $before)
        OR (
            CAST($scope AS TEXT) = 'session'
            AND recorded_at < $before
            AND session_id IN (SELECT json_array_elements_text(CAST($rows AS JSON)))
        )
    );

-- delete_matching_gate_runs --
-- The runs that this member told of and a request to forget covers.
DELETE FROM quality_gate_runs
WHERE
    written_by = current_user
    AND (
        (CAST($scope AS TEXT) = 'before' AND started_at < $before)
        OR (
            CAST($scope AS TEXT) = 'session'
            AND recorded_at < $before
            AND session_id IN (SELECT json_array_elements_text(CAST($rows AS JSON)))
        )
    );

-- delete_matching_exposures --
-- The suggestions of experiments that this member wrote and a request to forget covers.
DELETE FROM ab_test_exposures
WHERE
    written_by = current_user
    AND exposed_at < $before
    AND CASE CAST($scope AS TEXT)
        WHEN 'before' THEN TRUE
        WHEN 'session' THEN session_id IN (SELECT json_array_elements_text(CAST($rows AS JSON)))
        ELSE exposure_id IN (
            SELECT suggestion_id
            FROM skill_suggestions
            WHERE skill_name IN (SELECT json_array_elements_text(CAST($rows AS JSON)))
        )
    END;

-- delete_matching_outcomes --
-- What followed them, what came from uses that are gone, and what this member told of the same session or time.
DELETE FROM ab_test_outcomes
WHERE
    (source = 'observed' AND exposure_id NOT IN (SELECT exposure_id FROM ab_test_exposures))
    OR (invocation_id IS NOT NULL AND invocation_id NOT IN (SELECT invocation_id FROM skill_invocation))
    OR (
        source = 'told'
        AND written_by = current_user
        AND occurred_at < $before
        AND CASE CAST($scope AS TEXT)
            WHEN 'before' THEN TRUE
            WHEN 'session' THEN session_id IN (SELECT json_array_elements_text(CAST($rows AS JSON)))
            ELSE skill_name IN (SELECT json_array_elements_text(CAST($rows AS JSON)))
        END
    );
