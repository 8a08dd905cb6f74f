"""How fast a large export is imported: everything included, against DuckDB reading the same file.

Ours is `session-buddy import FILE` as a user runs it: parse, validate, redact, journal with its flushes to
the disk, fold with every counter. The floor is one bare `INSERT ... SELECT FROM read_ndjson(FILE)` into each
of the two tables that hold the record, in an empty database of the same schema. Peak memory is that of the
importing process, which leads and folds too where no agent window is open, and of the one that reads for it,
added up at the same moments (what both map is counted twice).

    python bench/ingest.py [--invocations 1000000] [--pairs 1]

One pair of a million takes minutes; a table with an interval needs several.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import duckdb

from bench.support import CHECKOUT, Line, print_table, resident_megabytes
from session_buddy.storage.duckdb_store import DuckDBStore

BOUND = 0.12
MEMORY_BOUND_MB = 400
SKILLS = 500
SESSION_USES = 20
OUTCOMES = ("completed",) * 17 + ("failed",) * 2 + ("abandoned",)
PHASES = ("setup", "execution", "verification", "deployment", "unknown")
SHARED = """skill_name, session_id, agent, thread, origin, source, project, user_id, invoked_at, ended_at,
    duration_seconds, outcome, outcome_source, evidence, error_type, tool_call_count, tool_error_count,
    workflow_phase, query_hash, query_length"""


def write_export(path: Path, count: int) -> None:
    """An export of `count` invocations over 500 skills, of sizes and gaps like those of real sessions."""
    rng = random.Random(20261122)
    began = datetime(2026, 1, 1, tzinfo=UTC)
    with path.open("w") as file:
        for number in range(count):
            began += timedelta(seconds=rng.expovariate(1 / 20))
            seconds = round(rng.lognormvariate(4, 1.2), 3)
            outcome = rng.choice(OUTCOMES)
            skill = min(int(rng.paretovariate(0.7)), SKILLS)
            row = {
                "invocation_id": str(UUID(int=rng.getrandbits(128), version=4)),
                "skill_name": f"team:skill-{skill:03}",
                "session_id": str(UUID(int=number // SESSION_USES + 1)),
                "agent": "claude-code",
                "thread": "main",
                "origin": "agent",
                "source": "transcript",
                "project": f"/home/dev/project-{number // SESSION_USES % 40}",
                "user_id": f"{number // SESSION_USES % 7:064x}",
                "invoked_at": began.isoformat(),
                "ended_at": (began + timedelta(seconds=seconds)).isoformat(),
                "duration_seconds": seconds,
                "outcome": outcome,
                "completed": outcome == "completed",
                "outcome_source": "inferred",
                "evidence": [{"kind": "turn_ended"}],
                "error_type": "check_failed" if outcome == "failed" else None,
                "tool_call_count": rng.randrange(40),
                "tool_error_count": rng.randrange(3),
                "workflow_phase": rng.choice(PHASES),
                "query_hash": f"{rng.getrandbits(128):032x}",
                "query_length": rng.randrange(400),
            }
            file.write(json.dumps(row) + "\n")


def bare_insert_seconds(path: Path, folder: Path) -> float:
    """Wall seconds of the floor, opening and checkpoint included, the schema not."""
    database = folder / "floor.duckdb"
    store = DuckDBStore(str(database), lambda text: text)
    store.open()
    store.close()
    began = time.perf_counter()
    with duckdb.connect(str(database), config={"memory_limit": "256MB", "threads": 2}) as connection:
        source = f"read_ndjson('{path}')"
        connection.execute(f"INSERT INTO skill_metrics (skill_name) SELECT DISTINCT skill_name FROM {source}")
        connection.execute(
            f"INSERT INTO skill_event (id, kind, invocation_id, occurred_at, authority, {SHARED}) "
            f"SELECT uuid(), 'recorded', invocation_id, invoked_at, 20, {SHARED} FROM {source}"
        )
        connection.execute(
            f"INSERT INTO skill_invocation (invocation_id, completed, {SHARED}) "
            f"SELECT invocation_id, completed, {SHARED} FROM {source}"
        )
    return time.perf_counter() - began


def import_seconds(path: Path, folder: Path) -> tuple[float, float]:
    """Wall seconds and peak memory (MB) of the product's own command on an empty home."""
    env = {**os.environ, "SESSION_BUDDY_HOME": str(folder / "home"), "PYTHONPATH": str(CHECKOUT)}
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "session_buddy", "import", "--json", str(path)],
        env=env,
        stdout=subprocess.DEVNULL,
    )
    peak = 0.0
    while process.poll() is None:
        peak = max(peak, sum(resident_megabytes(pid) for pid in (process.pid, *_children(process.pid))))
        time.sleep(0.05)
    seconds = time.perf_counter() - began
    if process.returncode != 0:
        raise SystemExit(f"the import ended with exit status {process.returncode}")
    return seconds, peak


def _children(pid: int) -> Sequence[int]:
    """Processes that a process started, by /proc; none where the system has none."""
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def main() -> int:
    """Measure, print the table, and say whether a bound was missed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--invocations", type=int, default=1_000_000)
    parser.add_argument("--pairs", type=int, default=1)
    options = parser.parse_args()
    rates, memory = [], []
    with tempfile.TemporaryDirectory() as folder:
        export = Path(folder) / "invocations.jsonl"
        write_export(export, options.invocations)
        print(f"{options.invocations:,} invocations, {export.stat().st_size / 1e6:.0f} MB")
        for number in range(options.pairs):
            place = Path(folder) / str(number)
            place.mkdir()
            floor = bare_insert_seconds(export, place)
            ours, peak = import_seconds(export, place)
            rates.append((options.invocations / ours, options.invocations / floor))
            memory.append(peak)
    ratios = sorted(ours / floor for ours, floor in rates)
    middle = ratios[len(ratios) // 2]
    ours_rate = sorted(ours for ours, _ in rates)[len(rates) // 2]
    floor_rate = sorted(floor for _, floor in rates)[len(rates) // 2]
    lines = [
        Line(
            "rows a second, the more the better",
            ours_rate,
            floor_rate,
            middle,
            ratios[0],
            ratios[-1],
            None,
            "1/s",
        ),
        Line("peak memory of the import", max(memory), None, None, None, None, MEMORY_BOUND_MB, "MB"),
    ]
    status = print_table("import of an export", lines)
    missed = ratios[-1] < BOUND
    print(f"rate as a share of the floor: {middle:.3f}, to be at least {BOUND}{'  MISSED' if missed else ''}")
    return int(status or missed)


if __name__ == "__main__":
    raise SystemExit(main())
