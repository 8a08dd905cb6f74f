"""How long the tools take that answer from what was learned, over a store of N uses of 500 skills.

The store is filled by SQL (folding ten million uses would take an hour, and `bench.findings` measures it);
pairs of skills get made-up counts. Then the real server is started on it and asked over stdio, uses being
recorded in between: the first answers at once, the others when the background work of the start is over. Ends
with 1 if a bound is missed.

    python -m bench.answers [--invocations 1000000] [--calls 40] [--keep DIR] [--only suggest]
"""

import argparse
import itertools
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from bench.findings import FILL, SKILLS
from bench.support import window
from session_buddy import bootstrap
from session_buddy.config import Settings
from session_buddy.storage.duckdb_store import DuckDBStore
from tests.support.stdio_client import StdioClient

SUGGEST_P50_MS, SUGGEST_P95_MS = 5.0, 20.0
CODE_P50_MS = 10.0
OTHER_P95_MS = 200.0
MOST_SECONDS, IDLE_PERCENT = 600.0, 15.0
_LOOK_SECONDS = 12.0  # the background work of a start begins ten seconds after it
SUGGESTIONS_PER_CALL = 5  # many more of them: their bound is on the median too
ROLL_UPS = """
INSERT INTO skill_time_series
SELECT skill_name, date_trunc('hour', invoked_at), count(*), count(*) FILTER (completed),
    count(*) FILTER (NOT completed), 0, count(*), sum(duration_seconds), sum(ln(1 + duration_seconds)),
    sum(pow(ln(1 + duration_seconds), 2))
FROM skill_invocation GROUP BY ALL;
INSERT INTO skill_user_interactions
SELECT user_id, skill_name, count(*), count(*), count(*) FILTER (completed), 0, 0, max(invoked_at)
FROM skill_invocation GROUP BY ALL;
INSERT INTO skill_session_counts
WITH used AS (SELECT DISTINCT session_id, skill_name FROM skill_invocation),
moves AS (
    SELECT skill_name, 1 AS used, 0 AS came_first FROM used
    UNION ALL
    SELECT min(skill_name), 0, 1 FROM used GROUP BY session_id
)
SELECT skill_name, sum(used), sum(came_first) FROM moves GROUP BY skill_name;
INSERT INTO skill_dependencies
WITH usage AS (SELECT skill_name, session_count AS sessions FROM skill_session_counts)
SELECT a.skill_name, b.skill_name, CAST(ceil(random() * least(a.sessions, b.sessions) / 2) AS BIGINT),
    CAST(random() * 90 AS BIGINT), CAST(random() * 90 AS BIGINT), make_timestamp(epoch_us(now()))
FROM usage AS a INNER JOIN usage AS b ON a.skill_name < b.skill_name;
INSERT INTO agent_session
    (session_id, agent, started_at, first_activity_at, last_activity_at, last_observed_at)
SELECT session_id, 'claude-code', min(invoked_at), min(invoked_at), max(invoked_at), max(invoked_at)
FROM skill_invocation GROUP BY session_id"""


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--invocations", type=int, default=1_000_000)
    parser.add_argument(
        "--calls", type=int, default=40, help="of each tool; of suggest_next_skill five times"
    )
    parser.add_argument("--keep", type=Path, help="keep the filled store here, or take it from here")
    parser.add_argument(
        "--only", default="", help="the tools whose line has this in its name, by default all"
    )
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        shutil.copytree(large_store(given.keep or Path(folder, "store"), given.invocations), home)
        with window(home) as client:
            client.handshake()
            return asked(client, given.calls, given.only)


def large_store(home: Path, count: int) -> Path:
    """A home with so many uses, made if it is not there."""
    if not home.exists():
        began = time.monotonic()
        filled(home, count)
        print(f"filled with {count:,} uses in {time.monotonic() - began:.0f} s", flush=True)
    return home


def filled(home: Path, count: int) -> None:
    """A home with so many uses of the last 90 days."""
    settings = Settings(home=str(home), port=0)
    with bootstrap.open_services(settings):
        pass  # makes the home and the schema
    store = DuckDBStore(settings.database, str, memory_limit="4GB")
    store.open()
    writer = store._database.writer  # noqa: SLF001 - the bench fills what only folds fill
    for statement in f"{FILL};{ROLL_UPS}".split(";"):
        writer.execute(statement, {"count": count} if "$count" in statement else None)
    store.close()


class Asked(NamedTuple):
    """A line of the table: how often to ask, and the bounds in milliseconds of p50, if any, and of p95."""

    name: str
    ask: Callable[[], None]
    count: int
    middle: float | None = None
    late: float = OTHER_P95_MS


class Asking:
    """Calls of one client, a use being recorded before each."""

    def __init__(self, client: StdioClient) -> None:
        self._client = client
        self._server = psutil.Process(client.pid)
        self._recorded = itertools.count()

    def call(self, tool: str, **arguments: Any) -> None:
        """Ask once; an error ends the bench."""
        result = self._client.call(tool, arguments)
        if result.get("isError"):
            raise SystemExit(f"{tool}: {result}")

    def settled(self) -> float:
        """Wait until the server has nothing left to do from its start; how many seconds that took."""
        began, idle = time.monotonic(), 0
        self._server.cpu_percent()
        while idle < 2 and time.monotonic() - began < MOST_SECONDS:
            time.sleep(_LOOK_SECONDS)
            idle = idle + 1 if self._server.cpu_percent() < IDLE_PERCENT else 0
        return time.monotonic() - began

    def shown(self, line: Asked) -> bool:
        """Ask so many times and print one line; whether a bound, on p50 or p95, was missed."""
        began = sum(self._server.cpu_times()[:2])
        taken = []
        for _ in range(line.count):
            self.call(
                "record_skill_invocation",
                skill_name=f"skill-{next(self._recorded) % SKILLS:03}",
                completed=True,
            )
            taken.append(milliseconds(line.ask))
        processor = 1e3 * (sum(self._server.cpu_times()[:2]) - began) / line.count
        p50, p95 = statistics.median(taken), statistics.quantiles(taken, n=20)[-1]
        missed = p95 > line.late or (line.middle is not None and p50 > line.middle)
        bounds = [f"p50 <= {line.middle:.0f}"] if line.middle is not None else []
        print(
            f"{line.name:36} {p50:9.1f} ms p50 {p95:9.1f} ms p95 {processor:9.1f} ms processor   "
            f"{', '.join([*bounds, f'p95 <= {line.late:.0f}']):20} {'MISSED' if missed else ''}".rstrip(),
            flush=True,
        )
        return missed


def asked(client: StdioClient, calls: int, only: str = "") -> int:
    """Print a line for each tool; 1 if one missed its bound.

    The processor's time is that of the server, for a call and the record before it.
    """
    asking = Asking(client)
    for name, tool in {
        "first answer of all": "get_skill_metrics",
        "first detect_anomalies": "detect_anomalies",
        "first suggestion, learning awaited": "suggest_next_skill",
    }.items():
        print(f"{name:36} {milliseconds(partial(asking.call, tool)):9.1f} ms", flush=True)
    print(f"{'until the start was over':36} {asking.settled():9.1f} s", flush=True)
    missed = False
    for line in _lines(asking.call, calls):
        if only in line.name:
            missed |= asking.shown(line)
    return int(missed)


def _lines(call: Callable[..., None], calls: int) -> Iterator[Asked]:
    suggest = partial(call, "suggest_next_skill", query="test this")
    yield Asked("suggest_next_skill", suggest, calls * SUGGESTIONS_PER_CALL, SUGGEST_P50_MS, SUGGEST_P95_MS)
    for name, selection in {"10 KB": "def test_x(): pass\n" * 500, "1 MB": "x = f(1)\n" * 110_000}.items():
        place = partial(
            call, "suggest_skills_for_code", file_path="/shop/tests/a.py", selected_code=selection
        )
        middle = CODE_P50_MS if name == "10 KB" else None  # a megabyte takes as long as sending it
        yield Asked(f"suggest_skills_for_code, {name}", place, calls, middle)
    for name, other in _others(call):
        yield Asked(name, other, calls)


def _others(call: Callable[..., None]) -> Iterator[tuple[str, Callable[[], None]]]:
    skill = {"skill_name": "skill-000"}
    yield "predict_skill_success", lambda: call("predict_skill_success", **skill)
    yield "detect_anomalies", lambda: call("detect_anomalies")
    yield "detect_anomalies, zscore", lambda: call("detect_anomalies", method="zscore")
    yield "get_skill_trend", lambda: call("get_skill_trend", **skill)
    yield "get_skill_trend of 90 days", lambda: call("get_skill_trend", days=90, **skill)
    yield "get_skill_dependencies", lambda: call("get_skill_dependencies", **skill)
    yield "get_community_baselines", lambda: call("get_community_baselines")
    yield "get_collaborative_recommendations", lambda: call("get_collaborative_recommendations")


def milliseconds(ask: Callable[[], None]) -> float:
    """How long one call took."""
    began = time.perf_counter()
    ask()
    return 1e3 * (time.perf_counter() - began)


if __name__ == "__main__":
    sys.exit(main())
