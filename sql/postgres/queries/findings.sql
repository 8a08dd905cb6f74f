-- has_changes --
-- Whether the roll-ups lack anything.
SELECT
  1
FROM skill_change
LIMIT 1;

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

-- delete_changes --
-- The roll-ups have them now.
DELETE FROM skill_change;

-- move_time_series --
-- The hourly roll-up.
INSERT INTO skill_time_series
SELECT
  skill_name,
  DATE_TRUNC('HOUR', invoked_at) AS bucket_start,
  SUM(sign) AS invocation_count,
  COALESCE(SUM(sign) FILTER(WHERE
    outcome = 'completed'), 0) AS completed_count,
  COALESCE(SUM(sign) FILTER(WHERE
    outcome = 'failed'), 0) AS failed_count,
  COALESCE(SUM(sign) FILTER(WHERE
    outcome = 'abandoned'), 0) AS abandoned_count,
  COALESCE(SUM(sign) FILTER(WHERE
    NOT duration_seconds IS NULL), 0) AS duration_count,
  COALESCE(SUM(sign * duration_seconds), 0) AS duration_sum,
  COALESCE(SUM(sign * LN(1 + duration_seconds)), 0) AS log_duration_sum,
  COALESCE(SUM(sign * POWER(LN(1 + duration_seconds), 2)), 0) AS log_duration_sum_of_squares
FROM change
GROUP BY
  skill_name,
  bucket_start ON CONFLICT(skill_name, bucket_start) DO UPDATE SET invocation_count = skill_time_series.invocation_count + excluded.invocation_count, completed_count = skill_time_series.completed_count + excluded.completed_count, failed_count = skill_time_series.failed_count + excluded.failed_count, abandoned_count = skill_time_series.abandoned_count + excluded.abandoned_count, duration_count = skill_time_series.duration_count + excluded.duration_count, duration_sum = skill_time_series.duration_sum + excluded.duration_sum, log_duration_sum = skill_time_series.log_duration_sum + excluded.log_duration_sum, log_duration_sum_of_squares = skill_time_series.log_duration_sum_of_squares + excluded.log_duration_sum_of_squares;

-- move_user_interactions --
-- Who uses what; a use without a user counts for the user without a name.
INSERT INTO skill_user_interactions
SELECT
  COALESCE(user_id, '') AS user_id,
  skill_name,
  SUM(sign) AS invocation_count,
  COALESCE(SUM(sign) FILTER(WHERE
    NOT outcome IS NULL), 0) AS decided_count,
  COALESCE(SUM(sign) FILTER(WHERE
    outcome = 'completed'), 0) AS completed_count,
  COALESCE(SUM(sign) FILTER(WHERE
    NOT rating IS NULL), 0) AS rating_count,
  COALESCE(SUM(sign * rating), 0) AS rating_sum,
  MAX(invoked_at) AS last_invoked_at
FROM change
GROUP BY
  COALESCE(user_id, ''),
  skill_name ON CONFLICT(user_id, skill_name) DO UPDATE SET invocation_count = skill_user_interactions.invocation_count + excluded.invocation_count, decided_count = skill_user_interactions.decided_count + excluded.decided_count, completed_count = skill_user_interactions.completed_count + excluded.completed_count, rating_count = skill_user_interactions.rating_count + excluded.rating_count, rating_sum = skill_user_interactions.rating_sum + excluded.rating_sum, last_invoked_at = GREATEST(skill_user_interactions.last_invoked_at, excluded.last_invoked_at);

-- has_lost_uses --
-- Whether any use went, or is of another time, skill or user now.
SELECT
  1
FROM change
GROUP BY
  COALESCE(user_id, ''),
  skill_name,
  invoked_at
HAVING
  SUM(sign) < 0
LIMIT 1;

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

-- stage_paths --
-- What the touched sessions used, in order: as it is (sign 1) and as it was before the changes (-1).
CREATE TEMPORARY TABLE path
ON COMMIT PRESERVE ROWS AS
WITH moved AS (
  SELECT
    SUM(sign) AS sign,
    invocation_id,
    skill_name,
    session_id,
    invoked_at
  FROM change
  GROUP BY
    invocation_id,
    skill_name,
    session_id,
    invoked_at
  HAVING
    SUM(sign) <> 0
), present AS (
  SELECT
    invocation_id,
    skill_name,
    session_id,
    invoked_at
  FROM team_invocation
  WHERE
    session_id IN (
      SELECT
        session_id
      FROM moved
    )
), past AS (
  SELECT
    *
  FROM present
  WHERE
    NOT invocation_id IN (
      SELECT
        invocation_id
      FROM moved
    )
  UNION ALL
  SELECT
    invocation_id,
    skill_name,
    session_id,
    invoked_at
  FROM moved
  WHERE
    sign < 0
)
SELECT
  sign,
  session_id,
  skill_name,
  LEAD(skill_name) OVER steps AS next_skill
FROM (
  SELECT
    1 AS sign,
    *
  FROM present
  UNION ALL
  SELECT
    -1 AS sign,
    *
  FROM past
) AS part_1
WINDOW steps AS (PARTITION BY sign, session_id ORDER BY invoked_at, invocation_id);

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

-- stage_pairs --
-- Pairs of skills of one session, and which directly followed which: by how much the changes move them.
CREATE TEMPORARY TABLE pair
ON COMMIT PRESERVE ROWS AS
WITH used AS (
  SELECT
    session_id,
    skill_name,
    SUM(sign) AS moved
  FROM (
    SELECT DISTINCT
      sign,
      session_id,
      skill_name
    FROM path
  ) AS part_1
  GROUP BY
    session_id,
    skill_name
), met AS (
  SELECT
    c.moved AS sign,
    LEAST(c.skill_name, m.skill_name) AS skill_a,
    GREATEST(c.skill_name, m.skill_name) AS skill_b
  FROM used AS c
  INNER JOIN used AS m
    ON m.session_id = c.session_id
    AND m.skill_name <> c.skill_name
    AND (
      m.moved = 0 OR (
        m.moved = c.moved AND m.skill_name > c.skill_name
      )
    )
  WHERE
    c.moved <> 0
), moves AS (
  SELECT
    skill_a,
    skill_b,
    sign AS met,
    0 AS forwards,
    0 AS backwards
  FROM met
  UNION ALL
  SELECT
    LEAST(skill_name, next_skill),
    GREATEST(skill_name, next_skill),
    0,
    CASE WHEN skill_name < next_skill THEN sign ELSE 0 END,
    CASE WHEN skill_name > next_skill THEN sign ELSE 0 END
  FROM path
  WHERE
    next_skill <> skill_name
)
SELECT
  skill_a,
  skill_b,
  SUM(met) AS session_count,
  SUM(forwards) AS a_before_b_count,
  SUM(backwards) AS b_before_a_count
FROM moves
GROUP BY
  skill_a,
  skill_b
HAVING
  SUM(met) <> 0 OR SUM(forwards) <> 0 OR SUM(backwards) <> 0;

-- move_dependencies --
-- Pairs that met before; an upsert would take several times as long.
UPDATE skill_dependencies AS d SET session_count = d.session_count + p.session_count, a_before_b_count = d.a_before_b_count + p.a_before_b_count, b_before_a_count = d.b_before_a_count + p.b_before_a_count, updated_at = $at
FROM pair AS p
WHERE
  d.skill_a = p.skill_a AND d.skill_b = p.skill_b;

-- insert_dependencies --
-- Pairs that meet for the first time.
INSERT INTO skill_dependencies
SELECT
  p.skill_a,
  p.skill_b,
  p.session_count,
  p.a_before_b_count,
  p.b_before_a_count,
  $at AS updated_at
FROM pair AS p
WHERE
  NOT EXISTS(
    SELECT
      1
    FROM skill_dependencies AS d
    WHERE
      d.skill_a = p.skill_a AND d.skill_b = p.skill_b
  );

-- delete_empty_interactions --
-- Nothing is left of what these users did.
DELETE FROM skill_user_interactions
WHERE
  invocation_count = 0;

-- insert_anomaly --
-- An anomaly, once; its beginning and its end may come in any order, each with all that is known of it.
INSERT INTO skill_anomalies
VALUES
  (
    $anomaly_id,
    $skill_name,
    $anomaly_type,
    $measure,
    $method,
    $baseline_value,
    $observed_value,
    $deviation_score,
    $sample_count,
    $detected_at,
    $resolved_at,
    $resolution
  ) ON CONFLICT(anomaly_id) DO NOTHING;

-- resolve_anomaly --
-- It is over; the earliest end counts.
UPDATE skill_anomalies SET resolved_at = $resolved_at, resolution = $resolution
WHERE
  anomaly_id = $anomaly_id
  AND (
    resolved_at IS NULL OR resolved_at > $resolved_at
  );

-- anomalies_since --
-- Anomalies that last, or were raised or resolved since a moment, newest first.
SELECT
  *
FROM skill_anomalies
WHERE
  resolved_at IS NULL OR detected_at >= $since OR resolved_at >= $since
ORDER BY
  detected_at DESC,
  anomaly_id;

-- uses_by_id --
-- Some uses, as the detectors see them.
SELECT
  skill_name,
  COALESCE(ended_at, invoked_at) AS at,
  completed,
  duration_seconds,
  CAST(invocation_id AS TEXT) AS key,
  session_id
FROM team_invocation
WHERE
  invocation_id IN (
    SELECT
      CAST(JSON_ARRAY_ELEMENTS_TEXT(CAST($invocation_ids AS JSON)) AS UUID)
  )
  AND NOT completed IS NULL
ORDER BY
  invoked_at,
  invocation_id;

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

-- skills_used_since --
-- Skills with a use in a range of hours.
SELECT DISTINCT
  skill_name
FROM skill_time_series
WHERE
  bucket_start >= $since AND invocation_count > 0;

-- deviating_hours --
-- The hours since a moment that deviate most, beside the mean and standard deviation of the skill's hours before, and how much deviates and was looked at; at least one row, without an hour where none deviates.
WITH baseline AS (
  SELECT
    skill_name,
    COUNT(*) AS hours,
    AVG(
      CAST(completed_count AS DOUBLE PRECISION) / NULLIF(completed_count + failed_count + abandoned_count, 0)
    ) AS completion_mean,
    STDDEV_SAMP(
      CAST(completed_count AS DOUBLE PRECISION) / NULLIF(completed_count + failed_count + abandoned_count, 0)
    ) AS completion_deviation,
    COUNT(*) FILTER(WHERE
      completed_count + failed_count + abandoned_count > 0) AS completion_hours,
    AVG(CAST(log_duration_sum AS DOUBLE PRECISION) / NULLIF(duration_count, 0)) AS duration_mean,
    STDDEV_SAMP(CAST(log_duration_sum AS DOUBLE PRECISION) / NULLIF(duration_count, 0)) AS duration_deviation,
    COUNT(*) FILTER(WHERE
      duration_count > 0) AS duration_hours,
    AVG(CAST(invocation_count AS DOUBLE PRECISION)) AS volume_mean,
    STDDEV_SAMP(CAST(invocation_count AS DOUBLE PRECISION)) AS volume_deviation
  FROM skill_time_series
  WHERE
    bucket_start >= $baseline_since
    AND bucket_start < $since
    AND invocation_count > 0
  GROUP BY
    skill_name
), recent AS (
  SELECT
    skill_name,
    bucket_start,
    invocation_count,
    completed_count + failed_count + abandoned_count AS decided_count,
    completed_count,
    duration_count,
    log_duration_sum
  FROM skill_time_series
  WHERE
    bucket_start >= $since AND invocation_count > 0
), scored AS (
  SELECT
    t.*,
    b.hours,
    b.completion_mean,
    b.completion_deviation,
    b.completion_hours,
    b.duration_mean,
    b.duration_deviation,
    b.duration_hours,
    b.volume_mean,
    b.volume_deviation,
    CASE
      WHEN b.completion_hours >= $least_hours AND b.completion_deviation > 0
      THEN ABS(
        CAST((
          CAST(t.completed_count AS DOUBLE PRECISION) / NULLIF(t.decided_count, 0) - b.completion_mean
        ) AS DOUBLE PRECISION) / b.completion_deviation
      )
    END AS completion_score,
    CASE
      WHEN b.duration_hours >= $least_hours AND b.duration_deviation > 0
      THEN CAST((
        CAST(t.log_duration_sum AS DOUBLE PRECISION) / NULLIF(t.duration_count, 0) - b.duration_mean
      ) AS DOUBLE PRECISION) / b.duration_deviation
    END AS duration_score,
    CASE
      WHEN b.hours >= $least_hours AND b.volume_deviation > 0
      THEN CAST((
        t.invocation_count - b.volume_mean
      ) AS DOUBLE PRECISION) / b.volume_deviation
    END AS volume_score
  FROM recent AS t
  INNER JOIN baseline AS b
    ON b.skill_name = t.skill_name
), counted AS (
  SELECT
    COUNT(*) FILTER(WHERE
      completion_score >= $threshold) + COUNT(*) FILTER(WHERE
      duration_score >= $threshold) + COUNT(*) FILTER(WHERE
      volume_score >= $threshold) AS anomaly_count,
    COUNT(DISTINCT skill_name) AS skill_count,
    COUNT(DISTINCT skill_name) FILTER(WHERE
      completion_hours < $least_hours) AS unready_count
  FROM scored
), farthest AS (
  SELECT
    *,
    GREATEST(completion_score, duration_score, volume_score) AS score
  FROM scored
  WHERE
    completion_score >= $threshold
    OR duration_score >= $threshold
    OR volume_score >= $threshold
  ORDER BY
    score DESC,
    bucket_start DESC,
    skill_name
  LIMIT $limit
)
SELECT
  c.anomaly_count,
  c.skill_count,
  c.unready_count,
  f.*
FROM counted AS c
LEFT JOIN farthest AS f
  ON TRUE
ORDER BY
  f.score DESC,
  f.bucket_start DESC,
  f.skill_name;

-- periods_of_skill --
-- The uses of one skill in a window, cut into equally large parts in order of time.
SELECT
  part,
  AVG(DATE_PART('epoch', invoked_at)) AS moment,
  COUNT(completed) AS decided_count,
  COUNT(*) FILTER(WHERE
    completed) AS completed_count,
  COUNT(duration_seconds) AS duration_count,
  PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY
    LN(GREATEST(duration_seconds, 0.001))) AS median_log_duration
FROM (
  SELECT
    invoked_at,
    completed,
    duration_seconds,
    NTILE($parts) OVER (ORDER BY invoked_at, invocation_id) AS part
  FROM team_invocation
  WHERE
    skill_name = $skill_name
    AND invoked_at >= $since
    AND invoked_at < $until
    AND NOT completed IS NULL
) AS part_1
GROUP BY
  part
ORDER BY
  part;

-- count_decided --
-- Decided uses of one skill in a window.
SELECT
  COUNT(*)
FROM team_invocation
WHERE
  skill_name = $skill_name
  AND invoked_at >= $since
  AND invoked_at < $until
  AND NOT completed IS NULL;

-- count_sessions_with_skills --
-- Sessions that used any skill.
SELECT
  COALESCE(SUM(first_count), 0)
FROM skill_session_counts;

-- partners_of_skill --
-- Every skill that met one in a session, with the sessions of both, and how often each directly followed.
WITH partners AS (
  SELECT
    CASE WHEN skill_a = $skill_name THEN skill_b ELSE skill_a END AS skill_name,
    session_count,
    CASE
      WHEN skill_a = $skill_name
      THEN a_before_b_count
      ELSE b_before_a_count
    END AS after_count,
    CASE
      WHEN skill_a = $skill_name
      THEN b_before_a_count
      ELSE a_before_b_count
    END AS before_count
  FROM skill_dependencies
  WHERE
    (
      skill_a = $skill_name OR skill_b = $skill_name
    )
    AND session_count > 0
)
SELECT
  p.skill_name,
  p.session_count AS both_count,
  own.session_count AS own_count,
  u.session_count AS other_count,
  p.before_count,
  p.after_count
FROM partners AS p
INNER JOIN skill_session_counts AS u
  ON u.skill_name = p.skill_name
INNER JOIN skill_session_counts AS own
  ON own.skill_name = $skill_name
ORDER BY
  p.skill_name;

-- sessions_of_skill --
-- Sessions that used one skill.
SELECT
  COALESCE(SUM(session_count), 0)
FROM skill_session_counts
WHERE
  skill_name = $skill_name;

-- users --
-- How many users there are.
SELECT
  COUNT(DISTINCT user_id)
FROM skill_user_interactions
WHERE
  invocation_count > 0;

-- skills_of_users --
-- What some users use, without what some others use.
SELECT
  user_id,
  skill_name,
  decided_count,
  completed_count
FROM skill_user_interactions
WHERE
  user_id IN (
    SELECT
      UNNEST(STRING_TO_ARRAY($user_ids, CHR(  10)))
  )
  AND invocation_count > 0
  AND NOT skill_name IN (
    SELECT
      skill_name
    FROM skill_user_interactions
    WHERE
      user_id IN (
        SELECT
          UNNEST(STRING_TO_ARRAY($unlike, CHR(  10)))
      )
      AND invocation_count > 0
  )
ORDER BY
  user_id,
  skill_name;

-- users_like --
-- Users who share a skill with one, nearest first.
WITH own AS (
  SELECT
    skill_name
  FROM skill_user_interactions
  WHERE
    user_id = $user_id AND invocation_count > 0
), shared AS (
  SELECT
    user_id,
    COUNT(*) AS shared_count
  FROM skill_user_interactions
  WHERE
    skill_name IN (
      SELECT
        skill_name
      FROM own
    )
    AND user_id <> $user_id
    AND invocation_count > 0
  GROUP BY
    user_id
), sizes AS (
  SELECT
    user_id,
    COUNT(*) AS skill_count
  FROM skill_user_interactions
  WHERE
    invocation_count > 0
  GROUP BY
    user_id
)
SELECT
  s.user_id,
  s.shared_count,
  z.skill_count
FROM shared AS s
INNER JOIN sizes AS z
  ON z.user_id = s.user_id
ORDER BY
  CAST(s.shared_count AS DOUBLE PRECISION) / (
    z.skill_count + (
      SELECT
        COUNT(*)
      FROM own
    ) - s.shared_count
  ) DESC,
  s.user_id
LIMIT $limit;

-- popular_skills --
-- How many users each skill has, and how it goes for them.
SELECT
  skill_name,
  COUNT(*) AS user_count,
  CAST(SUM(decided_count) AS BIGINT) AS decided_count,
  CAST(SUM(completed_count) AS BIGINT) AS completed_count
FROM skill_user_interactions
WHERE
  invocation_count > 0
GROUP BY
  skill_name
ORDER BY
  skill_name;

-- usage_of_skills --
-- How every used skill goes for everybody; p50 and p95 are bucket indexes of the duration sketch. What takes long is looked up for the most used skills only.
WITH detailed AS (
  SELECT
    skill_name
  FROM skill_metrics
  WHERE
    invocation_count > 0
  ORDER BY
    invocation_count DESC,
    skill_name
  LIMIT $detailed
), users AS (
  SELECT
    skill_name,
    COUNT(*) AS user_count
  FROM skill_user_interactions
  WHERE
    invocation_count > 0
  GROUP BY
    skill_name
), cumulated AS (
  SELECT
    skill_name,
    CAST(value AS INT) AS bucket,
    SUM(invocation_count) OVER (PARTITION BY skill_name ORDER BY CAST(value AS INT)) AS reached,
    SUM(invocation_count) OVER (PARTITION BY skill_name) AS whole
  FROM skill_tally
  WHERE
    dimension = 'duration_bucket'
    AND invocation_count > 0
    AND skill_name IN (
      SELECT
        skill_name
      FROM detailed
    )
), quantiles AS (
  SELECT
    skill_name,
    MIN(bucket) FILTER(WHERE
      reached >= 0.5 * whole) AS p50_bucket,
    MIN(bucket) FILTER(WHERE
      reached >= 0.95 * whole) AS p95_bucket
  FROM cumulated
  GROUP BY
    skill_name
)
SELECT
  m.skill_name,
  COALESCE(u.user_count, 0) AS user_count,
  COALESCE(s.session_count, 0) AS session_count,
  m.invocation_count,
  m.completed_count + m.failed_count + m.abandoned_count AS decided_count,
  m.completed_count,
  CAST(m.duration_sum AS DOUBLE PRECISION) / NULLIF(m.duration_count, 0) AS mean_duration_seconds,
  q.p50_bucket,
  q.p95_bucket,
  CAST(m.rating_sum AS DOUBLE PRECISION) / NULLIF(m.rating_count, 0) AS mean_rating
FROM skill_metrics AS m
LEFT JOIN users AS u
  ON u.skill_name = m.skill_name
LEFT JOIN skill_session_counts AS s
  ON s.skill_name = m.skill_name
LEFT JOIN quantiles AS q
  ON q.skill_name = m.skill_name
WHERE
  m.invocation_count > 0
ORDER BY
  m.invocation_count DESC,
  m.skill_name;

-- pair_similarities --
-- Jaccard index of the sessions of two skills, where it reaches a least value.
SELECT
  d.skill_a,
  d.skill_b,
  CAST(d.session_count AS DOUBLE PRECISION) / (
    a.session_count + b.session_count - d.session_count
  ) AS jaccard
FROM skill_dependencies AS d
INNER JOIN skill_session_counts AS a
  ON a.skill_name = d.skill_a
INNER JOIN skill_session_counts AS b
  ON b.skill_name = d.skill_b
WHERE
  d.session_count >= $least_sessions
ORDER BY
  d.skill_a,
  d.skill_b;

-- skills_with_baseline --
-- Skills that had a place when it was computed last.
SELECT
  skill_name
FROM skill_community_baselines;

-- delete_baselines --
-- They are computed as a whole.
DELETE FROM skill_community_baselines;

-- insert_baselines --
-- How each skill goes for everybody.
INSERT INTO skill_community_baselines (
  skill_name,
  user_count,
  session_count,
  invocation_count,
  decided_count,
  completed_count,
  completion_rate,
  mean_duration_seconds,
  p50_seconds,
  p95_seconds,
  mean_rating,
  percentile,
  computed_at
)
SELECT
  parsed.skill_name,
  parsed.user_count,
  parsed.session_count,
  parsed.invocation_count,
  parsed.decided_count,
  parsed.completed_count,
  parsed.completion_rate,
  parsed.mean_duration_seconds,
  parsed.p50_seconds,
  parsed.p95_seconds,
  parsed.mean_rating,
  parsed.percentile,
  parsed.computed_at
FROM (
  SELECT
    UNNEST(STRING_TO_ARRAY($rows, CHR(  10))) AS line
) AS part_1
CROSS JOIN LATERAL JSON_TO_RECORD(CAST(line AS JSON)) AS parsed(skill_name TEXT, user_count BIGINT, session_count BIGINT, invocation_count BIGINT, decided_count BIGINT, completed_count BIGINT, completion_rate DOUBLE PRECISION, mean_duration_seconds DOUBLE PRECISION, p50_seconds DOUBLE PRECISION, p95_seconds DOUBLE PRECISION, mean_rating DOUBLE PRECISION, percentile DOUBLE PRECISION, computed_at TIMESTAMP)
WHERE
  line <> '' ON CONFLICT(skill_name) DO UPDATE SET user_count = excluded.user_count, session_count = excluded.session_count, invocation_count = excluded.invocation_count, decided_count = excluded.decided_count, completed_count = excluded.completed_count, completion_rate = excluded.completion_rate, mean_duration_seconds = excluded.mean_duration_seconds, p50_seconds = excluded.p50_seconds, p95_seconds = excluded.p95_seconds, mean_rating = excluded.mean_rating, percentile = excluded.percentile, computed_at = excluded.computed_at;

-- delete_memberships --
-- Clusters are computed as a whole: their members first.
DELETE FROM skill_cluster_membership;

-- delete_clusters --
-- Then the clusters themselves, in a transaction of their own.
DELETE FROM skill_clusters;

-- insert_clusters --
-- Skills that are used alike.
INSERT INTO skill_clusters (
  cluster_id,
  label,
  method,
  skill_count,
  cohesion,
  computed_at
)
SELECT
  parsed.cluster_id,
  parsed.label,
  parsed.method,
  parsed.skill_count,
  parsed.cohesion,
  parsed.computed_at
FROM (
  SELECT
    UNNEST(STRING_TO_ARRAY($rows, CHR(  10))) AS line
) AS part_1
CROSS JOIN LATERAL JSON_TO_RECORD(CAST(line AS JSON)) AS parsed(cluster_id INT, label TEXT, method TEXT, skill_count BIGINT, cohesion DOUBLE PRECISION, computed_at TIMESTAMP)
WHERE
  line <> '';

-- insert_memberships --
-- Their members.
INSERT INTO skill_cluster_membership (
  cluster_id,
  skill_name,
  strength
)
SELECT
  parsed.cluster_id,
  parsed.skill_name,
  parsed.strength
FROM (
  SELECT
    UNNEST(STRING_TO_ARRAY($rows, CHR(  10))) AS line
) AS part_1
CROSS JOIN LATERAL JSON_TO_RECORD(CAST(line AS JSON)) AS parsed(cluster_id INT, skill_name TEXT, strength DOUBLE PRECISION)
WHERE
  line <> '';

-- stored_clusters --
-- The clusters as they were computed last.
SELECT
  c.cluster_id,
  c.label,
  c.cohesion,
  m.skill_name,
  m.strength
FROM skill_clusters AS c
INNER JOIN skill_cluster_membership AS m
  ON m.cluster_id = c.cluster_id
ORDER BY
  c.cluster_id,
  m.strength DESC,
  m.skill_name;

-- insert_categories --
-- The categories there are; one that the user made is not built in.
INSERT INTO skill_categories (
  category,
  description,
  built_in
)
VALUES
  ($category, $description, $built_in) ON CONFLICT(category) DO NOTHING;

-- described_skills --
-- Every skill with what it says of itself, if it is installed.
SELECT
  m.skill_name,
  COALESCE(
    (
      ARRAY_AGG(c.description ORDER BY c.seen_at DESC) FILTER(WHERE
        NOT c.description IS NULL)
    )[1],
    ''
  ) AS description
FROM skill_metrics AS m
LEFT JOIN skill_catalogue AS c
  ON c.skill_name = m.skill_name
GROUP BY
  m.skill_name
ORDER BY
  m.skill_name;

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

-- has_later_category --
-- Whether the user said something else of the skill at a later time: journals are read in any order.
SELECT
  1
FROM skill_category_mapping
WHERE
  skill_name = $skill_name
  AND assigned_by = 'user'
  AND (
    assigned_at > $assigned_at
    OR (
      assigned_at = $assigned_at AND category > $value
    )
  );

-- delete_category --
-- A skill is in one category.
DELETE FROM skill_category_mapping
WHERE
  skill_name = $skill_name AND category <> $value;

-- insert_category --
-- What a rule says does not overrule what the user said.
INSERT INTO skill_category_mapping (
  skill_name,
  category,
  confidence,
  assigned_by,
  assigned_at
)
VALUES
  (
    $skill_name,
    $value,
    $confidence,
    $assigned_by,
    $assigned_at
  ) ON CONFLICT(skill_name, category) DO UPDATE SET confidence = excluded.confidence, assigned_by = excluded.assigned_by, assigned_at = excluded.assigned_at;

-- has_later_modality --
-- As for categories.
SELECT
  1
FROM skill_modalities
WHERE
  skill_name = $skill_name
  AND assigned_by = 'user'
  AND (
    assigned_at > $assigned_at
    OR (
      assigned_at = $assigned_at AND modality > $value
    )
  );

-- delete_modality --
-- A skill works on one kind of thing first of all.
DELETE FROM skill_modalities
WHERE
  skill_name = $skill_name AND modality <> $value;

-- insert_modality --
-- As for categories.
INSERT INTO skill_modalities (
  skill_name,
  modality,
  confidence,
  assigned_by,
  assigned_at
)
VALUES
  (
    $skill_name,
    $value,
    $confidence,
    $assigned_by,
    $assigned_at
  ) ON CONFLICT(skill_name, modality) DO UPDATE SET confidence = excluded.confidence, assigned_by = excluded.assigned_by, assigned_at = excluded.assigned_at;

-- unstage_changes --
-- The staging tables of one learning, for another in the same transaction.
DROP TABLE IF EXISTS pair, path, change;

-- has_fresh_baselines --
-- Whether a machine made the baselines lately; one whose clock is far ahead keeps nobody from it.
SELECT 1 FROM skill_community_baselines WHERE computed_at > $since AND computed_at < $until LIMIT 1;
