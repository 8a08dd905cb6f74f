"""How long calls take: through the leader's own window and through a relay, beside a bare server's no-op.

Over an empty store and over one of a million invocations, in both eras of the protocol. Blocks of calls
alternate between the sides; a block's figure is its median, a ratio is that of one pair of blocks.
`get_skill_metrics` of all time alternates with records, so that it is never cached. Of another window it is
held against the no-op call plus twice the bare query on a copy of the same database; right after a record it
has to fold that first, and what this takes is shown.

    python -m bench.calls [--pairs 25] [--invocations 1000000] [--keep DIR]
"""

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import duckdb
import psutil

from bench.answers import large_store
from bench.support import Line, interleaved, no_op, print_table, ratio, window
from session_buddy.models.values import Window
from session_buddy.storage import rows
from session_buddy.storage.queries import sql
from tests.support.stdio_client import Era, StdioClient

SKILL = "skill-000"
BLOCK = 40
WARM_UP = 200
SETTLE_SECONDS = 20.0  # the last of it begins ten seconds after a start, and takes longer over a large store
LOOK_SECONDS, IDLE_PERCENT, MOST_SECONDS = 6.0, 15.0, 120.0
DAYS = (1, 7, 30)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--pairs", type=int, default=25, help="pairs of blocks for each line, at least 9 [25]"
    )
    parser.add_argument("--invocations", type=int, default=1_000_000, help="in the large store; 0: none")
    parser.add_argument("--keep", type=Path, help="keep the large store here, or take it from here")
    given = parser.parse_args()
    missed = 0
    with tempfile.TemporaryDirectory() as folder:
        stores: dict[str, Path | None] = {"empty": None}
        if given.invocations:
            stores[f"{given.invocations:,}"] = large_store(
                given.keep or Path(folder, "store"), given.invocations
            )
        for name, store in stores.items():
            for era in ("legacy", "modern"):
                home = Path(folder, f"{era}-{name}")
                if store is not None:
                    shutil.copytree(store, home)
                about = f"{name}, {era}"
                missed |= print_table(f"calls, {about}", measure(home, store, era, given.pairs))
                print(flush=True)
                shutil.rmtree(home)
    return missed


def measure(home: Path, store: Path | None, era: Era, pairs: int) -> list[Line]:
    """The lines of one store and era."""
    with ExitStack() as stack:
        leader = stack.enter_context(window(home, era))
        leader.handshake()
        record(leader)
        relay, floor = stack.enter_context(window(home, era)), stack.enter_context(no_op(era))
        for client in (relay, floor):
            client.handshake()
        for _ in range(WARM_UP):
            ask(leader)
            ask(relay)
            floor.call("nothing")
        # What a start leaves for later, learning from the record, is no part of a call.
        settle(leader)
        pairs_of = partial(against_the_floor, floor, pairs)
        lines = [
            pairs_of("leader: get_skill_metrics", lambda: alternating(leader), 1.5),
            pairs_of("relay: get_skill_metrics", lambda: alternating(relay), 1.5),
            pairs_of("leader: record_skill_invocation", lambda: timed(lambda: record(leader)), 2.0),
            pairs_of("relay: record_skill_invocation", lambda: timed(lambda: record(relay)), 2.0),
            pairs_of("relay: a call that fails at once", lambda: timed(lambda: relay.call("no")), 1.3),
            relay_to_leader(relay, leader, pairs),
        ]
        if store is not None:
            with bare_query(store) as query:
                lines += [other_window(leader, floor, query, days, pairs) for days in DAYS]
                lines.append(other_window(leader, floor, query, DAYS[1], pairs, folds=True))
        return lines


def settle(leader: StdioClient) -> None:
    """Wait until the leader has nothing left to do from its start."""
    time.sleep(SETTLE_SECONDS)
    server, until = psutil.Process(leader.pid), time.monotonic() + MOST_SECONDS
    while server.cpu_percent(LOOK_SECONDS) >= IDLE_PERCENT and time.monotonic() < until:
        pass


def against_the_floor(
    floor: StdioClient, pairs: int, name: str, block: Callable[[], float], bound: float
) -> Line:
    """Our blocks beside those of the no-op call."""
    ours, base = interleaved(pairs, lambda: [block()], lambda: [timed(lambda: floor.call("nothing"))])
    return ratio(name, [run[0] for run in ours], [run[0] for run in base], bound)


def relay_to_leader(relay: StdioClient, leader: StdioClient, pairs: int) -> Line:
    """The same call through a relay and through the leader's own window."""
    ours, base = interleaved(pairs, lambda: [alternating(relay)], lambda: [alternating(leader)])
    name = "relay to leader: get_skill_metrics"
    return ratio(name, [run[0] for run in ours], [run[0] for run in base], 1.3)


Query = Callable[[datetime], object]


@contextmanager
def bare_query(store: Path) -> Iterator[Query]:
    """The statement of a window by itself, over a store that nobody serves."""
    statement, everybody = sql("window_totals_of_skill"), {"project": None, "agent": None, "user_id": None}
    with duckdb.connect(str(next(store.glob("*.duckdb"))), config={"threads": 2}) as connection:

        def query(since: datetime) -> object:
            asked = {**rows.bounds(Window(since, None)), **everybody, "skill_name": SKILL}
            return connection.execute(statement, asked).fetchall()

        yield query


def other_window(
    leader: StdioClient,
    floor: StdioClient,
    query: Query,
    days: int,
    pairs: int,
    *,
    folds: bool = False,
) -> Line:
    """A window of days beside the no-op call plus twice its query; folds: right after a record, no bound."""
    since = datetime.now(UTC) - timedelta(days=days)
    arguments = {"skill_name": SKILL, "since": since.isoformat()}

    def call() -> object:
        return leader.call("get_skill_metrics", arguments)

    def base() -> list[float]:
        return [timed(lambda: floor.call("nothing"), 10) + 2 * timed(lambda: query(since), 10)]

    call()
    block = partial(alternating, leader, call, 10) if folds else partial(timed, call, 10)
    ours, floors = interleaved(4 * pairs, lambda: [block()], base)
    name = f"{days} days{', after a record' if folds else ''}"
    bound = None if folds else 1.0
    return ratio(name, [run[0] for run in ours], [run[0] for run in floors], bound)


def alternating(client: StdioClient, call: Callable[[], object] | None = None, count: int = BLOCK) -> float:
    """Median milliseconds of a call, `get_skill_metrics` of all time by default, a record before each."""
    taken = []
    for _ in range(count):
        record(client)
        began = time.perf_counter()
        if call is None:
            ask(client)
        else:
            call()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken) * 1e3


def timed(call: Callable[[], object], count: int = BLOCK) -> float:
    """Median milliseconds of a call."""
    taken = []
    for _ in range(count):
        began = time.perf_counter()
        call()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken) * 1e3


def ask(client: StdioClient) -> None:
    client.call("get_skill_metrics", {"skill_name": SKILL})


def record(client: StdioClient) -> None:
    result = client.call(
        "record_skill_invocation", {"skill_name": SKILL, "completed": True, "duration_seconds": 1}
    )
    assert not result.get("isError"), result


if __name__ == "__main__":
    sys.exit(main())
