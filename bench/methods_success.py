"""How good success probabilities are, on made-up uses and resampled real sessions; a part of `bench.methods`.

Log-loss on the last 20 % beside a default random forest on the seven features (it needs the extra [ml]) and
calibration error over all predictions, each with its bound, and the time of one update and prediction.
"""

import statistics
import time
from collections.abc import Callable, Iterator

import numpy as np

from bench.generators import real_sessions
from bench.generators.uses import Outcomes, made_up, resampled
from bench.judging import FEW_RUNS, Line
from session_buddy.analytics.success.evaluation import score_success
from session_buddy.analytics.success.forest import forest_score
from session_buddy.analytics.success.model import SuccessModel

BOUNDS = {5_000: (0.03, 0.025), 50_000: (0.05, 0.010)}
"""Uses -> (least lead over the forest in nats, greatest calibration error)."""
MOST_MICROSECONDS = 100.0
RUNS = {5_000: 20, 50_000: 5}

Generator = Callable[[np.random.Generator, int], Outcomes]


def success(rng: np.random.Generator, runs: int) -> Iterator[Line]:
    """Success probabilities, means over some runs; with few runs, one of the smaller size."""
    yield from timed(rng)
    generators: dict[str, Generator] = {"made up": made_up}
    if real_sessions.DATA.exists():
        generators["resampled"] = resampled
    few = runs <= FEW_RUNS
    for name, generator in generators.items():
        for uses in list(BOUNDS)[: 1 if few else None]:
            yield from judged(
                f"success, {name}, {uses:,} uses", generator, uses, rng, 1 if few else RUNS[uses]
            )


def judged(name: str, generator: Generator, uses: int, rng: np.random.Generator, runs: int) -> Iterator[Line]:
    """Lead over the forest, and calibration."""
    leads, errors, losses = [], [], []
    for _ in range(runs):
        scores = score_success(generator(rng, uses))
        if scores is None:
            raise SystemExit("the generator made too few uses")
        forest = forest_score(scores.features, scores.outcomes, scores.first_test)
        if forest is None:
            raise SystemExit("the generator made uses of one outcome only")
        losses.append(scores.model_on_test.log_loss)
        leads.append(forest.log_loss - scores.model_on_test.log_loss)
        errors.append(scores.model.calibration_error)
    least, greatest = BOUNDS[uses]
    lead, error = statistics.mean(leads), statistics.mean(errors)
    told = f"log-loss {statistics.mean(losses):.3f}, {lead:.3f} (least {min(leads):.3f}) below a forest"
    yield Line(name, told, f">= {least}", lead < least)
    told = f"{error:.4f} (greatest {max(errors):.4f}, {runs} runs)"
    yield Line(f"{name}, calibration error", told, f"<= {greatest}", error > greatest)


def timed(rng: np.random.Generator, uses: int = 5_000) -> Iterator[Line]:
    """Processor time of one prediction and update."""
    made = made_up(rng, uses)
    model = SuccessModel()
    taken = []
    for use, completed in made:
        began = time.thread_time_ns()
        model.settle(use, model.begin(use), completed=completed)
        taken.append((time.thread_time_ns() - began) / 1e3)
    median = statistics.median(taken)
    yield Line(
        "success, an update and a prediction",
        f"{median:.0f} us",
        f"<= {MOST_MICROSECONDS:.0f} us",
        median > MOST_MICROSECONDS,
    )


PARTS = {"success": success}
