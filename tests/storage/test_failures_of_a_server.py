"""What a server and PgBouncer say, and what a member of the team is told instead."""

import psycopg
import pytest
from psycopg_pool import PoolTimeout

from session_buddy.errors import UNAVAILABLE, MayNotWrite
from session_buddy.storage.postgres_failures import ServerGone, explain, silent

SAID = {
    'FATAL:  password authentication failed for user "ada"': ("login", "this user or password"),
    "FATAL:  SASL authentication failed": ("login", "this user or password"),
    'FATAL:  role "ada" does not exist': ("login", "this user or password"),
    'FATAL:  role "ada" is not permitted to log in': ("login", "this user or password"),
    'FATAL:  database "team" does not exist': ("no_database", "There is no database"),
    "FATAL:  no such database: team": ("no_database", "There is no database"),
    'FATAL:  permission denied for database "team"': ("rights", "may not do that"),
    "FATAL:  sorry, too many clients already": ("connections", "no connection left"),
    'FATAL:  too many connections for role "ada"': ("connections", "no connection left"),
    "FATAL:  no more connections allowed (max_client_conn)": ("connections", "no connection left"),
    "SSL error: certificate verify failed": ("certificate", "cannot be trusted"),
    'root certificate file "/x" does not exist': ("certificate", "cannot be trusted"),
    "connection timeout expired": ("silent", "cannot be reached"),
    "Connection refused": ("unreachable", "cannot be reached"),
}
PGBOUNCER = {
    "server login has been failing, try again later (server_login_retry)": ("pooler", "cannot log in there"),
    "server login has been failing, cached error: database does not exist": ("no_database", "no database"),
    "query_wait_timeout": ("connections", "takes connections and answers nothing"),
    "server conn crashed?": ("pooler", "cannot log in there"),
}
STATES: dict[type[psycopg.Error], str] = {
    psycopg.errors.InvalidPassword: "login",
    psycopg.errors.InvalidCatalogName: "no_database",
    psycopg.errors.InsufficientPrivilege: "rights",
    psycopg.errors.ReadOnlySqlTransaction: "read_only",
    psycopg.errors.DiskFull: "disk_full",
    psycopg.errors.TooManyConnections: "connections",
    psycopg.errors.UndefinedTable: "schema",
    psycopg.errors.AdminShutdown: "unreachable",
    psycopg.errors.DivisionByZero: "other",
}


@pytest.mark.parametrize("text", SAID)
def test_what_a_server_says_while_one_connects_is_told_with_its_reason(text: str) -> None:
    told = explain(psycopg.OperationalError(text), "team on db")
    assert (told.reason, SAID[text][1] in str(told)) == (SAID[text][0], True), told


@pytest.mark.parametrize("text", PGBOUNCER)
def test_what_pgbouncer_says_itself_is_told_with_its_reason(text: str) -> None:
    told = explain(psycopg.errors.ProtocolViolation(text), "team on db")
    assert (told.reason, PGBOUNCER[text][1] in str(told)) == (PGBOUNCER[text][0], True), told


def test_every_reason_is_one_that_metrics_and_the_runbook_know() -> None:
    found = {kind: explain(kind("x"), "team on db") for kind in STATES}
    assert {kind: told.reason for kind, told in found.items()} == STATES
    assert isinstance(found[psycopg.errors.InsufficientPrivilege], MayNotWrite)
    assert isinstance(explain(PoolTimeout("x"), "team on db"), ServerGone)
    reasons = {*STATES.values(), silent("x").reason, *(reason for reason, _ in (SAID | PGBOUNCER).values())}
    assert reasons <= set(UNAVAILABLE)
