"""What evaluating all rules of the monitoring pack costs Prometheus, with as many skills as have a label.

A week of history is put into a real Prometheus, which then scrapes a page of 200 skills with every rule's
window full, and evaluates each group several times: scrapes and evaluations follow one another faster, and
each window holds as many samples as it would.

    python -m bench.rules
"""

import http.server
import random
import re
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bench.support import print_table, value
from session_buddy.live.counters import DURATION_BOUNDS, LABEL_LIMIT, Histogram
from session_buddy.live.windows import P95_FROM
from session_buddy.models.vocabulary import WORKFLOW_PHASES
from session_buddy.serve.measures import REQUEST_BOUNDS, FeedMeasures, RequestMeasures
from session_buddy.serve.metrics import MetricsRenderer, Samples
from tests.support.monitoring import RULES, Prometheus, Series, backfill

BOUND_MS: Final = 50.0
OUTCOMES: Final = ("completed", "failed", "abandoned")
ANOMALIES: Final = ("performance_drop", "performance_spike", "pattern_shift")
MINUTE, HOUR, DAY = 60, 3_600, 86_400
LABELS: Final = {"job": "session-buddy", "instance": "127.0.0.1:8765"}
SKILLS: Final = [f"plugin-{number % 7}:skill-{number}" for number in range(LABEL_LIMIT)]
NEVER: Final = "0001-99"
EVALUATIONS: Final = 9
EVERY: Final = "2300ms"
"""Between evaluations: out of step with the scrapes, which are not what is measured."""
LOOK_SECONDS: Final = 1.0
USES_A_DAY: Final = 2_000
WEIGHTS: Final = [1 / (place + 1) for place in range(LABEL_LIMIT)]
"""How often each skill is used, beside the others: few much, many now and then."""
P95S: Final = {
    skill: 30.0 + 7 * place
    for place, (skill, weight) in enumerate(zip(SKILLS, WEIGHTS, strict=True))
    if weight / sum(WEIGHTS) * USES_A_DAY >= P95_FROM
}
SCRAPES: Final = 20
"""As many as five minutes have."""
SCRAPE_SECONDS: Final = 15
PIPELINES: Final = ("release", "main", "nightly")
PIPELINE_STAGES: Final = [
    {"pipeline": pipeline, "stage": stage, "outcome": outcome}
    for pipeline in PIPELINES
    for stage in ("build", "test", "lint", "security", "deploy")
    for outcome in OUTCOMES[:2]
]
QUALITY_GATES: Final = [
    {"phase": phase, "outcome": outcome}
    for phase in ("fast_hooks", "tests", "ai_fix", "comprehensive_hooks")
    for outcome in OUTCOMES[:2]
]


def main() -> int:
    binary, promtool = shutil.which("prometheus"), shutil.which("promtool")
    if not (binary and promtool):
        print("bench.rules needs prometheus and promtool on PATH (Debian: apt-get install prometheus)")
        return 1
    with tempfile.TemporaryDirectory() as folder:
        totals = evaluations(Path(binary), Path(promtool), Path(folder))
    return print_table("rules", [value(f"all rules, {LABEL_LIMIT} skills", totals, BOUND_MS, "ms")])


def evaluations(binary: Path, promtool: Path, folder: Path) -> list[float]:
    """Milliseconds that all groups together took, for each of some evaluations."""
    now = time.time()
    page = MetricsRenderer([lambda: _everything(now)]).render("", compress=False).body
    backfill(promtool, folder, history(now))
    rules = folder / "rules.yaml"
    text = re.sub(r"interval: (5m|1h)", f"interval: {EVERY}", RULES.read_text())
    rules.write_text(re.sub(r"(?<=_total|bucket)\[5m\]", f"[{SCRAPES}s]", text))
    with served(page) as port:
        config = folder / "prometheus.yml"
        config.write_text(
            f"global: {{scrape_interval: 1s, evaluation_interval: {EVERY}}}\n"
            f"rule_files: ['{rules}']\n"
            "scrape_configs:\n"
            "  - job_name: session-buddy\n"
            "    static_configs:\n"
            f"      - targets: ['127.0.0.1:{port}']\n"
            f"        labels: {{instance: '{LABELS['instance']}'}}\n"
        )
        with Prometheus(binary, config, folder) as prometheus:
            return list(_watched(prometheus))


def _watched(prometheus: Prometheus) -> Iterator[float]:
    """Milliseconds of all groups, each time that every one of them was evaluated again."""
    time.sleep(SCRAPES)  # a second apart
    before = [NEVER] * len(prometheus.rule_groups())
    for _ in range(EVALUATIONS):
        groups = prometheus.rule_groups()
        while any(group["lastEvaluation"] <= since for group, since in zip(groups, before, strict=True)):
            time.sleep(LOOK_SECONDS)  # looking more often would be what is measured
            groups = prometheus.rule_groups()
        before = [group["lastEvaluation"] for group in groups]
        broken = [rule for group in groups for rule in group["rules"] if rule["health"] != "ok"]
        assert not broken, broken
        yield sum(group["evaluationTime"] for group in groups) * 1e3


def history(now: float) -> Iterator[Series]:
    """A week as Prometheus would have it: sums of five minutes and of an hour, and what was scraped."""
    chance = random.Random(5)
    uses = _uses(now, chance)
    yield from _counted([use for use in uses if use[0] > now - DAY])
    for skill, seconds in P95S.items():
        name = {"__name__": "session_buddy:skill_duration_p95_seconds:hourly", "skill_name": skill}
        yield name | LABELS, [(at, seconds) for at in _moments(now, HOUR, 7 * DAY)]
    for outcome in OUTCOMES:
        labels = LABELS | {"outcome": outcome}
        yield _recorded("decided:increase5m", labels, _moments(now, 5 * MINUTE, DAY), chance)
        yield _recorded("mcp_requests:increase5m", labels, _moments(now, 5 * MINUTE, DAY), chance)
        yield _recorded("quality_gate_runs:increase5m", labels, _moments(now, 5 * MINUTE, DAY), chance)
        for pipeline in PIPELINES:
            of_one = labels | {"pipeline": pipeline}
            yield _recorded("pipeline_stage_runs:increase5m", of_one, _moments(now, 5 * MINUTE, DAY), chance)
    yield _recorded("decided:increase1h", LABELS, _moments(now, HOUR, 7 * DAY), chance)
    yield _recorded("prediction_brier_score:avg1h", LABELS, _moments(now, HOUR, 7 * DAY), chance)
    for length, family, labels in _read_far_back():
        moments = _moments(now, SCRAPE_SECONDS, length)
        yield (
            {"__name__": f"session_buddy_{family}"} | LABELS | labels,
            [(at, float(number)) for number, at in enumerate(moments)],
        )


def _read_far_back() -> Iterator[tuple[int, str, dict[str, str]]]:
    """(seconds, family, labels) of what rules read as it was scraped over longer than five minutes."""
    yield DAY, "active_sessions", {}
    yield DAY, "build_info", {"version": "1", "mode": "service"}
    yield HOUR, "dropped_labels_total", {}
    for family in ("fold", "mcp_request", "websocket_broadcast"):
        yield HOUR // 4, f"{family}_seconds_count", {}
        for bound in (*REQUEST_BOUNDS, "+Inf"):
            yield HOUR // 4, f"{family}_seconds_bucket", {"le": str(bound)}


def _uses(now: float, chance: random.Random) -> list[tuple[float, str]]:
    """(when, skill) of uses in working hours."""
    return [
        (now - day * DAY - chance.uniform(0, 10 * HOUR), skill)
        for day in range(7)
        for skill in chance.choices(SKILLS, WEIGHTS, k=USES_A_DAY)
    ]


def _counted(uses: list[tuple[float, str]]) -> Iterator[Series]:
    """What the recording rules keep of uses by skill: a sample where something was used."""
    decided: dict[str, Counter[float]] = {}
    for at, skill in uses:
        decided.setdefault(skill, Counter())[at // (5 * MINUTE) * 5 * MINUTE] += 1
    for skill, counts in decided.items():
        name = {"__name__": "session_buddy:skill_decided:increase5m"}
        yield name | LABELS | {"skill_name": skill}, [(at, float(n)) for at, n in sorted(counts.items())]


def _moments(now: float, step: int, length: int) -> list[float]:
    return [now - length + number * step for number in range(length // step)]


def _recorded(name: str, labels: dict[str, str], moments: list[float], chance: random.Random) -> Series:
    recorded = {"__name__": f"session_buddy:{name}"} | labels
    return recorded, [(at, float(chance.randrange(4))) for at in moments]


@contextmanager
def served(body: bytes) -> Iterator[int]:
    """The port of a server that answers everything with a page of metrics."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:  # scrapes are not news
            return

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()


def _everything(now: float) -> dict[str, Samples]:
    chance = random.Random(6)
    durations = [((skill,), _histogram(DURATION_BOUNDS, chance)) for skill in SKILLS]
    phases = {skill: chance.sample(WORKFLOW_PHASES, 2) for skill in SKILLS}
    requests, feed = RequestMeasures(), FeedMeasures(100)
    return {
        "skill_invocations_total": [
            ((skill, phase, outcome), 900.0)
            for skill in SKILLS
            for phase in phases[skill]
            for outcome in OUTCOMES
        ],
        "skill_duration_seconds": durations,
        "skill_duration_p95_seconds": [
            ((skill,), seconds * (12 if skill in SKILLS[:2] else 1)) for skill, seconds in P95S.items()
        ],
        "skill_completion_ratio": [((skill,), chance.betavariate(9, 1.5)) for skill in SKILLS],
        "anomalies_detected_total": [((skill, kind), 3) for skill in SKILLS for kind in ANOMALIES],
        "anomaly_active": [((skill, ANOMALIES[0]), 1) for skill in SKILLS[:20]],
        "active_sessions": [((), 3)],
        "skills_tracked": [((), LABEL_LIMIT)],
        "websocket_clients": [((), 2)],
        "websocket_clients_max": [((), 100)],
        "pipeline_stage_runs_total": [(tuple(labels.values()), 9e3) for labels in PIPELINE_STAGES],
        "quality_gate_runs_total": [(tuple(labels.values()), 9e3) for labels in QUALITY_GATES],
        "websocket_broadcast_seconds": [((), feed.broadcast_seconds())],
        "fold_seconds": [((), _histogram(REQUEST_BOUNDS, chance))],
        "mcp_request_seconds": [((), requests.taken().seconds)],
        "mcp_requests_total": [((f"tool-{n}", o), 9e6) for n in range(22) for o in ("ok", "error")],
        "metrics_cache_last_update_timestamp_seconds": [((), now)],
        "prediction_brier_score": [((), 0.12)],
        "prediction_accuracy_ratio": [((), 0.84)],
        "build_info": [(("1", "service"), 1)],
    }


def _histogram(bounds: tuple[float, ...], chance: random.Random) -> Histogram:
    return Histogram(bounds, [chance.randrange(900) for _ in range(len(bounds) + 1)], 1.0)


if __name__ == "__main__":
    sys.exit(main())
