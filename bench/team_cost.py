"""What a thousand developers cost a team's server, and what breaks first: measured figures, then arithmetic.

Each assumption is printed with its value, and can be given. What is measured: a fold of one live event (time
of the turn, CPU of server and leader, round trips), folds of thousands, and what a use weighs in the database
and in the write-ahead log. A PostgreSQL server is started in a temporary folder, with fsync.

    python -m bench.team_cost [--uses 20000] [--live 200] [--uses-a-day 150] [--peak 4] [--round-trip 1.0]
"""

import argparse
import statistics
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

from bench.team_work import AT_ONCE, BEGAN, batches, hashed, server_seconds
from session_buddy.models.events import SkillEvent
from session_buddy.models.values import Batch
from session_buddy.storage.postgres_database import PostgresConnection
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
    """Of one event, folded so. turn: median seconds; server, leader: CPU seconds; trips: of one fold."""

    turn: float
    server: float
    leader: float
    trips: float


def measured(server: PostgresServer, store: PostgresStore, work: Sequence[Batch]) -> Cost:
    """What the batches cost, an event."""
    events = sum(len(batch.events) for batch in work)
    trips = Counted()
    turns = []
    with trips:
        cpu, leader = server_seconds(server), time.process_time()
        for batch in work:
            began = time.perf_counter()
            store.fold(batch)
            turns.append((time.perf_counter() - began) / len(batch.events))
    used, own = server_seconds(server) - cpu, time.process_time() - leader
    return Cost(statistics.median(turns), used / events, own / events, trips.count / len(work))


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
    parser.add_argument("--postgres", type=Path, default=Path("/usr/lib/postgresql/15/bin"))
    given = parser.parse_args()
    with running(given.postgres, fsync="on", synchronous_commit="on", full_page_writes="on") as server:
        server.execute("CREATE DATABASE team")
        store = PostgresStore(server.url("team"), hashed)
        store.open()
        store.fold(Batch(()))
        size, wal = weights(server)
        large = measured(server, store, list(batches(given.uses)))
        size, wal = (
            (now - before) / given.uses for now, before in zip(weights(server), (size, wal), strict=True)
        )
        server.execute("ANALYZE", "team")  # as the server does by itself within a minute
        small = measured(server, store, list(live(given.live)))
        store.close()
    tell(given, large, small, size, wal)
    return 0


def weights(server: PostgresServer) -> tuple[int, int]:
    """(bytes of the database, bytes of the write-ahead log so far)."""
    return (
        server.execute("SELECT pg_database_size('team')")[0][0],
        server.execute("SELECT CAST(pg_current_wal_lsn() - '0/0' AS BIGINT)")[0][0],
    )


def tell(given: argparse.Namespace, large: Cost, small: Cost, size: float, wal: float) -> None:
    """The figures, the assumptions, and what follows."""
    print("measured")
    for name, cost in ((f"in batches of {AT_ONCE}", large), ("event by event", small)):
        print(
            f"  {name}: {cost.turn * 1e3:.3f} ms an event; CPU of the server {cost.server * 1e3:.3f}, "
            f"of the leader {cost.leader * 1e3:.3f} ms; {cost.trips:.0f} round trips a fold"
        )
    print(f"  a use of one event weighs {size:,.0f} bytes, and {wal:,.0f} in the write-ahead log")
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
    print(f"  {wal * EVENTS_A_USE * uses / 1e6:,.0f} MB of write-ahead log a day")
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
