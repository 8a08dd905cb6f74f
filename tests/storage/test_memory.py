"""A database whose work does not fit into the memory it begins with."""

import logging
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from session_buddy.errors import OutOfMemory
from session_buddy.models.events import SkillEvent
from session_buddy.models.ids import hashed_id
from session_buddy.models.values import Batch
from session_buddy.storage.database import Database
from session_buddy.storage.duckdb_store import DuckDBStore
from session_buddy.storage.memory import MemoryLimit

LARGE = "SELECT list(number) FROM range(2000000) AS numbers (number) GROUP BY number % 7"
BEGAN = datetime(2026, 3, 1, tzinfo=UTC)


def uses(count: int) -> Batch:
    events = [
        SkillEvent(
            id=hashed_id("memory", "event", str(number)),
            kind="reported",
            occurred_at=BEGAN,
            invocation_id=hashed_id("memory", "use", str(number)),
            skill_name=f"skill-{number % 50}",
            session_id=f"session-{number // 8}",
            source="mcp",
            authority=3,
            agent="claude-code",
            outcome="completed",
        )
        for number in range(count)
    ]
    return Batch(events, {"journal": 1})


@pytest.mark.slow
def test_a_batch_that_does_not_fit_is_folded_with_more_memory(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = DuckDBStore(str(tmp_path / "skills.duckdb"), str, memory_limit="24MB")
    store.open()
    with caplog.at_level(logging.WARNING):
        folded = store.fold(uses(20_000))
    assert folded.new_invocations == 20_000
    assert store.counts()["skill_invocation"] == 20_000
    assert "does not fit into 24 MB, so it may use 48 MB" in caplog.text
    store.close()


@pytest.mark.slow
def test_a_question_that_does_not_fit_is_asked_again_with_more_memory(
    caplog: pytest.LogCaptureFixture,
) -> None:
    database = Database(None, "16MB")
    database.open()
    with caplog.at_level(logging.WARNING):
        assert len(database.rows(LARGE)) == 7
    assert "may use" in caplog.text
    database.close()


def test_more_than_there_is_is_not_given() -> None:
    limit = MemoryLimit(duckdb.connect(config={"memory_limit": "16MB"}), most=20_000_000)
    assert limit.raise_beyond(limit.now)
    assert limit.now == 20_000_000
    assert not limit.raise_beyond(limit.now)


def test_who_finds_the_limit_raised_meanwhile_only_tries_again() -> None:
    limit = MemoryLimit(duckdb.connect(config={"memory_limit": "16MB"}))
    before = limit.now
    assert limit.raise_beyond(before)
    raised = limit.now
    assert limit.raise_beyond(before)
    assert limit.now == raised


def test_what_no_memory_is_enough_for_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sysconf", lambda _name: 4_000)
    database = Database(None, "16MB")
    database.open()
    with pytest.raises(OutOfMemory, match="Raise the setting `memory_limit`"):
        database.rows(LARGE)
    database.close()


@pytest.mark.slow
def test_roll_ups_that_do_not_fit_are_moved_with_more_memory(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = DuckDBStore(str(tmp_path / "skills.duckdb"), str, memory_limit="200MB")
    store.open()
    store.fold(uses(30_000))
    store.close()
    store = DuckDBStore(str(tmp_path / "skills.duckdb"), str, memory_limit="12MB")
    store.open()
    with caplog.at_level(logging.WARNING):
        store.findings.learn()
        assert sum(skill.invocation_count for skill in store.findings.usage(detailed=50)) == 30_000
    assert "may use" in caplog.text
    store.close()
