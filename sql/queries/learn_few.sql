-- first_changes --
-- What the roll-ups lack, as far as it is little.
SELECT sign, invocation_id, skill_name, session_id, user_id, invoked_at, outcome, duration_seconds, rating
FROM skill_change
LIMIT $most;

-- path_of_session --
-- What a session used, as far as that is not much.
SELECT invocation_id, skill_name, invoked_at
FROM skill_invocation
WHERE session_id = $session_id
LIMIT $most;

-- move_hour --
-- One skill's hour, by a difference.
UPDATE skill_time_series
SET
    invocation_count = invocation_count + $invocation_count,
    completed_count = completed_count + $completed_count,
    failed_count = failed_count + $failed_count,
    abandoned_count = abandoned_count + $abandoned_count,
    duration_count = duration_count + $duration_count,
    duration_sum = duration_sum + $duration_sum,
    log_duration_sum = log_duration_sum + $log_duration_sum,
    log_duration_sum_of_squares = log_duration_sum_of_squares + $log_duration_sum_of_squares
WHERE skill_name = $skill_name AND bucket_start = $bucket_start;

-- insert_hour --
-- The first use of a skill in an hour.
INSERT INTO skill_time_series VALUES (
    $skill_name, $bucket_start, $invocation_count, $completed_count, $failed_count, $abandoned_count,
    $duration_count, $duration_sum, $log_duration_sum, $log_duration_sum_of_squares
);

-- move_interaction --
-- What one user did with one skill, by a difference.
UPDATE skill_user_interactions
SET
    invocation_count = invocation_count + $invocation_count,
    decided_count = decided_count + $decided_count,
    completed_count = completed_count + $completed_count,
    rating_count = rating_count + $rating_count,
    rating_sum = rating_sum + $rating_sum,
    last_invoked_at = greatest(last_invoked_at, CAST($last_invoked_at AS TIMESTAMP))
WHERE user_id = $user_id AND skill_name = $skill_name;

-- insert_interaction --
-- The first use of a skill by a user.
INSERT INTO skill_user_interactions VALUES (
    $user_id, $skill_name, $invocation_count, $decided_count, $completed_count, $rating_count, $rating_sum,
    $last_invoked_at
);

-- move_session_count --
-- In how many sessions one skill was used, by a difference.
UPDATE skill_session_counts
SET session_count = session_count + $session_count, first_count = first_count + $first_count
WHERE skill_name = $skill_name;

-- insert_session_count --
-- The first session of a skill.
INSERT INTO skill_session_counts VALUES ($skill_name, $session_count, $first_count);

-- stage_few_pairs --
-- Pairs of skills of some sessions by how much they move, for the statements that move what is kept of pairs.
CREATE OR REPLACE TEMP TABLE pair AS
SELECT unnest(from_json(
    line,
    '{"skill_a":"VARCHAR","skill_b":"VARCHAR","session_count":"BIGINT","a_before_b_count":"BIGINT",
    "b_before_a_count":"BIGINT"}'
))
FROM (SELECT unnest(string_split($pairs, chr(10))) AS line);
