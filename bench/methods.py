"""The methods behind the answers against records whose truth is known, and on real ones.

`python -m bench.methods [completion duration trend success next_skill ab ...] [--short] [--seed N]`

Each line has a bound and the figure reached, with the 99 % interval of the share it rests on; a bound is
missed where that interval excludes it. What is a mean, a count or a time is held against its bound as it is;
"-" is no bound. Without a seed, every run is on new data. The long form makes 2,000 runs and takes a quarter
of an hour. `--short` makes 100 and leaves out what takes long: its intervals are wide, so it sees what
broke, and says little of what holds narrowly. The generators (`bench/generators/`) were written before the
methods. Where the real event log is not beside the checkout (or SESSION_BUDDY_SHARED_DATA), its lines are
left out, and so is gbstats without SESSION_BUDDY_GBSTATS. Exit status 1 where anything is missed.
"""

import argparse
import itertools
import multiprocessing
import secrets
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor

import numpy as np

from bench import (
    methods_ab,
    methods_anomalies,
    methods_comparing,
    methods_exploring,
    methods_gbstats,
    methods_success,
    methods_suggesting,
    methods_trends,
)
from bench.judging import FEW_RUNS, NO_BOUND, Line

LONG, SHORT = 2_000, FEW_RUNS
Part = Callable[[np.random.Generator, int], Iterator[Line]]
PARTS: Mapping[str, Part] = {
    **methods_anomalies.PARTS,
    **methods_trends.PARTS,
    **methods_success.PARTS,
    **methods_suggesting.PARTS,
    **methods_comparing.PARTS,
    **methods_exploring.PARTS,
    "ab": methods_ab.ab,
    **methods_gbstats.PARTS,
}
"""Name -> what gives its lines for a number of runs; a further method is a module with PARTS of its own. The
first line of a part's docstring is its heading."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}; all, if none is named")
    parser.add_argument("--short", action="store_true", help=f"{SHORT} runs instead of {LONG}")
    parser.add_argument("--seed", type=int, help="to see one run again")
    parser.add_argument("--processes", type=int, help="parts that run beside each other; as many as cores")
    given = parser.parse_args()
    unknown = [name for name in given.parts if name not in PARTS]
    if unknown:
        parser.error(f"no part {', '.join(unknown)}; there are {', '.join(PARTS)}")
    seed = given.seed if given.seed is not None else secrets.randbits(32)
    names = given.parts or list(PARTS)
    runs = SHORT if given.short else LONG
    print(f"seed {seed}, {runs:,} runs", flush=True)
    bounds = missed = 0
    with ProcessPoolExecutor(given.processes, multiprocessing.get_context("spawn")) as pool:
        found = pool.map(reached, names, itertools.repeat(runs), itertools.repeat(seed))
        for name, lines in zip(names, found, strict=True):
            print(f"\n{name}: {(PARTS[name].__doc__ or '').splitlines()[0]}", flush=True)
            for line in lines:
                mark = "MISSED" if line.missed else ""
                print(f"{line.name:52} {line.figure:56} {line.bound:16} {mark}".rstrip(), flush=True)
            bounds += sum(line.bound != NO_BOUND for line in lines)
            missed += sum(line.missed for line in lines)
    print(f"\n{bounds} figures with a bound, {missed} missed" if missed else f"\n{bounds} bounds, all hold")
    return 1 if missed else 0


def reached(part: str, runs: int, seed: int) -> list[Line]:
    """The lines of one part; its seed follows from its name, so that it does not matter what else runs."""
    rng = np.random.default_rng([seed, *part.encode()])
    return list(PARTS[part](rng, runs))


if __name__ == "__main__":
    sys.exit(main())
