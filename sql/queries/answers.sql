-- totals_of_skill --
-- All-time totals of one skill; its tallies ride along, so that both are of one moment.
SELECT
    m.*,
    (
        SELECT list(struct_pack(d := dimension, v := value, n := invocation_count))
        FROM skill_tally
        WHERE skill_name = $skill_name AND invocation_count > 0
    ) AS tallies
FROM skill_metrics AS m
WHERE m.skill_name = $skill_name AND m.invocation_count > 0;

-- totals_of_all_skills --
-- All-time totals of every used skill.
SELECT m.*, t.tallies
FROM skill_metrics AS m
LEFT JOIN (
    SELECT skill_name, list(struct_pack(d := dimension, v := value, n := invocation_count)) AS tallies
    FROM skill_tally
    WHERE invocation_count > 0
    GROUP BY skill_name
) AS t ON t.skill_name = m.skill_name
WHERE m.invocation_count > 0
ORDER BY m.invocation_count DESC, m.skill_name;

-- window_totals_of_skill --
-- Totals of one skill over the invocations that began in a window, of one project, agent or user if given,
-- with exact quantiles.
SELECT
    $skill_name AS skill_name,
    count(*) AS invocation_count,
    count(*) FILTER (outcome = 'completed') AS completed_count,
    count(*) FILTER (outcome = 'failed') AS failed_count,
    count(*) FILTER (outcome = 'abandoned') AS abandoned_count,
    count(*) FILTER (outcome_source = 'reported') AS reported_count,
    count(*) FILTER (outcome_source = 'inferred') AS inferred_count,
    count(duration_seconds) AS duration_count,
    coalesce(sum(duration_seconds), 0) AS duration_sum,
    count(rating) AS rating_count,
    coalesce(sum(rating), 0) AS rating_sum,
    min(invoked_at) AS first_invoked_at,
    max(invoked_at) AS last_invoked_at,
    quantile_cont(duration_seconds, [0.5, 0.95]) AS quantiles,
    histogram(error_type) AS errors,
    histogram(workflow_phase) AS phases
FROM skill_invocation
WHERE
    skill_name = $skill_name
    AND invoked_at >= $since
    AND invoked_at < $until
    AND ($project IS NULL OR project = $project)
    AND ($agent IS NULL OR agent = $agent)
    AND ($user_id IS NULL OR user_id = $user_id)
HAVING count(*) > 0;

-- window_totals_of_all_skills --
-- The same for every skill.
SELECT
    skill_name,
    count(*) AS invocation_count,
    count(*) FILTER (outcome = 'completed') AS completed_count,
    count(*) FILTER (outcome = 'failed') AS failed_count,
    count(*) FILTER (outcome = 'abandoned') AS abandoned_count,
    count(*) FILTER (outcome_source = 'reported') AS reported_count,
    count(*) FILTER (outcome_source = 'inferred') AS inferred_count,
    count(duration_seconds) AS duration_count,
    coalesce(sum(duration_seconds), 0) AS duration_sum,
    count(rating) AS rating_count,
    coalesce(sum(rating), 0) AS rating_sum,
    min(invoked_at) AS first_invoked_at,
    max(invoked_at) AS last_invoked_at,
    quantile_cont(duration_seconds, [0.5, 0.95]) AS quantiles,
    histogram(error_type) AS errors,
    histogram(workflow_phase) AS phases
FROM skill_invocation
WHERE
    invoked_at >= $since
    AND invoked_at < $until
    AND ($project IS NULL OR project = $project)
    AND ($agent IS NULL OR agent = $agent)
    AND ($user_id IS NULL OR user_id = $user_id)
GROUP BY skill_name
ORDER BY count(*) DESC, skill_name;

-- top_skills --
-- The most used skills of a window, of one project, agent or user if given.
SELECT
    skill_name,
    count(*) AS invocation_count,
    count(*) FILTER (completed) AS completed_count,
    count(*) FILTER (completed) / nullif(count(completed), 0) AS completion_rate,
    avg(duration_seconds) AS avg_duration,
    quantile_cont(duration_seconds, 0.95) AS p95_duration,
    max(invoked_at) AS last_invocation_at
FROM skill_invocation
WHERE
    invoked_at >= $since
    AND invoked_at < $until
    AND ($project IS NULL OR project = $project)
    AND ($agent IS NULL OR agent = $agent)
    AND ($user_id IS NULL OR user_id = $user_id)
GROUP BY skill_name
ORDER BY count(*) DESC, skill_name
LIMIT $limit;

-- skills_of_agent --
-- What an agent has used.
SELECT DISTINCT skill_name FROM skill_invocation WHERE agent = $agent;

-- active_anomalies --
-- Anomalies that last, newest first.
SELECT skill_name, anomaly_type, baseline_value, observed_value, deviation_score, detected_at
FROM skill_anomalies
WHERE resolved_at IS NULL
ORDER BY detected_at DESC, anomaly_id;

-- count_active_sessions --
-- Sessions with activity since a moment that have not ended, or went on after they had; filtered as above.
SELECT count(*)
FROM agent_session
WHERE
    last_activity_at >= $since
    AND (ended_at IS NULL OR ended_at < last_observed_at)
    AND ($project IS NULL OR project = $project)
    AND ($agent IS NULL OR agent = $agent)
    AND ($user_id IS NULL OR user_id = $user_id);

-- invocation_by_id --
-- One invocation.
SELECT * FROM skill_invocation WHERE invocation_id = $invocation_id;

-- invocation_of_event --
-- The invocation that an event belongs to.
SELECT invocation_id FROM skill_event WHERE id = $id;

-- invocations_of_session --
-- What a session used, in order.
SELECT * FROM skill_invocation WHERE session_id = $session_id ORDER BY invoked_at, invocation_id;

-- beginnings_of_batches --
-- When every so many-th invocation of a window began: sorting whole rows would not fit into memory.
SELECT DISTINCT invoked_at
FROM (
    SELECT invoked_at, row_number() OVER (ORDER BY invoked_at) AS position
    FROM skill_invocation
    WHERE invoked_at >= $since AND invoked_at < $until
)
WHERE position % $batch_size = 1 % $batch_size
ORDER BY invoked_at;

-- invocations_in_window --
-- The invocations that began in a window, in order.
SELECT * FROM skill_invocation
WHERE invoked_at >= $since AND invoked_at < $until
ORDER BY invoked_at, invocation_id;

-- latest_invocation_of_skill --
-- The newest use of a skill, in one session if it is given.
SELECT * FROM skill_invocation
WHERE skill_name = $skill_name AND session_id = coalesce($session_id, session_id)
ORDER BY invoked_at DESC, invocation_id DESC
LIMIT 1;

-- summary_of_session --
-- What is known of one session.
SELECT
    session_id, agent, project, started_at, last_activity_at, ended_at,
    invocation_count, completed_count, failed_count, abandoned_count
FROM v_session_summary
WHERE session_id = $session_id;

-- first_activity_of_session --
-- When a session was first heard of.
SELECT first_activity_at FROM agent_session WHERE session_id = $session_id;

-- latest_sessions --
-- The sessions that were active last; the newest are chosen before their skills are counted.
WITH latest AS (
    SELECT * FROM agent_session ORDER BY last_activity_at DESC, session_id LIMIT $limit
),

used AS (
    SELECT
        session_id,
        CAST(sum(invocation_count) AS BIGINT) AS invocation_count,
        CAST(sum(completed_count) AS BIGINT) AS completed_count,
        CAST(sum(failed_count) AS BIGINT) AS failed_count,
        CAST(sum(abandoned_count) AS BIGINT) AS abandoned_count
    FROM session_skills
    WHERE session_id IN (SELECT session_id FROM latest)
    GROUP BY session_id
)

SELECT
    l.session_id,
    l.agent,
    l.project,
    coalesce(l.started_at, l.first_activity_at) AS started_at,
    l.last_activity_at,
    CASE WHEN l.ended_at >= coalesce(l.last_observed_at, l.ended_at) THEN l.ended_at END AS ended_at,
    coalesce(u.invocation_count, 0) AS invocation_count,
    coalesce(u.completed_count, 0) AS completed_count,
    coalesce(u.failed_count, 0) AS failed_count,
    coalesce(u.abandoned_count, 0) AS abandoned_count
FROM latest AS l
LEFT JOIN used AS u ON u.session_id = l.session_id
ORDER BY l.last_activity_at DESC, l.session_id;

-- neighbours_of_skill --
-- How often each skill came directly before and directly after one in a session.
WITH path AS (
    SELECT
        skill_name,
        lag(skill_name) OVER steps AS previous_skill,
        lead(skill_name) OVER steps AS next_skill
    FROM skill_invocation
    WHERE session_id IN (SELECT session_id FROM session_skills WHERE skill_name = $skill_name)
    WINDOW steps AS (PARTITION BY session_id ORDER BY invoked_at, invocation_id)
)

SELECT 'before' AS side, previous_skill AS neighbour, count(*) AS invocation_count
FROM path
WHERE skill_name = $skill_name AND previous_skill IS NOT NULL
GROUP BY previous_skill
UNION ALL
SELECT 'after', next_skill, count(*)
FROM path
WHERE skill_name = $skill_name AND next_skill IS NOT NULL
GROUP BY next_skill
ORDER BY side, invocation_count DESC, neighbour;

-- catalogue --
-- Installed skills, with the surest category and modality; what the user said is surer than any rule.
SELECT
    c.skill_name,
    arg_max(c.description, struct_pack(t := c.seen_at, i := c.event_id)) AS description,
    list_sort(list(DISTINCT c.scope)) AS scopes,
    (
        SELECT m.category FROM skill_category_mapping AS m
        WHERE m.skill_name = c.skill_name
        ORDER BY m.assigned_by DESC, m.confidence DESC, m.category LIMIT 1
    ) AS category,
    (
        SELECT o.modality FROM skill_modalities AS o
        WHERE o.skill_name = c.skill_name
        ORDER BY o.assigned_by DESC, o.confidence DESC, o.modality LIMIT 1
    ) AS modality
FROM skill_catalogue AS c
WHERE c.installed
GROUP BY c.skill_name
ORDER BY c.skill_name;

-- catalogue_events --
-- What was last said of each skill in each scope and project.
SELECT event_id AS id, installed, seen_at AS occurred_at, skill_name, description, scope, project
FROM skill_catalogue
ORDER BY skill_name, scope, project;

-- latest_activity --
-- When a session was at work last.
SELECT max(last_activity_at) FROM agent_session;

-- unfinished_sessions --
-- Sessions that were at work and of whose end nothing is known, or of some use in them; the latest first.
SELECT s.session_id
FROM agent_session AS s
WHERE
    s.last_activity_at >= $since
    AND (
        coalesce(s.ended_at < s.last_observed_at, TRUE)
        OR EXISTS (
            SELECT 1 FROM skill_invocation AS i WHERE i.session_id = s.session_id AND i.outcome IS NULL
        )
    )
ORDER BY s.last_activity_at DESC, s.session_id
LIMIT $most;

-- journal_offsets --
-- How far each journal is folded.
SELECT journal, folded_bytes FROM journal_offset ORDER BY journal;

-- drop_journal_offset --
-- A journal was archived; its name will not come back.
DELETE FROM journal_offset WHERE journal = $journal;

-- count_rows --
-- Sizes for `status`; a skill counts once it is used.
SELECT
    (SELECT count(*) FROM skill_event) AS events,
    (SELECT count(*) FROM skill_invocation) AS invocations,
    (SELECT count(*) FROM skill_metrics WHERE invocation_count > 0) AS skills,
    (SELECT count(*) FROM agent_session) AS sessions;
