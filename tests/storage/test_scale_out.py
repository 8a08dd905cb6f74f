"""What docs/how-to/scale-out.md tells an owner to run, run on a server."""

import re
import subprocess
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from session_buddy.errors import StorageError
from session_buddy.models.values import Batch, ForgetRequest
from session_buddy.storage.postgres_store import PostgresStore
from session_buddy.storage.postgres_team import Team
from tests.storage import recount
from tests.storage.conftest import keyed_hash
from tests.support.events import START, invocation_id, recorded, skill_event
from tests.support.postgres import PostgresServer, TeamDatabases, running

pytestmark = pytest.mark.slow
PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "scale-out.md"
(BY_MONTH,) = re.findall(r"```sql\n(BEGIN;\n.*?COMMIT;\n)```", PAGE.read_text("utf-8"), re.DOTALL)
JANUARY = (datetime(2027, 1, 10, tzinfo=START.tzinfo) - START).total_seconds()
MAY = JANUARY + timedelta(days=120).total_seconds()
EARLIER = (recorded("old", 1, query_text="secret plan"), recorded("older", 2, outcome="failed"))
LATER = (
    recorded("new", JANUARY, query_text="secret plan"),
    recorded("far", MAY, outcome="failed"),
    skill_event("old", "rated", JANUARY + 5, rating=2),
    skill_event("new", "reported", MAY + 5, outcome="abandoned", outcome_source="reported"),
)
PARTS = {"skill_event_before_2027": 2, "skill_event_2027_01": 2, "skill_event_other": 2}


@pytest.fixture(scope="module")
def divided(postgres_binaries: Path) -> Iterator[PostgresServer]:
    """A server whose store had uses when its log was divided by month; its members went on after that."""
    with running(postgres_binaries) as server:
        TeamDatabases(server, keyed_hash).another()
        owner, ada = (PostgresStore(server.url("team_1", name), keyed_hash) for name in ("owner", "ada"))
        owner.open()
        Team(owner).init(writers=["ada", "bob"], readers=["eve"])
        ada.open()
        ada.fold(Batch(EARLIER))
        psql = [str(postgres_binaries / "psql"), server.url("team_1"), "--no-psqlrc", "-v", "ON_ERROR_STOP=1"]
        subprocess.run(psql, input=BY_MONTH, text=True, check=True, capture_output=True)
        Team(owner).init()
        ada.fold(Batch(LATER))
        ada.fold(Batch((*EARLIER, *LATER)))
        ada.close()
        owner.close()
        yield server


@pytest.fixture
def member(divided: PostgresServer, request: pytest.FixtureRequest) -> Iterator[PostgresStore]:
    store = PostgresStore(divided.url("team_1", request.param), keyed_hash)
    store.open()
    yield store
    store.close()


def test_each_event_lies_in_its_month_and_counts_once(divided: PostgresServer) -> None:
    for part, rows in PARTS.items():
        assert divided.execute(f"SELECT count(*) FROM {part}", "team_1") == [(rows,)]


@pytest.mark.parametrize("member", ["ada"], indirect=True)
def test_a_divided_log_answers_as_a_recount_does(member: PostgresStore) -> None:
    wanted = recount.invocations_of((*EARLIER, *LATER))
    for use, known in wanted.items():
        assert member.invocation(use) == known
    assert member.totals("review") == recount.totals_of(wanted.values())["review"]


@pytest.mark.parametrize("member", ["bob", "eve"], indirect=True)
def test_nobody_reads_in_a_partition_what_another_asked(member: PostgresStore) -> None:
    found = member.events_of([invocation_id("old"), invocation_id("new")])
    assert len(found) == 4
    assert all(event.query_text is None for event in found)
    for table in ("skill_event", *PARTS):
        with pytest.raises(StorageError, match="may not do that"):
            member.database.rows(f"SELECT query_text FROM {table}")
        with pytest.raises(StorageError, match="may not do that"):
            member.database.rows(f"SELECT * FROM {table}")


@pytest.mark.parametrize("member", ["bob"], indirect=True)
def test_a_writer_changes_nothing_of_others_in_a_divided_log(member: PostgresStore) -> None:
    member.forget(ForgetRequest(skill_name="review"), keyed_hash("review"), START + timedelta(days=900))
    assert len(member.events_of([invocation_id("old"), invocation_id("new")])) == 4
    for part in PARTS:
        with pytest.raises(StorageError, match="may not do that"):
            member.database.rows(f"DELETE FROM {part}")
