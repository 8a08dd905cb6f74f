-- insert_exposures --
-- Suggestions that were made in a group of an experiment that is in the record.
INSERT INTO ab_test_exposures (exposure_id, test_name, unit_id, group_name, session_id, exposed_at)
SELECT r.exposure_id, c.test_name, r.unit_id, r.group_name, r.session_id, r.exposed_at
FROM
    (SELECT unnest(string_to_array($rows, chr(10))) AS line) AS lines
CROSS JOIN LATERAL json_to_record(CAST(lines.line AS JSON)) AS r(
    exposure_id UUID, test_name TEXT, unit_id TEXT, group_name TEXT, session_id TEXT, exposed_at TIMESTAMP
)
INNER JOIN ab_test_configs AS c ON c.test_name = r.test_name
WHERE lines.line <> ''
ON CONFLICT (exposure_id) DO NOTHING;

-- insert_assignments --
-- The group of each unit, from its first exposure.
INSERT INTO ab_test_assignments (test_name, unit_id, group_name, strategy, propensity, assigned_at)
SELECT DISTINCT ON (r.test_name, r.unit_id)
    c.test_name, r.unit_id, r.group_name, r.strategy, r.propensity, r.assigned_at
FROM
    (SELECT unnest(string_to_array($rows, chr(10))) AS line) AS lines
CROSS JOIN LATERAL json_to_record(CAST(lines.line AS JSON)) AS r(
    test_name TEXT, unit_id TEXT, group_name TEXT, strategy TEXT, propensity DOUBLE PRECISION, assigned_at TIMESTAMP
)
INNER JOIN ab_test_configs AS c ON c.test_name = r.test_name
WHERE lines.line <> ''
ORDER BY r.test_name, r.unit_id, r.assigned_at
ON CONFLICT (test_name, unit_id) DO NOTHING;

-- latest_suggestions --
-- The latest suggestions, their skills in order, and what was used next: each found by an index, however many there are.
WITH latest AS (
    SELECT suggestion_id, suggested_at, session_id, user_id, strategy, propensity
    FROM skill_suggestions
    WHERE position = 1
    ORDER BY suggested_at DESC, suggestion_id DESC
    LIMIT $limit
)

SELECT g.suggested_at, g.session_id, g.user_id, g.strategy, l.possible, g.propensity, f.skill_name AS used
FROM latest AS g
CROSS JOIN LATERAL (
    SELECT string_agg(s.skill_name, chr(10) ORDER BY s.position) AS possible
    FROM skill_suggestions AS s
    WHERE s.suggestion_id = g.suggestion_id
) AS l
LEFT JOIN LATERAL (
    SELECT i.skill_name
    FROM team_invocation AS i
    WHERE
        i.session_id = g.session_id
        AND i.invoked_at >= g.suggested_at
        AND i.invoked_at < g.suggested_at + INTERVAL '1 hour'
    ORDER BY i.invoked_at, i.invocation_id
    LIMIT 1
) AS f ON TRUE
ORDER BY g.suggested_at, g.suggestion_id;
