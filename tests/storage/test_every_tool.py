"""Every tool over a DuckDB file, DuckDB in memory and PostgreSQL: the same events, the same answers."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from session_buddy import bootstrap
from session_buddy.config import Settings
from session_buddy.ingest.journal import JournalFile
from session_buddy.ingest.redaction import KEY_BYTES
from session_buddy.services import Services
from session_buddy.storage.duckdb_store import DuckDBStore
from tests.serve.clients import connected, text_of
from tests.storage.test_same_answers import NOW, record_of_four_skills, rounded
from tests.support.events import invocation_id
from tests.support.postgres import TeamDatabases

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

Call = tuple[str, Mapping[str, Any]]
CALLS: Sequence[Call] = (
    (
        "record_skill_invocation",
        {"skill_name": "lint", "completed": True, "duration_seconds": 4, "request_key": "r1", "note": "good"},
    ),
    (
        "record_skill_invocation",
        {"skill_name": "deploy", "outcome": "failed", "error_type": "timeout", "request_key": "r2"},
    ),
    (
        "record_skill_invocation",
        {"skill_name": "deploy", "outcome": "failed", "error_type": "timeout", "request_key": "r2"},
    ),
    ("rate_skill", {"skill_name": "lint", "rating": 5, "comment": "fine", "request_key": "r3"}),
    ("rate_skill", {"rating": 2, "invocation_id": str(invocation_id("use-7")), "request_key": "r4"}),
    ("rate_skill", {"skill_name": "nobody-has-it", "rating": 2, "request_key": "r5"}),
    ("ingest_tool_calls", {"session": "session-9", "calls": []}),
    ("get_skill_metrics", {}),
    ("get_skill_metrics", {"skill_name": "deploy"}),
    ("get_skill_metrics", {"since": str(NOW - timedelta(days=7)), "until": str(NOW)}),
    ("get_skill_metrics", {"skill_name": "lint", "since": str(NOW - timedelta(days=3))}),
    ("get_skill_metrics", {"since": str(NOW - timedelta(days=9)), "user_id": "user-2"}),
    ("get_skill_metrics", {"skill_name": "unheard-of"}),
    ("get_session_analytics", {"session_id": "session-9"}),
    ("get_session_analytics", {}),
    ("get_real_time_metrics", {"limit": 3, "time_window_hours": 48}),
    ("describe_skill", {"skill_name": "lint"}),
    ("describe_skill", {"skill_name": "unheard-of"}),
    ("suggest_next_skill", {"recent_skills": ["plan", "lint"], "limit": 4}),
    ("suggest_next_skill", {"query": "deploy the release", "session_id": "session-9"}),
    ("predict_skill_success", {"skill_name": "deploy", "session_id": "session-9"}),
    ("predict_skill_success", {"skill_name": "lint"}),
    ("suggest_skills_for_code", {"file_path": "tests/test_cart.py", "line_number": 3}),
    ("detect_anomalies", {"time_window_hours": 720}),
    ("detect_anomalies", {"time_window_hours": 48, "method": "zscore"}),
    ("get_skill_trend", {"skill_name": "deploy", "days": 14}),
    ("get_skill_trend", {"skill_name": "plan"}),
    ("get_skill_dependencies", {"skill_name": "lint", "min_lift": 0}),
    ("get_community_baselines", {}),
    ("get_collaborative_recommendations", {"user_id": "user-1"}),
    ("get_collaborative_recommendations", {"user_id": "nobody"}),
    (
        "record_quality_gate",
        {"phase": "tests", "outcome": "failed", "failed_checks": ["a", "b"], "request_key": "g1"},
    ),
    (
        "record_quality_gate",
        {"phase": "fast_hooks", "outcome": "completed", "session_id": "session-9", "request_key": "g2"},
    ),
    ("get_quality_workflow", {}),
    ("get_quality_workflow", {"session_id": "session-9"}),
    (
        "record_pipeline_stage",
        {
            "pipeline_name": "shop",
            "stage": "build",
            "outcome": "completed",
            "duration_seconds": 30,
            "build_number": "7",
            "request_key": "p1",
        },
    ),
    (
        "record_pipeline_stage",
        {
            "pipeline_name": "shop",
            "stage": "deploy",
            "outcome": "failed",
            "error": "no space",
            "build_number": "7",
            "request_key": "p2",
        },
    ),
    ("get_pipeline_analytics", {"pipeline_name": "shop"}),
    (
        "run_ab_test",
        {
            "test_name": "t",
            "control_strategy": "popularity",
            "treatment_strategy": "markov",
            "unit": "session",
        },
    ),
    ("suggest_next_skill", {"session_id": "fresh"}),
    ("record_ab_outcome", {"test_name": "t", "value": 1, "session_id": "fresh", "request_key": "o1"}),
    ("run_ab_test", {"test_name": "t"}),
    ("stop_ab_test", {"test_name": "t", "reason": "enough seen"}),
    ("run_ab_test", {"test_name": "t"}),
    ("get_skill_metrics", {}),
    ("get_session_analytics", {"session_id": "session-9"}),
)
WRITING = ("record_", "rate_", "ingest_", "run_ab_test", "stop_")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@contextmanager
def services_on(folder: Path, store: str, address: str = "") -> Iterator[Services]:
    """The services of a home of one person, at one moment; nothing that they answer is left to chance."""
    home = folder / store.replace(" ", "-")
    home.mkdir(mode=0o700)
    (home / "hash.key").write_bytes(b"k" * KEY_BYTES)
    (home / "hash.key").chmod(0o600)
    settings = Settings(str(home), exploration=0.0, store=address, team_projects="*" if address else "")
    journal = JournalFile(settings.journal)
    journal.append(record_of_four_skills())
    journal.close()
    with ExitStack() as stack:
        stack.enter_context(mock.patch.dict(os.environ, CLAUDE_CONFIG_DIR=str(folder / "claude")))
        stack.enter_context(mock.patch.object(bootstrap, "now", return_value=NOW))
        if store == "duckdb memory":
            stack.enter_context(mock.patch.object(bootstrap, "open_store", _in_memory))
        services = stack.enter_context(bootstrap.open_services(settings))
        services.folder.fold_all()
        yield services


def _in_memory(
    _settings: Settings, keyed_hash: Callable[[str], str], _archive: object, _clock: object
) -> tuple[DuckDBStore, list[str]]:
    store = DuckDBStore(":memory:", keyed_hash)
    store.open()
    return store, []


async def answers(services: Services) -> list[Any]:
    """What every call is answered, in turn."""
    given = []
    async with connected(services, "legacy", session_id="session-9") as client:
        for tool, arguments in CALLS:
            result = await client.call_tool(tool, dict(arguments))
            told: Any = text_of(result) if result.is_error else dict(result.structured_content or {})
            if isinstance(told, dict):
                told.pop("suggestion_id", None)  # made for each suggestion
            given.append((tool, dict(arguments), rounded(told)))
            services.folder.fold_all()
        tools = {tool.name for tool in (await client.list_tools()).tools}
    assert tools == {tool for tool, _ in CALLS}, "every tool is asked"
    assert len(tools) == 22
    return given


async def readings(services: Services) -> list[Any]:
    """What every call that changes nothing is answered; what was learned is learned by then."""
    assert services.recommender.learning.loaded(60)
    given = []
    async with connected(services, "legacy", session_id="session-9") as client:
        for tool, arguments in CALLS:
            if tool.startswith(WRITING) and arguments != {"test_name": "t"}:
                continue
            result = await client.call_tool(tool, dict(arguments))
            told: Any = text_of(result) if result.is_error else dict(result.structured_content or {})
            if isinstance(told, dict):
                told.pop("suggestion_id", None)
            given.append((tool, dict(arguments), rounded(told)))
    return given


async def test_every_tool_gives_the_same_answers_on_every_store_and_again_after_a_rebuild(
    tmp_path: Path, team_databases: TeamDatabases
) -> None:
    given = {}
    for store, address in (
        ("duckdb file", ""),
        ("duckdb memory", ""),
        ("postgres", team_databases.another()),
    ):
        with services_on(tmp_path, store, address) as services:
            given[store] = await answers(services)
            before = await readings(services)
            services.keeper.rebuild(lambda _progress: None)
            after = await readings(services)
            for known, found in zip(before, after, strict=True):
                assert found == known, f"after a rebuild of {store}"
    for others in ("duckdb memory", "postgres"):
        for expected, found in zip(given["duckdb file"], given[others], strict=True):
            assert found == expected, others
    told = {tool for tool, _, found in given["postgres"] if isinstance(found, dict)}
    assert told == {tool for tool, _ in CALLS}, "each was answered at least once, not refused only"
