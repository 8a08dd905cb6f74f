-- event_is_known --
-- Whether an event was folded before.
SELECT 1 FROM skill_event WHERE id = $id;

-- invocation_is_superseded --
-- Whether an invocation turned out to be no use of its own.
SELECT 1 FROM superseded_invocation WHERE invocation_id = $invocation_id;

-- events_of_invocation --
-- All that was said about one use.
SELECT * FROM skill_event WHERE invocation_id = $invocation_id;

-- skill_is_known --
-- Whether a skill has its row.
SELECT 1 FROM skill_metrics WHERE skill_name = $skill_name;

-- insert_skill --
-- The parent of a new skill's totals.
INSERT INTO skill_metrics (skill_name) VALUES ($skill_name);

-- insert_superseded_invocation --
-- An invocation is no use of its own.
INSERT INTO superseded_invocation (invocation_id) VALUES ($invocation_id);

-- insert_event --
-- Append one event.
INSERT INTO skill_event (
    id, kind, invocation_id, occurred_at, skill_name, session_id, source, authority, agent, thread,
    origin, project, user_id, parent_invocation_id, invoked_at, ended_at, duration_seconds,
    outcome, outcome_source, evidence, error_type, tool_call_count, tool_error_count, rating, note,
    query_text, query_hash, query_length, workflow_phase, workflow_step
) VALUES (
    $id, $kind, $invocation_id, $occurred_at, $skill_name, $session_id, $source, $authority,
    $agent, $thread, $origin, $project, $user_id, $parent_invocation_id, $invoked_at, $ended_at,
    $duration_seconds, $outcome, $outcome_source, $evidence, $error_type, $tool_call_count,
    $tool_error_count, $rating, $note, $query_text, $query_hash, $query_length, $workflow_phase,
    $workflow_step
);

-- insert_invocation --
-- A use that was not known before.
INSERT INTO skill_invocation (
    invocation_id, skill_name, session_id, agent, thread, origin, source, project, user_id,
    parent_invocation_id, invoked_at, ended_at, duration_seconds, outcome, completed,
    outcome_source, evidence, error_type, tool_call_count, tool_error_count, rating, note,
    query_text, query_hash, query_length, workflow_phase, workflow_step
) VALUES (
    $invocation_id, $skill_name, $session_id, $agent, $thread, $origin, $source, $project,
    $user_id, $parent_invocation_id, $invoked_at, $ended_at, $duration_seconds, $outcome,
    $completed, $outcome_source, $evidence, $error_type, $tool_call_count, $tool_error_count,
    $rating, $note, $query_text, $query_hash, $query_length, $workflow_phase, $workflow_step
);

-- update_invocation --
-- More is known of a use.
UPDATE skill_invocation
SET
    skill_name = $skill_name,
    session_id = $session_id,
    agent = $agent,
    thread = $thread,
    origin = $origin,
    source = $source,
    project = $project,
    user_id = $user_id,
    parent_invocation_id = $parent_invocation_id,
    invoked_at = $invoked_at,
    ended_at = $ended_at,
    duration_seconds = $duration_seconds,
    outcome = $outcome,
    completed = $completed,
    outcome_source = $outcome_source,
    evidence = $evidence,
    error_type = $error_type,
    tool_call_count = $tool_call_count,
    tool_error_count = $tool_error_count,
    rating = $rating,
    note = $note,
    query_text = $query_text,
    query_hash = $query_hash,
    query_length = $query_length,
    workflow_phase = $workflow_phase,
    workflow_step = $workflow_step
WHERE invocation_id = $invocation_id;

-- delete_invocation --
-- A use turned out to be none.
DELETE FROM skill_invocation WHERE invocation_id = $invocation_id;

-- move_skill --
-- The totals of one skill by the difference that one use makes.
UPDATE skill_metrics
SET
    invocation_count = invocation_count + $invocation_count,
    completed_count = completed_count + $completed_count,
    failed_count = failed_count + $failed_count,
    abandoned_count = abandoned_count + $abandoned_count,
    reported_count = reported_count + $reported_count,
    inferred_count = inferred_count + $inferred_count,
    duration_count = duration_count + $duration_count,
    duration_sum = duration_sum
        + CAST(least($duration_now, 1e12) AS DECIMAL(30, 6))
        - CAST(least($duration_before, 1e12) AS DECIMAL(30, 6)),
    rating_count = rating_count + $rating_count,
    rating_sum = rating_sum + $rating_sum,
    first_invoked_at = least(first_invoked_at, $invoked_at),
    last_invoked_at = greatest(last_invoked_at, $invoked_at)
WHERE skill_name = $skill_name;

-- move_session_skill --
-- What one session did with one skill, by the same difference.
UPDATE session_skills
SET
    invocation_count = invocation_count + $invocation_count,
    completed_count = completed_count + $completed_count,
    failed_count = failed_count + $failed_count,
    abandoned_count = abandoned_count + $abandoned_count,
    duration_sum = duration_sum
        + CAST(least($duration_now, 1e12) AS DECIMAL(30, 6))
        - CAST(least($duration_before, 1e12) AS DECIMAL(30, 6))
WHERE session_skill_id = CAST(md5($session_id || chr(10) || $skill_name) AS UUID);

-- insert_session_skill --
-- The first use of a skill in a session.
INSERT INTO session_skills
VALUES (
    CAST(md5($session_id || chr(10) || $skill_name) AS UUID),
    $session_id, $skill_name, $invocation_count, $completed_count, $failed_count, $abandoned_count,
    CAST(least($duration_now, 1e12) AS DECIMAL(30, 6)) - CAST(least($duration_before, 1e12) AS DECIMAL(30, 6))
);

-- move_tally --
-- One bucket, phase or error type of a skill.
UPDATE skill_tally
SET invocation_count = invocation_count + $difference
WHERE skill_name = $skill_name AND dimension = $dimension AND value = $value;

-- insert_tally --
-- The first use in that bucket or phase or with that error.
INSERT INTO skill_tally VALUES ($skill_name, $dimension, $value, $difference);

-- session_by_id --
-- One session as it is.
SELECT * FROM agent_session WHERE session_id = $session_id;

-- insert_session --
-- A session of which nothing was known.
INSERT INTO agent_session (
    session_id, agent, project, project_at, user_id, first_activity_at, last_activity_at, last_observed_at
) VALUES (
    $session_id, $agent, $project, $project_at, $user_id, $first_activity_at, $last_activity_at,
    $last_observed_at
);

-- update_session --
-- A session with one more event.
UPDATE agent_session
SET
    agent = $agent,
    project = $project,
    project_at = $project_at,
    user_id = $user_id,
    first_activity_at = $first_activity_at,
    last_activity_at = $last_activity_at,
    last_observed_at = $last_observed_at
WHERE session_id = $session_id;

-- move_journal_offset --
-- How far one journal is folded.
UPDATE journal_offset SET folded_bytes = $folded_bytes WHERE journal = $journal;

-- insert_journal_offset --
-- The first fold from a journal.
INSERT INTO journal_offset VALUES ($journal, $folded_bytes);
