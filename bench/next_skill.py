"""How long a suggestion takes once a store of N uses of 500 skills was learned, and how long learning takes.

Fills a store through the journal, opens it anew as a leader does, and asks through the service, without and
with a query, while uses go on being recorded. Ends with 1 if a bound is missed.

    python bench/next_skill.py [--uses N] [--asks N]
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from session_buddy import bootstrap
from session_buddy.config import Settings
from session_buddy.models.events import SkillEvent
from session_buddy.models.ids import hashed_id
from session_buddy.models.values import Batch, Caller
from session_buddy.services import InvocationReport, Services
from session_buddy.services.recommending import Asked
from session_buddy.storage.duckdb_store import DuckDBStore

SKILLS = 500
P50_MS, P95_MS = 5.0, 20.0
_BATCH = 20_000
_PER_SESSION = 12


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--uses", type=int, default=1_000_000)
    parser.add_argument("--asks", type=int, default=300)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["CLAUDE_CONFIG_DIR"] = str(Path(folder) / "claude")
        settings = Settings(home=str(Path(folder) / "home"), port=0)
        filled(settings, given.uses)
        with bootstrap.open_services(settings) as services:
            began = time.monotonic()
            services.recommender.learning.loaded(600)
            seconds = time.monotonic() - began
            print(f"learned from a store of {given.uses:,} uses in {seconds:.1f} s, in the background")
            return 0 if asked(services, given.asks) else 1


def filled(settings: Settings, uses: int) -> None:
    """A store with that many uses, made by folding events as the leader does."""
    rng = np.random.default_rng(1)
    popular = 1 / (1 + np.arange(SKILLS))
    popular /= popular.sum()
    with bootstrap.open_services(settings):
        pass  # makes the home and the schema
    store = DuckDBStore(settings.database, lambda text: text, memory_limit=settings.memory_limit)
    store.open()
    start = datetime.now(UTC) - timedelta(seconds=30 * uses + 60)
    for first in range(0, uses, _BATCH):
        drawn = rng.choice(SKILLS, size=min(_BATCH, uses - first), p=popular)
        good = rng.random(len(drawn)) < 0.85
        events = tuple(
            event(first + place, int(skill), start, completed=bool(good[place]))
            for place, skill in enumerate(drawn)
        )
        store.fold(Batch(events))
    store.close()


def event(number: int, skill: int, start: datetime, *, completed: bool) -> SkillEvent:
    """One whole use."""
    at = start + timedelta(seconds=30 * number)
    return SkillEvent(
        id=hashed_id("bench", "event", str(number)),
        occurred_at=at,
        kind="recorded",
        invocation_id=hashed_id("bench", "use", str(number)),
        skill_name=f"skill-{skill}",
        session_id=f"session-{number // _PER_SESSION}",
        source="import",
        authority=20,
        project=f"/project/{number // _PER_SESSION % 20}",
        invoked_at=at,
        duration_seconds=12.0,
        outcome="completed" if completed else "failed",
        outcome_source="inferred",
    )


def asked(services: Services, asks: int) -> bool:
    """Print how long suggestions took."""
    rng = np.random.default_rng(2)
    caller = Caller(connection_id="bench", session_id="bench", project="/project/3")
    taken, processor = [], []
    for number in range(asks):
        if number % 10 == 0:
            report = InvocationReport(skill_name=f"skill-{int(rng.integers(SKILLS))}", completed=True)
            services.recorder.record_invocation(report, caller)
        recent = [f"skill-{int(skill)}" for skill in rng.integers(SKILLS, size=8)]
        query = "test the skill of this project" if number % 2 else None
        began, worked = time.perf_counter(), time.thread_time()
        answer = services.recommender.suggest(Asked(recent_skills=recent, query=query), caller)
        taken.append(1e3 * (time.perf_counter() - began))
        processor.append(1e3 * (time.thread_time() - worked))
        if len(answer.suggestions) != Asked().limit:
            raise SystemExit("fewer skills were suggested than asked for")
    p50 = statistics.median(taken)
    p95 = statistics.quantiles(taken, n=20)[-1]
    held = p50 <= P50_MS and p95 <= P95_MS
    print(
        f"suggest_next_skill over {SKILLS} skills: p50 {p50:.2f} ms (<= {P50_MS}), "
        f"p95 {p95:.2f} ms (<= {P95_MS}), of which processor {statistics.median(processor):.2f} ms  "
        f"{'held' if held else 'MISSED'}"
    )
    return held


if __name__ == "__main__":
    sys.exit(main())
