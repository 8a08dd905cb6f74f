-- events_of_invocations --
-- The log of some invocations, for merging a new event into what is known of its use.
SELECT
  *
FROM team_event
WHERE
  invocation_id IN (
    SELECT
      CAST(JSON_ARRAY_ELEMENTS_TEXT(CAST($invocation_ids AS JSON)) AS UUID)
  );

-- invocation_counts --
-- How often each skill was used in all.
SELECT
  skill_name,
  invocation_count
FROM skill_metrics
WHERE
  invocation_count > 0;

-- superseded_since --
-- Invocations that turned out lately to be no use of their own.
SELECT DISTINCT
  invocation_id
FROM team_event
WHERE
  kind = 'superseded' AND occurred_at >= $since;
