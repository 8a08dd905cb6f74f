"""Draws the dashboard for the page and the documents, from what a real Prometheus answers about a day of use.

    python -m tests.monitoring.record_picture

A made-up day goes through the product's own exporter, every two minutes of it, into the history of a real
Prometheus; its own rules and the dashboard's own queries do the rest. promtool and prometheus are on PATH.
"""

import json
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from session_buddy.serve.measures import FeedMeasures, RequestMeasures
from session_buddy.serve.metric_sources import live_source, record_source, server_source
from session_buddy.serve.metrics import MetricsRenderer
from tests.monitoring.picture import Frame, picture
from tests.page.recorded_day import anomaly_event, recorded_day
from tests.support.live import HandClock, live_home
from tests.support.monitoring import MONITORING, RULES, Prometheus, Series, backfill
from tests.support.waiting import wait_for

TARGET = Path(__file__).parents[2] / "session_buddy" / "assets" / "page" / "dashboard.svg"
STEP = 30
AHEAD = 300  # seconds that all of this may take: alerts are evaluated now, when the day must not be over
HOURS = 12
LOOKBACK = "--query.lookback-delta=4m"
"""History has no marks where a recorded series ends, so nothing may be seen until the next is due."""
DRAWN = 12
RESOLVED = {
    "$__rate_interval": "8m",
    "$__range": f"{HOURS}h",
    "$job": ".+",
    "$instance": ".+",
    "$skill": ".+",
}
LABELS = {"job": "session-buddy", "instance": "127.0.0.1:8765"}


def main() -> None:
    """Write the picture that the page and the documents show."""
    prometheus, promtool = shutil.which("prometheus"), shutil.which("promtool")
    assert prometheus
    assert promtool
    now = (time.time() + AHEAD) // STEP * STEP
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        backfill(Path(promtool), folder, day(now, folder))
        config = folder / "prometheus.yml"
        config.write_text("global: {evaluation_interval: 1s}\n")
        for _ in range(3):  # what is recorded from recorded series needs those first
            with Prometheus(Path(prometheus), config, folder, LOOKBACK) as running:
                record(Path(promtool), running, folder, now)
        rules = re.sub(r"for: \w+", "for: 1s", RULES.read_text())  # what has lasted so long by now
        (folder / RULES.name).write_text(rules)
        config.write_text(f"global: {{evaluation_interval: 1s}}\nrule_files: [{RULES.name}]\n")
        with Prometheus(Path(prometheus), config, folder, LOOKBACK) as running:
            wait_for(running.alerts, "alerts fire")
            frames = list(asked(running, now))
    rows = max(frame.panel["gridPos"]["y"] + frame.panel["gridPos"]["h"] for frame in frames)
    TARGET.write_text(picture("session-buddy", frames, rows), "utf-8")


def day(now: float, folder: Path) -> Iterator[Series]:
    """What the exporter says over a day, as one scrape after another."""
    start = datetime.fromtimestamp(now, UTC) - timedelta(hours=24)
    events = recorded_day(datetime.fromtimestamp(now, UTC))
    raised = datetime.fromtimestamp(now, UTC) - timedelta(hours=2)
    clock = HandClock(start)
    found: dict[tuple[tuple[str, str], ...], list[tuple[float, float]]] = {}
    with live_home(folder / "home", clock) as home:
        feed = FeedMeasures(100)
        renderer = MetricsRenderer(
            [
                live_source(home.live),
                record_source(home.live, home.settings, clock),
                server_source(home.settings, RequestMeasures(), feed, lambda: 1),
            ]
        )
        for step in range(int(24 * 3600 / STEP) + 1):
            clock.time = start + timedelta(seconds=step * STEP)
            due = [event for event in events if event.occurred_at <= clock.time]
            events = events[len(due) :]
            anomalies = (
                [anomaly_event(occurred_at=raised, detected_at=raised)] if clock.time == raised else []
            )
            home.acknowledge(*due, *anomalies)
            home.settled()
            if due:
                home.record.fold()
            feed.clients = 1 + (step // 360) % 3
            text = renderer.render("", compress=False).body.decode()
            for family in text_string_to_metric_families(text):
                for sample in family.samples:
                    labels = {"__name__": sample.name} | LABELS | sample.labels
                    key = tuple(sorted(labels.items()))
                    found.setdefault(key, []).append((clock.time.timestamp(), sample.value))
    for key, samples in found.items():
        yield dict(key), samples


def record(promtool: Path, running: Prometheus, folder: Path, now: float) -> None:
    """Put what the recording rules make of the day into the history."""
    subprocess.run(
        [
            *(str(promtool), "tsdb", "create-blocks-from", "rules", f"--url={running.url}"),
            *(f"--start={now - 86_400:.0f}", f"--end={now:.0f}", "--eval-interval=5m"),
            *(f"--output-dir={folder / 'data'}", str(RULES)),
        ],
        check=True,
        capture_output=True,
    )


def asked(running: Prometheus, now: float) -> Iterator[Frame]:
    """The first panels with their answers."""
    shipped = json.loads((MONITORING / "grafana-dashboard.json").read_text("utf-8"))
    panels = [panel for panel in shipped["panels"] if panel["type"] != "row"][:DRAWN]
    start = now - HOURS * 3600
    for panel in panels:
        answers = [answer(running, target, start, now) for target in panel["targets"]]
        yield Frame(panel, answers, start, now)


def answer(running: Prometheus, target: dict[str, Any], start: float, now: float) -> list[dict[str, Any]]:
    expression = target["expr"]
    for name, value in RESOLVED.items():
        expression = expression.replace(name, value)
    if "ALERTS" in expression:  # a Prometheus whose history ends later keeps none of its own
        return [{"metric": labels, "value": [now, "1"]} for labels in running.alerts().values()]
    if target["instant"]:
        return running.query(expression, now)
    return running.query_range(expression, start, now, 480)


if __name__ == "__main__":
    main()
