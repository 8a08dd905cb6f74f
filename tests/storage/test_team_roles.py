"""A reader writes nothing, and nobody reads what another asked: tried by every way that SQL has for it."""

import psycopg
import pytest

from session_buddy.models.values import Batch
from session_buddy.storage.postgres_store import PostgresStore
from session_buddy.storage.postgres_team import Team
from tests.storage.conftest import opened
from tests.storage.test_team import home_hash
from tests.support.events import recorded, session_event
from tests.support.postgres import PostgresServer, TeamDatabases

pytestmark = pytest.mark.slow
SECRET, HASH = "the secret plan", "0f" * 16
RELATIONS = (
    "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v')"
)
TELLTALE = (
    "CREATE FUNCTION pg_temp.tell(given TEXT) RETURNS BOOLEAN LANGUAGE plpgsql COST 0.0000001 "
    "AS $$BEGIN RAISE NOTICE '%', given; RETURN TRUE; END$$"
)
"""Cheaper than any condition of ours, so that the planner asks it first."""
WRITES = (
    "INSERT INTO {name} DEFAULT VALUES",
    "INSERT INTO {name} SELECT * FROM {name}",
    "UPDATE {name} SET {column} = {column}",
    "DELETE FROM {name}",
    "WITH gone AS (DELETE FROM {name} RETURNING 1) SELECT * FROM gone",
    "EXPLAIN ANALYZE DELETE FROM {name}",
    "MERGE INTO {name} USING (VALUES (1)) AS one (x) ON TRUE WHEN MATCHED THEN DELETE",
    "TRUNCATE {name}",
    "COPY {name} FROM STDIN",
    "SELECT * FROM {name} FOR UPDATE",
    "SELECT 1 FROM {name} FOR SHARE",
    "LOCK TABLE {name} IN ROW EXCLUSIVE MODE",
    "DROP TABLE {name}",
    "ALTER TABLE {name} ADD COLUMN more INT",
    "CREATE INDEX ON {name} ({column})",
    "CREATE RULE seen AS ON INSERT TO {name} DO INSTEAD NOTHING",
    "CREATE TRIGGER seen BEFORE INSERT ON {name} EXECUTE FUNCTION suppress_redundant_updates_trigger()",
)
READS = (
    "SELECT query_text FROM {name}",
    "SELECT query_hash FROM {name}",
    "TABLE {name}",
    "SELECT {name} FROM {name}",
    "SELECT row_to_json(one) FROM {name} AS one",
    "SELECT min(query_text), max(query_hash) FROM {name} WHERE query_text LIKE 'the s%'",
    "COPY {name} TO STDOUT",
    "COPY (SELECT * FROM {name}) TO STDOUT",
    "SELECT query_to_xml('SELECT * FROM {name}', TRUE, TRUE, '')",
    "SELECT table_to_xml('{name}', TRUE, TRUE, '')",
    "SELECT 1 FROM {name} WHERE query_text::INT > 0",
    "SELECT 1 FROM {name} WHERE query_hash::DATE IS NULL",
    "SELECT 1 FROM {name} WHERE query_text::REGCLASS IS NULL",
    "SELECT 1 FROM {name} WHERE pg_temp.tell(query_text) AND pg_temp.tell(query_hash)",
    "EXPLAIN ANALYZE SELECT 1 FROM {name} WHERE pg_temp.tell(query_text)",
    "UPDATE {name} SET note = query_text RETURNING note",
    "DELETE FROM {name} WHERE session_id = 'ada' RETURNING query_text",
    "DELETE FROM {name} WHERE pg_temp.tell(query_text)",
    "INSERT INTO {name} TABLE {name} ON CONFLICT DO NOTHING RETURNING query_text",
    "MERGE INTO {name} USING (VALUES (1)) AS one (x) ON TRUE WHEN MATCHED THEN UPDATE SET note = query_text",
    "CREATE TEMP TABLE taken AS TABLE {name}; TABLE taken",
    "GRANT SELECT ON {name} TO PUBLIC; TABLE {name}",
    "SET row_security = off; TABLE {name}",
    "CREATE TEMP VIEW own AS TABLE {name}; TABLE own",
    "SELECT most_common_vals::TEXT, histogram_bounds::TEXT FROM pg_stats WHERE tablename = '{name}'",
)
OF_NO_TABLE = (
    "SELECT * FROM pg_statistic",
    "SELECT query FROM pg_stat_activity WHERE usename = 'ada'",
    "SET ROLE ada; TABLE own_event",
    "SET ROLE owner; TABLE skill_event",
    "SET ROLE session_buddy_writer; TABLE own_event",
    "SET SESSION AUTHORIZATION ada; TABLE own_event",
    "ALTER ROLE ada PASSWORD 'mine'",
    "GRANT ada TO CURRENT_USER",
    "CREATE TABLE public.mine (x INT)",
    "CREATE FUNCTION public.coalesce_all() RETURNS INT LANGUAGE sql AS 'SELECT 1'",
    "CREATE OPERATOR public.=== (LEFTARG = text, RIGHTARG = name, FUNCTION = texteqname)",
    "CREATE SCHEMA mine",
    "ALTER DATABASE {database} SET search_path = 'mine'",
    "CREATE TEMP TABLE skill_event AS SELECT 1 AS x; DELETE FROM public.skill_event",
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'ada'",
    "SELECT pg_read_file('/etc/hostname')",
)


@pytest.fixture(scope="module")
def shared(team_databases: TeamDatabases) -> tuple[PostgresServer, str]:
    """A database as before PostgreSQL 15, where everybody might create; ada and bob asked something."""
    server = team_databases.server
    url = team_databases.another()
    name = url.partition("@/")[2].partition("?")[0]
    server.execute("GRANT CREATE ON SCHEMA public TO PUBLIC", name)
    with opened(PostgresStore(url, home_hash("owner"))) as owner:
        Team(owner).init(writers=["ada", "bob"], readers=["eve"])
    for user, text, keyed in (("ada", SECRET, HASH), ("bob", "lunch", "a1" * 16)):
        with opened(PostgresStore(url.replace("owner@", f"{user}@"), home_hash(user))) as store:
            asked = {"query_text": text, "query_hash": keyed, "query_length": 15, "session_id": user}
            uses = [recorded(f"{user}-{number}", number, **asked) for number in range(60)]
            store.fold(Batch((*uses, session_event("session_started", user, 0))))
    server.execute("ANALYZE", name)
    return server, name


def attempt(server: PostgresServer, database: str, user: str, statement: str) -> tuple[str, bool]:
    """(all that is shown to a user, whether it was refused)."""
    shown: list[str] = []
    refused = False
    raw = psycopg.connect(server.url(database, user), autocommit=True)
    raw.add_notice_handler(lambda notice: shown.append(notice.message_primary or ""))
    raw.execute(TELLTALE)
    for one in statement.split("; "):
        try:
            if one.endswith(("STDOUT", "STDIN")):
                with raw.cursor().copy(one.encode()) as copying:
                    shown += [bytes(line).decode() for line in copying] if one.endswith("STDOUT") else []
                continue
            cursor = raw.execute(one.encode())
            shown.append(str(cursor.fetchall() if cursor.description else ""))
        except psycopg.Error as error:
            shown.append(str(error))
            refused = True
    raw.close()
    return " ".join(shown), refused


def relations(server: PostgresServer, database: str) -> dict[str, str]:
    """Every table and view with its first column."""
    column = "SELECT attname FROM pg_attribute WHERE attrelid = '{}'::regclass AND attnum = 1"
    names = [row[0] for row in server.execute(RELATIONS, database)]
    return {name: server.execute(column.format(name), database)[0][0] for name in names}


def content(server: PostgresServer, database: str) -> dict[str, object]:
    """Every relation's rows, as a number and a sum."""
    text = "SELECT count(*), md5(string_agg(one::TEXT, '|' ORDER BY one::TEXT)) FROM {} AS one"
    return {name: server.execute(text.format(name), database) for name in relations(server, database)}


def test_a_reader_changes_nothing_by_any_statement(shared: tuple[PostgresServer, str]) -> None:
    server, database = shared
    before = content(server, database)
    for name, column in relations(server, database).items():
        for statement in WRITES:
            said, refused = attempt(server, database, "eve", statement.format(name=name, column=column))
            assert refused, (name, statement, said)
    assert content(server, database) == before
    assert len(before) > 40


@pytest.mark.parametrize("user", ["bob", "eve"])
def test_nobody_is_shown_what_another_asked_by_any_statement(
    shared: tuple[PostgresServer, str], user: str
) -> None:
    server, database = shared
    of_ada = "SELECT count(*), min(query_text), max(query_hash), max(note) FROM {} WHERE written_by = 'ada'"
    for name in (
        "skill_event",
        "skill_invocation",
        "own_event",
        "own_invocation",
        "team_event",
        "team_invocation",
    ):
        for statement in READS:
            said, _ = attempt(server, database, user, statement.format(name=name))
            assert SECRET not in said, (name, statement)
            assert HASH not in said, (name, statement)
    for statement in OF_NO_TABLE:
        said, _ = attempt(server, database, user, statement.format(database=database))
        assert SECRET not in said, statement
    for table in ("skill_event", "skill_invocation"):
        assert server.execute(of_ada.format(table), database) == [(60, SECRET, HASH, None)]
    made = "SELECT count(*) FROM pg_proc WHERE proname = 'coalesce_all'"
    assert server.execute(made, database) == [(0,)]
    assert "mine" not in relations(server, database)
