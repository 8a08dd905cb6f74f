-- stage_changes --
-- What the roll-ups lack, where it does not cancel out. A skill that was forgotten has no row to move.
CREATE TEMPORARY TABLE change ON COMMIT DROP AS
SELECT
    sum(sign) AS sign, invocation_id, skill_name, session_id, user_id, invoked_at, outcome, duration_seconds,
    rating
FROM skill_change
WHERE skill_name IN (SELECT skill_name FROM skill_metrics)
GROUP BY invocation_id, skill_name, session_id, user_id, invoked_at, outcome, duration_seconds, rating
HAVING sum(sign) <> 0;

-- assigned_categories --
-- What is assigned already.
SELECT skill_name, category AS value, confidence, assigned_by
FROM skill_category_mapping
ORDER BY skill_name, category;

-- assigned_modalities --
-- What is assigned already.
SELECT skill_name, modality AS value, confidence, assigned_by
FROM skill_modalities
ORDER BY skill_name, modality;

-- unstage_changes --
-- The staging tables of one learning, for another in the same transaction.
DROP TABLE IF EXISTS pair, path, change;

-- latest_uses --
-- The latest decided uses of each of some skills, oldest first: each skill's from the end of its index.
SELECT
    u.skill_name, coalesce(u.ended_at, u.invoked_at) AS at, u.completed, u.duration_seconds,
    CAST(u.invocation_id AS TEXT) AS key, u.session_id
FROM (SELECT DISTINCT unnest(string_to_array($skill_names, chr(10))) AS skill_name) AS asked
CROSS JOIN LATERAL (
    SELECT
        i.skill_name, i.ended_at, i.invoked_at, i.completed, i.duration_seconds, i.invocation_id, i.session_id
    FROM skill_invocation AS i
    WHERE i.skill_name = asked.skill_name AND i.completed IS NOT NULL
    ORDER BY i.invoked_at DESC, i.invocation_id DESC
    LIMIT $count
) AS u
ORDER BY u.invoked_at, u.invocation_id;

-- move_session_counts --
-- In how many sessions each skill was used, and how often it directly followed itself: by how much the changes move it.
INSERT INTO skill_session_counts (skill_name, session_count, first_count, repeat_count)
WITH used AS (
    SELECT DISTINCT sign, session_id, skill_name FROM path
),

moves AS (
    SELECT skill_name, sign AS used, 0 AS came_first, 0 AS repeated FROM used
    UNION ALL
    SELECT min(skill_name), 0, sign, 0 FROM used GROUP BY sign, session_id
    UNION ALL
    SELECT skill_name, 0, 0, sign FROM path WHERE next_skill = skill_name
)

SELECT skill_name, sum(used), sum(came_first), sum(repeated)
FROM moves
GROUP BY skill_name
HAVING sum(used) <> 0 OR sum(came_first) <> 0 OR sum(repeated) <> 0
ON CONFLICT (skill_name) DO UPDATE SET
    session_count = skill_session_counts.session_count + excluded.session_count,
    first_count = skill_session_counts.first_count + excluded.first_count,
    repeat_count = skill_session_counts.repeat_count + excluded.repeat_count;

-- recount_user_times --
-- The last use of what may have lost its last one, from the end of the skill's index; where none is left, the first moment there is, so that a later use counts.
UPDATE skill_user_interactions AS u
SET last_invoked_at = coalesce(
    (
        SELECT i.invoked_at
        FROM skill_invocation AS i
        WHERE i.skill_name = u.skill_name AND coalesce(i.user_id, '') = u.user_id
        ORDER BY i.invoked_at DESC
        LIMIT 1
    ),
    TIMESTAMP '0001-01-01'
)
FROM (SELECT DISTINCT coalesce(user_id, '') AS user_id, skill_name FROM change WHERE sign < 0) AS c
WHERE u.user_id = c.user_id AND u.skill_name = c.skill_name;

-- has_fresh_baselines --
-- Whether a machine made the baselines lately; one whose clock is far ahead keeps nobody from it.
SELECT 1 FROM skill_community_baselines WHERE computed_at > $since AND computed_at < $until LIMIT 1;
