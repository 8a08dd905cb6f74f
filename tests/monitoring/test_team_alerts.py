"""Every fault of a team's server that we know of: told by the alert of the shipped pack, and over again.

A real PostgreSQL over TLS, PgBouncer before it, a machine that works with each, and one real Prometheus over
both, with the shipped rules a hundred times as fast.
"""

import re
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.docs.pages import DOCS
from tests.monitoring.team import RIGHT, WRONG, Fault, Machine, TeamServer, problems_of, team_server
from tests.storage.test_every_tool import CALLS
from tests.support.monitoring import MONITORING, RULES, Prometheus, shortened
from tests.support.waiting import wait_for

FASTER = 100
RECORDS = 20
GONE = "cannot be reached"
"""What is said while it is not known yet why."""
ALERT = "SessionBuddyDatabaseUnavailable"
ASKED = dict(CALLS)
RUNBOOK = (DOCS / "runbooks" / f"{ALERT}.md").read_text("utf-8")

pytestmark = pytest.mark.slow


@contextmanager
def watched(machines: Mapping[str, Machine], binary: Path, folder: Path) -> Iterator[Prometheus]:
    (folder / RULES.name).write_text(shortened(RULES.read_text(), FASTER))
    config = shortened((MONITORING / "prometheus.yml").read_text(), FASTER)
    targets = ", ".join(f'"127.0.0.1:{machine.port}"' for machine in machines.values())
    (folder / "prometheus.yml").write_text(config.replace('"127.0.0.1:8765"', targets))
    with Prometheus(binary, folder / "prometheus.yml", folder) as prometheus:
        yield prometheus


def firing(prometheus: Prometheus, machine: Machine) -> dict[str, str]:
    """What the alert says of a machine; nothing while it does not fire."""
    for alert in prometheus.get("/api/v1/alerts")["data"]["alerts"]:
        names = alert["labels"]
        if (names["alertname"], names["instance"]) == (ALERT, f"127.0.0.1:{machine.port}"):
            return dict(alert["annotations"]) if alert["state"] == "firing" else {}
    return {}


def at_once(*works: Any) -> None:
    """Do all of these side by side; the first failure is raised."""
    failed: list[BaseException] = []

    def run(work: Any) -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - raised below
            failed.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]


@pytest.mark.timeout(500)
def test_each_fault_of_a_teams_server_is_named_by_its_alert_and_nothing_is_lost(
    postgres_binaries: Path, prometheus_binary: Path, tmp_path: Path
) -> None:
    with ExitStack() as stack:
        server = stack.enter_context(team_server(postgres_binaries))
        machines = {name: Machine(name, tmp_path, server.address(name)) for name in ("direct", "pooled")}
        for machine in machines.values():
            stack.callback(machine.close)
            machine.window.handshake()
            machine.record(3)
        prometheus = stack.enter_context(watched(machines, prometheus_binary, tmp_path))
        wait_for(lambda: well(server, machines, prometheus), "all is well before anything fails", 30)
        for fault in server.faults():
            began = time.monotonic()
            try_fault(fault, machines, prometheus)
            wait_for(lambda: well(server, machines, prometheus), f"all is well after: {fault.name}", 60)
            print(f"{time.monotonic() - began:6.1f} s  {fault.name}")
        for machine in machines.values():
            assert not any(secret in machine.said for secret in (RIGHT, WRONG))


def well(server: TeamServer, machines: Mapping[str, Machine], prometheus: Prometheus) -> bool:
    """Whether all that was acknowledged is on the server once, and no alert is left."""
    if any(firing(prometheus, machine) for machine in machines.values()):
        return False
    waiting = "session_buddy_journal_pending_events 0.0"
    if not all(waiting in machine.metrics() for machine in machines.values()):
        return False
    stored = server.uses()
    acknowledged = {use for machine in machines.values() for use in machine.recorded}
    assert len(stored) == len(set(stored))
    return acknowledged <= set(stored)


def try_fault(fault: Fault, machines: Mapping[str, Machine], prometheus: Prometheus) -> None:
    fault.breaks()
    try:
        at_once(*(lambda one=one: look(one, fault.of.get(one.name)) for one in machines.values()))
        for name, (reason, _) in fault.of.items():
            what = f"{fault.name}: the alert says {reason} of {name}"
            told = wait_for(
                lambda name=name, reason=reason: named(prometheus, machines[name], reason), what, 40
            )
            assert told["runbook_url"] == f"docs/runbooks/{ALERT}.md"
            assert re.search(rf"^\| `{reason}` \|", RUNBOOK, re.MULTILINE)
            assert not any(secret in str(told) for secret in (RIGHT, WRONG))
        for name in machines.keys() - fault.of.keys():
            assert not firing(prometheus, machines[name]), (fault.name, name)
    finally:
        fault.mends()


def named(prometheus: Prometheus, machine: Machine, reason: str) -> dict[str, str]:
    """The alert of a machine, once it names this reason."""
    told = firing(prometheus, machine)
    return told if told and told["summary"].endswith(f": {reason}") else {}


def look(machine: Machine, expected: tuple[str, str] | None) -> None:
    """Work on, ask every tool, and look for what is wrong, as agent and person do."""
    machine.record(RECORDS)
    asked = {name: machine.window.submit_call(name, dict(given)) for name, given in ASKED.items()}
    for name, number in asked.items():
        answer = machine.window.answer(number, 40)["result"]
        text = answer["content"][0]["text"]
        if answer.get("isError"):
            assert "\n" not in text, (name, text)
            of_store = "team's store" in text
            assert not of_store or (expected and (expected[1] in text or GONE in text)), (name, text)
        elif name == "record_skill_invocation":
            machine.recorded.append(answer["structuredContent"]["invocation_id"])
    if expected is not None:  # who was refused while the server began again says so for two seconds more
        reason = f'session_buddy_database_unavailable{{reason="{expected[0]}"}} 1.0'
        wait_for(lambda: reason in machine.metrics(), f"{machine.name} knows why: {expected[0]}", 40)
    commands = [machine.run("doctor", "--json"), machine.run("team", "status")]
    (doctor, _), (team, error) = [command.communicate(timeout=60) for command in commands]
    assert not any(secret in doctor + team + error for secret in (RIGHT, WRONG))
    if expected is None:
        assert problems_of(doctor) == []
        return
    problems = problems_of(doctor)
    assert [line for line in problems if expected[1] in line], problems
    assert len(problems) == 1, problems
    assert all("\n" not in line for line in problems)
    assert expected[1] in error + team, (error, team)
    assert len(error.splitlines()) <= 1, error
