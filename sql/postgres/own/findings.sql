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
