DROP VIEW own_event, own_invocation, team_event, team_invocation;
