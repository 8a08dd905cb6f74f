"""Lift and similar users as the store keeps them, against counts by hand; a part of `bench.methods`."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import combinations
from uuid import UUID

import numpy as np

from bench.judging import FEW_RUNS, Line
from session_buddy.analytics.lift import lift_of
from session_buddy.analytics.similar_users import jaccard
from session_buddy.models.events import SkillEvent
from session_buddy.models.values import Batch
from session_buddy.storage.duckdb_store import DuckDBStore

SKILLS, USERS, SESSIONS = 12, 9, 60
USES = 400
STORES, FEW_STORES = 20, 3
BEGIN = datetime(2026, 3, 2, tzinfo=UTC)
_TOLERANCE = 1e-12


def comparing(rng: np.random.Generator, runs: int) -> Iterator[Line]:
    """Lift and similar users, from tables moved by folds of random size in random order."""
    pairs = wrong_pairs = users = wrong_users = 0
    for _ in range(FEW_STORES if runs <= FEW_RUNS else STORES):
        events = _uses(rng)
        store = DuckDBStore(":memory:", str)
        store.open()
        _fold_in_parts(rng, store, events)
        found, wrong = _lifts(store, events)
        pairs, wrong_pairs = pairs + found, wrong_pairs + wrong
        found, wrong = _similar(store, events)
        users, wrong_users = users + found, wrong_users + wrong
        store.close()
    yield Line("lift against a count", f"{wrong_pairs} of {pairs:,} pairs differ", "0", wrong_pairs > 0)
    yield Line("similar users against a count", f"{wrong_users} of {users:,} differ", "0", wrong_users > 0)


def _uses(rng: np.random.Generator) -> list[SkillEvent]:
    return [
        SkillEvent(
            id=UUID(bytes=rng.bytes(16)),
            occurred_at=BEGIN + timedelta(minutes=number),
            kind="recorded",
            invocation_id=UUID(bytes=rng.bytes(16)),
            skill_name=f"skill-{min(SKILLS - 1, int(rng.exponential(4)))}",
            session_id=f"session-{(session := int(rng.integers(SESSIONS)))}",
            user_id=f"user-{session % USERS}",
            source="transcript",
            authority=20,
            invoked_at=BEGIN + timedelta(minutes=number),
            duration_seconds=10.0,
            outcome="completed" if rng.random() < 0.9 else "failed",
            outcome_source="inferred",
        )
        for number in range(USES)
    ]


def _fold_in_parts(rng: np.random.Generator, store: DuckDBStore, events: Sequence[SkillEvent]) -> None:
    order = rng.permutation(len(events)).tolist()
    while order:
        size = int(rng.integers(1, 80))
        part, order = order[:size], order[size:]
        store.fold(Batch(tuple(events[place] for place in part)))
        if rng.random() < 0.5:
            store.findings.learn()


def _lifts(store: DuckDBStore, events: Sequence[SkillEvent]) -> tuple[int, int]:
    """Pairs compared, and how many of them differ."""
    sessions: dict[str, set[str]] = defaultdict(set)
    for event in events:
        sessions[event.skill_name].add(event.session_id)
    total = len({event.session_id for event in events})
    compared = wrong = 0
    kept = {
        (skill, partner.skill_name): lift_of(
            partner.both_count, partner.own_count, partner.other_count, store.findings.count_sessions()
        ).value
        for skill in sessions
        for partner in store.findings.partners(skill)
    }
    for one, other in combinations(sorted(sessions), 2):
        both = len(sessions[one] & sessions[other])
        expected = both * total / (len(sessions[one]) * len(sessions[other]))
        for pair in ((one, other), (other, one)):
            compared += 1
            wrong += abs(kept.get(pair, 0.0) - expected) > _TOLERANCE
    return compared, wrong


def _similar(store: DuckDBStore, events: Sequence[SkillEvent]) -> tuple[int, int]:
    """Pairs of users compared, and how many of them differ."""
    skills: dict[str, set[str]] = defaultdict(set)
    for event in events:
        skills[event.user_id or ""].add(event.skill_name)
    compared = wrong = 0
    for user, own in skills.items():
        kept = {
            other.user_id: jaccard(other.shared_count, len(own), other.skill_count)
            for other in store.findings.users_like(user, USERS)
        }
        for other, theirs in skills.items():
            if other != user:
                compared += 1
                wrong += abs(kept.get(other, 0.0) - len(own & theirs) / len(own | theirs)) > _TOLERANCE
    return compared, wrong


PARTS = {"comparing": comparing}
