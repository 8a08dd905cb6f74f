"""Every query of the dashboard has something to show, from a real server over a real Prometheus."""

import json
import math
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from websockets.sync.client import connect

from tests.monitoring.conftest import Service
from tests.monitoring.names import exported, used
from tests.support.live import receive
from tests.support.monitoring import MONITORING, RULES, Prometheus, Series, backfill, shortened
from tests.support.stdio_client import StdioClient
from tests.support.waiting import wait_for

FASTER = 60
RECORD = "record_skill_invocation"
HOURS = 6
STEP = 60
SHIPPED = json.loads((MONITORING / "grafana-dashboard.json").read_text("utf-8"))
LABELS = {"job": "session-buddy"}
RESOLVED = {
    "$__rate_interval": "1m",
    "$__range": f"{HOURS}h",
    "$job": ".+",
    "$instance": ".+",
    "$skill": ".+",
}


def scenario(window: StdioClient) -> None:
    """One of everything that the server can tell of."""
    review = {"skill_name": "review", "workflow_phase": "verification"}
    for number in range(160):
        session = f"session-{number // 2}"  # one session's uses speak for one another
        tell(window, RECORD, **review, completed=True, duration_seconds=3.0, session_id=session)
    tell(window, "detect_anomalies")  # what is there when the detectors begin is history, and no news
    for number in range(80):
        session = f"later-session-{number // 2}"
        tell(window, RECORD, **review, completed=False, duration_seconds=2.0, session_id=session)
    tell(window, "detect_anomalies")
    deploy = {"skill_name": "deploy", "workflow_phase": "deployment"}
    for number in range(25):
        tell(window, RECORD, **deploy, completed=number % 4 == 0, duration_seconds=90.0)
    strategies = {"control_strategy": "repeat_last", "treatment_strategy": "markov_blend"}
    tell(window, "run_ab_test", test_name="blend", **strategies, unit="session")
    for number in range(6):
        outcome = "failed" if number % 3 == 0 else "completed"
        tell(window, "record_pipeline_stage", pipeline_name="main", stage="test", outcome=outcome)
        tell(window, "record_quality_gate", phase="tests", outcome=outcome)
    tell(window, "predict_skill_success", skill_name="review")


def won(window: StdioClient) -> None:
    """An experiment that comes to its end: whatever treatment suggests turns out well, and nothing else."""
    strategies = {"control_strategy": "repeat_last", "treatment_strategy": "popularity"}
    tell(window, "run_ab_test", test_name="won", **strategies, unit="session", min_sample_size=20)
    for number in range(200):
        session = f"of-the-experiment-{number}"
        group = tell(window, "suggest_next_skill", session_id=session).get("group_name")
        if group is None:
            return
        value = int(group == "treatment")
        tell(window, "record_ab_outcome", test_name="won", value=value, session_id=session)
        if number >= 40:
            tell(window, "run_ab_test", test_name="won")  # who looks ends it at once, if it has its answer
    raise AssertionError


def tell(window: StdioClient, tool: str, **fields: Any) -> dict[str, Any]:
    answer = window.call(tool, fields)
    assert not answer.get("isError"), answer
    return dict(answer["structuredContent"])


def past(page: str, instance: str, now: float) -> Iterator[Series]:
    """Hours in which the server came to say what it says now."""
    moments = [now - HOURS * 3600 + number * STEP for number in range(HOURS * 3600 // STEP)]
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            labels = {"__name__": sample.name, "instance": instance} | LABELS | sample.labels
            if family.type in {"counter", "histogram"}:
                values = [math.floor(sample.value * n / len(moments)) for n in range(len(moments))]
            else:
                values = [sample.value] * len(moments)
            yield labels, list(zip(moments, map(float, values), strict=True))


@pytest.mark.slow
def test_every_panel_has_data_and_every_metric_a_series(
    service: Service, tmp_path: Path, promtool: Path, prometheus_binary: Path
) -> None:
    instance = f"127.0.0.1:{service.port}"
    with service.window() as window, connect(f"ws://{instance}/", proxy=None, max_queue=None) as subscriber:
        window.handshake()
        won(window)
        scenario(window)
        for name in (
            "anomaly_active{",
            "prediction_brier_score ",
            'ab_test_samples{group_name="control",test_name="blend"',
        ):
            wait_for(lambda name=name: f"session_buddy_{name}" in service.scrape(), f"{name} is exported", 60)
        page = service.scrape()
        assert set(used()) - exported(page) == set()

        backfill(promtool, tmp_path, past(page, instance, time.time()))
        (tmp_path / RULES.name).write_text(shortened(RULES.read_text(), FASTER))
        config = shortened((MONITORING / "prometheus.yml").read_text(), FASTER)
        (tmp_path / "prometheus.yml").write_text(config.replace("127.0.0.1:8765", instance))
        with Prometheus(prometheus_binary, tmp_path / "prometheus.yml", tmp_path) as prometheus:
            wait_for(lambda: prometheus.query(f'up{{instance="{instance}"}} == 1'), "it is scraped")
            scenario(window)
            receive(subscriber, "metrics_update")
            for variable in SHIPPED["templating"]["list"]:
                if variable["type"] == "query":
                    assert values_of(variable, prometheus), variable["name"]
            for title, target in targets():
                what = f"{title}: {target['expr']}"
                wait_for(lambda target=target: shows(prometheus, target), what, 30)


def targets() -> Iterator[tuple[str, dict[str, Any]]]:
    for panel in SHIPPED["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], target


def resolved(text: str) -> str:
    for name, value in RESOLVED.items():
        text = text.replace(name, value)
    assert "$" not in text
    return text


def values_of(variable: dict[str, Any], prometheus: Prometheus) -> list[str]:
    """What a person can choose from."""
    asked = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"]["query"])
    assert asked
    path = f"/api/v1/label/{asked[2]}/values"
    found: list[str] = prometheus.get(path, **{"match[]": resolved(asked[1])})["data"]
    return found


def shows(prometheus: Prometheus, target: dict[str, Any]) -> bool:
    """Whether a query gives data: now, or over the hours; nowhere is all of a series NaN."""
    expression = resolved(target["expr"])
    if target["instant"]:
        found = [[row["value"]] for row in prometheus.query(expression)]
    else:
        now = time.time()
        rows = prometheus.query_range(expression, now - HOURS * 3600, now, STEP)
        found = [row["values"] for row in rows]
    finite = [any(math.isfinite(float(value)) for _, value in values) for values in found]
    return bool(finite) and all(finite)
