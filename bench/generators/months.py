"""A quiet month: skills used as people use them, by day and not on weekends, where nothing changes."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from bench.generators import completions, durations
from bench.generators.sessions import sessions_of

_WORK_BEGINS, _WORK_HOURS = 8.0, 11.0


@dataclass(frozen=True, slots=True)
class Use:
    """One invocation. seconds: active."""

    skill_name: str
    invoked_at: datetime
    completed: bool
    seconds: float
    session: str


def quiet(
    rng: np.random.Generator, begin: datetime, days: int = 30, skills: int = 20, per_day: int = 20
) -> list[Use]:
    """Uses in order of time.

    Every skill has a rate between .75 and .99 and a duration of its own, and is used one to four times in a
    session.

    The number of uses of a day is Poisson, a third of it on weekends.
    """
    made: list[Use] = []
    for number in range(skills):
        rate = float(rng.uniform(0.75, 0.99))
        median = float(np.exp(rng.uniform(np.log(5), np.log(600))))
        for day in range(days):
            today = begin + timedelta(days=day)
            share = 1 / 3 if today.weekday() >= 5 else 1.0
            count = int(rng.poisson(per_day * share))
            if count == 0:
                continue
            outcomes = completions.steady(rng, 1, count, rate)
            seconds = durations.steady(rng, 1, count, median)
            hours = np.sort(_WORK_BEGINS + _WORK_HOURS * rng.random(count))
            sessions = sessions_of(rng, count)
            made += [
                Use(
                    f"skill-{number:02}",
                    today + timedelta(hours=float(hour)),
                    bool(good),
                    float(took),
                    f"{number} {day} {session}",
                )
                for hour, good, took, session in zip(hours, outcomes, seconds, sessions, strict=True)
            ]
    return sorted(made, key=lambda use: (use.invoked_at, use.skill_name))
