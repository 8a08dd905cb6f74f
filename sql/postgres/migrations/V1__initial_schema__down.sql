-- Made by scripts/postgres_sql.py from sql/migrations/V1__initial_schema__down.sql.

DROP VIEW v_session_summary;

DROP VIEW v_skill_summary;

DROP TABLE forgotten;

DROP TABLE journal_offset;

DROP TABLE skill_catalogue;

DROP TABLE agent_session;

DROP TABLE session_event;

DROP TABLE session_skills;

DROP TABLE skill_tally;

DROP TABLE superseded_invocation;

DROP TABLE skill_invocation;

DROP TABLE skill_event;

DROP TABLE skill_metrics;

DROP TABLE skill_migrations;

DROP TABLE folding_home;
