"""How fast and how light a window starts: the first of a home, which leads, and a further one, which relays.

The floor is a bare server of the same SDK with one tool that does nothing, started in the same run.
Ours answers `get_skill_metrics` as its first call, on an empty store.

    python -m bench.start [--pairs 9]
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.support import Line, interleaved, no_op, print_table, ratio, resident_megabytes, value, window
from tests.support.stdio_client import Era, StdioClient

OURS = "get_skill_metrics"
ERAS: tuple[Era, ...] = ("legacy", "modern")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=int, default=9, help="pairs of starts for each era, at least 9 [9]")
    pairs = parser.parse_args().pairs
    lines = []
    for era in ERAS:
        lines += first_window(era, pairs)
        lines += further_window(era, pairs)
    return print_table("start", lines)


def first_window(era: Era, pairs: int) -> list[Line]:
    """A home with an empty store that nobody leads."""
    with tempfile.TemporaryDirectory() as directory:
        started(lambda: window(Path(directory), era), OURS)  # makes the store
        ours, floor = interleaved(
            pairs,
            lambda: started(lambda: window(Path(directory), era), OURS),
            lambda: started(lambda: no_op(era), "nothing"),
        )
    return table(f"first window, {era}", ours, floor, bounds=(0.15, 1.25, 160))


def further_window(era: Era, pairs: int) -> list[Line]:
    """A home whose leader runs."""
    with tempfile.TemporaryDirectory() as directory, window(Path(directory)) as leader:
        leader.handshake()
        leader.call(OURS)
        ours, floor = interleaved(
            pairs,
            lambda: started(lambda: window(Path(directory), era), OURS),
            lambda: started(lambda: no_op(era), "nothing"),
        )
        leader.close()
    return table(f"further window, {era}", ours, floor, bounds=(0.1, 1.0, 20))


def started(start: Callable[[], StdioClient], tool: str) -> tuple[float, float, float]:
    """(ms to the handshake's answer, ms to the first tool's answer, MB after it)."""
    began = time.perf_counter()
    with start() as client:
        client.handshake()
        greeted = time.perf_counter()
        result = client.call(tool)
        answered = time.perf_counter()
        assert not result.get("isError"), result
        memory = resident_megabytes(client.pid)
        client.close()
    return (greeted - began) * 1e3, (answered - began) * 1e3, memory


def table(
    name: str,
    ours: Sequence[Sequence[float]],
    floor: Sequence[Sequence[float]],
    bounds: tuple[float, float, float],
) -> list[Line]:
    def column(side: Sequence[Sequence[float]], number: int) -> list[float]:
        return [run[number] for run in side]

    return [
        ratio(f"{name}: handshake", column(ours, 0), column(floor, 0), bounds[0]),
        ratio(f"{name}: first call", column(ours, 1), column(floor, 1), bounds[1]),
        value(f"{name}: memory", column(ours, 2), bounds[2], "MB"),
    ]


if __name__ == "__main__":
    sys.exit(main())
