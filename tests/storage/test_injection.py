"""No text is ever taken for SQL: through every field of every event and every argument of every tool.

The fields come from the models and the tools' own schemas, so that none is forgotten when one is added.
"""

import pathlib
from collections.abc import Iterator, Mapping
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import pytest
from pydantic import TypeAdapter

from session_buddy.models.events import AnyEvent, JournalEvent, SkillEvent, TranscriptReady
from session_buddy.models.protocols import SkillsStorageProtocol
from session_buddy.models.values import Batch
from tests.serve.clients import connected, text_of
from tests.storage.test_every_tool import services_on
from tests.support.events import recorded
from tests.support.postgres import TeamDatabases

pytestmark = pytest.mark.slow
PLAIN = "x'); DROP TABLE skill_event; DELETE FROM skill_metrics; --%s %(rows)s $rows {0} \\ \" \u2028'"
RAW = PLAIN + " \x00 \x10 \x100 \\u0000 \n\\."
"""What a field may hold that is not held to printable characters."""
_EVENT: TypeAdapter[Any] = TypeAdapter(AnyEvent)
_MOMENT = "2026-03-02T09:00:00Z"
_NUMBERED = "00000000-0000-8000-8000-{:012}"
STRATEGIES = ("control_strategy", "treatment_strategy", "further_strategies")
Schema = Mapping[str, Any]
Path = tuple[str | int, ...]


def event_models() -> Iterator[type[JournalEvent]]:
    union = get_args(AnyEvent)[0] if get_origin(AnyEvent) is Annotated else AnyEvent
    assert get_origin(union) in (Union, UnionType)
    yield from get_args(union)


def resolved(schema: Schema, root: Schema) -> Schema:
    """The schema behind a reference, and of a choice the arm that is not null."""
    if "$ref" in schema:
        return resolved(root["$defs"][schema["$ref"].rsplit("/", 1)[-1]], root)
    if "anyOf" in schema:
        return resolved(next(arm for arm in schema["anyOf"] if arm.get("type") != "null"), root)
    return schema


def example(schema: Schema, root: Schema, text: str | None = None) -> Any:
    """A value that a schema takes, with all optional fields where `text` stands in every free text."""
    schema = resolved(schema, root)
    if "const" in schema or "enum" in schema:
        return schema["const"] if "const" in schema else schema["enum"][0]
    kind = schema.get("type")
    if kind == "object":
        return {name: example(inner, root, text) for name, inner in schema.get("properties", {}).items()}
    if kind == "array":
        return [example(schema["items"], root, text)]
    if kind == "string":
        return string(schema, text)
    if kind == "boolean":
        return True
    if kind == "number" and "exclusiveMaximum" in schema:
        return 0.5
    return max(schema.get("minimum", 0), 1)


def string(schema: Schema, text: str | None) -> str:
    form = schema.get("format")
    if form == "uuid":
        return _NUMBERED.format(1)
    if form == "date-time":
        return _MOMENT
    if text is None:
        return "plain"
    return (PLAIN if "pattern" in schema else text)[: schema.get("maxLength", 10_000)]


def free_texts(schema: Schema, root: Schema, path: Path = ()) -> Iterator[tuple[str | int, ...]]:
    """The path of every string that may be anything."""
    schema = resolved(schema, root)
    if schema.get("type") == "object":
        for name, inner in schema.get("properties", {}).items():
            yield from free_texts(inner, root, (*path, name))
    elif schema.get("type") == "array":
        yield from free_texts(schema["items"], root, (*path, 0))
    elif schema.get("type") == "string" and not {"const", "enum", "format"} & schema.keys():
        yield path


EVENT_FIELDS = [
    (model, kind, path)
    for model in event_models()
    for kind in get_args(model.model_fields["kind"].annotation)
    for path in free_texts(model.model_json_schema(), model.model_json_schema())
]


def with_text(value: Any, path: Path, text: str) -> Any:
    """The value with a text at a path."""
    if not path:
        return text
    if isinstance(value, list):
        return [with_text(value[0], path[1:], text)]
    return value | {path[0]: with_text(value[path[0]], path[1:], text)}


def poisoned(model: type[JournalEvent], kind: str, path: Path, number: int) -> JournalEvent:
    """An event of that kind with a hostile text in one field."""
    schema = model.model_json_schema()
    given = example(schema, schema) | {"kind": kind, "id": _NUMBERED.format(number)}
    if "invocation_id" in given:
        given["invocation_id"] = _NUMBERED.format(10_000 + number)
    if model is SkillEvent:
        given |= {"skill_name": f"skill-{number}", "parent_invocation_id": None}
    if "config" in given:
        given["config"] |= {"end_date": None} | dict(zip(STRATEGIES, ("a", "b", ["c"]), strict=True))
    place: Schema = schema
    for step in path:
        place = resolved(place, schema)
        place = place["items"] if isinstance(step, int) else place["properties"][step]
    text = string(resolved(place, schema), RAW)
    return _EVENT.validate_python(with_text(given, path, text))


def test_every_text_of_every_event_is_one_of_those_tried() -> None:
    tried = {(model.__name__, path[0]) for model, _, path in EVENT_FIELDS}
    assert len({model for model, _, _ in EVENT_FIELDS}) == len(list(event_models()))
    assert {("SkillEvent", "query_text"), ("SkillEvent", "evidence"), ("SuggestedEvent", "skills")} <= tried
    assert len(EVENT_FIELDS) > 100


def test_no_text_of_an_event_is_taken_for_sql(store: SkillsStorageProtocol) -> None:
    canary = recorded("canary", 1, skill_name="canary")
    store.fold(Batch((canary,)))
    tables = store.counts().keys()
    for number, (model, kind, path) in enumerate(EVENT_FIELDS, start=1):
        event = poisoned(model, kind, path, number)
        if kind == "forgotten":
            event = event.model_copy(update={"before": canary.occurred_at.replace(year=2001)})
        store.fold(Batch((event,), {PLAIN: number}))
        if isinstance(event, SkillEvent) and kind != "superseded":
            assert list(store.events_of([event.invocation_id])) == [event], path
        elif not isinstance(event, TranscriptReady):
            assert store.counts().keys() == tables, (model, path)
    store.findings.learn()
    assert dict(store.journal_offsets()) == {PLAIN: len(EVENT_FIELDS)}
    assert store.totals("canary").invocation_count == 1
    assert store.invocation(canary.invocation_id) is not None
    assert store.totals(PLAIN[:200]) is not None


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.anyio
@pytest.mark.parametrize("on", ["duckdb memory", "postgres"])
async def test_no_argument_of_a_tool_is_taken_for_sql(
    on: str, tmp_path: pathlib.Path, request: pytest.FixtureRequest
) -> None:
    address = ""
    if on == "postgres":
        databases: TeamDatabases = request.getfixturevalue("team_databases")
        address = databases.another()
    with services_on(tmp_path, on, address) as services:
        tried = 0
        before = services.reporter.skill_metrics("deploy", None, None, 1)
        async with connected(services, "legacy", session_id="session-9") as client:
            for tool in (await client.list_tools()).tools:
                schema = tool.input_schema
                whole_call = example(schema, schema)
                required = {name: whole_call[name] for name in schema.get("required", ())}
                for path in free_texts(schema, schema):
                    if not path:
                        continue
                    whole = required | {path[0]: whole_call[path[0]]}
                    for text in (PLAIN, RAW):
                        answer = await client.call_tool(tool.name, with_text(whole, path, text[:200]))
                        told = text_of(answer) if answer.is_error else ""
                        assert "could not answer" not in told, (tool.name, path, told)
                        assert "rror:" not in told, (tool.name, path, told)
                        tried += 1
                services.folder.fold_all()
        assert tried > 100
        assert services.folder.failures == 0
        assert services.keeper.status().pending_events == 0
        assert services.reporter.skill_metrics("deploy", None, None, 1) == before
