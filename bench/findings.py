"""What keeping up the findings costs a fold, and how long their tools take.

Folds batches of 20,000 uses, three a pair, with every roll-up kept up against the same without, in
interleaved pairs; then fills a store by SQL and asks every tool.
500 skills, 50 users, sessions of 8 uses on average.

    python -m bench.findings [--invocations 1000000] [--pairs 9] [--calls 20]
"""

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from unittest import mock
from uuid import UUID

from session_buddy.ingest.journal import JournalFile
from session_buddy.ingest.journal_tail import JournalReader
from session_buddy.models.events import SkillEvent
from session_buddy.models.values import Batch
from session_buddy.services.comparing import Comparer
from session_buddy.services.finding import Finder
from session_buddy.services.record import Record
from session_buddy.storage import folding, learning
from session_buddy.storage.duckdb_store import LEARN_AT_ONCE, DuckDBStore
from session_buddy.storage.queries import sql

BATCH = 20_000
SKILLS = 500
KEPT_BOUND = 0.6
MILLISECONDS_BOUND = 200.0


class Uses:
    """Endless uses, in order of time, ending about now."""

    def __init__(self, seed: int, total: int) -> None:
        self._random = random.Random(seed)
        self._gap = timedelta(days=90) / total
        self._at = datetime.now(UTC) - timedelta(days=90)
        self._number = 0
        self._weights = [1 / (1 + rank) ** 0.8 for rank in range(SKILLS)]

    def batch(self, count: int) -> Batch:
        """The next uses, each told by one event."""
        draw = self._random
        skills = draw.choices(range(SKILLS), self._weights, k=count)
        events = []
        for skill in skills:
            self._number += 1
            self._at += self._gap
            session = self._number // 64 * 8 + draw.randrange(8)
            events.append(
                SkillEvent.model_construct(
                    id=UUID(int=draw.getrandbits(128)),
                    occurred_at=self._at,
                    kind="recorded",
                    invocation_id=UUID(int=draw.getrandbits(128)),
                    skill_name=f"skill-{skill:03}",
                    session_id=f"session-{session}",
                    user_id=f"user-{session % 50}",
                    source="transcript",
                    authority=20,
                    invoked_at=self._at,
                    duration_seconds=draw.lognormvariate(4, 1),
                    outcome="completed" if draw.random() < 0.9 else "failed",
                    outcome_source="inferred",
                    workflow_phase="execution",
                )
            )
        return Batch(tuple(events))


def opened(folder: Path, name: str) -> DuckDBStore:
    store = DuckDBStore(str(folder / f"{name}.duckdb"), str)
    store.open()
    return store


def timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def without_findings(work: Callable[[], object]) -> float:
    """The same fold where nothing is queued and no roll-up moved."""
    idle = {"queue_difference": "SELECT 1"}
    with (
        mock.patch.object(learning, "learn", return_value=False),
        mock.patch.object(folding, "sql", lambda name: idle.get(name) or sql(name)),
    ):
        return timed(work)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--invocations", type=int, default=1_000_000)
    parser.add_argument("--pairs", type=int, default=9)
    parser.add_argument("--calls", type=int, default=20)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        ours, floor = opened(place, "with"), opened(place, "without")
        uses = Uses(20261122, given.invocations)
        missed = fold_rate(ours, floor, uses, given.pairs)
        floor.close()
        ours.close()
        large = opened(place, "large")
        fill(large, given.invocations)
        missed += tools(large, place, given.calls)
        large.close()
    return 1 if missed else 0


def fold_all(store: DuckDBStore, batches: Sequence[Batch]) -> None:
    for batch in batches:
        store.fold(batch)


def fold_rate(ours: DuckDBStore, floor: DuckDBStore, uses: Uses, pairs: int) -> int:
    ratios = []
    for turn in range(pairs):
        batches = [uses.batch(BATCH) for _ in range(LEARN_AT_ONCE // BATCH)]
        took: dict[str, float] = {}
        for side in ("with", "without")[:: 1 if turn % 2 else -1]:
            if side == "with":
                took[side] = timed(lambda batches=batches: fold_all(ours, batches))
            else:
                took[side] = without_findings(lambda batches=batches: fold_all(floor, batches))
        ratios.append(took["without"] / took["with"])
    ordered = sorted(ratios)
    edge = max(0, len(ordered) // 2 - 3)
    low, high = ordered[edge], ordered[-1 - edge]
    kept = median(ratios)
    print(f"{'fold rate kept':44} {kept:8.2f} ({low:.2f}-{high:.2f})   >= {KEPT_BOUND}")
    return int(high < KEPT_BOUND)


def fill(store: DuckDBStore, count: int) -> None:
    """Put invocations into the tables by SQL: folding a million takes minutes, and is not asked here."""
    writer = store._database.writer  # noqa: SLF001 - the bench fills what only folds fill
    for statement in FILL.split(";"):
        writer.execute(statement, {"count": count} if "$count" in statement else None)
    writer.execute("INSERT INTO skill_change SELECT 1, " + CHANGED + " FROM skill_invocation")
    store.findings.folded()
    print(f"{'roll-ups of all of them at once':44} {timed(store.findings.learn):8.1f} s")


CHANGED = "invocation_id, skill_name, session_id, user_id, invoked_at, outcome, duration_seconds, rating"
FILL = f"""
INSERT INTO skill_metrics (skill_name) SELECT format('skill-{{:03}}', range) FROM range({SKILLS});
INSERT INTO skill_invocation (invocation_id, skill_name, session_id, agent, thread, origin, source,
    user_id, invoked_at, duration_seconds, outcome, completed, outcome_source)
SELECT uuid(), format('skill-{{:03}}', CAST(floor({SKILLS} * pow(random(), 2)) AS INTEGER)),
    'session-' || session, 'claude-code', 'main', 'agent', 'transcript', 'user-' || session % 50,
    moment, exp(4 + random() * 2), CASE WHEN good THEN 'completed' ELSE 'failed' END, good, 'inferred'
FROM (
    SELECT range // 64 * 8 + CAST(floor(random() * 8) AS INTEGER) AS session, random() < 0.9 AS good,
        make_timestamp(epoch_us(now())) - to_seconds(90.0 * 86400 * (1 - range / $count)) AS moment
    FROM range($count)
);
UPDATE skill_metrics AS m SET invocation_count = t.n, completed_count = t.good, failed_count = t.n - t.good,
    inferred_count = t.n, duration_count = t.n, duration_sum = t.took, first_invoked_at = t.first,
    last_invoked_at = t.last
FROM (
    SELECT skill_name, count(*) AS n, count(*) FILTER (completed) AS good, sum(duration_seconds) AS took,
        min(invoked_at) AS first, max(invoked_at) AS last
    FROM skill_invocation GROUP BY skill_name
) AS t WHERE m.skill_name = t.skill_name;
INSERT INTO session_skills (session_skill_id, session_id, skill_name, invocation_count, completed_count,
    failed_count, abandoned_count, duration_sum)
SELECT uuid(), session_id, skill_name, count(*), count(*) FILTER (completed),
    count(*) FILTER (NOT completed), 0, sum(duration_seconds)
FROM skill_invocation GROUP BY session_id, skill_name;
INSERT INTO skill_tally SELECT skill_name, 'duration_bucket',
    CAST(CAST(ceil(ln(duration_seconds) / ln(1.01 / 0.99)) AS INTEGER) AS VARCHAR), count(*)
FROM skill_invocation GROUP BY ALL"""


def tools(store: DuckDBStore, place: Path, calls: int) -> int:
    def now() -> datetime:
        return datetime.now(UTC)

    folders = [str(place / name) for name in ("journal", "archive", "quarantine")]
    journal = JournalFile(folders[0])
    record = Record(store, JournalReader(*folders, {}), now)
    comparer = Comparer(record, now, "user-1")
    finder = Finder(record, journal, comparer, now)
    asked: dict[str, Callable[[], object]] = {
        "detect_anomalies": finder.anomalies,
        "detect_anomalies zscore": lambda: finder.anomalies(method="zscore"),
        "get_skill_trend": lambda: comparer.trend("skill-000"),
        "get_skill_trend of 90 days": lambda: comparer.trend("skill-000", 90),
        "get_skill_dependencies": lambda: comparer.dependencies("skill-000", min_lift=0),
        "get_community_baselines": comparer.baselines,
        "get_collaborative_recommendations": comparer.collaborative,
    }
    first = 1000 * timed(lambda: finder.anomalies(patience=0.1))
    print(f"{'first detect_anomalies of a leader':44} {first:8.0f} ms")
    print(f"{'looking through every history':44} {1000 * timed(finder.anomalies):8.0f} ms")
    missed = 0
    for name, ask in asked.items():
        took = sorted(1000 * timed(ask) for _ in range(calls))
        late = took[max(0, -(-len(took) * 95 // 100) - 1)]
        missed += late > MILLISECONDS_BOUND
        print(f"{name:44} {median(took):8.0f} ms p50 {late:8.0f} ms p95   <= {MILLISECONDS_BOUND:.0f} ms")
    kept = 1000 * timed(lambda: comparer.refresh(at_once=True))
    print(f"{'keeping baselines, clusters and categories':44} {kept:8.0f} ms")
    journal.close()
    return missed


if __name__ == "__main__":
    sys.exit(main())
