"""What a thousand developers cost a team's server, and what breaks first: measured figures, then arithmetic.

Each assumption is printed with its value, and can be given. What is measured: a fold of one live event (time
of the turn, CPU of server and leader, round trips), folds of thousands, what a use weighs in the database and
an event in the write-ahead log, the turns of several machines that fold at once, which the arithmetic of the
fold lock is held against, and how many machines a server has connections for. A PostgreSQL server is started
in a temporary folder, with fsync.

    python -m bench.team_cost [--uses 20000] [--live 200] [--uses-a-day 150] [--peak 4] [--round-trip 1.0]
        [--machines 4]
"""

import argparse
import multiprocessing
import statistics
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

from bench.team_work import AT_ONCE, BEGAN, batches, hashed, server_seconds
from session_buddy.errors import StorageError
from session_buddy.models.events import SkillEvent
from session_buddy.models.values import Batch
from session_buddy.storage.postgres_database import PostgresConnection, PostgresDatabase
from session_buddy.storage.postgres_store import PostgresStore
from tests.support.postgres import PostgresServer, running

DEVELOPERS = 1_000
EVENTS_A_USE = 2
HOURS_A_DAY = 8
DAYS_A_YEAR = 230
CONNECTIONS = 100
INTERVALS = (1, 60, 300)
FOLDING_SHARE = 0.7
"""Of the time, that turns may take before those who wait for theirs are many."""


@dataclass(frozen=True)
class Cost:
    """Of one event, folded so. turn: median seconds; server, leader: CPU seconds; trips: of one fold.

    log: bytes of the write-ahead log.
    """

    turn: float
    server: float
    leader: float
    trips: float
    log: float


def measured(server: PostgresServer, store: PostgresStore, work: Sequence[Batch]) -> Cost:
    """What the batches cost, an event."""
    events = sum(len(batch.events) for batch in work)
    trips = Counted()
    turns = []
    with trips:
        cpu, leader, (_, log) = server_seconds(server), time.process_time(), weights(server)
        for batch in work:
            began = time.perf_counter()
            store.fold(batch)
            turns.append((time.perf_counter() - began) / len(batch.events))
    used, own = server_seconds(server) - cpu, time.process_time() - leader
    log = weights(server)[1] - log
    return Cost(statistics.median(turns), used / events, own / events, trips.count / len(work), log / events)


def at_once(address: str, machines: int, uses: int) -> float:
    """Turns a second of so many machines, processes each, that fold event by event without a pause."""
    methods = multiprocessing.get_context("spawn")
    ready = methods.Barrier(machines + 1)
    working = [methods.Process(target=machine, args=(address, uses, ready)) for _ in range(machines)]
    for one in working:
        one.start()
    ready.wait(60)
    began = time.perf_counter()
    for one in working:
        one.join()
    if any(one.exitcode for one in working):
        raise RuntimeError("a machine could not fold")
    return machines * uses * EVENTS_A_USE / (time.perf_counter() - began)


def machine(address: str, uses: int, ready: threading.Barrier) -> None:
    """One of them."""
    own = str(uuid4())
    store = PostgresStore(address, lambda text: hashed(own + text))
    store.open()
    work = list(live(uses))
    store.fold(Batch(()))
    ready.wait(60)
    for batch in work:
        store.fold(batch)
    store.close()


def served(server: PostgresServer) -> int:
    """How many machines have a connection at once before one more is told that there is none left."""
    server.execute("CREATE ROLE member LOGIN")
    with ExitStack() as stack:
        for count in range(CONNECTIONS + 1):
            database = PostgresDatabase(server.url("team", "member"), str(count))
            database.open()
            stack.callback(database.close)
            try:
                stack.enter_context(database.connection()).execute("SELECT 1")
            except StorageError:
                return count
    return CONNECTIONS + 1


class Counted:
    """Counts statements while it lasts: each is one round trip."""

    def __init__(self) -> None:
        self.count = 0
        self._plain = PostgresConnection.execute

    def __enter__(self) -> None:
        plain = self._plain

        def execute(connection: PostgresConnection, *given: object) -> object:
            self.count += 1
            return plain(connection, *given)  # type: ignore[arg-type]

        PostgresConnection.execute = execute  # type: ignore[method-assign,assignment]

    def __exit__(self, *_: object) -> None:
        PostgresConnection.execute = self._plain  # type: ignore[method-assign]


def live(count: int) -> Iterator[Batch]:
    """Uses as they happen: one event a fold, the beginning and the end."""
    for number in range(count):
        use, began = uuid4(), BEGAN + timedelta(days=400, seconds=number)
        for kind in ("started", "ended"):
            yield Batch((event(use, kind, number, began),), {"live": number})


def event(use: UUID, kind: str, number: int, began: object) -> SkillEvent:
    known: Mapping[str, object] = {"invoked_at": began}
    if kind == "ended":
        known = {
            "ended_at": began,
            "duration_seconds": 60.0,
            "outcome": "completed",
            "outcome_source": "inferred",
        }
    return SkillEvent.model_validate(
        {
            "id": uuid4(),
            "kind": kind,
            "invocation_id": use,
            "occurred_at": began,
            "skill_name": f"team:skill-{number % 100:03}",
            "session_id": f"live-{number // 20}",
            "source": "hook",
            "authority": 10,
            "project": "/home/dev/project",
            "user_id": f"user-{number % 100}",
            **known,
        }
    )


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--uses", type=int, default=20_000, help="folded in thousands [20000]")
    parser.add_argument("--live", type=int, default=200, help="uses folded event by event [200]")
    parser.add_argument("--uses-a-day", type=float, default=150, help="of skills, by one developer [150]")
    parser.add_argument("--peak", type=float, default=4, help="busiest second over the mean [4]")
    parser.add_argument("--round-trip", type=float, default=1.0, help="milliseconds to the server [1]")
    parser.add_argument("--machines", type=int, default=4, help="that fold at once [4]")
    parser.add_argument("--postgres", type=Path, default=Path("/usr/lib/postgresql/15/bin"))
    given = parser.parse_args()
    durable = dict.fromkeys(("fsync", "synchronous_commit", "full_page_writes"), "on")
    with running(given.postgres, max_connections=str(CONNECTIONS), **durable) as server:
        server.execute("CREATE DATABASE team")
        store = PostgresStore(server.url("team"), hashed)
        store.open()
        store.fold(Batch(()))
        size, _ = weights(server)
        large = measured(server, store, list(batches(given.uses)))
        size = (weights(server)[0] - size) // given.uses
        server.execute("ANALYZE", "team")  # as the server does by itself within a minute
        small = measured(server, store, list(live(given.live)))
        store.close()
        together = at_once(server.url("team"), given.machines, given.live // given.machines)
        tell(given, large, small, size)
        show(given, small, together, served(server))
    return 0


def weights(server: PostgresServer) -> tuple[int, int]:
    """(bytes of the database, bytes of the write-ahead log so far)."""
    return (
        server.execute("SELECT pg_database_size('team')")[0][0],
        server.execute("SELECT CAST(pg_current_wal_lsn() - '0/0' AS BIGINT)")[0][0],
    )


def show(given: argparse.Namespace, small: Cost, together: float, connected: int) -> None:
    """What was seen to break, beside what the arithmetic says."""
    print("seen")
    print(
        f"  {given.machines} machines at once, no network between: {together:,.0f} turns a second; one after "
        f"another, at {small.turn * 1e3:.1f} ms, would be {1 / small.turn:,.0f}"
    )
    print(f"  {connected} machines had a connection at once; the next was told that there is none left")


def tell(given: argparse.Namespace, large: Cost, small: Cost, size: int) -> None:
    """The figures, the assumptions, and what follows."""
    print("measured")
    for name, cost in ((f"in batches of {AT_ONCE}", large), ("event by event", small)):
        print(
            f"  {name}: {cost.turn * 1e3:.3f} ms an event; CPU of the server {cost.server * 1e3:.3f}, "
            f"of the leader {cost.leader * 1e3:.3f} ms; {cost.trips:.0f} round trips a fold; "
            f"{cost.log:,.0f} bytes of write-ahead log an event"
        )
    print(f"  a use of one event weighs {size:,} bytes")
    uses = DEVELOPERS * given.uses_a_day
    events = uses * EVENTS_A_USE
    busiest = events / (HOURS_A_DAY * 3600) * given.peak
    turn = small.turn + small.trips * given.round_trip / 1e3
    weight = size * (1 + EVENTS_A_USE) / 2 * uses
    print("assumed")
    print(f"  {DEVELOPERS} developers, {given.uses_a_day:g} uses a day each, {EVENTS_A_USE} events a use,")
    print(f"  {HOURS_A_DAY} hours a day, {DAYS_A_YEAR} days a year, {given.round_trip:g} ms to the server,")
    print(f"  a busiest second of {given.peak:g} times the mean; an event more weighs half of a use of one")
    print(f"follows, for {DEVELOPERS} developers")
    print(f"  {events:,.0f} events a day, {busiest:.1f} in the busiest second")
    print(f"  {weight / 1e6:,.0f} MB a day, {weight * DAYS_A_YEAR / 1e9:,.0f} GB a year")
    print(
        f"  {small.log * events / 1e6:,.0f} MB of write-ahead log a day, each event folded by itself; "
        f"{large.log * events / 1e6:,.0f} MB in large batches"
    )
    print(f"  of each leader {events / DEVELOPERS * small.leader:.1f} s of CPU a day")
    print(f"  a turn of {turn * 1e3:.1f} ms, and by fold_interval_seconds:")
    breaks = {"connections, without PgBouncer": CONNECTIONS - 3.0}
    for interval in INTERVALS:
        turns = busiest / (1 + busiest / DEVELOPERS * interval)
        print(
            f"  {interval:>5} s: {turns:.1f} turns a second at the peak, which hold the fold lock for "
            f"{turns * turn:.0%} and use {turns * small.server:.2f} cores of the server"
        )
        breaks[f"the fold lock, at {interval} s"] = FOLDING_SHARE / (turns * turn) * DEVELOPERS
        breaks[f"a core of the server, at {interval} s"] = FOLDING_SHARE / (turns * small.server) * DEVELOPERS
    breaks["1 TB of disk after a year"] = 1e12 / (weight * DAYS_A_YEAR) * DEVELOPERS
    print(f"breaks first, by developers ({FOLDING_SHARE:.0%} of the busiest second counts as full)")
    for name, developers in sorted(breaks.items(), key=lambda found: found[1]):
        print(f"  {developers:>9,.0f}  {name}")


if __name__ == "__main__":
    sys.exit(main())
