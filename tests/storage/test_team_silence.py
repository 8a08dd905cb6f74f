"""A network that swallows what it is given, and says nothing: nobody waits for it for long."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

import psycopg
import pytest

from session_buddy import bootstrap
from session_buddy.config import Settings
from session_buddy.errors import StorageError
from session_buddy.models.values import Batch, Caller
from session_buddy.services import Services
from session_buddy.services.reports import InvocationReport
from session_buddy.storage import postgres_watch
from session_buddy.storage.postgres_store import PostgresStore
from tests.storage.conftest import keyed_hash, opened
from tests.support.events import recorded
from tests.support.postgres import Cable, TeamDatabases
from tests.support.waiting import wait_for

pytestmark = pytest.mark.slow
BOUND_SECONDS = 9.0
"""What a question may take: 2 s until the server is asked again, 3 s to connect, 3 s for its answer."""


@pytest.fixture
def cable(team_databases: TeamDatabases) -> Iterator[Cable]:
    server = team_databases.server
    made = Cable(f"{server.folder}/.s.PGSQL.{server.port}")
    yield made
    made.close()


@pytest.fixture
def address(team_databases: TeamDatabases, cable: Cable) -> str:
    database = team_databases.another().partition("@/")[2].partition("?")[0]
    return f"postgresql://owner@127.0.0.1:{cable.port}/{database}?sslmode=disable"


@contextmanager
def at_work(folder: Path, address: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Services]:
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(folder / "claude"))
    settings = Settings(str(folder / "home"), store=address, team_projects="*", fold_interval_seconds=0.05)
    with bootstrap.open_services(settings) as services:
        yield services


def record(services: Services, session_id: str, key: str | None = None) -> float:
    """The seconds until it was acknowledged."""
    caller = Caller(connection_id="test", session_id=session_id, project="/home/u/project")
    began = monotonic()
    told = InvocationReport(skill_name="review", completed=True, request_key=key)
    assert not services.recorder.record_invocation(told, caller).duplicate
    return monotonic() - began


def refused(ask: Callable[[], object]) -> float:
    """The seconds until who asks hears that the server cannot be reached."""
    began = monotonic()
    with pytest.raises(StorageError, match="cannot be reached") as raised:
        ask()
    assert "\n" not in str(raised.value)
    return monotonic() - began


def test_records_wait_once_and_answers_for_a_bounded_time_until_the_network_is_back(
    tmp_path: Path, address: str, cable: Cable, monkeypatch: pytest.MonkeyPatch
) -> None:
    with at_work(tmp_path, address, monkeypatch) as services:
        record(services, "morning")
        services.folder.fold_all()
        cable.silence()
        assert max(record(services, "morning") for _ in range(20)) < 1.0
        assert record(services, "noon", "chosen key") < 3.5
        assert max(record(services, f"later-{number}", str(number)) for number in range(20)) < 1.0
        asked = [
            refused(lambda: services.reporter.skill_metrics(None, None, None, 5)),
            refused(lambda: services.reporter.describe_skill("review")),
            refused(lambda: services.recommender.predict("review", "unknown", None, Caller("test"))),
        ]
        assert sum(asked) < BOUND_SECONDS
        assert "cannot be reached" in (services.keeper.status().unanswered or "")
        cable.mend()
        wait_for(lambda: not services.keeper.status().pending_events, "it is folded", seconds=30)
        assert services.keeper.status().counts["skill_invocation"] == 42


def test_a_start_and_an_end_in_silence_take_a_bounded_time(
    tmp_path: Path, address: str, cable: Cable, monkeypatch: pytest.MonkeyPatch
) -> None:
    cable.silence()
    began = monotonic()
    with at_work(tmp_path, address, monkeypatch) as services:
        assert record(services, "morning") < 1.0
        assert monotonic() - began < 3.0
        refused(lambda: services.reporter.skill_metrics(None, None, None, 5))
        began = monotonic()
    assert monotonic() - began < 4.5
    cable.mend()
    with at_work(tmp_path, address, monkeypatch) as services:
        services.folder.fold_all()
        assert services.keeper.status().counts["skill_invocation"] == 1


def test_a_statement_that_only_takes_long_is_left_alone(
    address: str, cable: Cable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_watch, "PATIENCE_SECONDS", 0.1)
    with opened(PostgresStore(address, keyed_hash)) as store:
        store.fold(Batch((recorded("a", 1),)))
        assert store.database.rows("SELECT 1 FROM pg_sleep(0.8)") == [(1,)]
        cable.silence()
        assert refused(lambda: store.database.rows("SELECT 1 FROM pg_sleep(0.8)")) < BOUND_SECONDS


def test_a_server_that_goes_while_it_is_asked_whether_it_answers_is_no_silent_one(
    address: str, cable: Cable
) -> None:
    raw = psycopg.connect(address)
    cable.cut()
    assert postgres_watch.unanswered(lambda: raw) == ""
    assert raw.closed
