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
