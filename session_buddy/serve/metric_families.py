"""Every metric by name: the contract with dashboards and alerts. Names go out with `session_buddy_` before.

A family whose source does not exist (nothing runs experiments, say) is exported without series, or with
0 where it is a counter without labels, so that a dashboard finds every name from the start.
"""

from dataclasses import dataclass
from typing import Final, Literal

PREFIX: Final = "session_buddy_"
Kind = Literal["counter", "gauge", "histogram"]


@dataclass(frozen=True, slots=True)
class Family:
    """One metric: its name without the prefix (a counter's with `_total`), what it says, its labels."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()


FAMILIES: Final = (
    Family(
        "skill_invocations_total",
        "counter",
        "Uses of skills whose outcome became known since this leader began",
        ("skill_name", "workflow_phase", "outcome"),
    ),
    Family("skill_duration_seconds", "histogram", "Active seconds of those uses", ("skill_name",)),
    Family(
        "skill_completion_ratio",
        "gauge",
        "Completed of the decided uses of the last 24 hours",
        ("skill_name",),
    ),
    Family(
        "skill_duration_p95_seconds",
        "gauge",
        "95th percentile of the active seconds of the last 24 hours, from 20 durations on",
        ("skill_name",),
    ),
    Family(
        "anomalies_detected_total",
        "counter",
        "Anomalies detected since this leader began",
        ("skill_name", "anomaly_type"),
    ),
    Family("anomaly_active", "gauge", "1 for each anomaly that lasts", ("skill_name", "anomaly_type")),
    Family("active_sessions", "gauge", "Sessions with activity in the last hour that have not ended"),
    Family("skills_tracked", "gauge", "Skills that were ever used"),
    Family("websocket_clients", "gauge", "Subscribers of the feed"),
    Family("websocket_clients_max", "gauge", "Subscribers that the feed takes"),
    Family("websocket_dropped_total", "counter", "Subscribers that were dropped or refused", ("reason",)),
    Family("websocket_broadcast_seconds", "histogram", "Time that one update of all subscribers took"),
    Family("database_connections_in_use", "gauge", "Connections to the database that are in use"),
    Family("database_connections_max", "gauge", "Connections to the database that there may be"),
    Family(
        "database_available",
        "gauge",
        "0 if the last fold into the database, or the last reading of all live figures, failed, else 1",
    ),
    Family(
        "database_unavailable",
        "gauge",
        "1 for why it failed, while `database_available` is 0, else 0",
        ("reason",),
    ),
    Family("database_size_bytes", "gauge", "Size of the database file"),
    Family("fold_seconds", "histogram", "Time that one fold of journals into the database took"),
    Family("journal_pending_events", "gauge", "Acknowledged events that the database does not have yet"),
    Family("journal_oldest_pending_seconds", "gauge", "How long the oldest of them has waited, at most"),
    Family("metrics_cache_last_update_timestamp_seconds", "gauge", "When the live figures changed last"),
    Family("mcp_requests_total", "counter", "Calls of MCP tools", ("tool", "outcome")),
    Family("mcp_request_seconds", "histogram", "Time that a call of an MCP tool took"),
    Family("pipeline_stage_runs_total", "counter", "Runs of CI stages", ("pipeline", "stage", "outcome")),
    Family("quality_gate_runs_total", "counter", "Runs of quality gates", ("phase", "outcome")),
    Family("predictions_total", "counter", "Predictions of success that were given"),
    Family("prediction_brier_score", "gauge", "Mean squared error of the predictions whose outcome is known"),
    Family("prediction_accuracy_ratio", "gauge", "Predictions on the right side of one half"),
    Family("model_last_trained_timestamp_seconds", "gauge", "When the model of success learned last"),
    Family("ab_test_samples", "gauge", "Outcomes in a group of an experiment", ("test_name", "group_name")),
    Family("ab_test_min_sample_size", "gauge", "Samples that an experiment needs", ("test_name",)),
    Family("ab_test_decided", "gauge", "1 if an experiment has a verdict, else 0", ("test_name",)),
    Family(
        "ab_test_adopted",
        "gauge",
        "1 if the winner of an experiment is the default strategy, else 0",
        ("test_name",),
    ),
    Family(
        "ab_test_sample_ratio_mismatch",
        "gauge",
        "1 if the groups of an experiment are not as large as they were drawn, else 0",
        ("test_name",),
    ),
    Family("relays_connected", "gauge", "Agent windows that this leader serves"),
    Family("events_rejected_total", "counter", "What was read and not recorded", ("reason",)),
    Family("imported_invocations_total", "counter", "Uses that came from imports, not from live work"),
    Family("dropped_labels_total", "counter", "Uses that were counted under skill_name _other"),
    Family("build_info", "gauge", "1; the labels tell what runs", ("version", "mode")),
)
BY_NAME: Final = {family.name: family for family in FAMILIES}
