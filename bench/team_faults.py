"""Machines that fold into one team's store while everything between and behind them fails.

Each machine is a real `session-buddy serve` over stdio with a HOME of its own, and records by real calls,
one at a time, through one forwarder to a real PostgreSQL. At set shares of the work the server crashes, the
network is cut, it swallows what it is given, and leaders are killed (-9); whoever was killed is started anew
and sends its unanswered call again under the same key. One more machine keeps a store of its own beside
them: what its records take at the same time is the floor. At the end every acknowledged use must be on the
server once, and no other, and every total must equal a recount from the machines' own journals.

    python -m bench.team_faults [--homes 8] [--records 5000] [--seconds 120] [--postgres DIR]
"""

import argparse
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.support import ENVIRONMENT, SERVE
from session_buddy.ingest.archive import JournalArchive
from session_buddy.models.events import SkillEvent
from session_buddy.models.values import Window
from session_buddy.storage.postgres_store import PostgresStore
from tests.storage import recount
from tests.support.postgres import Cable, PostgresServer, running
from tests.support.stdio_client import NoAnswer, StdioClient

SKILLS = ("review", "deploy", "test:unit", "plan", "lint", "docs", "release")
SESSION_RECORDS = 500
FOLDED_SECONDS = 600.0
LOOKED_SECONDS = 2.5
"""What the one look at a server that has fallen silent may add to a record, with what is late by then."""


@dataclass(frozen=True, slots=True)
class Work:
    """What each machine does: so many records, over so many seconds at least; how long each outage lasts."""

    records: int
    seconds: float
    outage: float


@dataclass(frozen=True, slots=True)
class Timed:
    """One record: when it was sent, and the seconds until it was acknowledged."""

    at: float
    seconds: float


class Machine(threading.Thread):
    """One home and its agent's window, and the person who opens it again when it dies."""

    def __init__(self, number: int, folder: Path, work: "Work", told: Callable[[], None], store: str) -> None:
        """told: called with every acknowledged record. store: of the team; empty: its own."""
        super().__init__(name=f"machine {number}")
        self.number = number
        self.home = folder / f"machine-{number}"
        self._work = work
        self._told = told
        self._store = store
        self._client: StdioClient | None = None
        self.timed: list[Timed] = []
        self.first: list[Timed] = []
        self._fresh = True
        self.acknowledged: list[str] = []
        self.errors: list[str] = []
        self.kills = 0
        self._killed = False

    def run(self) -> None:
        """Record all; the window stays open, so that the rest is folded."""
        self._open()
        began = time.monotonic()
        for number in range(self._work.records):
            early = began + self._work.seconds * number / self._work.records - time.monotonic()
            if early > 0:
                time.sleep(early)
            self._record(number, str(uuid.uuid4()))
            self._told()

    def kill(self) -> None:
        """Crash the leader of this home."""
        client = self._client
        if client is not None and client.process.poll() is None:
            self._killed = True
            self.kills += 1
            client.process.kill()

    def open_again(self) -> None:
        """Open the window if it was killed after its last record."""
        if self._client is not None and self._client.process.poll() is not None:
            self._client.kill()
            self._open()

    def close(self) -> None:
        """Leave as an agent does."""
        if self._client is not None:
            self._client.close(20)

    def call(self, tool: str, arguments: dict[str, object]) -> dict[str, object]:
        """The answer of a tool."""
        assert self._client is not None
        return dict(self._client.call(tool, arguments, timeout=120)["structuredContent"])

    def _open(self) -> None:
        environment = {
            **ENVIRONMENT,
            "HOME": str(self.home),
            "SESSION_BUDDY_HOME": str(self.home / "record"),
            "SESSION_BUDDY_PORT": "0",
            "SESSION_BUDDY_STORE": self._store,
            "SESSION_BUDDY_TEAM_PROJECTS": "*",
        }
        environment.pop("CLAUDE_CODE_SESSION_ID", None)
        self.home.mkdir(exist_ok=True)
        beside = Path(sys.executable).with_name("session-buddy")
        command = (str(beside), "serve") if beside.exists() else SERVE
        self._fresh = True
        self._client = StdioClient(command, env=environment, stderr=self.home / "stderr")
        self._client.handshake()

    def _record(self, number: int, key: str) -> None:
        arguments = {
            "skill_name": SKILLS[(number + self.number) % len(SKILLS)],
            "outcome": "failed" if number % 5 == 0 else "completed",
            "duration_seconds": 1 + number % 90,
            "session_id": f"machine-{self.number}-{number // SESSION_RECORDS}",
        }
        while True:
            assert self._client is not None
            began = time.monotonic()
            try:
                answer = self._client.call("record_skill_invocation", arguments, key=key, timeout=60)
            except (NoAnswer, OSError) as error:
                if not self._killed:
                    self.errors.append(f"a window that nobody killed did not answer: {error}")
                    return
                self._killed = False
                self._client.kill()
                self._open()
                continue
            break
        if answer.get("isError"):
            self.errors.append(str(answer["content"]))
        else:
            self.acknowledged.append(answer["structuredContent"]["invocation_id"])
            timed = Timed(began, time.monotonic() - began)
            (self.first if self._fresh else self.timed).append(timed)
            self._fresh = False


class Trial:
    """The machines, and what goes wrong while they work."""

    def __init__(self, server: PostgresServer, folder: Path, homes: int, work: Work) -> None:
        self._server = server
        self._outage = work.outage
        self._cable = Cable(f"{server.folder}/.s.PGSQL.{server.port}")
        self._done = 0
        self._changed = threading.Condition()
        self._wanted = homes * work.records
        address = f"postgresql://owner@127.0.0.1:{self._cable.port}/team?sslmode=disable"
        self.machines = [Machine(number, folder, work, self._told, address) for number in range(homes)]
        self.floor = Machine(homes, folder, work, lambda: None, "")
        self.faults: list[tuple[str, float, float]] = []

    def run(self) -> None:
        """Record and break until all is recorded."""
        for machine in (*self.machines, self.floor):
            machine.start()
        plan = self._plan()
        for place, (name, fault) in enumerate(plan, start=1):
            self._wait(self._wanted * place // (len(plan) + 1))
            began = time.monotonic()
            fault()
            self.faults.append((name, began, time.monotonic()))
        for machine in (*self.machines, self.floor):
            machine.join()
            machine.open_again()

    def close(self) -> None:
        """Leave nothing behind."""
        for machine in (*self.machines, self.floor):
            machine.close()
        self._cable.close()

    def _plan(self) -> Sequence[tuple[str, Callable[[], None]]]:
        return (
            ("the server crashes", lambda: self._restart("immediate")),
            ("the network is cut", self._cut),
            ("a leader is killed", self.machines[0].kill),
            ("the server restarts", lambda: self._restart("fast")),
            ("the network swallows everything", self._silence),
            ("another leader is killed", self.machines[-1].kill),
            ("the server crashes again", lambda: self._restart("immediate")),
            ("the network is cut again", self._cut),
        )

    def _restart(self, how: str) -> None:
        self._server.stop(how)
        time.sleep(self._outage)
        self._server.start()

    def _cut(self) -> None:
        self._cable.cut()
        time.sleep(self._outage)
        self._cable.mend()

    def _silence(self) -> None:
        self._cable.silence()
        time.sleep(self._outage)
        self.machines[len(self.machines) // 2].kill()  # it starts anew in silence
        time.sleep(2 * self._outage)
        self._cable.mend()

    def _told(self) -> None:
        with self._changed:
            self._done += 1
            self._changed.notify_all()

    def _wait(self, until: int) -> None:
        with self._changed:
            while self._done < until and any(machine.is_alive() for machine in self.machines):
                self._changed.wait(1.0)

    def slow_times(self) -> Iterator[tuple[float, float]]:
        """From the begin of each fault of the server or the network to a little after its end."""
        return ((began, ended + 1.0) for name, began, ended in self.faults if "killed" not in name)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--homes", type=int, default=8, help="machines [8]")
    parser.add_argument("--records", type=int, default=5_000, help="records of each [5000]")
    parser.add_argument("--seconds", type=float, default=120.0, help="that recording takes at least [120]")
    parser.add_argument("--outage", type=float, default=3.0, help="seconds of each outage [3]")
    parser.add_argument("--postgres", type=Path, default=Path("/usr/lib/postgresql/15/bin"))
    given = parser.parse_args()
    with tried(given.postgres, given.homes, Work(given.records, given.seconds, given.outage)) as (
        trial,
        store,
    ):
        problems = found_wrong(trial, store)
        report(trial, store)
    for problem in problems:
        print(f"WRONG: {problem}")
    print("nothing lost, nothing twice, every total as recounted" if not problems else "failed")
    return int(bool(problems))


@contextmanager
def tried(binaries: Path, homes: int, work: Work) -> Iterator[tuple[Trial, PostgresStore]]:
    """A trial that has run and is folded, and the team's store for looking into it."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = stack.enter_context(running(binaries, synchronous_commit="on", fsync="on"))
        server.execute("CREATE DATABASE team")
        trial = Trial(server, folder, homes, work)
        stack.callback(trial.close)
        trial.run()
        store = PostgresStore(server.url("team"), lambda text: f"nobody's {text}")
        store.open()
        stack.callback(store.close)
        deadline = time.monotonic() + FOLDED_SECONDS
        wanted = sum(len(machine.acknowledged) for machine in trial.machines)
        while store.counts()["skill_invocation"] < wanted and time.monotonic() < deadline:
            time.sleep(0.5)
        yield trial, store


def found_wrong(trial: Trial, store: PostgresStore) -> list[str]:
    """What is not as it should be; nothing if all is well."""
    wrong = [error for machine in (*trial.machines, trial.floor) for error in machine.errors]
    acknowledged = [use for machine in trial.machines for use in machine.acknowledged]
    kept = [use for batch in store.invocations(Window()) for use in batch]
    stored = Counter(str(use.invocation_id) for use in kept)
    if len(set(acknowledged)) != len(acknowledged):
        wrong.append("a use was acknowledged twice")
    if lost := set(acknowledged) - set(stored):
        wrong.append(f"{len(lost)} acknowledged uses are not on the server")
    if more := set(stored) - set(acknowledged):
        wrong.append(f"{len(more)} uses are on the server that nobody was told of")
    if twice := [use for use, count in stored.items() if count > 1]:
        wrong.append(f"{len(twice)} uses are on the server twice")
    events = [event for machine in trial.machines for event in journaled(machine)]
    uses = recount.invocations_of(events)
    if {use.invocation_id: use for use in kept} != uses:
        wrong.append("the uses are not what the journals say")
    if store.counts()["skill_event"] != len({event.id for event in events}):
        wrong.append("the events are not those of the journals")
    return wrong + _wrong_totals(trial, store, uses)


def _wrong_totals(trial: Trial, store: PostgresStore, uses: dict[uuid.UUID, object]) -> list[str]:
    expected = recount.totals_of(uses.values())  # type: ignore[arg-type]
    found = {totals.skill_name: totals for totals in store.all_totals()}
    counted = ("invocation_count", "completed_count", "failed_count", "duration_sum", "duration_buckets")
    wrong = [
        f"{name} is not as recounted"
        for name in counted
        if {skill: getattr(totals, name) for skill, totals in found.items()}
        != {skill: getattr(totals, name) for skill, totals in expected.items()}
    ]
    if recount.session_skill_rows(store) != recount.session_skills_of(uses.values()):  # type: ignore[arg-type]
        wrong.append("what sessions did is not as recounted")
    told = trial.machines[0].call("get_skill_metrics", {"limit": 50})["skills"]
    answered = {skill["skill_name"]: skill["invocation_count"] for skill in told}  # type: ignore[attr-defined]
    if answered != {skill: totals.invocation_count for skill, totals in expected.items()}:
        wrong.append("get_skill_metrics does not answer what was recounted")
    slowest = max(timed.seconds for machine in trial.machines for timed in machine.timed)
    own = max(timed.seconds for timed in trial.floor.timed)
    if slowest > own + LOOKED_SECONDS:
        wrong.append(f"a record took {slowest:.1f} s, and none of the store of one's own over {own:.1f} s")
    return wrong


def journaled(machine: Machine) -> Iterator[SkillEvent]:
    """What the machine itself says it recorded."""
    record = str(machine.home / "record")
    archive = JournalArchive(f"{record}/archive", f"{record}/journal", f"{record}/quarantine")
    for events in (archive.events(), archive.waiting()):
        yield from (event for event in events if isinstance(event, SkillEvent))


def report(trial: Trial, store: PostgresStore) -> None:
    """Print what went wrong around them, and how long the records took."""
    began = min(timed.at for machine in trial.machines for timed in machine.timed)
    for name, start, end in trial.faults:
        print(f"{start - began:7.1f} s  {name}, for {end - start:.1f} s")
    kills = sum(machine.kills for machine in trial.machines)
    acknowledged = sum(len(machine.acknowledged) for machine in trial.machines)
    print(f"machines {len(trial.machines)}, leaders killed {kills}, records acknowledged {acknowledged}")
    print(f"uses on the server {store.counts()['skill_invocation']}")
    times = list(trial.slow_times())
    team = [timed for machine in trial.machines for timed in machine.timed]
    starts = sorted(timed.seconds for machine in trial.machines for timed in machine.first)
    own = max(timed.seconds for timed in trial.floor.first)
    print(f"first records after a start: {len(starts)}, at most {starts[-1]:.1f} s; own store {own:.1f} s")
    print(f"{'a record, in ms':34}{'count':>8}{'p50':>8}{'p99':>8}{'p99.9':>9}{'max':>9}{'p50/own':>9}")
    for name, wanted in (("while all is well", False), ("while something is away", True)):
        own = [timed.seconds for timed in trial.floor.timed if _within(timed, times) == wanted]
        ours = [timed.seconds for timed in team if _within(timed, times) == wanted]
        _line(f"own store, {name[6:]}", own, own)
        _line(f"the team's, {name[6:]}", ours, own)


def _within(timed: Timed, times: Sequence[tuple[float, float]]) -> bool:
    return any(start <= timed.at + timed.seconds and timed.at <= end for start, end in times)


def _line(name: str, seconds: Sequence[float], own: Sequence[float]) -> None:
    if not seconds or not own:
        return
    ordered, base = sorted(seconds), sorted(own)
    shown = [ordered[min(int(len(ordered) * share), len(ordered) - 1)] * 1000 for share in (0.5, 0.99, 0.999)]
    middle = ordered[len(ordered) // 2] / base[len(base) // 2]
    print(
        f"{name:34}{len(ordered):>8}{shown[0]:>8.1f}{shown[1]:>8.1f}{shown[2]:>9.1f}"
        f"{ordered[-1] * 1000:>9.1f}{middle:>9.2f}"
    )


if __name__ == "__main__":
    sys.exit(main())
