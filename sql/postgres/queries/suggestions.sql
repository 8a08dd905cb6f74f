-- insert_suggestions --
-- What was suggested, one row a skill. An experiment that is not in the record cannot be named.
INSERT INTO skill_suggestions (
    suggestion_id, position, skill_name, session_id, user_id, strategy, score, propensity, test_name,
    group_name, suggested_at
)
SELECT
    r.suggestion_id, r.position, r.skill_name, r.session_id, r.user_id, r.strategy, r.score, r.propensity,
    t.test_name, r.group_name, r.suggested_at
FROM
    (SELECT unnest(string_to_array($rows, chr(10))) AS line) AS lines
CROSS JOIN LATERAL json_to_record(CAST(line AS JSON)) AS r (
    suggestion_id UUID, position INT, skill_name TEXT, session_id TEXT, user_id TEXT, strategy TEXT,
    score DOUBLE PRECISION, propensity DOUBLE PRECISION, test_name TEXT, group_name TEXT, suggested_at TIMESTAMP
)
LEFT JOIN ab_test_configs AS t ON t.test_name = r.test_name
WHERE line <> ''
ON CONFLICT (suggestion_id, position) DO NOTHING;

-- has_suggestions --
-- Whether anything was suggested in one of these sessions.
SELECT
  1
FROM skill_suggestions
WHERE
  session_id IN (
    SELECT
      UNNEST(STRING_TO_ARRAY($session_ids, CHR(  10)))
  )
LIMIT 1;

-- attribute_suggestions --
-- A suggestion was taken if the next use of its session, begun within the hour, is one of the suggested skills. It follows from the rows alone, so it stays true when a use is corrected or arrives late.
UPDATE skill_suggestions AS s
SET accepted_invocation_id = CASE WHEN n.skill_name = s.skill_name THEN n.invocation_id END
FROM (
    SELECT DISTINCT ON (g.suggestion_id) g.suggestion_id, i.skill_name, i.invocation_id
    FROM skill_suggestions AS g
    LEFT JOIN skill_invocation AS i
        ON
            i.session_id = g.session_id
            AND i.invoked_at >= g.suggested_at
            AND i.invoked_at < g.suggested_at + INTERVAL '1 hour'
    WHERE g.session_id IN (SELECT unnest(string_to_array($session_ids, chr(10))))
    ORDER BY g.suggestion_id, i.invoked_at, i.invocation_id, i.skill_name
) AS n
WHERE
    n.suggestion_id = s.suggestion_id
    AND s.accepted_invocation_id IS DISTINCT FROM CASE WHEN n.skill_name = s.skill_name THEN n.invocation_id END;

-- acceptance_of_suggestions --
-- By strategy: suggestions made, those taken, and the mean of 1 / position of what was taken.
SELECT
  strategy,
  COUNT(DISTINCT suggestion_id) AS suggestion_count,
  COUNT(accepted_invocation_id) AS accepted_count,
  COALESCE(
    SUM(CAST(1.0 AS DOUBLE PRECISION) / position) FILTER(WHERE
      NOT accepted_invocation_id IS NULL),
    0
  ) AS reciprocal_sum
FROM skill_suggestions
GROUP BY
  strategy
ORDER BY
  strategy;

-- past_uses --
-- The latest uses, oldest first, as far as they teach what comes next and how it goes.
SELECT
  invocation_id,
  skill_name,
  session_id,
  project,
  user_id,
  invoked_at,
  workflow_phase,
  completed,
  duration_seconds
FROM (
  SELECT
    *
  FROM team_invocation
  ORDER BY
    invoked_at DESC,
    invocation_id DESC
  LIMIT $limit
) AS part_1
ORDER BY
  invoked_at,
  invocation_id;
