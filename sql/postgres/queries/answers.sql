-- totals_of_skill --
-- All-time totals of one skill; its tallies ride along, so that both are of one moment.
SELECT
    m.*,
    (
        SELECT json_object_agg(d.dimension, d.tallies)
        FROM (
            SELECT dimension, json_object_agg(value, invocation_count) AS tallies
            FROM skill_tally
            WHERE skill_name = $skill_name AND invocation_count > 0
            GROUP BY dimension
        ) AS d
    ) AS tallies
FROM skill_metrics AS m
WHERE m.skill_name = $skill_name AND m.invocation_count > 0;

-- totals_of_all_skills --
-- All-time totals of every used skill.
SELECT m.*, t.tallies
FROM skill_metrics AS m
LEFT JOIN (
    SELECT d.skill_name, json_object_agg(d.dimension, d.tallies) AS tallies
    FROM (
        SELECT skill_name, dimension, json_object_agg(value, invocation_count) AS tallies
        FROM skill_tally
        WHERE invocation_count > 0
        GROUP BY skill_name, dimension
    ) AS d
    GROUP BY d.skill_name
) AS t ON t.skill_name = m.skill_name
WHERE m.invocation_count > 0
ORDER BY m.invocation_count DESC, m.skill_name;

-- window_totals_of_skill --
-- Totals of one skill over the invocations that began in a window, with exact quantiles.
WITH used AS (
    SELECT outcome, outcome_source, duration_seconds, rating, invoked_at, error_type, workflow_phase
    FROM skill_invocation
    WHERE skill_name = $skill_name AND invoked_at >= $since AND invoked_at < $until
        AND (CAST($project AS TEXT) IS NULL OR project = $project)
        AND (CAST($agent AS TEXT) IS NULL OR agent = $agent)
        AND (CAST($user_id AS TEXT) IS NULL OR user_id = $user_id)
)
SELECT
    CAST($skill_name AS TEXT) AS skill_name,
    count(*) AS invocation_count,
    count(*) FILTER (WHERE outcome = 'completed') AS completed_count,
    count(*) FILTER (WHERE outcome = 'failed') AS failed_count,
    count(*) FILTER (WHERE outcome = 'abandoned') AS abandoned_count,
    count(*) FILTER (WHERE outcome_source = 'reported') AS reported_count,
    count(*) FILTER (WHERE outcome_source = 'inferred') AS inferred_count,
    count(duration_seconds) AS duration_count,
    coalesce(sum(duration_seconds), 0) AS duration_sum,
    count(rating) AS rating_count,
    coalesce(sum(rating), 0) AS rating_sum,
    min(invoked_at) AS first_invoked_at,
    max(invoked_at) AS last_invoked_at,
    percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY duration_seconds) AS quantiles,
    (
        SELECT json_object_agg(e.error_type, e.uses)
        FROM (
            SELECT error_type, count(*) AS uses FROM used WHERE error_type IS NOT NULL GROUP BY error_type
        ) AS e
    ) AS errors,
    (
        SELECT json_object_agg(p.workflow_phase, p.uses)
        FROM (SELECT workflow_phase, count(*) AS uses FROM used GROUP BY workflow_phase) AS p
    ) AS phases
FROM used
HAVING count(*) > 0;

-- window_totals_of_all_skills --
-- The same for every skill.
WITH used AS (
    SELECT skill_name, outcome, outcome_source, duration_seconds, rating, invoked_at, error_type, workflow_phase
    FROM skill_invocation
    WHERE invoked_at >= $since AND invoked_at < $until
        AND (CAST($project AS TEXT) IS NULL OR project = $project)
        AND (CAST($agent AS TEXT) IS NULL OR agent = $agent)
        AND (CAST($user_id AS TEXT) IS NULL OR user_id = $user_id)
),

errors AS (
    SELECT e.skill_name, json_object_agg(e.error_type, e.uses) AS errors
    FROM (
        SELECT skill_name, error_type, count(*) AS uses
        FROM used
        WHERE error_type IS NOT NULL
        GROUP BY skill_name, error_type
    ) AS e
    GROUP BY e.skill_name
),

phases AS (
    SELECT p.skill_name, json_object_agg(p.workflow_phase, p.uses) AS phases
    FROM (
        SELECT skill_name, workflow_phase, count(*) AS uses FROM used GROUP BY skill_name, workflow_phase
    ) AS p
    GROUP BY p.skill_name
),

totals AS (
    SELECT
        skill_name,
        count(*) AS invocation_count,
        count(*) FILTER (WHERE outcome = 'completed') AS completed_count,
        count(*) FILTER (WHERE outcome = 'failed') AS failed_count,
        count(*) FILTER (WHERE outcome = 'abandoned') AS abandoned_count,
        count(*) FILTER (WHERE outcome_source = 'reported') AS reported_count,
        count(*) FILTER (WHERE outcome_source = 'inferred') AS inferred_count,
        count(duration_seconds) AS duration_count,
        coalesce(sum(duration_seconds), 0) AS duration_sum,
        count(rating) AS rating_count,
        coalesce(sum(rating), 0) AS rating_sum,
        min(invoked_at) AS first_invoked_at,
        max(invoked_at) AS last_invoked_at,
        percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY duration_seconds) AS quantiles
    FROM used
    GROUP BY skill_name
)

SELECT t.*, e.errors, p.phases
FROM totals AS t
LEFT JOIN errors AS e ON e.skill_name = t.skill_name
LEFT JOIN phases AS p ON p.skill_name = t.skill_name
ORDER BY t.invocation_count DESC, t.skill_name;

-- top_skills --
-- The most used skills of a window, of one project, agent or user if given.
SELECT
  skill_name,
  COUNT(*) AS invocation_count,
  COUNT(*) FILTER(WHERE
    completed) AS completed_count,
  CAST(COUNT(*) FILTER(WHERE
    completed) AS DOUBLE PRECISION) / NULLIF(COUNT(completed), 0) AS completion_rate,
  AVG(duration_seconds) AS avg_duration,
  PERCENTILE_CONT(0.95) WITHIN GROUP (ORDER BY
    duration_seconds) AS p95_duration,
  MAX(invoked_at) AS last_invocation_at
FROM team_invocation
WHERE
  invoked_at >= $since
  AND invoked_at < $until
  AND (
    CAST($project AS TEXT) IS NULL OR project = $project
  )
  AND (
    CAST($agent AS TEXT) IS NULL OR agent = $agent
  )
  AND (
    CAST($user_id AS TEXT) IS NULL OR user_id = $user_id
  )
GROUP BY
  skill_name
ORDER BY
  COUNT(*) DESC,
  skill_name
LIMIT $limit;

-- skills_of_agent --
-- What an agent has used: one look into the index for each skill, however often it was used.
WITH RECURSIVE known AS (
    (SELECT skill_name FROM skill_invocation WHERE agent = $agent ORDER BY skill_name LIMIT 1)
    UNION ALL
    SELECT (
        SELECT i.skill_name FROM skill_invocation AS i
        WHERE i.agent = $agent AND i.skill_name > k.skill_name
        ORDER BY i.skill_name
        LIMIT 1
    )
    FROM known AS k
    WHERE k.skill_name IS NOT NULL
)

SELECT skill_name FROM known WHERE skill_name IS NOT NULL;

-- active_anomalies --
-- Anomalies that last, newest first.
SELECT
  skill_name,
  anomaly_type,
  baseline_value,
  observed_value,
  deviation_score,
  detected_at
FROM skill_anomalies
WHERE
  resolved_at IS NULL
ORDER BY
  detected_at DESC,
  anomaly_id;

-- count_active_sessions --
-- Sessions with activity since a moment that have not ended, or went on after they had; filtered as above.
SELECT
  COUNT(*)
FROM agent_session
WHERE
  last_activity_at >= $since
  AND (
    ended_at IS NULL OR ended_at < last_observed_at
  )
  AND (
    CAST($project AS TEXT) IS NULL OR project = $project
  )
  AND (
    CAST($agent AS TEXT) IS NULL OR agent = $agent
  )
  AND (
    CAST($user_id AS TEXT) IS NULL OR user_id = $user_id
  );

-- invocation_by_id --
-- One invocation.
SELECT
  *
FROM team_invocation
WHERE
  invocation_id = $invocation_id;

-- invocation_of_event --
-- The invocation that an event belongs to.
SELECT
  invocation_id
FROM team_event
WHERE
  id = $id;

-- invocations_of_session --
-- What a session used, in order.
SELECT
  *
FROM team_invocation
WHERE
  session_id = $session_id
ORDER BY
  invoked_at,
  invocation_id;

-- beginnings_of_batches --
-- When every so many-th invocation of a window began: sorting whole rows would not fit into memory.
SELECT DISTINCT
  invoked_at
FROM (
  SELECT
    invoked_at,
    ROW_NUMBER() OVER (ORDER BY invoked_at) AS position
  FROM team_invocation
  WHERE
    invoked_at >= $since AND invoked_at < $until
) AS part_1
WHERE
  position % $batch_size = 1 % $batch_size
ORDER BY
  invoked_at;

-- invocations_in_window --
-- The invocations that began in a window, in order.
SELECT
  *
FROM team_invocation
WHERE
  invoked_at >= $since AND invoked_at < $until
ORDER BY
  invoked_at,
  invocation_id;

-- latest_invocation_of_skill --
-- The newest use of a skill, in one session if it is given.
SELECT
  *
FROM team_invocation
WHERE
  skill_name = $skill_name
  AND session_id = COALESCE($session_id, session_id)
ORDER BY
  invoked_at DESC,
  invocation_id DESC
LIMIT 1;

-- summary_of_session --
-- What is known of one session.
SELECT
  session_id,
  agent,
  project,
  started_at,
  last_activity_at,
  ended_at,
  invocation_count,
  completed_count,
  failed_count,
  abandoned_count
FROM v_session_summary
WHERE
  session_id = $session_id;

-- first_activity_of_session --
-- When a session was first heard of.
SELECT
  first_activity_at
FROM agent_session
WHERE
  session_id = $session_id;

-- latest_sessions --
-- The sessions that were active last; the newest are chosen before their skills are counted.
WITH latest AS (
  SELECT
    *
  FROM agent_session
  ORDER BY
    last_activity_at DESC,
    session_id
  LIMIT $limit
), used AS (
  SELECT
    session_id,
    CAST(SUM(invocation_count) AS BIGINT) AS invocation_count,
    CAST(SUM(completed_count) AS BIGINT) AS completed_count,
    CAST(SUM(failed_count) AS BIGINT) AS failed_count,
    CAST(SUM(abandoned_count) AS BIGINT) AS abandoned_count
  FROM session_skills
  WHERE
    session_id IN (
      SELECT
        session_id
      FROM latest
    )
  GROUP BY
    session_id
)
SELECT
  l.session_id,
  l.agent,
  l.project,
  COALESCE(l.started_at, l.first_activity_at) AS started_at,
  l.last_activity_at,
  CASE
    WHEN l.ended_at >= COALESCE(l.last_observed_at, l.ended_at)
    THEN l.ended_at
  END AS ended_at,
  COALESCE(u.invocation_count, 0) AS invocation_count,
  COALESCE(u.completed_count, 0) AS completed_count,
  COALESCE(u.failed_count, 0) AS failed_count,
  COALESCE(u.abandoned_count, 0) AS abandoned_count
FROM latest AS l
LEFT JOIN used AS u
  ON u.session_id = l.session_id
ORDER BY
  l.last_activity_at DESC,
  l.session_id;

-- neighbours_of_skill --
-- How often each skill came directly before and directly after one in a session, as the roll-ups have it.
WITH met AS (
    SELECT skill_b AS neighbour, b_before_a_count AS before_count, a_before_b_count AS after_count
    FROM skill_dependencies
    WHERE skill_a = $skill_name
    UNION ALL
    SELECT skill_a, a_before_b_count, b_before_a_count
    FROM skill_dependencies
    WHERE skill_b = $skill_name
    UNION ALL
    SELECT skill_name, repeat_count, repeat_count FROM skill_session_counts WHERE skill_name = $skill_name
)

SELECT 'before' AS side, neighbour, before_count AS invocation_count FROM met WHERE before_count > 0
UNION ALL
SELECT 'after', neighbour, after_count FROM met WHERE after_count > 0
ORDER BY side, invocation_count DESC, neighbour;

-- catalogue --
-- Installed skills, with the surest category and modality; what the user said is surer than any rule.
SELECT
  c.skill_name,
  (
    ARRAY_AGG(c.description ORDER BY c.seen_at DESC, c.event_id DESC) FILTER(WHERE
      NOT c.description IS NULL)
  )[1] AS description,
  ARRAY_AGG(DISTINCT c.scope ORDER BY c.scope) AS scopes,
  (
    SELECT
      m.category
    FROM skill_category_mapping AS m
    WHERE
      m.skill_name = c.skill_name
    ORDER BY
      m.assigned_by DESC,
      m.confidence DESC,
      m.category
    LIMIT 1
  ) AS category,
  (
    SELECT
      o.modality
    FROM skill_modalities AS o
    WHERE
      o.skill_name = c.skill_name
    ORDER BY
      o.assigned_by DESC,
      o.confidence DESC,
      o.modality
    LIMIT 1
  ) AS modality
FROM skill_catalogue AS c
WHERE
  c.installed
GROUP BY
  c.skill_name
ORDER BY
  c.skill_name;

-- catalogue_events --
-- What was last said of each skill in each scope and project.
SELECT
  event_id AS id,
  installed,
  seen_at AS occurred_at,
  skill_name,
  description,
  scope,
  project
FROM skill_catalogue
ORDER BY
  skill_name,
  scope,
  project;

-- latest_activity --
-- When a session was at work last.
SELECT
  MAX(last_activity_at)
FROM agent_session;

-- unfinished_sessions --
-- Sessions that were at work and of whose end nothing is known, or of some use in them; the latest first.
SELECT
  s.session_id
FROM agent_session AS s
WHERE
  s.last_activity_at >= $since
  AND (
    COALESCE(s.ended_at < s.last_observed_at, TRUE)
    OR EXISTS(
      SELECT
        1
      FROM team_invocation AS i
      WHERE
        i.session_id = s.session_id AND i.outcome IS NULL
    )
  )
ORDER BY
  s.last_activity_at DESC,
  s.session_id
LIMIT $most;

-- journal_offsets --
-- How far each journal of this home is folded.
SELECT journal, folded_bytes FROM journal_offset WHERE home = $home ORDER BY journal;

-- drop_journal_offset --
-- A journal was archived; its name will not come back.
DELETE FROM journal_offset WHERE home = $home AND journal = $journal;

-- count_rows --
-- Sizes for `status`; uses are counted as the totals have them, and a skill counts once it is used.
SELECT
    (SELECT count(*) FROM skill_event) AS events,
    (SELECT CAST(coalesce(sum(invocation_count), 0) AS BIGINT) FROM skill_metrics) AS invocations,
    (SELECT count(*) FROM skill_metrics WHERE invocation_count > 0) AS skills,
    (SELECT count(*) FROM agent_session) AS sessions;

-- window_totals_of_every_skill --
-- Totals of all skills over the invocations that began in a window, of whatever project, agent and user: skill by skill, from its index alone.
SELECT m.skill_name, t.*
FROM skill_metrics AS m
CROSS JOIN LATERAL (
    WITH used AS MATERIALIZED (
        SELECT outcome, outcome_source, duration_seconds, rating, invoked_at, error_type, workflow_phase
        FROM skill_invocation
        WHERE skill_name = m.skill_name AND invoked_at >= $since AND invoked_at < $until
    )

    SELECT
        count(*) AS invocation_count,
        count(*) FILTER (WHERE outcome = 'completed') AS completed_count,
        count(*) FILTER (WHERE outcome = 'failed') AS failed_count,
        count(*) FILTER (WHERE outcome = 'abandoned') AS abandoned_count,
        count(*) FILTER (WHERE outcome_source = 'reported') AS reported_count,
        count(*) FILTER (WHERE outcome_source = 'inferred') AS inferred_count,
        count(duration_seconds) AS duration_count,
        coalesce(sum(duration_seconds), 0) AS duration_sum,
        count(rating) AS rating_count,
        coalesce(sum(rating), 0) AS rating_sum,
        min(invoked_at) AS first_invoked_at,
        max(invoked_at) AS last_invoked_at,
        percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY duration_seconds) AS quantiles,
        (
            SELECT json_object_agg(e.error_type, e.uses)
            FROM (
                SELECT error_type, count(*) AS uses FROM used WHERE error_type IS NOT NULL GROUP BY error_type
            ) AS e
        ) AS errors,
        (
            SELECT json_object_agg(p.workflow_phase, p.uses)
            FROM (SELECT workflow_phase, count(*) AS uses FROM used GROUP BY workflow_phase) AS p
        ) AS phases
    FROM used
    HAVING count(*) > 0
) AS t
WHERE m.last_invoked_at >= $since AND m.first_invoked_at < $until
ORDER BY t.invocation_count DESC, m.skill_name;
