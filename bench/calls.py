"""How long calls take: through the leader's own window and through a relay, beside a bare server's no-op.

Blocks of calls alternate between the sides; a block's figure is its median, a ratio is that of one pair of
blocks. `get_skill_metrics` (all time, one skill) alternates with records, so that it is never cached.

    python -m bench.calls [--pairs 15] [--home DIR with a store, else an empty one]
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from bench.support import Line, interleaved, no_op, print_table, ratio, window
from tests.support.stdio_client import Era, StdioClient

SKILL = "bench:calls"
BLOCK = 40
WARM_UP = 200


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--pairs", type=int, default=15, help="pairs of blocks for each line, at least 9 [15]"
    )
    parser.add_argument("--home", type=Path, help="a home with a store, for instance one of 1M invocations")
    arguments = parser.parse_args()
    lines = []
    for era in ("legacy", "modern"):
        with ExitStack() as stack:
            home = arguments.home or Path(stack.enter_context(tempfile.TemporaryDirectory())) / "home"
            lines += measure(stack, home, era, arguments.pairs)
    return print_table("calls", lines)


def measure(stack: ExitStack, home: Path, era: Era, pairs: int) -> list[Line]:
    """The lines of one era."""
    leader = stack.enter_context(window(home, era))
    leader.handshake()
    record(leader)
    relay, floor = stack.enter_context(window(home, era)), stack.enter_context(no_op(era))
    for client in (relay, floor):
        client.handshake()
    for _ in range(WARM_UP):
        leader.call("get_skill_metrics", {"skill_name": SKILL})
        relay.call("get_skill_metrics", {"skill_name": SKILL})
        floor.call("nothing")

    def against_the_floor(name: str, block: Callable[[], float], bound: float | None) -> Line:
        ours, base = interleaved(pairs, lambda: [block()], lambda: [timed(lambda: floor.call("nothing"))])
        return ratio(f"{name}, {era}", [run[0] for run in ours], [run[0] for run in base], bound)

    return [
        against_the_floor("leader: get_skill_metrics", lambda: metrics(leader), 1.5),
        against_the_floor("relay: get_skill_metrics", lambda: metrics(relay), 1.5),
        against_the_floor("leader: record_skill_invocation", lambda: timed(lambda: record(leader)), 2.0),
        against_the_floor("relay: record_skill_invocation", lambda: timed(lambda: record(relay)), 2.0),
        against_the_floor("relay: a call that fails at once", lambda: timed(lambda: relay.call("no")), 1.3),
        relay_to_leader(relay, leader, era, pairs),
    ]


def relay_to_leader(relay: StdioClient, leader: StdioClient, era: Era, pairs: int) -> Line:
    """The same call through a relay and through the leader's own window."""
    ours, base = interleaved(pairs, lambda: [metrics(relay)], lambda: [metrics(leader)])
    name = f"relay to leader: get_skill_metrics, {era}"
    return ratio(name, [run[0] for run in ours], [run[0] for run in base], 1.3)


def metrics(client: StdioClient) -> float:
    """Median milliseconds of `get_skill_metrics`, a record before each."""
    taken = []
    for _ in range(BLOCK):
        record(client)
        began = time.perf_counter()
        client.call("get_skill_metrics", {"skill_name": SKILL})
        taken.append(time.perf_counter() - began)
    return statistics.median(taken) * 1e3


def timed(call: Callable[[], object]) -> float:
    """Median milliseconds of a call."""
    taken = []
    for _ in range(BLOCK):
        began = time.perf_counter()
        call()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken) * 1e3


def record(client: StdioClient) -> None:
    result = client.call(
        "record_skill_invocation", {"skill_name": SKILL, "completed": True, "duration_seconds": 1}
    )
    assert not result.get("isError"), result


if __name__ == "__main__":
    sys.exit(main())
