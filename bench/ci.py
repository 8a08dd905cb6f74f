"""What wrapping a command costs: `session-buddy ci -- true` beside a Python that only starts `true`.

The floor is `python -I -S -c 'import subprocess, json; subprocess.call(["true"])'`. Each run of the wrapper
stands beside one of the floor, in turn first and second; reported is the median ratio with its 90 % interval.
The bound is missed if the interval lies wholly above it; then the exit status is 1. Writing the journal and
flushing it to the disk is included.

    python -m bench.ci [--pairs 41] [--directory DIR]
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.hook import interval

BOUND = 1.5
COMMANDS = {
    "true": ("true",),
    "false": ("false",),
    "a shell that writes a megabyte": ("sh", "-c", "head -c 1000000 /dev/zero"),
}


def main() -> int:
    """Measure, print the table, and say whether a bound was missed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=int, default=41, help="pairs of runs for each line, at least 9 [41]")
    parser.add_argument("--directory", help="where to write the journal; on a disk, so that flushing costs")
    arguments = parser.parse_args()
    pairs = max(9, arguments.pairs)
    beside = Path(sys.executable).with_name("session-buddy")
    wrapper = str(beside) if beside.exists() else shutil.which("session-buddy")
    if wrapper is None:
        parser.error("session-buddy is not installed beside this Python")
    with tempfile.TemporaryDirectory(dir=arguments.directory) as directory:
        environ = {**os.environ, "SESSION_BUDDY_HOME": f"{directory}/home"}
        missed = [measure(name, wrapper, command, environ, pairs) for name, command in COMMANDS.items()]
        recorded = sum(1 for path in Path(directory).glob("home/journal/*.jsonl") for _ in path.open())
    expected = len(COMMANDS) * (pairs + 1)
    print(f"{pairs} pairs a line; {recorded} stages in the journal, {expected} expected; bound {BOUND}")
    return int(any(missed) or recorded != expected)


def measure(name: str, wrapper: str, command: Sequence[str], environ: Mapping[str, str], pairs: int) -> bool:
    """Print one line; whether the bound was missed."""
    bare = f"import subprocess, json; raise SystemExit(subprocess.call({list(command)!r}))"
    floor = (os.path.realpath(sys.executable), "-I", "-S", "-c", bare)
    ours = (wrapper, "ci", "--", *command)
    taken: dict[Sequence[str], list[float]] = {ours: [], floor: []}
    for turn in range(pairs + 1):
        for words in (ours, floor)[:: 1 if turn % 2 else -1]:
            seconds = run(words, environ)
            if turn:  # the first of each only warms up
                taken[words].append(seconds)
    ratios = sorted(mine / base for mine, base in zip(taken[ours], taken[floor], strict=True))
    low, high = interval(ratios)
    middle, least = (statistics.median(taken[words]) * 1e3 for words in (ours, floor))
    print(
        f"{name:34}{middle:8.1f} ms{least:8.1f} ms{statistics.median(ratios):8.2f}   {low:.2f} to {high:.2f}"
    )
    return low > BOUND


def run(command: Sequence[str], environ: Mapping[str, str]) -> float:
    """Seconds from the start of a process to its end."""
    began = time.perf_counter()
    subprocess.run(command, env=environ, stdout=subprocess.DEVNULL, check=False)
    return time.perf_counter() - began


if __name__ == "__main__":
    sys.exit(main())
