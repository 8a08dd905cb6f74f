"""The panels, from what a person looks at first to what explains it."""

from typing import Final

from monitoring.dashboard.parts import (
    HERE,
    SKILL,
    TO_SKILL,
    TO_SKILL_OF_ROW,
    Json,
    drawn,
    lines,
    override,
    panel,
    query,
    reduced,
    rename,
    row,
    runbook,
    stat,
    thresholds,
)

COMPLETION: Final = thresholds((None, "red"), (0.5, "orange"), (0.7, "green"))
CONNECTIONS: Final = thresholds((None, "green"), (0.9, "orange"), (0.95, "red"))
ALERTING: Final = f'alertname=~"SessionBuddy.+",alertstate="firing",{HERE}'
DECIDED_DAY: Final = f"last_over_time(session_buddy:skill_decided:increase1d{{{SKILL}}}[10m])"

MOST_USED: Final = f"topk(20, sum by (skill_name) ({DECIDED_DAY}))"

STATES_OVER_TIME = {
    "alignValue": "left",
    "legend": {"calcs": [], "displayMode": "list", "placement": "bottom", "showLegend": False},
    "mergeValues": True,
    "rowHeight": 0.8,
    "showValue": "never",
    "tooltip": {"mode": "single", "sort": "none"},
}
"""How a state timeline is drawn."""


def skills() -> list[Json]:
    """What happens now."""
    return [
        row("Skills"),
        panel(
            "timeseries",
            "Skill invocations",
            "Uses a minute whose outcome became known, by skill. Counters begin at 0 with each leader.",
            [
                query(
                    "60 * sum by (skill_name) "
                    f"(rate(session_buddy_skill_invocations_total{{{SKILL}}}[$__rate_interval]))",
                    "{{skill_name}}",
                )
            ],
            size=(12, 8),
            unit="cpm",
            options=lines(legend=("mean", "max")),
            custom=drawn("bars", fill=60, stacked=True),
            data_links=[TO_SKILL],
            links=[runbook("HighInvocationRate")],
        ),
        panel(
            "gauge",
            "Completion rate, 24 h",
            "Completed of the decided uses of the last 24 hours, each skill weighed by its uses.",
            [
                query(
                    f"sum(session_buddy_skill_completion_ratio{{{SKILL}}} "
                    f"* on (job, instance, skill_name) {DECIDED_DAY}) / sum({DECIDED_DAY} "
                    f"and on (job, instance, skill_name) session_buddy_skill_completion_ratio{{{SKILL}}})",
                    instant=True,
                )
            ],
            size=(4, 8),
            unit="percentunit",
            options={**reduced(), "showThresholdLabels": False, "showThresholdMarkers": True},
            steps=COMPLETION,
            color={"mode": "thresholds"},
            min=0,
            max=1,
            links=[runbook("SkillPerformanceDrop"), runbook("CompletionBudgetBurnFast")],
        ),
        panel(
            "stat",
            "Anomalies",
            "Anomalies that last now: skills off their baselines.",
            [query(f"count(session_buddy_anomaly_active{{{SKILL}}}) or vector(0)", instant=True)],
            size=(4, 4),
            options=stat("background"),
            steps=thresholds((None, "green"), (1, "orange"), (6, "red")),
            color={"mode": "thresholds"},
            links=[runbook("HighAnomalyRate"), runbook("AnomalyLasting")],
        ),
        panel(
            "stat",
            "Active sessions",
            "Agent sessions with activity in the last hour that have not ended.",
            [query(f"sum(session_buddy_active_sessions{{{HERE}}})", instant=True)],
            size=(4, 4),
            options=stat(),
            steps=thresholds((None, "text"), (1, "green")),
            color={"mode": "thresholds"},
            links=[runbook("ActiveSessionsZero")],
        ),
        panel(
            "table",
            "Alerts that fire",
            "Alerts of session-buddy that fire now. A name leads to what to do about it.",
            [query(f"ALERTS{{{ALERTING}}}", instant=True, form="table")],
            size=(8, 4),
            unit="none",
            options={"cellHeight": "sm", "frameIndex": 0, "showHeader": True},
            custom={"align": "auto", "cellOptions": {"type": "auto"}, "inspect": False},
            transformations=[
                rename(
                    {
                        "alertname": "alert",
                        "severity": "severity",
                        "skill_name": "skill",
                        "instance": "instance",
                    },
                    ["Time", "Value", "__name__", "alertstate", "job", "component"],
                )
            ],
            overrides=[
                override(
                    "alert",
                    links=[
                        {
                            "title": "Runbook",
                            "url": "${runbooks}/${__data.fields.alert}.md",
                            "targetBlank": True,
                        }
                    ],
                ),
            ],
        ),
        panel(
            "table",
            "Top skills, 24 h",
            "The most used skills of 24 hours; p95 from 20 durations on. A name leads to that skill alone.",
            [
                query(MOST_USED, instant=True, form="table"),
                query(
                    f"avg by (skill_name) (session_buddy_skill_completion_ratio{{{SKILL}}}) and {MOST_USED}",
                    instant=True,
                    form="table",
                ),
                query(
                    f"max by (skill_name) (session_buddy_skill_duration_p95_seconds{{{SKILL}}}) "
                    f"and {MOST_USED}",
                    instant=True,
                    form="table",
                ),
            ],
            size=(12, 9),
            unit="short",
            decimals=0,
            options={
                "cellHeight": "sm",
                "frameIndex": 0,
                "showHeader": True,
                "sortBy": [{"displayName": "uses", "desc": True}],
            },
            custom={"align": "auto", "cellOptions": {"type": "auto"}, "inspect": False},
            transformations=[
                {"id": "joinByField", "options": {"byField": "skill_name", "mode": "outer"}},
                rename(
                    {
                        "skill_name": "skill",
                        "Value #A": "uses",
                        "Value #B": "completed",
                        "Value #C": "p95",
                    },
                    ["Time", "Time 1", "Time 2", "Time 3"],
                ),
            ],
            overrides=[
                override("skill", links=[TO_SKILL_OF_ROW]),
                override(
                    "completed",
                    unit="percentunit",
                    thresholds=COMPLETION,
                    custom_cellOptions={"type": "color-text"},
                    color={"mode": "thresholds"},
                ),
                override("p95", unit="s", decimals=1),
            ],
            links=[runbook("SkillCriticalFailure")],
        ),
        panel(
            "heatmap",
            "Durations",
            "How long skills were at work, pauses excluded: the darker, the more uses took so long.",
            [
                query(
                    f"sum by (le) (increase(session_buddy_skill_duration_seconds_bucket{{{SKILL}}}"
                    "[$__rate_interval]))",
                    "{{le}}",
                    form="heatmap",
                )
            ],
            size=(12, 9),
            unit="s",
            options={
                "calculate": False,
                "cellGap": 1,
                "color": {
                    "mode": "scheme",
                    "scheme": "Oranges",
                    "steps": 64,
                    "fill": "orange",
                    "exponent": 0.5,
                    "reverse": False,
                },
                "exemplars": {"color": "rgba(255,0,255,0.7)"},
                "filterValues": {"le": 1e-9},
                "legend": {"show": True},
                "showValue": "never",
                "tooltip": {"mode": "single", "yHistogram": True},
                "yAxis": {"axisPlacement": "left", "unit": "s"},
            },
            custom={"scaleDistribution": {"type": "linear"}},
            links=[runbook("SlowSkillExecution"), runbook("VerySlowSkillExecution")],
        ),
        panel(
            "piechart",
            "Workflow phases",
            "Uses in the time shown, by workflow phase.",
            [
                query(
                    "sum by (workflow_phase) "
                    f"(increase(session_buddy_skill_invocations_total{{{SKILL}}}[$__range])) > 0",
                    "{{workflow_phase}}",
                    instant=True,
                )
            ],
            size=(8, 8),
            unit="short",
            decimals=0,
            options={
                **reduced(),
                "displayLabels": ["percent"],
                "legend": {
                    "calcs": [],
                    "displayMode": "table",
                    "placement": "right",
                    "showLegend": True,
                    "values": ["value"],
                },
                "pieType": "donut",
                "sort": "desc",
                "tooltip": {"mode": "single", "sort": "none"},
            },
        ),
        panel(
            "state-timeline",
            "Anomalies over time",
            "When which skill was off its baseline.",
            [
                query(
                    f"max by (skill_name, anomaly_type) (session_buddy_anomaly_active{{{SKILL}}})",
                    "{{skill_name}}: {{anomaly_type}}",
                )
            ],
            size=(16, 8),
            unit="none",
            options=STATES_OVER_TIME,
            custom={"fillOpacity": 80, "lineWidth": 0},
            steps=thresholds((None, "transparent"), (1, "orange")),
            color={"mode": "thresholds"},
            data_links=[TO_SKILL],
            links=[runbook("AnomalyLasting")],
        ),
    ]


def servers() -> list[Json]:
    """The feed, the database, recording and tools."""
    return [
        row("Servers"),
        panel(
            "timeseries",
            "Live feed",
            "Subscribers of the WebSocket feed, how many there may be, and those dropped a minute.",
            [
                query(f"sum(session_buddy_websocket_clients{{{HERE}}})", "subscribers"),
                query(f"sum(session_buddy_websocket_clients_max{{{HERE}}})", "at most"),
                query(
                    "60 * sum by (reason) "
                    f"(rate(session_buddy_websocket_dropped_total{{{HERE}}}[$__rate_interval]))",
                    "dropped a minute: {{reason}}",
                ),
            ],
            size=(8, 8),
            options=lines(),
            custom=drawn(),
            links=[runbook("WebSocketServerDown"), runbook("FeedClientsDropped"), runbook("FeedNearlyFull")],
        ),
        panel(
            "timeseries",
            "Database connections",
            "Connections to the database that are in use, as a share of those there may be.",
            [
                query(
                    f"session_buddy_database_connections_in_use{{{HERE}}} "
                    f"/ session_buddy_database_connections_max{{{HERE}}}",
                    "{{instance}}",
                )
            ],
            size=(8, 8),
            unit="percentunit",
            options=lines(),
            custom=drawn(limits=True),
            steps=CONNECTIONS,
            min=0,
            max=1,
            links=[runbook("DatabasePoolExhausted"), runbook("DatabasePoolCritical")],
        ),
        panel(
            "timeseries",
            "From journal to database",
            "How long the oldest acknowledged event has waited for the database, and the p95 of folds.",
            [
                query(f"session_buddy_journal_oldest_pending_seconds{{{HERE}}}", "oldest waits"),
                query(
                    "histogram_quantile(0.95, sum by (le) "
                    f"(rate(session_buddy_fold_seconds_bucket{{{HERE}}}[$__rate_interval])))",
                    "p95 of a fold",
                ),
            ],
            size=(8, 8),
            unit="s",
            options=lines(),
            custom=drawn(),
            links=[runbook("JournalBacklog"), runbook("SlowFold")],
        ),
        panel(
            "state-timeline",
            "Database unavailable",
            "When a database took nothing that was recorded, and why: a reason of the runbook's table.",
            [
                query(
                    f"max by (instance, reason) (session_buddy_database_unavailable{{{HERE}}} == 1) "
                    f"or on (instance) min by (instance) (1 - session_buddy_database_available{{{HERE}}})",
                    "{{instance}} {{reason}}",
                )
            ],
            size=(24, 4),
            unit="none",
            options=STATES_OVER_TIME,
            custom={"fillOpacity": 80, "lineWidth": 0},
            steps=thresholds((None, "green"), (1, "red")),
            color={"mode": "thresholds"},
            links=[runbook("DatabaseUnavailable")],
        ),
        panel(
            "timeseries",
            "Tool calls",
            "Calls of MCP tools a minute, by outcome.",
            [
                query(
                    "60 * sum by (outcome) "
                    f"(rate(session_buddy_mcp_requests_total{{{HERE}}}[$__rate_interval]))",
                    "{{outcome}}",
                )
            ],
            size=(8, 7),
            unit="cpm",
            options=lines(),
            custom=drawn(stacked=True),
            links=[runbook("ToolErrorBudgetBurnFast"), runbook("ToolErrorBudgetBurnSlow")],
        ),
        panel(
            "timeseries",
            "Time of tool calls and updates",
            "The p95 of tool calls and of an update to all subscribers of the feed.",
            [
                query(
                    f"histogram_quantile(0.95, sum by (le) (rate({name}{{{HERE}}}[$__rate_interval])))",
                    legend,
                )
                for name, legend in (
                    ("session_buddy_mcp_request_seconds_bucket", "tool call"),
                    ("session_buddy_websocket_broadcast_seconds_bucket", "update of the feed"),
                )
            ],
            size=(8, 7),
            unit="s",
            options=lines(),
            custom=drawn(limits=True),
            steps=thresholds((None, "green"), (1, "orange")),
            links=[runbook("SlowToolCalls"), runbook("SlowBroadcast")],
        ),
        panel(
            "stat",
            "Size of the database",
            "Bytes of the database file.",
            [query(f"sum(session_buddy_database_size_bytes{{{HERE}}})", instant=True)],
            size=(4, 7),
            unit="bytes",
            options=stat(),
        ),
        panel(
            "stat",
            "Figures changed",
            "When the live figures changed last. They stand still while nobody works.",
            [
                query(
                    f"max(session_buddy_metrics_cache_last_update_timestamp_seconds{{{HERE}}}) * 1000",
                    instant=True,
                )
            ],
            size=(4, 7),
            unit="dateTimeFromNow",
            options=stat("none"),
            links=[runbook("StaleMetricsCache"), runbook("MissingSkillMetrics")],
        ),
    ]


def integrations() -> list[Json]:
    """CI and quality gates."""
    return [
        row("CI and quality gates"),
        panel(
            "timeseries",
            "CI stages",
            "Runs of CI stages an hour, by pipeline and outcome.",
            [
                query(
                    "3600 * sum by (pipeline, outcome) "
                    f"(rate(session_buddy_pipeline_stage_runs_total{{{HERE}}}[$__rate_interval]))",
                    "{{pipeline}}: {{outcome}}",
                )
            ],
            size=(12, 7),
            options=lines(),
            custom=drawn("bars", fill=60, stacked=True),
            links=[runbook("CICDPipelineFailure")],
        ),
        panel(
            "timeseries",
            "Quality gates",
            "Runs of crackerjack's gates an hour, by phase and outcome.",
            [
                query(
                    "3600 * sum by (phase, outcome) "
                    f"(rate(session_buddy_quality_gate_runs_total{{{HERE}}}[$__rate_interval]))",
                    "{{phase}}: {{outcome}}",
                )
            ],
            size=(12, 7),
            options=lines(),
            custom=drawn("bars", fill=60, stacked=True),
            links=[runbook("CrackerjackIntegrationFailing")],
        ),
    ]


def experiments() -> list[Json]:
    """A/B tests between strategies."""
    return [
        row("Experiments"),
        panel(
            "bargauge",
            "Outcomes in each group",
            "Outcomes so far, by experiment and group.",
            [
                query(
                    f"max by (test_name, group_name) (session_buddy_ab_test_samples{{{HERE}}})",
                    "{{test_name}}: {{group_name}}",
                    instant=True,
                )
            ],
            size=(10, 7),
            options={
                **reduced(),
                "displayMode": "basic",
                "legend": {"calcs": [], "displayMode": "list", "placement": "bottom", "showLegend": False},
                "namePlacement": "auto",
                "showUnfilled": True,
                "sizing": "auto",
                "valueMode": "color",
            },
            min=0,
            links=[runbook("ABTestSampleRatioMismatch")],
        ),
        panel(
            "gauge",
            "Sample reached",
            "The smallest group's share of the sample that the experiment needs before a verdict.",
            [
                query(
                    f"min by (test_name) (session_buddy_ab_test_samples{{{HERE}}}) "
                    f"/ on (test_name) min by (test_name) (session_buddy_ab_test_min_sample_size{{{HERE}}})",
                    "{{test_name}}",
                    instant=True,
                )
            ],
            size=(7, 7),
            unit="percentunit",
            options={**reduced(), "showThresholdLabels": False, "showThresholdMarkers": True},
            steps=thresholds((None, "orange"), (1, "green")),
            color={"mode": "thresholds"},
            min=0,
            max=1,
            links=[runbook("ABTestSampleSizeInsufficient")],
        ),
        panel(
            "stat",
            "Verdicts",
            "Whether an experiment that runs has a verdict.",
            [
                query(
                    f"max by (test_name) (session_buddy_ab_test_decided{{{HERE}}})",
                    "{{test_name}}",
                    instant=True,
                )
            ],
            size=(7, 7),
            unit="bool_yes_no",
            options=stat(),
            steps=thresholds((None, "text"), (1, "green")),
            color={"mode": "thresholds"},
            links=[runbook("ABTestNotAdopted")],
        ),
    ]


def predictions() -> list[Json]:
    """How good the predicted probabilities of success are."""
    return [
        row("Predictions"),
        panel(
            "timeseries",
            "Quality of predictions",
            "Accuracy: share on the right side of one half. Brier score: mean squared error; 0.25 is a coin.",
            [
                query(f"max(session_buddy_prediction_accuracy_ratio{{{HERE}}})", "accuracy"),
                query(f"max(session_buddy_prediction_brier_score{{{HERE}}})", "Brier score"),
            ],
            size=(12, 7),
            unit="percentunit",
            options=lines(),
            custom=drawn(fill=0),
            min=0,
            max=1,
            links=[runbook("PredictionAccuracyDrop"), runbook("CalibrationDrift")],
        ),
        panel(
            "stat",
            "Predictions",
            "Predictions given in the time shown.",
            [query(f"sum(increase(session_buddy_predictions_total{{{HERE}}}[$__range]))", instant=True)],
            size=(6, 7),
            options=stat(),
            decimals=0,
        ),
        panel(
            "stat",
            "Learned up to",
            "When the latest use began that the model of success has learned.",
            [
                query(
                    f"max(session_buddy_model_last_trained_timestamp_seconds{{{HERE}}}) * 1000", instant=True
                )
            ],
            size=(6, 7),
            unit="dateTimeFromNow",
            options=stat("none"),
            links=[runbook("ModelNotLearning")],
        ),
    ]
