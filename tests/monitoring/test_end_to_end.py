"""The shipped pack, run by the real programs: a failure is planted, is told of, and is over again.

Everything is as it is shipped, only sixty times as fast: each window, interval, `for` and wait is divided.
"""

import http.server
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.monitoring.conftest import Service
from tests.support.monitoring import MONITORING, RULES, Alertmanager, Prometheus, shortened
from tests.support.stdio_client import StdioClient
from tests.support.waiting import wait_for

FASTER = 60
CRITICAL = "SessionBuddySkillCriticalFailure"
BURNING = "SessionBuddyCompletionBudgetBurnFast"
DOWN = "SessionBuddyServerDown"
BREAKING = 'skill_name="breaking",workflow_phase="unknown"'


class Receiver:
    """Where Alertmanager sends to: what came, as (receiver, alert, status)."""

    def __init__(self) -> None:
        self.port = 0
        self.came: list[tuple[str, str, str]] = []

    def take(self, body: dict[str, Any]) -> None:
        for alert in body["alerts"]:
            self.came.append((body["receiver"], alert["labels"]["alertname"], alert["status"]))

    def names(self, receiver: str) -> set[str]:
        """The alerts that came to a receiver."""
        return {name for where, name, _ in self.came if where == receiver}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            made.take(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        made.port = server.server_port
        yield made
        server.shutdown()
        thread.join()


@contextmanager
def watched(
    service: Service, receiver: Receiver, folder: Path, prometheus: Path, alertmanager: Path
) -> Iterator[tuple[Prometheus, Alertmanager]]:
    """Both programs over the shipped files, with the ports of this test."""
    told = shortened((MONITORING / "alertmanager.yml").read_text(), FASTER)
    for name in ("none", "notice", "page"):
        hook = f"    webhook_configs: [{{url: 'http://127.0.0.1:{receiver.port}/'}}]"
        told = told.replace(f"  - name: {name}\n", f"  - name: {name}\n{hook}\n")
    (folder / "alertmanager.yml").write_text(told)
    (folder / RULES.name).write_text(shortened(RULES.read_text(), FASTER))
    with Alertmanager(alertmanager, folder / "alertmanager.yml", folder) as manager:
        scraped = shortened((MONITORING / "prometheus.yml").read_text(), FASTER)
        scraped = scraped.replace("127.0.0.1:8765", f"127.0.0.1:{service.port}")
        scraped = scraped.replace("127.0.0.1:9093", f"127.0.0.1:{manager.port}")
        (folder / "prometheus.yml").write_text(scraped)
        with Prometheus(prometheus, folder / "prometheus.yml", folder) as server:
            yield server, manager


def use(window: StdioClient, skill_name: str, count: int, *, completed: bool) -> None:
    for _ in range(count):
        answer = window.call("record_skill_invocation", {"skill_name": skill_name, "completed": completed})
        assert not answer.get("isError"), answer


@pytest.mark.slow
def test_a_planted_failure_is_told_of_and_resolves_and_a_killed_server_silences_the_rest(
    service: Service, receiver: Receiver, tmp_path: Path, prometheus_binary: Path, alertmanager_binary: Path
) -> None:
    began = time.monotonic()
    with (
        watched(service, receiver, tmp_path, prometheus_binary, alertmanager_binary) as (prometheus, manager),
        service.window() as window,
    ):
        window.handshake()
        for count in range(1, 32, 5):  # as they come in life: not all between one scrape and the next
            use(window, "breaking", 1 if count == 1 else 5, completed=False)
            failed = f'session_buddy_skill_invocations_total{{{BREAKING},outcome="failed"}} == {count}'
            wait_for(lambda failed=failed: prometheus.query(failed), f"{count} uses were scraped")

        wait_for(lambda: CRITICAL in prometheus.alerts(), "the alert fires in Prometheus")
        assert prometheus.alerts()[CRITICAL]["skill_name"] == "breaking"
        wait_for(lambda: ("page", CRITICAL, "firing") in receiver.came, "it is told of")

        checked = service.run(
            "doctor",
            "--monitoring",
            f"--prometheus={prometheus.url}",
            f"--alertmanager={manager.url}",
            "--json",
        )
        found = {one["check"]: one for one in json.loads(checked.stdout)["findings"]}
        assert {found[name]["state"] for name in ("metrics", "scrape", "rules", "alerting")} == {"ok"}, found
        assert CRITICAL in found["rules"]["detail"]

        use(window, "breaking", 80, completed=True)
        wait_for(lambda: CRITICAL not in prometheus.alerts(), "the alert is over")
        wait_for(lambda: ("page", CRITICAL, "resolved") in receiver.came, "that is told of")
        wait_for(lambda: CRITICAL not in manager.alerts(), "Alertmanager has it no more")

        wait_for(lambda: BURNING not in prometheus.alerts(), "nothing burns")
        wait_for(lambda: burns_as_uses_fail(window, manager), "most uses fail", 60)
        window.close()
        service.kill()
        wait_for(lambda: DOWN in manager.alerts(), "the killed server is missed")
        wait_for(lambda: only_down_speaks(manager), "the rest is silent")
        wait_for(lambda: ("page", DOWN, "firing") in receiver.came, "it is told of")

        service.start()
        wait_for(lambda: ("page", DOWN, "resolved") in receiver.came, "it is back")
    assert receiver.names("none") <= {"SessionBuddyActiveSessionsZero", "SessionBuddyAnomalyLasting"}
    assert not receiver.names("page") & receiver.names("none")
    assert time.monotonic() - began < 120


def burns_as_uses_fail(window: StdioClient, manager: Alertmanager) -> bool:
    """Whether it is told of, after some more failures: those of a moment leave the short windows again."""
    use(window, "broken", 10, completed=False)
    return BURNING in manager.alerts()


def only_down_speaks(manager: Alertmanager) -> bool:
    """Whether some other alert is there still, and every other one is inhibited."""
    found = manager.alerts()
    states = {name: alert["status"]["state"] for name, alert in found.items() if name != DOWN}
    return DOWN in found and BURNING in states and set(states.values()) == {"suppressed"}
