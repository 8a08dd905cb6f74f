"""`/metrics`, as scrapers read it."""

import gzip
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from uuid import uuid4

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client import parser as text_parser
from prometheus_client.exposition import generate_latest as text
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics import parser as openmetrics_parser
from prometheus_client.openmetrics.exposition import UNDERSCORES
from prometheus_client.openmetrics.exposition import generate_latest as openmetrics

from session_buddy import __version__
from session_buddy.errors import StorageError
from session_buddy.live.counters import Histogram
from session_buddy.serve.measures import RequestMeasures
from session_buddy.serve.metric_families import FAMILIES, PREFIX
from session_buddy.serve.metrics import LiveCollector, MetricsRenderer, Samples
from tests.page.recorded_day import anomaly_event
from tests.support.live import LiveHome, Running, ended_now, live_home, receive, running, send
from tests.support.waiting import wait_for

OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
HOSTILE = [
    'a"b',
    "back\\slash",
    "{x=1}",
    "ünï\u2028cöde",
    "'; DROP TABLE",
    "  spaces  ",
    "%s{}",
    "_other",
    "x" * 200,
]


DESIGNED = """skill_invocations_total skill_duration_seconds skill_duration_p95_seconds skill_completion_ratio
anomalies_detected_total
anomaly_active active_sessions skills_tracked websocket_clients websocket_clients_max
websocket_dropped_total websocket_broadcast_seconds database_connections_in_use
database_connections_max database_available database_unavailable database_size_bytes fold_seconds
journal_pending_events
journal_oldest_pending_seconds metrics_cache_last_update_timestamp_seconds mcp_requests_total
mcp_request_seconds pipeline_stage_runs_total quality_gate_runs_total predictions_total
prediction_brier_score prediction_accuracy_ratio model_last_trained_timestamp_seconds ab_test_samples
ab_test_min_sample_size ab_test_decided ab_test_adopted ab_test_sample_ratio_mismatch
relays_connected events_rejected_total
imported_invocations_total dropped_labels_total build_info
"""


def samples(metrics: list[Metric]) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for metric in metrics
        for sample in metric.samples
    }


def scraped(served: Running) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    served.home.settled()
    status, _, body = served.get("/metrics")
    assert status == 200
    return samples(list(text_parser.text_string_to_metric_families(body.decode())))


def value(found: Mapping[tuple[str, tuple[tuple[str, str], ...]], float], name: str, **labels: str) -> float:
    return found[PREFIX + name, tuple(sorted(labels.items()))]


def test_every_name_of_the_contract_is_exported(served: Running) -> None:
    text = served.get("/metrics")[2].decode()
    for family in FAMILIES:
        assert f"# TYPE {PREFIX}{family.name} {family.kind}\n" in text


def test_the_names_are_those_of_the_design() -> None:
    assert {family.name for family in FAMILIES} == set(DESIGNED.split())


def test_what_was_recorded_is_what_is_scraped(served: Running) -> None:
    home = served.home
    home.use("review", duration_seconds=2.0, workflow_phase="verification")
    home.use("review", duration_seconds=100.0, outcome="failed")
    home.use("deploy", duration_seconds=5.0)
    home.acknowledge(ended_now("old", source="import"))
    with served.connect() as subscriber:
        receive(subscriber, "metrics_update")
        found = scraped(served)
        assert value(found, "websocket_clients") == 1
    by_review = {"skill_name": "review"}
    completed = by_review | {"workflow_phase": "verification", "outcome": "completed"}
    assert value(found, "skill_invocations_total", **completed) == 1
    failed = by_review | {"workflow_phase": "unknown", "outcome": "failed"}
    assert value(found, "skill_invocations_total", **failed) == 1
    bounds = {"1.0": 0, "5.0": 1, "60.0": 1, "120.0": 2, "+Inf": 2}
    for bound, count in bounds.items():
        assert value(found, "skill_duration_seconds_bucket", **by_review, le=bound) == count
    assert value(found, "skill_duration_seconds_sum", **by_review) == 102
    assert value(found, "skill_duration_seconds_bucket", skill_name="deploy", le="5.0") == 1
    assert value(found, "skill_completion_ratio", **by_review) == 0.5
    assert value(found, "active_sessions") == 1
    assert value(found, "skills_tracked") == 3
    assert value(found, "journal_pending_events") == 4
    assert value(found, "websocket_clients_max") == 100
    assert value(found, "relays_connected") == 1
    assert value(found, "database_connections_in_use") == 0
    assert value(found, "database_connections_max") > 1
    assert value(found, "build_info", version=__version__, mode="window") == 1
    assert not any(
        count
        for (name, labels), count in found.items()
        if "old" in dict(labels).values() and "ratio" not in name
    )


def test_what_was_never_counted_is_there_with_zero(served: Running) -> None:
    """Else Prometheus, which sees a series grow only from its second sample on, would miss the first use."""
    served.home.acknowledge(ended_now("old", source="import"))
    found = scraped(served)
    failed = {"skill_name": "old", "workflow_phase": "unknown", "outcome": "failed"}
    assert value(found, "skill_invocations_total", **failed) == 0
    assert value(found, "skill_duration_seconds_count", skill_name="old") == 0
    assert value(found, "websocket_dropped_total", reason="slow") == 0


@pytest.mark.slow
def test_a_database_that_takes_nothing_is_told(home: LiveHome) -> None:
    with running(home) as served:
        home.use("review")
        home.store.close()
        with pytest.raises(StorageError):
            home.record.fold()
        assert value(scraped(served), "database_available") == 0
        home.store.open()
        home.record.fold()
        assert value(scraped(served), "database_available") == 1


@pytest.mark.slow
def test_folds_imports_and_requests_are_measured(home: LiveHome) -> None:
    requests = RequestMeasures()
    with running(home, requests=requests) as served:
        home.acknowledge(ended_now("old", source="import"), ended_now("new"))
        home.settled()
        home.record.fold()
        requests.served("get_skill_metrics", 0.002, ok=True)
        requests.served("get_skill_metrics", 0.2, ok=False)
        found = scraped(served)
        assert value(found, "imported_invocations_total") == 1
        assert value(found, "fold_seconds_count") == 1
        assert value(found, "journal_pending_events") == 0
        assert value(found, "mcp_requests_total", tool="get_skill_metrics", outcome="error") == 1
        assert value(found, "mcp_request_seconds_bucket", le="0.0025") == 1
        assert value(found, "events_rejected_total", reason="unreadable_line") == 0


def test_hostile_names_come_back_as_they_were_in_both_formats(served: Running) -> None:
    for name in HOSTILE:
        served.home.use(name)
    found = scraped(served)
    assert {dict(labels)["skill_name"] for name, labels in found if name.endswith("completion_ratio")} == set(
        HOSTILE
    )
    body = served.get("/metrics", Accept=OPENMETRICS)[2].decode()
    again = samples(list(openmetrics_parser.text_string_to_metric_families(body)))
    moving = ("websocket_broadcast", "oldest_pending")
    assert {key: n for key, n in again.items() if not any(word in key[0] for word in moving)} == {
        key: n for key, n in found.items() if not any(word in key[0] for word in moving)
    }


def test_what_is_rendered_faster_is_what_the_library_renders() -> None:
    def source() -> dict[str, Samples]:
        return {"skill_completion_ratio": [((name,), 0.5) for name in HOSTILE]}

    registry = CollectorRegistry(auto_describe=False)
    registry.register(LiveCollector([source]))
    for accept, encode in ((OPENMETRICS, openmetrics), ("text/plain; version=1.0.0", text)):
        page = MetricsRenderer([source]).render(accept, compress=False)
        assert page.body == encode(registry, escaping=UNDERSCORES)


def test_the_format_follows_the_accept_header(served: Running) -> None:
    assert served.get("/metrics")[1]["content-type"].startswith("text/plain; version=0.0.4")
    _, headers, body = served.get("/metrics", Accept=OPENMETRICS)
    assert headers["content-type"].startswith("application/openmetrics-text")
    assert body.endswith(b"# EOF\n")


def test_a_scraper_that_reads_gzip_gets_it(served: Running) -> None:
    _, headers, packed = served.get("/metrics", Accept_Encoding="gzip")
    assert headers["content-encoding"] == "gzip"
    assert b"session_buddy_build_info" in gzip.decompress(packed)
    assert "content-encoding" not in served.get("/metrics", Accept_Encoding="gzip;q=0, br")[1]


def test_no_created_series_are_exported(served: Running) -> None:
    served.home.use("review")
    served.home.settled()
    for accept in ("", OPENMETRICS):
        assert b"_created" not in served.get("/metrics", Accept=accept)[2]


@pytest.mark.slow
def test_at_most_two_hundred_skills_have_a_label_of_their_own(tmp_path: Path) -> None:
    with live_home(tmp_path) as home, running(home) as served:
        home.acknowledge(*(ended_now(f"skill {number:04}") for number in range(300)))
        found = scraped(served)
        labels = {dict(labels)["skill_name"] for _, labels in found if "skill_name" in dict(labels)}
        assert len(labels) == 201
        other = {"skill_name": "_other", "workflow_phase": "unknown", "outcome": "completed"}
        assert value(found, "skill_invocations_total", **other) == 100
        assert value(found, "dropped_labels_total") == 100
        assert value(found, "skills_tracked") == 300


def test_anomalies_are_shown_while_they_last(served: Running) -> None:
    raised = anomaly_event("review", deviation_score=-3.0)
    labels = {"skill_name": "review", "anomaly_type": "performance_drop"}
    served.home.acknowledge(raised)
    found = scraped(served)
    assert value(found, "anomaly_active", **labels) == 1
    assert value(found, "anomalies_detected_total", **labels) == 1
    with served.connect() as subscriber:
        [shown] = wait_for(lambda: receive(subscriber, "metrics_update")["data"]["anomalies"], "the anomaly")
        assert shown["deviation_score"] == -3.0
        served.home.acknowledge(raised.model_copy(update={"id": uuid4(), "kind": "anomaly_resolved"}))
        wait_for(lambda: not receive(subscriber, "metrics_update")["data"]["anomalies"], "it is over")
    assert (PREFIX + "anomaly_active", tuple(sorted(labels.items()))) not in scraped(served)


def test_who_connects_sees_how_things_stand_and_not_the_last_update(tmp_path: Path) -> None:
    with live_home(tmp_path, update_interval=60.0) as home, running(home) as served:
        raised = anomaly_event()
        home.acknowledge(raised)
        with served.connect() as early, served.connect() as late:
            assert receive(early, "metrics_update")["data"]["anomalies"]
            assert receive(late, "metrics_update")["data"]["anomalies"]
            home.acknowledge(raised.model_copy(update={"id": uuid4(), "kind": "anomaly_resolved"}))
            with served.connect() as third:
                assert receive(third, "metrics_update")["data"]["anomalies"] == []
            send(late, type="subscribe", skill_name=raised.skill_name)
            assert receive(late, "metrics_update")["data"]["anomalies"] == []
            assert active_anomalies(served) == []


def active_anomalies(served: Running) -> list[float]:
    return [value for (name, _), value in scraped(served).items() if name == PREFIX + "anomaly_active"]


def test_a_later_source_fills_families_that_had_none() -> None:
    def experiments() -> Mapping[str, Samples]:
        return {"ab_test_samples": [(("mine", "control"), 12)], "predictions_total": [((), 3)]}

    text = MetricsRenderer([experiments]).render("", compress=False).body.decode()
    assert 'session_buddy_ab_test_samples{group_name="control",test_name="mine"} 12.0' in text
    assert "session_buddy_predictions_total 3.0" in text
    bare = MetricsRenderer([]).render("", compress=False).body.decode()
    assert "session_buddy_predictions_total 0.0" in bare
    assert not re.search(r"^session_buddy_ab_test_samples\{", bare, re.MULTILINE)


def test_a_source_cannot_export_a_name_that_is_not_in_the_contract() -> None:
    with pytest.raises(KeyError, match="surprise"):
        MetricsRenderer([lambda: {"surprise": [((), 1)]}]).render("", compress=False)


def test_a_value_on_a_bound_lies_below_it() -> None:
    histogram = Histogram((1.0, 5.0))
    for seconds in (0.5, 1.0, 5.0, 5.1):
        histogram.observe(seconds)
    assert histogram.counts == [2, 1, 1]


def test_promtool_finds_nothing_to_say(served: Running, promtool: Path) -> None:
    for name in HOSTILE:
        served.home.use(name)
    served.home.settled()
    body = served.get("/metrics")[2]
    checked = subprocess.run([str(promtool), "check", "metrics"], input=body, capture_output=True)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")
