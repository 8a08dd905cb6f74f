"""Several machines and people over one server: nothing lost, nothing twice, nothing that is another's."""

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from time import monotonic

import pytest

from session_buddy.errors import ConfigurationError, InvalidInput, MigrationError, StorageError
from session_buddy.models.events import SkillEvent
from session_buddy.models.values import Batch, ForgetRequest, Window
from session_buddy.storage import postgres_store
from session_buddy.storage.postgres_store import PostgresStore
from session_buddy.storage.postgres_team import Team
from session_buddy.storage.sharing import Sharing
from tests.storage import recount
from tests.storage.conftest import keyed_hash, opened
from tests.support.events import at, invocation_id, recorded, session_event, skill_event
from tests.support.postgres import Cable, PostgresServer, TeamDatabases, bouncing, free_port, running
from tests.support.waiting import wait_for

pytestmark = pytest.mark.slow
_PATIENCE = 300.0


def home_hash(home: str) -> Callable[[str], str]:
    return lambda text: keyed_hash(home + text)


def uses_of(home: int, count: int) -> list[SkillEvent]:
    """Uses of one machine; every tenth is known to two machines, as an imported transcript is."""
    events = []
    for number in range(count):
        owner = home if number % 10 else home // 2 * 2
        moment = float(number)
        use = f"home-{owner}-{number}"
        where = {"session_id": f"s-{owner}-{number // 20}", "skill_name": f"skill-{number % 7}"}
        events += [
            skill_event(use, "started", moment, invoked_at=at(moment), **where),
            recorded(use, moment, outcome="failed" if number % 5 == 0 else "completed", **where),
        ]
    return events


@pytest.mark.timeout(500)
def test_machines_that_fold_at_once_lose_nothing_and_count_nothing_twice(postgres_binaries: Path) -> None:
    homes, count = 8, 2_500  # two events a use
    with running(postgres_binaries, synchronous_commit="on") as server:
        url = TeamDatabases(server, keyed_hash).another()
        cable = Cable(f"{server.folder}/.s.PGSQL.{server.port}")
        over_cable = f"postgresql://owner@127.0.0.1:{cable.port}/team_1?sslmode=disable"
        failures: list[str] = []
        stores = [
            PostgresStore(over_cable if home % 2 else url, home_hash(str(home))) for home in range(homes)
        ]

        def fold(home: int) -> None:
            store, events, done = stores[home], uses_of(home, count), 0
            store.open()
            deadline = monotonic() + _PATIENCE
            while done < len(events) and monotonic() < deadline:
                batch = Batch(tuple(events[done : done + 250]), {"journal": done + 250})
                try:
                    store.fold(batch)
                    done = dict(store.journal_offsets())["journal"]
                except StorageError as error:
                    failures.append(str(error))

        threads = [threading.Thread(target=fold, args=(home,)) for home in range(homes)]
        for thread in threads:
            thread.start()
        for how in ("immediate", "fast", "immediate"):
            cable.cut()
            threads[0].join(1.0)
            server.restart(how)
            cable.mend()
            threads[0].join(1.0)
        for thread in threads:
            thread.join()
        assert failures
        assert all("\n" not in failure for failure in failures)
        everything = [event for home in range(homes) for event in uses_of(home, count)]
        check_recounted(stores[0], everything)
        assert stores[0].counts()["skill_event"] == len({event.id for event in everything})
        for store in stores:
            assert dict(store.journal_offsets()) == {"journal": 2 * count}  # 5,000
            store.close()
        cable.close()


def check_recounted(store: PostgresStore, events: list[SkillEvent]) -> None:
    uses = recount.invocations_of(events)
    assert {use.invocation_id: use for rows in store.invocations(Window()) for use in rows} == uses
    expected = recount.totals_of(uses.values())
    found = {totals.skill_name: totals for totals in store.all_totals()}
    assert found.keys() == expected.keys()
    for skill_name, wanted in expected.items():
        assert found[skill_name].invocation_count == wanted.invocation_count
        assert found[skill_name].completed_count == wanted.completed_count
        assert found[skill_name].duration_buckets == wanted.duration_buckets
    assert recount.session_skill_rows(store) == recount.session_skills_of(uses.values())
    sessions = {use.session_id for use in uses.values()}
    assert store.findings.count_sessions() == len(sessions)


def answers(store: PostgresStore) -> bool:
    """Whether the server behind a store can be reached by now."""
    try:
        store.open()
        store.counts()
    except StorageError:
        return False
    return True


def test_a_server_that_ends_is_missed_at_once_and_asked_at_once_when_it_is_back(
    guarded: PostgresServer,
) -> None:
    guarded.execute("CREATE DATABASE restarted OWNER ada")
    with opened(PostgresStore(guarded.tcp_url("ada", "right-one", "restarted"), keyed_hash)) as store:
        with store.database.connection(), store.database.connection():
            store.counts()  # three connections, which the pool keeps
        guarded.stop("fast")
        began = monotonic()
        with pytest.raises(StorageError, match="cannot be reached"):
            store.counts()
        assert monotonic() - began < 1.5
        guarded.start()
        wait_for(lambda: answers(store), "the server is there again")
        began = monotonic()
        for _ in range(5):
            store.counts()
        assert monotonic() - began < 1.5  # waiting for the pool alone would take 2 s, each time


def test_pgbouncer_may_give_every_transaction_another_connection(
    team_databases: TeamDatabases,
) -> None:
    url = team_databases.another()
    database = url.partition("@/")[2].partition("?")[0]
    with bouncing(team_databases.server, database) as address:
        stores = [PostgresStore(address, home_hash(str(number))) for number in range(3)]
        events = uses_of(0, 60)
        wait_for(lambda: answers(stores[0]), "PgBouncer listens")
        threads = [
            threading.Thread(
                target=lambda store=store: [store.fold(Batch((event,))) for event in events[:40]]
            )
            for store in stores
        ]
        for store in stores:
            store.open()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        stores[0].fold(Batch(tuple(events)))
        check_recounted(stores[0], events)
        stores[0].forget(ForgetRequest(session_id="s-0-0"), home_hash("0")("s-0-0"), at(10_000))
        assert stores[0].session_summary("s-0-0") is None
        for store in stores:
            store.close()


@pytest.fixture
def team(team_databases: TeamDatabases) -> Iterator[Callable[[str], PostgresStore]]:
    """A database with its roles; gives each user's store."""
    url = team_databases.another()
    made: list[PostgresStore] = []

    def store_of(user: str) -> PostgresStore:
        store = PostgresStore(url.replace("owner@", f"{user}@"), home_hash(user))
        made.append(store)
        return store

    with opened(store_of("owner")) as owner:
        Team(owner).init(writers=["ada", "bob"], readers=["eve"])
        yield store_of
    for store in made:
        store.close()


def test_nobody_reads_what_another_asked_nor_changes_what_another_wrote(
    team: Callable[[str], PostgresStore],
) -> None:
    ada, bob = team("ada"), team("bob")
    ada.open()
    bob.open()
    ada.fold(Batch((recorded("a", 1, query_text="secret plan", query_hash="0f", query_length=11),)))
    bob.fold(Batch((recorded("b", 2, query_text="lunch"), skill_event("a", "rated", 5, rating=1))))
    own = ada.invocation(invocation_id("a"))
    seen = bob.invocation(invocation_id("a"))
    assert (own.query_text, own.query_hash, own.rating) == ("secret plan", "0f", None)
    assert (seen.query_text, seen.query_hash, seen.query_length) == (None, None, 11)
    assert all(event.query_text is None for event in bob.events_of([invocation_id("a")]))
    assert bob.totals("review").invocation_count == 2
    for table in ("skill_event", "skill_invocation"):
        with pytest.raises(StorageError, match="may not do that"):
            bob.database.rows(f"SELECT query_text FROM {table}")
        changed = bob.database.rows(f"DELETE FROM {table} WHERE written_by = 'ada'")
        assert changed == [(0,)]
    with pytest.raises(StorageError, match="may not do that"):
        bob.database.rows("TRUNCATE skill_metrics")
    with pytest.raises(StorageError, match="may not do that"):
        bob.database.rows("INSERT INTO skill_migrations VALUES (9, 'x', 'y', now())")
    assert bob.forget(ForgetRequest(skill_name="review"), home_hash("bob")("review"), at(100)) == 1
    assert ada.totals("review").invocation_count == 1
    assert len(bob.findings.latest_uses(["review"], 5)) == 1


def test_a_reader_reads_and_writes_nothing(team: Callable[[str], PostgresStore]) -> None:
    ada, eve = team("ada"), team("eve")
    ada.open()
    eve.open()
    ada.fold(Batch((recorded("a", 1, query_text="secret"), session_event("session_started", "morning", 0))))
    assert eve.totals("review").invocation_count == 1
    assert eve.invocation(invocation_id("a")).query_text is None
    assert eve.session_summary("morning").invocation_count == 1
    assert [usage.invocation_count for usage in eve.findings.usage(5)] == [1]
    with pytest.raises(StorageError, match="may not do that"):
        eve.fold(Batch((recorded("b", 2),)))
    for statement in ("DELETE FROM skill_metrics", "UPDATE agent_session SET agent = 'x'"):
        with pytest.raises(StorageError, match="may not do that"):
            eve.database.rows(statement)
    assert Team(eve).status().role == "reader"
    assert (Team(ada).status().role, Team(ada).status().homes) == ("writer", 1)


@pytest.mark.parametrize(("chosen", "memory"), [("", "16MB"), (" SET work_mem = '64MB'", "64MB")])
def test_init_tunes_the_database_and_leaves_what_somebody_chose(
    team_databases: TeamDatabases, chosen: str, memory: str
) -> None:
    url = team_databases.another()
    if chosen:
        name = url.removeprefix("postgresql://owner@/").split("?")[0]
        team_databases.server.execute(f"ALTER DATABASE {name}{chosen}")
    with opened(PostgresStore(url, keyed_hash)) as store:
        Team(store).init()
    with opened(PostgresStore(url, keyed_hash)) as store:
        asked = "SELECT current_setting('jit'), current_setting('work_mem')"
        assert store.database.rows(asked) == [("off", memory)]


def test_one_machine_makes_the_baselines_for_all(team: Callable[[str], PostgresStore]) -> None:
    ada, bob, eve = team("ada"), team("bob"), team("eve")
    for store in (ada, bob, eve):
        store.open()
    age = timedelta(minutes=5)
    assert (ada.findings.baselines_due(at(0), age), eve.findings.baselines_due(at(0), age)) == (True, False)
    ada.fold(Batch((recorded("a", 1),)))
    ada.findings.keep_baselines(ada.findings.usage(10), {}, at(0))
    due = [store.findings.baselines_due(at(seconds), age) for store in (ada, bob) for seconds in (200, 300)]
    assert due == [False, True, False, True]
    assert not eve.findings.baselines_due(at(300), age)
    assert bob.findings.baselines_due(at(-300), age)  # ada's clock is ahead of bob's


def test_a_member_gets_back_what_they_wrote_and_no_more(team: Callable[[str], PostgresStore]) -> None:
    ada, bob = team("ada"), team("bob")
    ada.open()
    bob.open()
    events = (recorded("a", 1, query_text="why?"), session_event("session_started", "morning", 0))
    ada.fold(Batch(events))
    bob.fold(Batch((recorded("b", 2),)))
    assert list(Team(ada).history()) == list(events)


def test_only_shared_projects_go_to_the_team(team_databases: TeamDatabases) -> None:
    store = PostgresStore(team_databases.another(), keyed_hash, Sharing(["/home/dev/atlas/"]))
    with opened(store):
        store.fold(
            Batch(
                (
                    recorded("a", 1, project="/home/dev/atlas/sub", session_id="one"),
                    skill_event("a", "rated", 3, rating=5, session_id="one"),
                    recorded("b", 2, project="/home/dev/atlas-private", session_id="two"),
                    recorded("c", 3, session_id="three"),
                ),
                {"journal": 4},
            )
        )
        store.fold(Batch((skill_event("a", "rated", 9, rating=4, session_id="one"),)))
        assert [found.session_id for found in store.sessions(9)] == ["one"]
        assert store.invocation(invocation_id("a")).rating == 4
        assert store.counts()["skill_event"] == 3
        assert dict(store.journal_offsets()) == {"journal": 4}


_EVIL = "x'; DROP TABLE skill_event; --%s %(rows)s $rows {0} \\ \"; \u2028"
_WORSE = _EVIL + " \x00 \x10 \\u0000 \n"


def test_no_text_is_ever_taken_for_sql(team_databases: TeamDatabases) -> None:
    fields = dict.fromkeys(("agent", "thread", "user_id"), _EVIL)
    fields |= dict.fromkeys(("project", "error_type", "note", "workflow_step", "query_text"), _WORSE)
    event = recorded("a", 1, outcome="failed", session_id=_EVIL, skill_name=_EVIL, **fields)
    started = session_event("session_started", _EVIL, 0, project=_WORSE, reason=_WORSE, agent=_EVIL)
    with opened(PostgresStore(team_databases.another(), keyed_hash)) as store:
        store.fold(Batch((event, started), {_EVIL: 7}))
        assert list(store.events_of([event.invocation_id])) == [event]
        assert store.totals(_EVIL).errors == {_WORSE: 1}
        assert store.window_totals(Window(), _EVIL)[0].errors == {_WORSE: 1}
        assert store.window_totals(Window())[0].skill_name == _EVIL
        assert store.session_summary(_EVIL).project == _WORSE
        assert dict(store.journal_offsets()) == {_EVIL: 7}
        assert [use.skill_name for use in store.findings.latest_uses([_EVIL], 5)] == [_EVIL]
        assert store.findings.skills_of_users([_EVIL])[0].user_id == _EVIL
        assert store.forget(ForgetRequest(skill_name=_EVIL), keyed_hash(_EVIL), at(100)) == 1
        assert store.counts()["skill_event"] == 0
        with pytest.raises(InvalidInput):
            Team(store).init(writers=['x"; DROP TABLE skill_event; --'])


@pytest.fixture(scope="module")
def guarded(postgres_binaries: Path) -> Iterator[PostgresServer]:
    """A server that asks for passwords, and offers no certificate."""
    with running(postgres_binaries, listen_addresses="127.0.0.1", port=free_port()) as server:
        server.execute("CREATE ROLE ada LOGIN PASSWORD 'right-one'")
        server.execute("CREATE DATABASE team OWNER ada")
        server.ask_for_passwords()
        yield server


@pytest.mark.parametrize(
    ("password", "database", "options", "said"),
    [
        ("wrong-one", "team", {}, "does not accept this user or password"),
        ("right-one", "nowhere", {}, "There is no database"),
        ("right-one", "team", {"sslmode": "verify-full", "sslrootcert": "system"}, "cannot be trusted"),
    ],
)
def test_what_is_wrong_is_said_in_one_line_without_the_password(
    guarded: PostgresServer, password: str, database: str, options: dict[str, str], said: str
) -> None:
    store = PostgresStore(guarded.tcp_url("ada", password, database, **options), keyed_hash)
    with opened(store), pytest.raises(StorageError, match=said) as raised:
        store.counts()
    assert "\n" not in str(raised.value)
    assert password not in str(raised.value)
    assert "stays in the journals" in str(raised.value)


def test_a_server_that_is_away_keeps_no_leader_from_starting(guarded: PostgresServer) -> None:
    nobody = f"postgresql://ada@127.0.0.1:{free_port()}/team"
    store = PostgresStore(nobody, keyed_hash)
    store.open()
    began = monotonic()
    for _ in range(20):
        with pytest.raises(StorageError, match="cannot be reached") as raised:
            store.totals("review")
    assert monotonic() - began < 3
    assert "\n" not in str(raised.value)
    store.close()


def test_a_newer_schema_is_left_alone(team_databases: TeamDatabases) -> None:
    url = team_databases.another()
    with opened(PostgresStore(url, keyed_hash)) as store:
        store.database.rows("INSERT INTO skill_migrations VALUES (99, 'later', 'c', now())")
    with opened(PostgresStore(url, keyed_hash)) as store:
        for ask in (store.all_totals, lambda: store.fold(Batch((recorded("a", 1),)))):
            with pytest.raises(MigrationError, match=r"a newer one made it\. Update session-buddy") as raised:
                ask()
            assert "stays in the journals" in str(raised.value)
        assert store.migrations()[-1].version == 99
        store.database.prepare_use(lambda: None)
        assert store.counts()["skill_event"] == 0


def test_a_schema_that_gets_newer_while_a_leader_runs_is_noticed_and_left_alone(
    team_databases: TeamDatabases, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = team_databases.another()
    with (
        opened(PostgresStore(url, keyed_hash)) as store,
        opened(PostgresStore(url, home_hash("owner"))) as owner,
    ):
        store.fold(Batch((recorded("a", 1),), {"journal": 1}))
        owner.database.rows("INSERT INTO skill_migrations VALUES (99, 'later', 'c', now())")
        said = r"has schema version 99.* knows none above \d+: a newer one made it\. Update session-buddy"
        with pytest.raises(MigrationError, match=said) as raised:
            store.fold(Batch((recorded("b", 2),), {"journal": 2}))
        assert "\n" not in str(raised.value)
        for ask in (store.all_totals, lambda: store.drop_journal("journal"), store.findings.learn):
            with pytest.raises(MigrationError, match="a newer one made it"):
                ask()
        assert owner.database.rows("SELECT folded_bytes FROM journal_offset") == [(1,)]
        owner.database.rows("DELETE FROM skill_migrations WHERE version = 99")
        store.fold(Batch((recorded("b", 2),), {"journal": 2}))
        assert store.counts()["skill_event"] == 2
        owner.database.rows("INSERT INTO skill_migrations VALUES (99, 'later', 'c', now())")
        monkeypatch.setattr(postgres_store, "LOOK_SECONDS", 0.0)
        with pytest.raises(MigrationError, match="a newer one made it"):
            store.all_totals()


def test_two_owners_that_start_at_once_migrate_once(team_databases: TeamDatabases) -> None:
    team_databases.server.execute("CREATE DATABASE twins")
    url = team_databases.server.url("twins")
    stores = [PostgresStore(url, home_hash(str(number))) for number in range(4)]
    threads = [threading.Thread(target=store.open) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for store in stores:
        assert [known.applied_at is not None for known in store.migrations()] == [True] * 4
        assert store.counts()["skill_event"] == 0
        store.close()


def test_a_member_does_not_make_the_tables(team_databases: TeamDatabases) -> None:
    server = team_databases.server
    server.execute("CREATE DATABASE bare")
    server.execute("CREATE ROLE mallory LOGIN")
    store = PostgresStore(server.url("bare", "mallory"), keyed_hash)
    with opened(store), pytest.raises(MigrationError, match="team init"):
        store.counts()


def test_a_rebuild_does_not_throw_away_what_others_folded(team_databases: TeamDatabases) -> None:
    url = team_databases.another()
    with (
        opened(PostgresStore(url, home_hash("one"))) as one,
        opened(PostgresStore(url, home_hash("two"))) as two,
    ):
        two.fold(Batch((recorded("a", 1),), {"journal": 1}))
        two.drop_journal("journal")  # as when it is archived
        assert Team(two).status().homes == 1
        with pytest.raises(StorageError, match="other machines folded"):
            one.clear()
        assert two.counts()["skill_event"] == 1


@pytest.mark.parametrize("url", ["postgresql://db.example.org/x?sslmode=require", "postgresql://%zz/x"])
def test_an_address_that_cannot_be_trusted_or_read_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="store"):
        PostgresStore(url, keyed_hash)


def test_connections_to_another_machine_are_verified() -> None:
    store = PostgresStore("postgresql://ada:hidden@db.example.org/team", keyed_hash)
    assert "sslmode=verify-full" in store.database._conninfo
    assert "sslrootcert=system" in store.database._conninfo
    assert "hidden" not in store.database.path
