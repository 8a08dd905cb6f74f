"""Lines that nobody parsed are folded as if somebody had, or not at all."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from session_buddy.models.events import JournalEvent, SuggestedEvent, SuggestedSkill, to_line
from session_buddy.models.ids import time_ordered_id
from session_buddy.models.values import Batch, ForgetRequest, Lines
from session_buddy.storage.duckdb_store import DuckDBStore
from tests.storage.conftest import keyed_hash
from tests.support.events import START, recorded, session_event, skill_event


def lines_of(*lines: str) -> Lines:
    text = "".join(f"{line}\n" for line in lines)
    return Lines("a.jsonl", 0, len(text.encode()), text)


def altered(**fields: Any) -> str:
    """A plain line with some fields changed; None takes one out."""
    row = {**json.loads(to_line(recorded("odd"))), **fields}
    return json.dumps({name: value for name, value in row.items() if value is not None})


PLAIN = to_line(recorded("plain", 5))
ODD = {
    "no JSON": '{"v":1,"id":"',
    "no object": "[1]",
    "a signal": altered(kind="transcript_ready"),
    "no use of its own": to_line(skill_event("odd", "superseded")),
    "a session": to_line(session_event("session_started", "morning", 0)),
    "the same event twice": PLAIN,
    "no id": altered(id=None),
    "an id that is none": altered(id="x"),
    "no invocation": altered(invocation_id=None),
    "no time": altered(occurred_at=None),
    "a time that is none": altered(occurred_at="yesterday"),
    "an unknown source": altered(source="elsewhere"),
    "an unknown origin": altered(origin="nobody"),
    "an unknown phase": altered(workflow_phase="lunch"),
    "an unknown outcome": altered(outcome="won"),
    "an unknown outcome source": altered(outcome_source="guessed"),
    "an empty name": altered(skill_name=""),
    "a long name": altered(skill_name="x" * 201),
    "a name with control characters": altered(skill_name="re\u0007view"),
    "no session": altered(session_id=None),
    "no agent": altered(agent=None),
    "a negative duration": altered(duration_seconds=-1),
    "an endless duration": altered(duration_seconds=1e999).replace("Infinity", "1e999"),
    "evidence of no kind": altered(evidence=[{"kind": "hearsay"}]),
    "evidence that is no list": altered(evidence={"kind": "turn_ended"}),
    "a negative count": altered(tool_call_count=-1),
    "a rating of six": altered(rating=6),
    "a long note": altered(note="x" * 501),
    "a long query": altered(query_text="x" * 10_001),
}


@pytest.mark.slow
def test_plain_lines_are_folded_with_their_offset_and_count_once(duckdb_store: DuckDBStore) -> None:
    store = duckdb_store
    lines = lines_of(PLAIN, to_line(recorded("ü", 9, skill_name="prüfen")), altered(evidence=[]))
    result = store.fold_lines(lines)
    assert result is not None
    assert (result.new_events, result.new_invocations) == (3, 3)
    assert result.touched_skills == {"review", "prüfen"}
    assert store.journal_offsets() == {"a.jsonl": lines.end}
    again = store.fold_lines(lines)
    assert again is not None
    assert (again.new_events, again.new_invocations) == (0, 0)
    totals = store.totals("review")
    assert totals is not None
    assert totals.invocation_count == 2


@pytest.mark.slow
@pytest.mark.parametrize("line", ODD.values(), ids=ODD.keys())
def test_what_is_not_plain_changes_nothing(memory: DuckDBStore, line: str) -> None:
    assert memory.fold_lines(lines_of(PLAIN, line)) is None
    assert memory.counts()["skill_invocation"] == 0
    assert memory.journal_offsets() == {}


@pytest.fixture(scope="module")
def memory() -> DuckDBStore:
    """One for all that must leave it as it is."""
    made = DuckDBStore(None, keyed_hash)
    made.open()
    return made


def _forget(store: DuckDBStore) -> None:
    store.forget(ForgetRequest(skill_name="deploy"), keyed_hash("deploy"), START)


def _suggest(store: DuckDBStore) -> None:
    suggestion: JournalEvent = SuggestedEvent(
        id=time_ordered_id(),
        occurred_at=START,
        kind="suggested",
        session_id=recorded("plain").session_id,
        strategy="popularity",
        skills=(SuggestedSkill(skill_name="review", score=1.0, propensity=1.0),),
    )
    store.fold(Batch((suggestion,)))


@pytest.mark.parametrize("happened", [_forget, _suggest], ids=["a request to forget", "a suggestion"])
def test_lines_that_may_concern_more_than_themselves_are_parsed(
    duckdb_store: DuckDBStore, happened: Callable[[DuckDBStore], None]
) -> None:
    happened(duckdb_store)
    assert duckdb_store.fold_lines(lines_of(PLAIN)) is None
    assert duckdb_store.totals("review") is None or duckdb_store.counts()["skill_invocation"] == 0
