"""Lines that others may have written: journals, archives that are pushed, exports that are imported.

Every field of every event is tried, whatever its type, and every column of an export: the fields come from
the models, so that none is forgotten when one is added.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import ValidationError

from session_buddy.ingest.exported import ExportedLines
from session_buddy.models.answers import Invocation
from session_buddy.models.events import JournalEvent, SkillEvent, parse_event, to_line
from session_buddy.models.protocols import SkillsStorageProtocol
from session_buddy.models.values import Batch, Lines
from session_buddy.storage.duckdb_store import DuckDBStore
from session_buddy.storage.postgres_store import PostgresStore
from session_buddy.storage.postgres_team import Team
from tests.storage.test_every_tool import services_on
from tests.storage.test_injection import PLAIN, RAW, event_models, example, resolved, with_text
from tests.support.events import recorded
from tests.support.postgres import TeamDatabases

pytestmark = pytest.mark.slow
HOSTILE: tuple[Any, ...] = (PLAIN, RAW, {PLAIN: PLAIN}, -(10**30), 10**30, 2**31)
CANARY = recorded("canary", 1, skill_name="canary")
Place = tuple[str | int, ...]


def places(schema: Mapping[str, Any], root: Mapping[str, Any], path: Place = ()) -> Iterator[Place]:
    """The path of every value, of whatever type."""
    schema = resolved(schema, root)
    if schema.get("type") == "object":
        for name, inner in schema.get("properties", {}).items():
            yield from places(inner, root, (*path, name))
    elif schema.get("type") == "array":
        yield from places(schema["items"], root, (*path, 0))
    else:
        yield path


@cache
def schema_of(model: type[JournalEvent]) -> dict[str, Any]:
    """Made once a model: every worker of a test run collects these lines, whatever it runs."""
    return model.model_json_schema()


FIELDS = [
    (model, kind, path)
    for model in event_models()
    for kind in get_args(model.model_fields["kind"].annotation)
    for path in (*places(schema_of(model), schema_of(model)), (PLAIN,))
]
"""The last is a field of that name, as a newer version might add one."""


def whole(model: type[JournalEvent], kind: str, number: int) -> dict[str, Any]:
    """What a line of that kind holds, all fields given."""
    schema = schema_of(model)
    given = example(schema, schema) | {"kind": kind, "id": f"00000000-0000-8000-8000-{number:012}"}
    given[PLAIN] = 1
    if "invocation_id" in given:
        given["invocation_id"] = f"00000000-0000-8000-8001-{number:012}"
    if "config" in given:
        given["config"] |= {"end_date": None, "further_strategies": ["c"], "treatment_strategy": "b"}
    if "before" in given:
        given["before"] = "2001-01-01T00:00:00Z"
    return given


def hostile_lines(
    fields: Sequence[tuple[type[JournalEvent], str, Place]], values: Sequence[Any]
) -> Iterator[str]:
    for number, (model, kind, path) in enumerate(fields):
        for turn, value in enumerate(values):
            given = whole(model, kind, number * len(values) + turn + 1)
            yield json.dumps(with_text(given, path, value))


LINES = list(hostile_lines(FIELDS, HOSTILE))


def understood(line: str) -> JournalEvent | None:
    """The event of a line, as every reader takes it; None if it is refused."""
    try:
        return parse_event(line)
    except ValidationError:
        return None


EVENTS = [event for line in LINES if (event := understood(line)) is not None]


def check_untouched(store: SkillsStorageProtocol, tables: set[str]) -> None:
    assert set(store.counts()) == tables
    assert store.totals("canary").invocation_count == 1
    assert store.invocation(CANARY.invocation_id) is not None


def test_every_field_of_every_event_is_tried() -> None:
    for model in event_models():
        tried = {path[0] for of, _, path in FIELDS if of is model}
        assert tried >= set(model.model_fields)
    assert {path[0] for of, _, path in FIELDS if of is SkillEvent} > {
        "outcome",
        "invocation_id",
        "invoked_at",
    }
    assert 200 < len(EVENTS) < len(LINES)


def test_no_field_of_a_line_is_taken_for_sql(store: SkillsStorageProtocol) -> None:
    store.fold(Batch((CANARY,)))
    tables = set(store.counts())
    for start in range(0, len(EVENTS), 100):
        store.fold(Batch(tuple(EVENTS[start : start + 100])))
    check_untouched(store, tables)
    kept = {
        event.id: event for event in EVENTS if isinstance(event, SkillEvent) and event.kind != "superseded"
    }
    found = store.events_of({event.invocation_id for event in kept.values()})
    assert {event.id: event for event in found if event.kind != "superseded"} == kept


def test_no_field_of_a_line_that_is_folded_unparsed_is_taken_for_sql(duckdb_store: DuckDBStore) -> None:
    duckdb_store.fold(Batch((CANARY,)))
    tables, folded = set(duckdb_store.counts()), 0
    of_uses = [field for field in FIELDS if field[0] is SkillEvent]
    for line in hostile_lines(of_uses, (PLAIN,)):
        result = duckdb_store.fold_lines(Lines("journal", 0, len(line), f"{line}\n"))
        event = understood(line)
        if result is not None and isinstance(event, SkillEvent):
            folded += result.new_events
            assert list(duckdb_store.events_of([event.invocation_id])) == [event], line
    assert folded
    check_untouched(duckdb_store, tables)


@pytest.mark.parametrize("on", ["duckdb memory", "postgres"])
def test_a_journal_of_them_is_read_and_what_is_no_event_is_set_aside(
    on: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    address = ""
    if on == "postgres":
        databases: TeamDatabases = request.getfixturevalue("team_databases")
        address = databases.another()
    with services_on(tmp_path, on, address) as services:
        before = services.reporter.skill_metrics("deploy", None, None, 1)
        journal = tmp_path / on.replace(" ", "-") / "journal" / "hooks-20260302.jsonl"
        journal.write_text("".join(f"{line}\n" for line in LINES), "utf-8")
        services.folder.fold_all()
        status = services.keeper.status()
        assert (status.pending_events, services.folder.failures) == (0, 0)
        assert status.rejected_lines == len(LINES) - len(EVENTS)
        assert services.reporter.skill_metrics("deploy", None, None, 1) == before


def test_what_comes_back_from_a_team_s_store_are_the_events_that_went_up(
    team_databases: TeamDatabases,
) -> None:
    store = PostgresStore(team_databases.another(), lambda text: text.rjust(64, "0")[-64:])
    store.open()
    kept = {event.id: event for event in EVENTS if isinstance(event, SkillEvent)}
    store.fold(Batch(tuple(kept.values())))
    back = [parse_event(to_line(event)) for event in Team(store).history()]
    assert {event.id: event for event in back} == kept
    store.close()


def exported(field: str, value: Any, number: int) -> bytes:
    """A line of an export with something hostile in one column."""
    schema = Invocation.model_json_schema()
    row = {name: example(schema["properties"][name], schema) for name in schema["properties"]}
    row |= {"invocation_id": f"00000000-0000-8000-8002-{number:012}", "skill_name": f"skill-{number}"}
    return json.dumps(row | {field: value}).encode()


def test_no_column_of_an_export_is_taken_for_sql(store: SkillsStorageProtocol) -> None:
    store.fold(Batch((CANARY,)))
    tables = set(store.counts())
    moment = datetime(2026, 11, 23, tzinfo=UTC)
    reader = ExportedLines(lambda text: text, moment, moment)
    columns = [*Invocation.model_json_schema()["properties"], "completed", "timestamp", "kind", "id", PLAIN]
    events = []
    for number, column in enumerate(columns):
        for turn, value in enumerate(HOSTILE):
            line = exported(column, value, number * len(HOSTILE) + turn)
            events += [parse_event(made) for made in reader.convert(line, number + 1)]
    assert reader.invalid
    assert reader.invocations > len(columns)
    store.fold(Batch(tuple(events)))
    check_untouched(store, tables)
    assert store.counts()["skill_invocation"] == reader.invocations + 1
