-- insert_suggestions --
-- What was suggested, one row a skill. An experiment that is not in the record cannot be named.
INSERT INTO skill_suggestions BY NAME
SELECT * EXCLUDE (test_name), CASE WHEN test_name IN (SELECT test_name FROM ab_test_configs) THEN test_name END AS test_name
FROM (
    SELECT unnest(from_json(
        line,
        '{"suggestion_id":"UUID","position":"INTEGER","skill_name":"VARCHAR","session_id":"VARCHAR",
        "user_id":"VARCHAR","strategy":"VARCHAR","score":"DOUBLE","propensity":"DOUBLE","test_name":"VARCHAR",
        "group_name":"VARCHAR","suggested_at":"TIMESTAMP"}'
    ))
    FROM (SELECT unnest(string_split($rows, chr(10))) AS line)
    WHERE line <> ''
)
ON CONFLICT (suggestion_id, position) DO NOTHING;

-- has_suggestions --
-- Whether anything was suggested in one of these sessions.
SELECT 1 FROM skill_suggestions
WHERE session_id IN (SELECT unnest(string_split($session_ids, chr(10))))
LIMIT 1;

-- attribute_suggestions --
-- A suggestion was taken if the next use of its session, begun within the hour, is one of the suggested
-- skills. It follows from the rows alone, so it stays true when a use is corrected or arrives late.
UPDATE skill_suggestions AS s
SET accepted_invocation_id = CASE WHEN n.next.skill_name = s.skill_name THEN n.next.invocation_id END
FROM (
    SELECT
        g.suggestion_id,
        min(struct_pack(
            invoked_at := i.invoked_at, invocation_id := i.invocation_id, skill_name := i.skill_name
        )) AS next
    FROM (
        SELECT DISTINCT suggestion_id, session_id, suggested_at
        FROM skill_suggestions
        WHERE session_id IN (SELECT unnest(string_split($session_ids, chr(10))))
    ) AS g
    LEFT JOIN skill_invocation AS i
        ON
            i.session_id = g.session_id
            AND i.invoked_at >= g.suggested_at
            AND i.invoked_at < g.suggested_at + INTERVAL 1 HOUR
    GROUP BY g.suggestion_id
) AS n
WHERE
    n.suggestion_id = s.suggestion_id
    AND s.accepted_invocation_id IS DISTINCT FROM
    CASE WHEN n.next.skill_name = s.skill_name THEN n.next.invocation_id END;

-- acceptance_of_suggestions --
-- By strategy: suggestions made, those taken, and the mean of 1 / position of what was taken.
SELECT
    strategy,
    count(DISTINCT suggestion_id) AS suggestion_count,
    count(accepted_invocation_id) AS accepted_count,
    coalesce(sum(1.0 / position) FILTER (accepted_invocation_id IS NOT NULL), 0) AS reciprocal_sum
FROM skill_suggestions
GROUP BY strategy
ORDER BY strategy;

-- past_uses --
-- The latest uses, oldest first, as far as they teach what comes next and how it goes.
SELECT
    invocation_id, skill_name, session_id, project, user_id, invoked_at, workflow_phase, completed, duration_seconds
FROM (
    SELECT * FROM skill_invocation ORDER BY invoked_at DESC, invocation_id DESC LIMIT $limit
)
ORDER BY invoked_at, invocation_id;
