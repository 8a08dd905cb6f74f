-- insert_experiment --
-- An experiment, once: the same name again changes nothing.
INSERT INTO ab_test_configs (
  test_name,
  description,
  control_strategy,
  treatment_strategy,
  further_strategies,
  unit,
  metric,
  metrics,
  method,
  assignment_ratio,
  min_sample_size,
  minimum_detectable_effect,
  planned_sample_size,
  promote_winner,
  start_date,
  end_date,
  created_at,
  status,
  status_at
)
SELECT
  parsed.test_name,
  parsed.description,
  parsed.control_strategy,
  parsed.treatment_strategy,
  parsed.further_strategies,
  parsed.unit,
  parsed.metric,
  parsed.metrics,
  parsed.method,
  parsed.assignment_ratio,
  parsed.min_sample_size,
  parsed.minimum_detectable_effect,
  parsed.planned_sample_size,
  parsed.promote_winner,
  parsed.start_date,
  parsed.end_date,
  parsed.created_at,
  parsed.status,
  parsed.status_at
FROM (
  SELECT
    UNNEST(STRING_TO_ARRAY($rows, CHR(  10))) AS line
) AS part_1
CROSS JOIN LATERAL JSON_TO_RECORD(CAST(line AS JSON)) AS parsed(test_name TEXT, description TEXT, control_strategy TEXT, treatment_strategy TEXT, further_strategies TEXT, unit TEXT, metric TEXT, metrics TEXT, method TEXT, assignment_ratio DOUBLE PRECISION, min_sample_size BIGINT, minimum_detectable_effect DOUBLE PRECISION, planned_sample_size BIGINT, promote_winner BOOLEAN, start_date TIMESTAMP, end_date TIMESTAMP, created_at TIMESTAMP, status TEXT, status_at TIMESTAMP)
WHERE
  line <> '' ON CONFLICT(test_name) DO NOTHING;

-- end_experiment --
-- It assigns nobody any more; the first end counts.
UPDATE ab_test_configs SET status = $status, status_reason = $reason, status_at = $at, decision = $decision, winner = $winner
WHERE
  test_name = $test_name AND status = 'running';

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

-- insert_told_outcome --
-- An outcome that somebody told of a unit that is in a group.
INSERT INTO ab_test_outcomes (
  outcome_id,
  test_name,
  unit_id,
  group_name,
  session_id,
  skill_name,
  metric,
  value,
  source,
  occurred_at
)
SELECT
  $outcome_id,
  test_name,
  unit_id,
  group_name,
  $session_id,
  $skill_name,
  $metric,
  $value,
  'told',
  $occurred_at
FROM ab_test_assignments
WHERE
  test_name = $test_name AND unit_id = $unit_id ON CONFLICT(outcome_id) DO NOTHING;

-- insert_strategy_change --
-- Another strategy is the default.
INSERT INTO skill_strategy_promotions (
  promotion_id,
  strategy,
  replaced_strategy,
  test_name,
  reason,
  reverts,
  promoted_at
)
SELECT
  $promotion_id,
  $strategy,
  $replaced_strategy,
  (
    SELECT
      test_name
    FROM ab_test_configs
    WHERE
      test_name = $test_name
  ),
  $reason,
  $reverts,
  $promoted_at ON CONFLICT(promotion_id) DO NOTHING;

-- has_exposures --
-- Whether a suggestion was made in an experiment in one of these sessions.
SELECT
  1
FROM ab_test_exposures
WHERE
  session_id IN (
    SELECT
      UNNEST(STRING_TO_ARRAY($session_ids, CHR(  10)))
  )
LIMIT 1;

-- observed_outcomes --
-- What followed the suggestions of these sessions, as it stands now: the session's next use, begun within the hour. An outcome's id tells what it is of; a use that follows several suggestions is taken from each, and went one way.
WITH followed AS (
  SELECT
    e.exposure_id,
    e.test_name,
    e.unit_id,
    e.group_name,
    e.session_id,
    CAST(c.metrics AS TEXT) AS metrics,
    i.invocation_id,
    i.skill_name,
    i.invoked_at,
    i.completed,
    i.duration_seconds,
    i.rating,
    ROW_NUMBER() OVER (PARTITION BY e.exposure_id ORDER BY i.invoked_at, i.invocation_id) AS place
  FROM ab_test_exposures AS e
  INNER JOIN ab_test_configs AS c
    ON c.test_name = e.test_name
  INNER JOIN team_invocation AS i
    ON i.session_id = e.session_id
    AND i.invoked_at >= e.exposed_at
    AND i.invoked_at < e.exposed_at + INTERVAL '1 HOUR'
  WHERE
    e.session_id IN (
      SELECT
        UNNEST(STRING_TO_ARRAY($session_ids, CHR(  10)))
    )
), measured AS (
  SELECT
    'acceptance_rate' AS metric,
    CASE
      WHEN EXISTS(
        SELECT
          1
        FROM skill_suggestions AS s
        WHERE
          s.suggestion_id = f.exposure_id AND NOT s.accepted_invocation_id IS NULL
      )
      THEN 1.0
      ELSE 0.0
    END AS value,
    CAST(f.exposure_id AS TEXT) AS occasion,
    f.*
  FROM followed AS f
  WHERE
    f.place = 1
  UNION ALL
  SELECT
    'completion_rate' AS metric,
    CASE WHEN f.completed THEN 1.0 ELSE 0.0 END AS value,
    '' AS occasion,
    f.*
  FROM followed AS f
  WHERE
    f.place = 1 AND NOT f.completed IS NULL
  UNION ALL
  SELECT
    'duration_seconds' AS metric,
    f.duration_seconds AS value,
    '' AS occasion,
    f.*
  FROM followed AS f
  WHERE
    f.place = 1 AND NOT f.duration_seconds IS NULL
  UNION ALL
  SELECT
    'user_rating' AS metric,
    CAST(f.rating AS DOUBLE PRECISION) AS value,
    '' AS occasion,
    f.*
  FROM followed AS f
  WHERE
    f.place = 1 AND NOT f.rating IS NULL
)
SELECT
  CAST(MD5(CONCAT_WS(CHR(  10), test_name, metric, occasion, CAST(invocation_id AS TEXT))) AS UUID) AS outcome_id,
  test_name,
  unit_id,
  group_name,
  CAST(MIN(CAST(exposure_id AS TEXT)) AS UUID) AS exposure_id,
  session_id,
  skill_name,
  invocation_id,
  metric,
  CAST(value AS DOUBLE PRECISION) AS value,
  invoked_at AS occurred_at
FROM measured
WHERE
  metrics LIKE '%"' || metric || '"%'
GROUP BY
  test_name,
  metric,
  occasion,
  invocation_id,
  unit_id,
  group_name,
  session_id,
  skill_name,
  value,
  invoked_at;

-- known_observed_outcomes --
-- What was observed in these sessions before, with what could tell that it does not stand any more.
SELECT
  outcome_id,
  exposure_id,
  invocation_id
FROM ab_test_outcomes
WHERE
  source = 'observed'
  AND session_id IN (
    SELECT
      UNNEST(STRING_TO_ARRAY($session_ids, CHR(  10)))
  );

-- delete_outcome --
-- It is not so any more.
DELETE FROM ab_test_outcomes
WHERE
  outcome_id = $outcome_id;

-- unsettle_exposure --
-- What became of a suggestion is open again, so it is looked at anew.
UPDATE ab_test_exposures SET settled = FALSE
WHERE
  exposure_id = $exposure_id;

-- insert_observed_outcomes --
-- What these sessions show now.
INSERT INTO ab_test_outcomes (
  outcome_id,
  test_name,
  unit_id,
  group_name,
  exposure_id,
  session_id,
  skill_name,
  invocation_id,
  metric,
  value,
  source,
  occurred_at
)
SELECT
  parsed.outcome_id,
  parsed.test_name,
  parsed.unit_id,
  parsed.group_name,
  parsed.exposure_id,
  parsed.session_id,
  parsed.skill_name,
  parsed.invocation_id,
  parsed.metric,
  parsed.value,
  parsed.source,
  parsed.occurred_at
FROM (
  SELECT
    UNNEST(STRING_TO_ARRAY($rows, CHR(  10))) AS line
) AS part_1
CROSS JOIN LATERAL JSON_TO_RECORD(CAST(line AS JSON)) AS parsed(outcome_id UUID, test_name TEXT, unit_id TEXT, group_name TEXT, exposure_id UUID, session_id TEXT, skill_name TEXT, invocation_id UUID, metric TEXT, value DOUBLE PRECISION, source TEXT, occurred_at TIMESTAMP)
WHERE
  line <> '' ON CONFLICT(outcome_id) DO UPDATE SET value = excluded.value;

-- has_unsettled_exposures --
-- Whether there is a suggestion whose hour is over since it was looked at last.
SELECT
  1
FROM ab_test_exposures
WHERE
  NOT settled AND exposed_at < $until
LIMIT 1;

-- settle_exposures --
-- Suggestions that no use followed in time were not taken.
INSERT INTO ab_test_outcomes (
  outcome_id,
  test_name,
  unit_id,
  group_name,
  exposure_id,
  session_id,
  metric,
  value,
  source,
  occurred_at
)
SELECT
  CAST(MD5(
    CONCAT_WS(CHR(  10), e.test_name, 'acceptance_rate', CAST(e.exposure_id AS TEXT), 'none')
  ) AS UUID) AS outcome_id,
  e.test_name,
  e.unit_id,
  e.group_name,
  e.exposure_id,
  e.session_id,
  'acceptance_rate' AS metric,
  0.0 AS value,
  'observed' AS source,
  e.exposed_at + INTERVAL '1 HOUR' AS occurred_at
FROM ab_test_exposures AS e
INNER JOIN ab_test_configs AS c
  ON c.test_name = e.test_name
WHERE
  NOT e.settled
  AND e.exposed_at < $until
  AND CAST(c.metrics AS TEXT) LIKE '%"acceptance_rate"%'
  AND NOT EXISTS(
    SELECT
      1
    FROM ab_test_outcomes AS o
    WHERE
      o.exposure_id = e.exposure_id AND o.metric = 'acceptance_rate'
  ) ON CONFLICT(outcome_id) DO NOTHING;

-- mark_settled --
-- They need not be looked at again, while their outcomes stand.
UPDATE ab_test_exposures SET settled = TRUE
WHERE
  NOT settled AND exposed_at < $until;

-- unsettle_exposures --
-- The same of all whose outcome was forgotten.
UPDATE ab_test_exposures SET settled = FALSE
WHERE
  settled
  AND NOT EXISTS(
    SELECT
      1
    FROM ab_test_outcomes AS o
    WHERE
      o.exposure_id = ab_test_exposures.exposure_id AND o.metric = 'acceptance_rate'
  );

-- delete_unexposed_assignments --
-- A unit of which no suggestion is left was never assigned.
DELETE FROM ab_test_assignments
WHERE
  NOT EXISTS(
    SELECT
      1
    FROM ab_test_exposures AS e
    WHERE
      e.test_name = ab_test_assignments.test_name
      AND e.unit_id = ab_test_assignments.unit_id
  );

-- delete_unassigned_outcomes --
-- Nor can it have outcomes.
DELETE FROM ab_test_outcomes
WHERE
  NOT EXISTS(
    SELECT
      1
    FROM ab_test_assignments AS a
    WHERE
      a.test_name = ab_test_outcomes.test_name AND a.unit_id = ab_test_outcomes.unit_id
  );

-- exposed_sessions --
-- Sessions in which suggestions of experiments were made.
SELECT DISTINCT
  session_id
FROM ab_test_exposures;

-- experiments --
-- All experiments, the newest first.
SELECT
  *
FROM ab_test_configs
ORDER BY
  created_at DESC,
  test_name;

-- units_of_groups --
-- How many units each group of an experiment has.
SELECT
  group_name,
  COUNT(*) AS unit_count
FROM ab_test_assignments
WHERE
  test_name = $test_name
GROUP BY
  group_name;

-- group_of_unit --
-- Where a unit is.
SELECT
  group_name
FROM ab_test_assignments
WHERE
  test_name = $test_name AND unit_id = $unit_id;

-- sums_of_groups --
-- The outcomes of one metric by group, each unit's summed first.
SELECT
  group_name,
  COUNT(*) AS units,
  CAST(SUM(outcomes) AS BIGINT) AS outcomes,
  SUM(total) AS total,
  SUM(squares) AS squares,
  CAST(SUM(outcomes * outcomes) AS DOUBLE PRECISION) AS outcomes_squared,
  SUM(total * total) AS total_squared,
  SUM(total * outcomes) AS product
FROM (
  SELECT
    group_name,
    unit_id,
    COUNT(*) AS outcomes,
    SUM(measure) AS total,
    SUM(measure * measure) AS squares
  FROM (
    SELECT
      *,
      CASE WHEN $logarithms THEN LN(GREATEST(value, 0.001)) ELSE value END AS measure
    FROM ab_test_outcomes
  ) AS part_2
  WHERE
    test_name = $test_name AND metric = $metric
  GROUP BY
    group_name,
    unit_id
) AS part_1
GROUP BY
  group_name
ORDER BY
  group_name;

-- strategy_changes --
-- The trail of the default strategy, the latest first.
SELECT
  strategy,
  replaced_strategy,
  test_name,
  reason,
  reverts,
  promoted_at
FROM skill_strategy_promotions
ORDER BY
  promoted_at DESC,
  promotion_id DESC;

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

-- sums_of_past --
-- The outcomes of a range of time, as `sums_of_groups` has those of a group, and when the first came.
WITH outcomes AS (
  SELECT
    CASE WHEN $unit = 'user' THEN user_id ELSE session_id END AS unit_id,
    invoked_at AS moment,
    CASE $metric
      WHEN 'completion_rate'
      THEN CAST(CAST(completed AS INT) AS DOUBLE PRECISION)
      WHEN 'duration_seconds'
      THEN LN(GREATEST(duration_seconds, 0.001))
      WHEN 'user_rating'
      THEN CAST(rating AS DOUBLE PRECISION)
    END AS value
  FROM team_invocation
  WHERE
    $metric <> 'acceptance_rate'
    AND invoked_at >= $since
    AND invoked_at < $until
  UNION ALL
  SELECT
    CASE WHEN $unit = 'user' THEN user_id ELSE session_id END AS unit_id,
    MIN(suggested_at) AS moment,
    CAST(CAST(COUNT(accepted_invocation_id) > 0 AS INT) AS DOUBLE PRECISION) AS value
  FROM skill_suggestions
  WHERE
    $metric = 'acceptance_rate'
    AND suggested_at >= $since
    AND suggested_at < $until
  GROUP BY
    suggestion_id,
    user_id,
    session_id
), units AS (
  SELECT
    unit_id,
    COUNT(*) AS outcomes,
    SUM(value) AS total,
    SUM(value * value) AS squares,
    MIN(moment) AS began_at
  FROM outcomes
  WHERE
    NOT value IS NULL AND NOT unit_id IS NULL
  GROUP BY
    unit_id
)
SELECT
  COUNT(*) AS units,
  CAST(SUM(outcomes) AS BIGINT) AS outcomes,
  SUM(total) AS total,
  SUM(squares) AS squares,
  CAST(SUM(outcomes * outcomes) AS DOUBLE PRECISION) AS outcomes_squared,
  SUM(total * total) AS total_squared,
  SUM(total * outcomes) AS product,
  MIN(began_at) AS began_at
FROM units;
