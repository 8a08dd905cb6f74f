-- insert_experiment --
-- An experiment, once: the same name again changes nothing.
INSERT INTO ab_test_configs BY NAME
SELECT unnest(from_json(
    line,
    '{"test_name":"VARCHAR","description":"VARCHAR","control_strategy":"VARCHAR","treatment_strategy":"VARCHAR",
    "further_strategies":"JSON","unit":"VARCHAR","metric":"VARCHAR","metrics":"JSON","method":"VARCHAR",
    "assignment_ratio":"DOUBLE","min_sample_size":"BIGINT","minimum_detectable_effect":"DOUBLE",
    "planned_sample_size":"BIGINT","promote_winner":"BOOLEAN","start_date":"TIMESTAMP","end_date":"TIMESTAMP",
    "created_at":"TIMESTAMP","status":"VARCHAR","status_at":"TIMESTAMP"}'
))
FROM (SELECT unnest(string_split($rows, chr(10))) AS line)
WHERE line <> ''
ON CONFLICT (test_name) DO NOTHING;

-- end_experiment --
-- It assigns nobody any more; the first end counts.
UPDATE ab_test_configs
SET status = $status, status_reason = $reason, status_at = $at, decision = $decision, winner = $winner
WHERE test_name = $test_name AND status = 'running';

-- insert_exposures --
-- Suggestions that were made in a group of an experiment that is in the record.
INSERT INTO ab_test_exposures BY NAME
SELECT exposure_id, test_name, unit_id, group_name, session_id, exposed_at
FROM (
    SELECT unnest(from_json(
        line,
        '{"exposure_id":"UUID","test_name":"VARCHAR","unit_id":"VARCHAR","group_name":"VARCHAR",
        "session_id":"VARCHAR","exposed_at":"TIMESTAMP"}'
    ))
    FROM (SELECT unnest(string_split($rows, chr(10))) AS line)
    WHERE line <> ''
)
WHERE test_name IN (SELECT test_name FROM ab_test_configs)
ON CONFLICT (exposure_id) DO NOTHING;

-- insert_assignments --
-- The group of each unit, from its first exposure.
INSERT INTO ab_test_assignments BY NAME
SELECT
    test_name,
    unit_id,
    min(struct_pack(t := assigned_at, v := group_name)).v AS group_name,
    min(struct_pack(t := assigned_at, v := strategy)).v AS strategy,
    min(struct_pack(t := assigned_at, v := propensity)).v AS propensity,
    min(assigned_at) AS assigned_at
FROM (
    SELECT unnest(from_json(
        line,
        '{"test_name":"VARCHAR","unit_id":"VARCHAR","group_name":"VARCHAR","strategy":"VARCHAR",
        "propensity":"DOUBLE","assigned_at":"TIMESTAMP"}'
    ))
    FROM (SELECT unnest(string_split($rows, chr(10))) AS line)
    WHERE line <> ''
)
WHERE test_name IN (SELECT test_name FROM ab_test_configs)
GROUP BY test_name, unit_id
ON CONFLICT (test_name, unit_id) DO NOTHING;

-- insert_told_outcome --
-- An outcome that somebody told of a unit that is in a group.
INSERT INTO ab_test_outcomes
(outcome_id, test_name, unit_id, group_name, session_id, skill_name, metric, value, source, occurred_at)
SELECT $outcome_id, test_name, unit_id, group_name, $session_id, $skill_name, $metric, $value, 'told', $occurred_at
FROM ab_test_assignments
WHERE test_name = $test_name AND unit_id = $unit_id
ON CONFLICT (outcome_id) DO NOTHING;

-- insert_strategy_change --
-- Another strategy is the default.
INSERT INTO skill_strategy_promotions
(promotion_id, strategy, replaced_strategy, test_name, reason, reverts, promoted_at)
SELECT
    $promotion_id,
    $strategy,
    $replaced_strategy,
    (SELECT test_name FROM ab_test_configs WHERE test_name = $test_name),
    $reason,
    $reverts,
    $promoted_at
ON CONFLICT (promotion_id) DO NOTHING;

-- has_exposures --
-- Whether a suggestion was made in an experiment in one of these sessions.
SELECT 1 FROM ab_test_exposures
WHERE session_id IN (SELECT unnest(string_split($session_ids, chr(10))))
LIMIT 1;

-- observed_outcomes --
-- What followed the suggestions of these sessions, as it stands now: the session's next use, begun within the
-- hour. An outcome's id tells what it is of; a use that follows several suggestions is taken from each, and went
-- one way.
WITH followed AS (
    SELECT
        e.exposure_id,
        e.test_name,
        e.unit_id,
        e.group_name,
        e.session_id,
        CAST(c.metrics AS VARCHAR) AS metrics,
        i.invocation_id,
        i.skill_name,
        i.invoked_at,
        i.completed,
        i.duration_seconds,
        i.rating,
        row_number() OVER (PARTITION BY e.exposure_id ORDER BY i.invoked_at, i.invocation_id) AS place
    FROM ab_test_exposures AS e
    INNER JOIN ab_test_configs AS c ON c.test_name = e.test_name
    INNER JOIN skill_invocation AS i
        ON
            i.session_id = e.session_id
            AND i.invoked_at >= e.exposed_at
            AND i.invoked_at < e.exposed_at + INTERVAL 1 HOUR
    WHERE e.session_id IN (SELECT unnest(string_split($session_ids, chr(10))))
),

measured AS (
    SELECT
        'acceptance_rate' AS metric,
        CASE
            WHEN EXISTS (
                SELECT 1 FROM skill_suggestions AS s
                WHERE s.suggestion_id = f.exposure_id AND s.accepted_invocation_id IS NOT NULL
            ) THEN 1.0
            ELSE 0.0
        END AS value,
        CAST(f.exposure_id AS VARCHAR) AS occasion,
        f.*
    FROM followed AS f
    WHERE f.place = 1
    UNION ALL
    SELECT 'completion_rate' AS metric, CASE WHEN f.completed THEN 1.0 ELSE 0.0 END AS value, '' AS occasion, f.*
    FROM followed AS f
    WHERE f.place = 1 AND f.completed IS NOT NULL
    UNION ALL
    SELECT 'duration_seconds' AS metric, f.duration_seconds AS value, '' AS occasion, f.*
    FROM followed AS f
    WHERE f.place = 1 AND f.duration_seconds IS NOT NULL
    UNION ALL
    SELECT 'user_rating' AS metric, CAST(f.rating AS DOUBLE) AS value, '' AS occasion, f.*
    FROM followed AS f
    WHERE f.place = 1 AND f.rating IS NOT NULL
)

SELECT
    CAST(md5(concat_ws(chr(10), test_name, metric, occasion, CAST(invocation_id AS VARCHAR))) AS UUID) AS outcome_id,
    test_name,
    unit_id,
    group_name,
    CAST(min(CAST(exposure_id AS VARCHAR)) AS UUID) AS exposure_id,
    session_id,
    skill_name,
    invocation_id,
    metric,
    CAST(value AS DOUBLE) AS value,
    invoked_at AS occurred_at
FROM measured
WHERE metrics LIKE '%"' || metric || '"%'
GROUP BY test_name, metric, occasion, invocation_id, unit_id, group_name, session_id, skill_name, value, invoked_at;

-- known_observed_outcomes --
-- What was observed in these sessions before, with what could tell that it does not stand any more.
SELECT outcome_id, exposure_id, invocation_id
FROM ab_test_outcomes
WHERE source = 'observed' AND session_id IN (SELECT unnest(string_split($session_ids, chr(10))));

-- delete_outcome --
-- It is not so any more.
DELETE FROM ab_test_outcomes WHERE outcome_id = $outcome_id;

-- unsettle_exposure --
-- What became of a suggestion is open again, so it is looked at anew.
UPDATE ab_test_exposures SET settled = FALSE WHERE exposure_id = $exposure_id;

-- insert_observed_outcomes --
-- What these sessions show now.
INSERT INTO ab_test_outcomes BY NAME
SELECT unnest(from_json(
    line,
    '{"outcome_id":"UUID","test_name":"VARCHAR","unit_id":"VARCHAR","group_name":"VARCHAR","exposure_id":"UUID",
    "session_id":"VARCHAR","skill_name":"VARCHAR","invocation_id":"UUID","metric":"VARCHAR","value":"DOUBLE",
    "source":"VARCHAR","occurred_at":"TIMESTAMP"}'
))
FROM (SELECT unnest(string_split($rows, chr(10))) AS line)
WHERE line <> ''
ON CONFLICT (outcome_id) DO UPDATE SET value = excluded.value;

-- has_unsettled_exposures --
-- Whether there is a suggestion whose hour is over since it was looked at last.
SELECT 1 FROM ab_test_exposures WHERE NOT settled AND exposed_at < $until LIMIT 1;

-- settle_exposures --
-- Suggestions that no use followed in time were not taken.
INSERT INTO ab_test_outcomes BY NAME
SELECT
    CAST(md5(concat_ws(chr(10), e.test_name, 'acceptance_rate', CAST(e.exposure_id AS VARCHAR), 'none')) AS UUID)
        AS outcome_id,
    e.test_name,
    e.unit_id,
    e.group_name,
    e.exposure_id,
    e.session_id,
    'acceptance_rate' AS metric,
    0.0 AS value,
    'observed' AS source,
    e.exposed_at + INTERVAL 1 HOUR AS occurred_at
FROM ab_test_exposures AS e
INNER JOIN ab_test_configs AS c ON c.test_name = e.test_name
WHERE
    NOT e.settled
    AND e.exposed_at < $until
    AND CAST(c.metrics AS VARCHAR) LIKE '%"acceptance_rate"%'
    AND NOT EXISTS (
        SELECT 1 FROM ab_test_outcomes AS o WHERE o.exposure_id = e.exposure_id AND o.metric = 'acceptance_rate'
    )
ON CONFLICT (outcome_id) DO NOTHING;

-- mark_settled --
-- They need not be looked at again, while their outcomes stand.
UPDATE ab_test_exposures SET settled = TRUE WHERE NOT settled AND exposed_at < $until;

-- unsettle_exposures --
-- The same of all whose outcome was forgotten.
UPDATE ab_test_exposures SET settled = FALSE
WHERE
    settled
    AND NOT EXISTS (
        SELECT 1 FROM ab_test_outcomes AS o
        WHERE o.exposure_id = ab_test_exposures.exposure_id AND o.metric = 'acceptance_rate'
    );

-- delete_unexposed_assignments --
-- A unit of which no suggestion is left was never assigned.
DELETE FROM ab_test_assignments
WHERE NOT EXISTS (
    SELECT 1 FROM ab_test_exposures AS e
    WHERE e.test_name = ab_test_assignments.test_name AND e.unit_id = ab_test_assignments.unit_id
);

-- delete_unassigned_outcomes --
-- Nor can it have outcomes.
DELETE FROM ab_test_outcomes
WHERE NOT EXISTS (
    SELECT 1 FROM ab_test_assignments AS a
    WHERE a.test_name = ab_test_outcomes.test_name AND a.unit_id = ab_test_outcomes.unit_id
);

-- exposed_sessions --
-- Sessions in which suggestions of experiments were made.
SELECT DISTINCT session_id FROM ab_test_exposures;

-- experiments --
-- All experiments, the newest first.
SELECT * FROM ab_test_configs ORDER BY created_at DESC, test_name;

-- units_of_groups --
-- How many units each group of an experiment has.
SELECT group_name, count(*) AS unit_count FROM ab_test_assignments WHERE test_name = $test_name GROUP BY group_name;

-- group_of_unit --
-- Where a unit is.
SELECT group_name FROM ab_test_assignments WHERE test_name = $test_name AND unit_id = $unit_id;

-- sums_of_groups --
-- The outcomes of one metric by group, each unit's summed first.
SELECT
    group_name,
    count(*) AS units,
    CAST(sum(outcomes) AS BIGINT) AS outcomes,
    sum(total) AS total,
    sum(squares) AS squares,
    CAST(sum(outcomes * outcomes) AS DOUBLE) AS outcomes_squared,
    sum(total * total) AS total_squared,
    sum(total * outcomes) AS product
FROM (
    SELECT
        group_name,
        unit_id,
        count(*) AS outcomes,
        sum(measure) AS total,
        sum(measure * measure) AS squares
    FROM (
        SELECT *, CASE WHEN $logarithms THEN ln(greatest(value, 0.001)) ELSE value END AS measure
        FROM ab_test_outcomes
    )
    WHERE test_name = $test_name AND metric = $metric
    GROUP BY group_name, unit_id
)
GROUP BY group_name
ORDER BY group_name;

-- strategy_changes --
-- The trail of the default strategy, the latest first.
SELECT strategy, replaced_strategy, test_name, reason, reverts, promoted_at
FROM skill_strategy_promotions
ORDER BY promoted_at DESC, promotion_id DESC;

-- latest_suggestions --
-- The latest suggestions, their skills in order, and what was used next.
WITH latest AS (
    SELECT suggestion_id, suggested_at, session_id, user_id, strategy, propensity
    FROM skill_suggestions
    WHERE position = 1
    ORDER BY suggested_at DESC, suggestion_id DESC
    LIMIT $limit
),

listed AS (
    SELECT s.suggestion_id, string_agg(s.skill_name, chr(10) ORDER BY s.position) AS possible
    FROM latest AS g
    INNER JOIN skill_suggestions AS s ON s.suggestion_id = g.suggestion_id
    GROUP BY s.suggestion_id
),

followed AS (
    SELECT
        g.suggestion_id,
        i.skill_name,
        row_number() OVER (PARTITION BY g.suggestion_id ORDER BY i.invoked_at, i.invocation_id) AS place
    FROM latest AS g
    INNER JOIN skill_invocation AS i
        ON
            i.session_id = g.session_id
            AND i.invoked_at >= g.suggested_at
            AND i.invoked_at < g.suggested_at + INTERVAL 1 HOUR
)

SELECT g.suggested_at, g.session_id, g.user_id, g.strategy, l.possible, g.propensity, f.skill_name AS used
FROM latest AS g
INNER JOIN listed AS l ON l.suggestion_id = g.suggestion_id
LEFT JOIN followed AS f ON f.suggestion_id = g.suggestion_id AND f.place = 1
ORDER BY g.suggested_at, g.suggestion_id;

-- sums_of_past --
-- The outcomes of a range of time, as `sums_of_groups` has those of a group, and when the first came.
WITH outcomes AS (
    SELECT
        CASE WHEN $unit = 'user' THEN user_id ELSE session_id END AS unit_id,
        invoked_at AS moment,
        CASE $metric
            WHEN 'completion_rate' THEN CAST(CAST(completed AS INTEGER) AS DOUBLE)
            WHEN 'duration_seconds' THEN ln(greatest(duration_seconds, 0.001))
            WHEN 'user_rating' THEN CAST(rating AS DOUBLE)
        END AS value
    FROM skill_invocation
    WHERE $metric <> 'acceptance_rate' AND invoked_at >= $since AND invoked_at < $until
    UNION ALL
    SELECT
        CASE WHEN $unit = 'user' THEN user_id ELSE session_id END AS unit_id,
        min(suggested_at) AS moment,
        CAST(CAST(count(accepted_invocation_id) > 0 AS INTEGER) AS DOUBLE) AS value
    FROM skill_suggestions
    WHERE $metric = 'acceptance_rate' AND suggested_at >= $since AND suggested_at < $until
    GROUP BY suggestion_id, user_id, session_id
),

units AS (
    SELECT
        unit_id,
        count(*) AS outcomes,
        sum(value) AS total,
        sum(value * value) AS squares,
        min(moment) AS began_at
    FROM outcomes
    WHERE value IS NOT NULL AND unit_id IS NOT NULL
    GROUP BY unit_id
)

SELECT
    count(*) AS units,
    CAST(sum(outcomes) AS BIGINT) AS outcomes,
    sum(total) AS total,
    sum(squares) AS squares,
    CAST(sum(outcomes * outcomes) AS DOUBLE) AS outcomes_squared,
    sum(total * total) AS total_squared,
    sum(total * outcomes) AS product,
    min(began_at) AS began_at
FROM units;
