"""How fast a team's store folds and answers, beside DuckDB's on the same events.

A PostgreSQL server is started in a temporary folder (with fsync), and both stores fold the same uses in
batches of 5,000. Then every question is asked of both, and its p95 printed. The plan of each hot question is
looked at: one that reads a whole log instead of an index is named.

    python -m bench.team [--invocations 1000000] [--questions 30] [--postgres /usr/lib/postgresql/15/bin]
"""

import argparse
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from uuid import UUID

from session_buddy.models.events import SkillEvent
from session_buddy.models.protocols import SkillsStorageProtocol
from session_buddy.models.values import Batch, Window
from session_buddy.storage.duckdb_store import DuckDBStore
from session_buddy.storage.postgres_store import PostgresStore
from tests.support.postgres import running

AT_ONCE = 5_000
SKILLS = 500
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
LEAST_ROWS_PER_SECOND = 5_000
_USE = "'00000000-0000-4000-8000-000000000001'"
HOT: Mapping[str, str] = {
    "uses of a session": "SELECT * FROM team_invocation WHERE session_id = 'session-7'",
    "latest use of a skill": (
        "SELECT * FROM team_invocation WHERE skill_name = 'team:skill-001' ORDER BY invoked_at DESC LIMIT 1"
    ),
    "one use": f"SELECT * FROM team_invocation WHERE invocation_id = {_USE}",
    "events of a use": f"SELECT * FROM team_event WHERE invocation_id = {_USE}",
    "latest uses": "SELECT * FROM team_invocation ORDER BY invoked_at DESC, invocation_id DESC LIMIT 1000",
    "latest sessions": "SELECT * FROM agent_session ORDER BY last_activity_at DESC, session_id LIMIT 20",
}


def hashed(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def batches(count: int) -> Iterator[Batch]:
    """Uses over 500 skills in sessions of 20, of a hundred people."""
    rng = random.Random(20261122)
    events: list[SkillEvent] = []
    for number in range(count):
        began = BEGAN + timedelta(seconds=20 * number)
        seconds = round(rng.lognormvariate(4, 1.2), 3)
        use = UUID(int=rng.getrandbits(128), version=4)
        events.append(
            SkillEvent(
                id=UUID(int=rng.getrandbits(128), version=4),
                kind="recorded",
                invocation_id=use,
                occurred_at=began + timedelta(seconds=seconds),
                skill_name=f"team:skill-{min(int(rng.paretovariate(0.7)), SKILLS):03}",
                session_id=f"session-{number // 20}",
                source="transcript",
                authority=20,
                project=f"/home/dev/project-{number // 20 % 40}",
                user_id=f"user-{number // 20 % 100}",
                invoked_at=began,
                ended_at=began + timedelta(seconds=seconds),
                duration_seconds=seconds,
                outcome=rng.choice(("completed",) * 17 + ("failed",) * 2 + ("abandoned",)),
                outcome_source="inferred",
            )
        )
        if len(events) == AT_ONCE:
            yield Batch(tuple(events))
            events = []
    if events:
        yield Batch(tuple(events))


def questions(count: int) -> Mapping[str, Callable[[SkillsStorageProtocol], object]]:
    """What the tools ask."""
    last = BEGAN + timedelta(seconds=20 * count)
    day = Window(last - timedelta(days=1), last)
    week = Window(last - timedelta(days=7), last)
    skill = "team:skill-001"
    return {
        "get_skill_metrics, one": lambda store: store.totals(skill),
        "get_skill_metrics, all": lambda store: store.all_totals(),
        "get_skill_metrics, a week of all": lambda store: store.window_totals(week),
        "get_real_time_metrics": lambda store: (store.top_skills(day, 10), store.active_sessions(last)),
        "get_session_analytics": lambda store: (
            store.session_summary("session-7"),
            store.session_invocations("session-7"),
        ),
        "sessions": lambda store: store.sessions(20),
        "get_skill_dependencies": lambda store: store.findings.partners(skill),
        "get_skill_trend": lambda store: store.findings.periods(skill, week, 12),
        "detect_anomalies": lambda store: store.findings.latest_uses([skill], 400),
        "get_community_baselines": lambda store: store.findings.usage(20),
        "get_collaborative_recommendations": lambda store: store.findings.users_like("user-1", 20),
        "suggest_next_skill, what it learns from": lambda store: store.past_uses(20_000),
    }


def fold(store: SkillsStorageProtocol, count: int) -> float:
    """Rows a second."""
    spent = used = 0.0
    for batch in batches(count):
        began, cpu = time.perf_counter(), time.process_time()
        store.fold(batch)
        spent += time.perf_counter() - began
        used += time.process_time() - cpu
    print(f"  {used / count * 1e6:.0f} us of this process's CPU a row", flush=True)
    began = time.perf_counter()
    store.findings.learn()
    print(f"  learned in {time.perf_counter() - began:.1f} s")
    return count / spent


def p95(store: SkillsStorageProtocol, ask: Callable[[SkillsStorageProtocol], object], times: int) -> float:
    spent = []
    for _ in range(times):
        began = time.perf_counter()
        ask(store)
        spent.append(time.perf_counter() - began)
    return statistics.quantiles(spent, n=20)[-1] * 1000


def whole_reads(store: PostgresStore) -> list[str]:
    """Hot questions whose plan reads a whole table."""
    found = []
    for name, statement in HOT.items():
        plan = "\n".join(row[0] for row in store.database.rows(f"EXPLAIN {statement}"))
        print(f"  {name}: {plan.splitlines()[0].strip()}")
        if "Seq Scan on skill_" in plan or "Seq Scan on agent_session" in plan:
            found.append(name)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--invocations", type=int, default=1_000_000)
    parser.add_argument("--questions", type=int, default=30)
    parser.add_argument("--postgres", type=Path, default=Path("/usr/lib/postgresql/15/bin"))
    given = parser.parse_args()
    safe = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "shared_buffers": "512MB"}
    with tempfile.TemporaryDirectory() as folder, running(given.postgres, **safe) as server:
        server.execute("CREATE DATABASE team")
        ours = PostgresStore(server.url("team"), hashed)
        floor = DuckDBStore(f"{folder}/store.duckdb", hashed)
        rates = {}
        for name, store in (("PostgreSQL", ours), ("DuckDB", floor)):
            store.open()
            rates[name] = fold(store, given.invocations)
            print(f"{name}: {rates[name]:,.0f} rows/s folded")
        ours.database.rows("ANALYZE")
        print(f"\n{'p95 in ms':44} {'PostgreSQL':>12} {'DuckDB':>9}")
        for name, ask in questions(given.invocations).items():
            times = (p95(ours, ask, given.questions), p95(floor, ask, given.questions))
            print(f"{name:44} {times[0]:12.1f} {times[1]:9.1f}")
        size = server.execute("SELECT pg_database_size('team')")[0][0]
        print(f"\n{size / given.invocations:,.0f} bytes an invocation; plans:")
        whole = whole_reads(ours)
        ours.close()
        floor.close()
    if whole:
        print(f"reads a whole table: {', '.join(whole)}")
    return int(bool(whole) or rates["PostgreSQL"] < LEAST_ROWS_PER_SECOND)


if __name__ == "__main__":
    sys.exit(main())
