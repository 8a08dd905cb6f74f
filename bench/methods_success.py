"""How good success probabilities are, on made-up uses and on resampled real sessions, with fresh seeds.

Prints log-loss on the last 20 % beside a default random forest on the seven features (it needs the extra
[ml]) and calibration error over all predictions, each with its bound, then the time of one update and
prediction. Ends with 1 if a bound is missed.

    python bench/methods_success.py [--runs N] [--seed N]
"""

import argparse
import secrets
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.generators.uses import Outcomes, made_up, resampled
from session_buddy.analytics.success.evaluation import score_success
from session_buddy.analytics.success.forest import forest_score
from session_buddy.analytics.success.model import SuccessModel

BOUNDS = {5_000: (0.03, 0.025), 50_000: (0.05, 0.010)}
"""Uses -> (least lead over the forest in nats, greatest calibration error)."""
MOST_MICROSECONDS = 100.0

Generator = Callable[[np.random.Generator, int], Outcomes]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=3, help="runs of each line, each with a seed of its own")
    parser.add_argument("--seed", type=int, default=None, help="of the first run; default: a fresh one")
    given = parser.parse_args()
    seed = secrets.randbelow(2**32) if given.seed is None else given.seed
    print(f"seed {seed}")
    held = True
    for name, generator in (("made up", made_up), ("resampled", resampled)):
        for uses in BOUNDS:
            held &= judged(name, generator, uses, [seed + run for run in range(given.runs)])
    held &= timed(seed)
    return 0 if held else 1


def judged(name: str, generator: Generator, uses: int, seeds: list[int]) -> bool:
    """Print one line: means over the runs, with the bounds."""
    leads, errors, losses, forests = [], [], [], []
    for seed in seeds:
        scores = score_success(generator(np.random.default_rng(seed), uses))
        if scores is None:
            raise SystemExit("the generator made too few uses")
        forest = forest_score(scores.features, scores.outcomes, scores.first_test)
        if forest is None:
            raise SystemExit("the generator made uses of one outcome only")
        losses.append(scores.model_on_test.log_loss)
        forests.append(forest.log_loss)
        leads.append(forest.log_loss - scores.model_on_test.log_loss)
        errors.append(scores.model.calibration_error)
    least, greatest = BOUNDS[uses]
    lead, error = statistics.mean(leads), statistics.mean(errors)
    held = lead >= least and error <= greatest
    ours, theirs = statistics.mean(losses), statistics.mean(forests)
    print(
        f"{name:10} {uses:6,} uses  log-loss {ours:.4f}  forest {theirs:.4f}"
        f"  lead {lead:.4f} (>= {least})  calibration error {error:.4f} (<= {greatest})  "
        f"{'held' if held else 'MISSED'}",
        flush=True,
    )
    return held


def timed(seed: int, uses: int = 5_000) -> bool:
    """Print the processor time of one prediction and update."""
    made = made_up(np.random.default_rng(seed), uses)
    model = SuccessModel()
    taken = []
    for use, completed in made:
        began = time.thread_time_ns()
        model.settle(use, model.begin(use), completed=completed)
        taken.append((time.thread_time_ns() - began) / 1e3)
    median = statistics.median(taken)
    held = median <= MOST_MICROSECONDS
    print(
        f"update and prediction {median:.0f} us (<= {MOST_MICROSECONDS:.0f})  {'held' if held else 'MISSED'}"
    )
    return held


if __name__ == "__main__":
    sys.exit(main())
