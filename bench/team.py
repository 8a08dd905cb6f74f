"""How fast a team's store folds and answers, beside DuckDB's on the same rows.

A PostgreSQL server is started (with fsync). Into an empty store of each kind, batches of 5,000 are folded
with all learning. Then both get the same uses of 90 days by SQL (`bench.team_fill`), every question of the
tools is asked of both, and its p95 printed; batches are folded on top of that, and the plan of each statement
that was run meanwhile is looked at: one that reads the whole of a table that grows with the uses is named.
Ends with 1 if there is one, or if fewer than 5,000 rows a second were folded.

    python -m bench.team [--invocations 1000000] [--questions 20] [--folds 40] [--keep FOLDER [--fill]]

--keep: leave the filled stores in a folder, and use what an earlier run with as many uses left there.
--fill: no more than that, for filling them at another priority than that of the measurement.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.team_fill import fill
from bench.team_questions import Explained, Question, indexes_of, questions, whole_tables_of
from bench.team_work import AT_ONCE, batches, hashed, server_seconds
from session_buddy.models.protocols import SkillsStorageProtocol
from session_buddy.storage.duckdb_store import DuckDBStore
from session_buddy.storage.postgres_store import PostgresStore
from session_buddy.storage.postgres_team import Team
from tests.support.postgres import PostgresServer

LEAST_ROWS_PER_SECOND = 5_000
SETTINGS = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "4GB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "15min",
    "wal_compression": "lz4",
}
GROWING = (
    "skill_event",
    "skill_invocation",
    "session_skills",
    "agent_session",
    "session_event",
    "skill_suggestions",
    "ab_test_assignments",
    "ab_test_exposures",
    "ab_test_outcomes",
    "pipeline_stage_runs",
    "quality_gate_runs",
)
"""Tables that grow with the uses; the others grow with skills, users and hours."""
SELDOM = {
    "count_rows": "counts the log, for `status`: a total of events would cost each fold a write more",
    "fixes_of_gates": "compares every run of a gate with the next one, and is kept for half a minute",
    "sums_of_past": "sums the month before by user or session, when an experiment is planned",
    "units_of_groups": "counts the units of one experiment, and there is only one here",
}
"""What may read such a table whole."""
SLOW_MS = 200.0
_LONG_SECONDS = 20.0


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--invocations", type=int, default=1_000_000)
    parser.add_argument("--questions", type=int, default=20)
    parser.add_argument("--folds", type=int, default=40)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--fill", action="store_true")
    parser.add_argument("--postgres", type=Path, default=Path("/usr/lib/postgresql/15/bin"))
    given = parser.parse_args()
    with place(given.keep) as folder, served(folder, given.postgres) as server:
        print(", ".join(f"{name} = {value}" for name, value in SETTINGS.items()), flush=True)
        if not given.fill:
            rate = folded_into_empty(server, folder, given.folds)
        ours = PostgresStore(server.url("team"), hashed)
        if not (folder / "filled").exists():
            server.execute("CREATE DATABASE team")
            ours.open()
            Team(ours).init()
            fill(folder, given.invocations, server, ours)
            (folder / "filled").write_text(str(given.invocations))
        ours.open()
        if given.fill:
            ours.close()
            return 0
        floor = DuckDBStore(str(folder / "store.duckdb"), hashed, memory_limit="1GB")
        floor.open()
        missed = measured(server, ours, floor, given)
        floor.close()
        ours.close()
    return int(missed or rate < LEAST_ROWS_PER_SECOND)


@contextmanager
def place(kept: Path | None) -> Iterator[Path]:
    """The folder of both stores."""
    if kept is not None:
        kept.mkdir(parents=True, exist_ok=True)
        yield kept.resolve()
        return
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@contextmanager
def served(folder: Path, binaries: Path) -> Iterator[PostgresServer]:
    """A server over the folder's data, made if there is none."""
    data = folder / "postgres"
    server = PostgresServer(binaries, data, **SETTINGS)
    if not data.exists():
        data.mkdir()
        server.make()
    server.start()
    try:
        yield server
    finally:
        server.stop()


def folded_into_empty(server: PostgresServer, folder: Path, folds: int) -> float:
    """Print the rates of folding into stores that are new; that of PostgreSQL."""
    server.execute("DROP DATABASE IF EXISTS empty")
    server.execute("CREATE DATABASE empty")
    path = folder / "empty.duckdb"
    path.unlink(missing_ok=True)
    team, own = PostgresStore(server.url("empty"), hashed), DuckDBStore(str(path), hashed)
    team.open()
    Team(team).init()
    own.open()
    rate = fold_rates(server, team, own, folds, 1)
    team.close()
    own.close()
    server.execute("DROP DATABASE empty")
    path.unlink()
    return rate


def fold_rates(
    server: PostgresServer, ours: PostgresStore, floor: DuckDBStore, folds: int, seed: int
) -> float:
    """Print how many rows a second are folded into each, learning included; of PostgreSQL."""
    work = list(batches(AT_ONCE * (folds + 1), seed))
    rows = AT_ONCE * folds
    rates = {}
    for name, store in (("PostgreSQL", ours), ("DuckDB", floor)):
        store.fold(work[0])
        store.findings.learn()
        cpu, own, began = server_seconds(server), time.process_time(), time.perf_counter()
        each = []
        for batch in work[1:]:
            begun = time.perf_counter()
            store.fold(batch)
            each.append(AT_ONCE / (time.perf_counter() - begun))
        store.findings.learn()
        rates[name] = rows / (time.perf_counter() - began)
        used = (time.process_time() - own) / rows * 1e6
        theirs = (server_seconds(server) - cpu) / rows * 1e6
        print(
            f"{name:12}{rates[name]:8,.0f} rows/s ({min(each):,.0f} to {max(each):,.0f} a batch); CPU a row: "
            f"{used:.0f} us of this process, {theirs:.0f} us of the server",
            flush=True,
        )
    return rates["PostgreSQL"]


def measured(
    server: PostgresServer, ours: PostgresStore, floor: DuckDBStore, given: argparse.Namespace
) -> bool:
    """Print everything that is measured over the filled stores; whether a bound was missed."""
    asked = questions()
    with Explained() as explained:
        for ask in asked.values():
            ask(ours)
    title = f"p95 in ms, over {given.invocations:,} uses"
    print(f"\n{title:48}{'PostgreSQL':>12}{'DuckDB':>10}")
    for name, ask in asked.items():
        times = [p95(store, ask, given.questions) for store in (ours, floor)]
        slow = "  slow" if times[0] > SLOW_MS else ""
        print(f"{name:48}{times[0]:12.1f}{times[1]:10.1f}{slow}", flush=True)
    print("\nfolded on top of them")
    seed = time.time_ns()
    rate = fold_rates(server, ours, floor, given.folds, seed)
    with explained:
        for batch in batches(2 * AT_ONCE, seed + 1):
            ours.fold(batch)
            ours.fold(batch)
        ours.findings.learn()
    size = server.execute("SELECT pg_database_size('team')")[0][0]
    print(f"\n{size / given.invocations:,.0f} bytes an invocation; plans:")
    whole = tell_plans(explained.plans, rows_of(ours))
    if whole:
        print(f"reads the whole of a table that grows with the uses: {', '.join(whole)}")
    return bool(whole) or rate < LEAST_ROWS_PER_SECOND


def p95(store: SkillsStorageProtocol, ask: Question, times: int) -> float:
    """Of so many askings in milliseconds, after one that is not counted; of fewer where each takes long."""
    ask(store)
    spent: list[float] = []
    while len(spent) < times and (len(spent) < 3 or sum(spent) < _LONG_SECONDS):
        began = time.perf_counter()
        ask(store)
        spent.append(time.perf_counter() - began)
    return statistics.quantiles(spent, n=20, method="inclusive")[-1] * 1000


def rows_of(store: PostgresStore) -> Mapping[str, int]:
    """Rows of each table that grows with the uses, as the server estimates them."""
    names = ", ".join(f"'{name}'" for name in GROWING)
    return dict(
        store.database.rows(
            "SELECT relname, CAST(reltuples AS BIGINT) FROM pg_class "
            f"WHERE relkind = 'r' AND relname IN ({names})"
        )
    )


def tell_plans(plans: Mapping[str, str], rows: Mapping[str, int]) -> Sequence[str]:
    """Print which indexes each statement uses; those that read a whole table of these."""
    found = []
    for name, plan in sorted(plans.items()):
        whole = whole_tables_of(plan, rows)
        told = ", ".join(indexes_of(plan)) or "no index: no table that grows with the uses"
        print(f"  {name:32} {told}{''.join(f'; the whole of {table}' for table in whole)}")
        if whole and name in SELDOM:
            print(f"  {'':32}   {SELDOM[name]}")
        elif whole:
            found.append(name)
    return found


if __name__ == "__main__":
    os.umask(0o022)
    sys.exit(main())
