-- events_of_invocations --
-- The log of some invocations, for merging a new event into what is known of its use.
SELECT * FROM skill_event
WHERE invocation_id IN (SELECT unnest(from_json($invocation_ids, '["UUID"]')));

-- invocation_counts --
-- How often each skill was used in all.
SELECT skill_name, invocation_count FROM skill_metrics WHERE invocation_count > 0;
