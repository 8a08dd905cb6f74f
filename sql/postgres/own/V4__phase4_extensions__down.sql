DROP VIEW own_event, own_invocation, team_event, team_invocation;

DROP POLICY written_by_one ON session_event;

DROP POLICY written_by_one ON skill_invocation;

DROP POLICY written_by_one ON skill_event;

DROP POLICY seen_by_all ON session_event;

DROP POLICY seen_by_all ON skill_invocation;

DROP POLICY seen_by_all ON skill_event;

ALTER TABLE session_event DISABLE ROW LEVEL SECURITY;

ALTER TABLE skill_invocation DISABLE ROW LEVEL SECURITY;

ALTER TABLE skill_event DISABLE ROW LEVEL SECURITY;
