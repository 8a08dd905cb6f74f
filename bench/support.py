"""What the benches share: windows to measure, ratios of interleaved pairs, and the table they print."""

import math
import os
import statistics
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.support.stdio_client import Era, StdioClient

CHECKOUT = Path(__file__).resolve().parents[1]
SERVE = (sys.executable, "-m", "session_buddy", "serve")
NO_OP = (sys.executable, str(CHECKOUT / "bench" / "no_op_server.py"))
ENVIRONMENT = {
    **os.environ,
    "PYTHONPATH": os.pathsep.join(filter(None, [str(CHECKOUT), os.environ.get("PYTHONPATH")])),
}
MINIMUM_PAIRS = 9


class Line(NamedTuple):
    """One line of a table. ours, floor: medians in `unit`; bound: None where there is nothing to hold."""

    name: str
    ours: float
    floor: float | None
    ratio: float | None
    low: float | None
    high: float | None
    bound: float | None
    unit: str

    @property
    def missed(self) -> bool:
        """Whether the 90 % interval lies wholly above the bound (or the value does, where it is no ratio)."""
        value = self.low if self.ratio is not None else self.ours
        return self.bound is not None and value is not None and value > self.bound


def window(home: Path, era: Era = "legacy", **settings: str) -> StdioClient:
    """A window on a home, with settings by the names of their variables; the handshake is the caller's."""
    return StdioClient(SERVE, env={**ENVIRONMENT, "SESSION_BUDDY_HOME": str(home), **settings}, era=era)


def no_op(era: Era = "legacy") -> StdioClient:
    """A client of the floor."""
    return StdioClient(NO_OP, env=ENVIRONMENT, era=era)


def interleaved(
    pairs: int, ours: Callable[[], Sequence[float]], floor: Callable[[], Sequence[float]]
) -> tuple[list[Sequence[float]], list[Sequence[float]]]:
    """Run both sides in turn, each of the two first in half of the pairs; what each returned."""
    mine: list[Sequence[float]] = []
    base: list[Sequence[float]] = []
    for turn in range(max(MINIMUM_PAIRS, pairs)):
        for side, run in ((mine, ours), (base, floor))[:: 1 if turn % 2 else -1]:
            side.append(run())
    return mine, base


def ratio(
    name: str, ours: Sequence[float], floor: Sequence[float], bound: float | None, unit: str = "ms"
) -> Line:
    """The median ratio of pairs, with its 90 % interval by order statistics."""
    ratios = sorted(mine / base for mine, base in zip(ours, floor, strict=True))
    low, high = interval(ratios)
    return Line(
        name,
        statistics.median(ours),
        statistics.median(floor),
        statistics.median(ratios),
        low,
        high,
        bound,
        unit,
    )


def value(name: str, ours: Sequence[float], bound: float | None, unit: str) -> Line:
    """A median that is held against a bound of its own."""
    return Line(name, statistics.median(ours), None, None, None, None, bound, unit)


def interval(ordered: Sequence[float]) -> tuple[float, float]:
    """The order statistics that hold the median with at least 90 % confidence; the extremes if few."""
    count, below, rank = len(ordered), 0.0, 0
    while (below := below + math.comb(count, rank) / 2**count) <= 0.05:
        rank += 1
    rank = max(rank - 1, 0)
    return ordered[rank], ordered[count - 1 - rank]


def print_table(title: str, lines: Sequence[Line]) -> int:
    """Print a table; the exit status: 1 if a bound was missed."""
    print(f"{title:52}{'ours':>10}{'floor':>10}{'ratio':>8}{'90 % interval':>18}{'bound':>8}")
    for line in lines:
        floor = "" if line.floor is None else f"{line.floor:.2f}"
        middle = "" if line.ratio is None else f"{line.ratio:.3f}"
        spread = "" if line.ratio is None else f"{line.low:.3f} to {line.high:.3f}"
        bound = "" if line.bound is None else f"{line.bound:g}"
        verdict = "  MISSED" if line.missed else ""
        name = f"{line.name} ({line.unit})"
        print(f"{name:52}{line.ours:>10.2f}{floor:>10}{middle:>8}{spread:>18}{bound:>8}{verdict}")
    return int(any(line.missed for line in lines))


def resident_megabytes(pid: int) -> float:
    """Memory that a process holds now, by /proc; 0 where the system has none."""
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    kilobytes = next((line.split()[1] for line in text.splitlines() if line.startswith("VmRSS")), "0")
    return int(kilobytes) / 1024
