"""Uses of skills with what surrounds them and whether they completed, for judging success probabilities.

`made_up` draws the log-odds of completion as a sum of effects: of the skill, of how well it suits the
user, the project and the phase, of the hour, of the use before it, and of a slow drift of each skill.
`resampled` draws whole sessions of real agents, with replacement, and lets a session follow the last;
a tool with the first word of its command stands for a skill.
"""

import csv
import gzip
from collections import defaultdict
from pathlib import Path

import numpy as np

from bench.generators.real_sessions import DATA
from session_buddy.analytics.success.uses import Use

PHASES = ("setup", "execution", "verification", "deployment", "cleanup", "rollback", "unknown")
_START = 1_767_225_600.0  # 2026-01-01
_DAY = 86_400.0

Outcomes = list[tuple[Use, bool]]


def made_up(
    rng: np.random.Generator, uses: int, skills: int = 60, users: int = 5, projects: int = 12
) -> Outcomes:
    """`uses` uses in order, in sessions of 1 to 12, over about 100 days for each 50,000."""
    mean = 1.2
    of_skill = rng.normal(0, 1.1, skills)
    of_user = rng.normal(0, 0.5, (users, skills))
    of_project = rng.normal(0, 0.4, (projects, skills))
    of_phase = rng.normal(0, 0.4, (len(PHASES), skills))
    of_hour = 0.3 * np.sin((np.arange(24) - 6) / 24 * 2 * np.pi)
    popular = 1 / (1 + np.arange(skills)) ** 0.9
    popular /= popular.sum()
    drift = np.zeros(skills)
    made: Outcomes = []
    at = _START
    session = 0
    while len(made) < uses:
        session += 1
        at += rng.exponential(_DAY * 100 / (50_000 / 6.5))
        user, project = int(rng.integers(users)), int(rng.integers(projects))
        before, now = 0.0, at
        for _ in range(int(rng.integers(1, 13))):
            skill, phase = int(rng.choice(skills, p=popular)), int(rng.integers(len(PHASES)))
            drift[skill] += rng.normal(0, 0.01)
            odds = mean + of_skill[skill] + of_user[user, skill] + of_project[project, skill]
            odds += of_phase[phase, skill] + of_hour[int(now // 3600) % 24] + drift[skill] + before
            completed = bool(rng.random() < 1 / (1 + np.exp(-odds)))
            before = 0.2 if completed else -0.4
            use = Use(f"skill-{skill}", now, f"s{session}", f"u{user}", f"p{project}", PHASES[phase])
            made.append((use, completed))
            now += rng.exponential(180.0)
    return sorted(made[:uses], key=lambda made_use: made_use[0].at)


def resampled(rng: np.random.Generator, uses: int, path: Path = DATA) -> Outcomes:
    """`uses` calls of whole real sessions, drawn with replacement; OSError where there is no such file."""
    sessions: dict[str, list[tuple[float, str, str, str, bool]]] = defaultdict(list)
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["is_error"]:
                at = np.datetime64(row["ts"].removesuffix("Z")).astype("datetime64[us]").astype(float) / 1e6
                good = row["is_error"] != "True" and row["rejected"] != "True"
                action = f"{row['tool']} {row['cmd0'] or row['skill'] or row['detail']}".strip()
                sessions[row["source"] + row["session_id"]].append(
                    (at, action, row["user"], row["project"], good)
                )
    known = list(sessions.values())
    made: Outcomes = []
    at = _START
    drawn = 0
    while len(made) < uses:
        calls = known[int(rng.integers(len(known)))]
        drawn += 1
        for when, action, user, project, good in calls:
            use = Use(action, at + when - calls[0][0], f"s{drawn}", user, project, "unknown")
            made.append((use, good))
        at += calls[-1][0] - calls[0][0] + float(rng.exponential(3600.0))
    return made[:uses]
