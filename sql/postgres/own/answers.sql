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

-- journal_offsets --
-- How far each journal of this home is folded.
SELECT journal, folded_bytes FROM journal_offset WHERE home = $home ORDER BY journal;

-- drop_journal_offset --
-- A journal was archived; its name will not come back.
DELETE FROM journal_offset WHERE home = $home AND journal = $journal;

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

-- count_rows --
-- Sizes for `status`; uses are counted as the totals have them, and a skill counts once it is used.
SELECT
    (SELECT count(*) FROM skill_event) AS events,
    (SELECT CAST(coalesce(sum(invocation_count), 0) AS BIGINT) FROM skill_metrics) AS invocations,
    (SELECT count(*) FROM skill_metrics WHERE invocation_count > 0) AS skills,
    (SELECT count(*) FROM agent_session) AS sessions;

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
