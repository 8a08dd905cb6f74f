"""What was learned is answered alike on every storage, and alike again when the record is made anew."""

import random
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from pydantic_core import to_jsonable_python

from session_buddy.ingest.journal import JournalFile
from session_buddy.ingest.journal_tail import JournalReader
from session_buddy.models.events import CategorisedEvent, JournalEvent
from session_buddy.models.ids import hashed_id
from session_buddy.models.protocols import SkillsStorageProtocol
from session_buddy.models.values import Batch
from session_buddy.services.comparing import Comparer
from session_buddy.services.finding import Finder
from session_buddy.services.kinds import kind_of
from session_buddy.services.record import Record
from session_buddy.storage.duckdb_store import DuckDBStore
from tests.storage.conftest import keyed_hash, opened
from tests.support.events import at, installed, recorded

SKILLS = ("plan", "lint", "test", "deploy")
STEP = 3_600.0
USES = 400
NOW = at(USES * STEP + 60)


@cache
def record_of_four_skills() -> tuple[JournalEvent, ...]:
    """Uses of three users, among them a skill that breaks towards the end."""
    draw = random.Random(5)
    events: list[JournalEvent] = [installed(name) for name in SKILLS]
    for number in range(USES):
        skill = draw.choices(SKILLS, (2, 2, 1, 5))[0]
        broken = skill == "deploy" and number > USES - 90
        good = draw.random() < (0.3 if broken else 0.95)
        events.append(
            recorded(
                f"use-{number}",
                number * STEP,
                skill_name=skill,
                session_id=f"session-{number // 4}",
                user_id=f"user-{number // 4 % 3}",
                outcome="completed" if good else "failed",
                duration_seconds=draw.lognormvariate(3, 0.5),
                ended_at=at(number * STEP + 30),
            )
        )
    word = CategorisedEvent(
        id=hashed_id("test", "word"),
        occurred_at=at(9),
        kind="skill_categorised",
        skill_name="lint",
        category="house rules",
    )
    return (*events, word)


def fold(store: SkillsStorageProtocol, events: list[JournalEvent], size: int) -> None:
    for start in range(0, len(events), size):
        store.fold(Batch(tuple(events[start : start + size])))


def answers(store: SkillsStorageProtocol, folder: Path) -> Any:
    """Every answer that rests on what was learned, numbers to nine digits."""
    places = [str(folder / name) for name in ("journal", "archive", "quarantine")]

    def now() -> datetime:
        return NOW + timedelta(0)

    record = Record(store, JournalReader(*places, {}), now)
    journal = JournalFile(places[0])
    comparer = Comparer(record, now, "user-1")
    finder = Finder(record, journal, comparer, now)
    found = {
        "anomalies": finder.anomalies(time_window_hours=24 * 30),
        "zscore": finder.anomalies(time_window_hours=48, method="zscore"),
        "trends": [comparer.trend(skill, 30) for skill in SKILLS],
        "dependencies": [comparer.dependencies(skill, min_lift=0) for skill in SKILLS],
        "collaborative": comparer.collaborative(),
        "baselines": comparer.baselines(),
        "kinds": [kind_of(store.findings, skill, f"does {skill}") for skill in SKILLS],
    }
    journal.close()
    return rounded(to_jsonable_python(found))


def rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: rounded(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [rounded(inner) for inner in value]
    return float(f"{value:.9g}") if isinstance(value, float) else value


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The answers of a store in memory that was given everything at once."""
    with opened(DuckDBStore(":memory:", keyed_hash)) as store:
        fold(store, list(record_of_four_skills()), 1_000)
        return answers(store, tmp_path_factory.mktemp("expected"))


@pytest.mark.slow
def test_every_storage_gives_the_same_answers_and_gives_them_again_when_it_is_made_anew(
    store: SkillsStorageProtocol, expected: Any, tmp_path: Path
) -> None:
    assert {anomaly["skill_name"] for anomaly in expected["anomalies"]["anomalies"]} == {"deploy"}
    events = list(record_of_four_skills())
    fold(store, events, 37)
    assert answers(store, tmp_path / "first") == expected
    store.clear()
    random.Random(6).shuffle(events)
    fold(store, events, 150)
    assert answers(store, tmp_path / "again") == expected
