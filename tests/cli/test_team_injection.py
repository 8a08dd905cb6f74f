"""No word of a command line and no field of a file is taken for SQL by a team's server.

The words come from the commands' own parameters, so that none is forgotten when one is added.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from session_buddy.cli.app import session_buddy
from session_buddy.models.answers import Invocation
from tests.cli.conftest import Run
from tests.support.postgres import PostgresServer, free_port, running

pytestmark = pytest.mark.slow
EVIL = (
    "x'); DROP TABLE skill_event CASCADE; DELETE FROM skill_metrics; --%s %(rows)s $rows {0} \\ \" $$ ' || '"
)
OF_NO_STORE = {
    "demo",
    "install",
    "uninstall",
    "watch",
    "websocket-server",
    "token",
    "serve",
    "hook",
    "evaluate",
}
"""They ask no database, or end only when they are told to."""
EXAMPLES = {"--outcome": "completed", "--phase": "tests", "--session": "s", "reason": "r", "--seconds": "1"}
INSTANTS = {"--since", "--until", "--before"}
USE = {
    "skill_name": "canary",
    "outcome": "completed",
    "session_id": "kept",
    "project": "/home/ada/atlas",
    "invoked_at": "2026-03-02T10:00:00Z",
}


def commands(
    group: click.Command, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    if isinstance(group, click.Group):
        context = click.Context(group)
        for name in group.list_commands(context):
            found = group.get_command(context, name)
            if found is not None and name not in OF_NO_STORE:
                yield from commands(found, (*path, name))
    else:
        yield path, group


def lines() -> Iterator[list[str]]:
    """A command line for each word that may be any text, with that text in its place."""
    for path, command in commands(session_buddy):
        for parameter in command.params:
            free = isinstance(parameter.type, click.types.StringParamType) or parameter.opts[0] in INSTANTS
            if free and parameter.opts[0] not in ("--home", "--prometheus", "--alertmanager", "--output"):
                yield [*path, *words(command, parameter)]


def words(command: click.Command, evil: click.Parameter) -> list[str]:
    """What a command needs, and the text."""
    given: list[str] = []
    for parameter in command.params:
        name = parameter.opts[0]
        if parameter is not evil and not (parameter.required or name in ("--outcome", "--phase", "--yes")):
            continue
        value = EVIL if parameter is evil else EXAMPLES.get(name, "canary")
        if name == "command":
            value = "true"
        flag = isinstance(parameter, click.Option)
        alone = flag and parameter.is_flag  # type: ignore[attr-defined]
        given += [name] if alone else [*([name] if flag else []), value]
    return given


@pytest.fixture(scope="module")
def server(postgres_binaries: Path) -> Iterator[PostgresServer]:
    with running(postgres_binaries, listen_addresses="127.0.0.1", port=free_port()) as made:
        made.execute("CREATE DATABASE team")
        yield made


@pytest.fixture
def store(server: PostgresServer) -> dict[str, str]:
    address = server.tcp_url("owner", "", "team", sslmode="disable")
    return {"SESSION_BUDDY_STORE": address, "SESSION_BUDDY_TEAM_PROJECTS": "*"}


def tables(server: PostgresServer) -> list[str]:
    found = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1"
    return [row[0] for row in server.execute(found, "team")]


def test_no_word_of_a_command_is_taken_for_sql(
    run: Run, server: PostgresServer, store: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "uses.jsonl").write_text(json.dumps(USE))
    assert run("team", "init", **store).returncode == 0
    assert run("import", str(tmp_path / "uses.jsonl"), **store).returncode == 0
    before = tables(server)
    tried = list(lines())
    assert len(tried) > 40
    for line in tried:
        done = run(*line, **store)
        said = done.stdout + done.stderr
        assert "PostgreSQL:" not in said, (line, said)
        assert "Traceback" not in said, (line, said)
        assert tables(server) == before, line
    kept = "SELECT invocation_count FROM skill_metrics WHERE skill_name = 'canary'"
    assert server.execute(kept, "team") == [(1,)]
    made = [row[0] for row in server.execute("SELECT rolname FROM pg_roles")]
    assert not any("DROP" in name for name in made)


def test_no_field_of_a_file_is_taken_for_sql_on_its_way_up_back_and_out(
    run: Run, server: PostgresServer, store: dict[str, str], tmp_path: Path
) -> None:
    server.execute("DROP DATABASE team WITH (FORCE)")
    server.execute("CREATE DATABASE team")
    fields = [name for name, field in Invocation.model_fields.items() if "str" in str(field.annotation)]
    uses = [
        USE | {"session_id": f"s-{number}"} | {name: EVIL} for number, name in enumerate(["project", *fields])
    ]
    given = tmp_path / "uses.jsonl"
    given.write_text("".join(f"{json.dumps(use)}\n" for use in [USE, *uses]))
    took = run("import", str(given))
    assert took.returncode == 0, took.stderr
    own = run("export", "--json")
    assert own.stdout.count("DROP TABLE") >= 4
    assert run("team", "init", **store).returncode == 0
    before = tables(server)
    pushed = run("team", "push", **store)
    assert (pushed.returncode, "Traceback" in pushed.stderr) == (0, False), pushed.stderr
    new = str(tmp_path / "new")
    pulled = run("team", "pull", "--home", new, **store)
    assert pulled.returncode == 0, pulled.stderr
    assert run("export", "--json", "--home", new).stdout == own.stdout
    assert run("export", "--json", **store).stdout == own.stdout
    again = tmp_path / "again.jsonl"
    again.write_text(own.stdout)
    assert run("import", str(again), **store).returncode == 0
    assert run("export", "--json", **store).stdout == own.stdout
    assert tables(server) == before


def test_a_name_of_a_user_with_quotes_is_that_users_name(
    run: Run, server: PostgresServer, store: dict[str, str]
) -> None:
    name = "o'hara; DROP TABLE skill_event --%s $$"
    assert run("team", "init", "--writer", name, **store).returncode == 0
    member = "SELECT 1 FROM pg_roles WHERE rolname = 'o''hara; DROP TABLE skill_event --%s $$'"
    assert server.execute(member) == [(1,)]
    assert "skill_event" in tables(server)
    refused = run("team", "init", "--writer", 'x"; DROP TABLE skill_event; --', **store)
    assert refused.returncode == 1
    assert "leave quotes out" in refused.stderr
