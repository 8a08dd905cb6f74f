-- Made by scripts/postgres_sql.py from sql/migrations/V4__phase4_extensions__down.sql.

DROP VIEW v_workflow_phase_transitions;

DROP VIEW v_multimodal_skill_catalog;

DROP VIEW v_ab_test_summary;

DROP VIEW v_skill_dependency_network;

DROP VIEW v_community_baseline_comparison;

DROP VIEW v_skill_effectiveness_trend;

DROP VIEW v_realtime_skill_dashboard;

DROP TABLE quality_gate_runs;

DROP TABLE pipeline_stage_runs;

DROP TABLE skill_strategy_promotions;

DROP TABLE skill_suggestions;

DROP TABLE skill_modalities;

DROP TABLE skill_dependencies;

DROP TABLE skill_session_counts;

DROP TABLE skill_category_mapping;

DROP TABLE skill_categories;

DROP TABLE ab_test_outcomes;

DROP TABLE ab_test_exposures;

DROP TABLE ab_test_assignments;

DROP TABLE ab_test_configs;

DROP TABLE skill_cluster_membership;

DROP TABLE skill_clusters;

DROP TABLE skill_user_interactions;

DROP TABLE skill_community_baselines;

DROP TABLE skill_anomalies;

DROP TABLE skill_time_series;

DROP TABLE skill_change;

DROP TABLE skill_metrics_cache;

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
