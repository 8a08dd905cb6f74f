"""`team`, by the real command on a real server: good and bad cases."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.support.postgres import PostgresServer, free_port, running

pytestmark = pytest.mark.slow
USES = [
    {
        "skill_name": skill,
        "outcome": "completed",
        "session_id": f"s{number}",
        "project": f"/home/ada/{project}",
        "invoked_at": f"2026-03-02T10:{number:02}:00Z",
    }
    for number, (skill, project) in enumerate([("review", "atlas"), ("deploy", "private")] * 3)
]
Team = Callable[..., tuple[int, str]]


@pytest.fixture
def server(postgres_binaries: Path) -> Iterator[PostgresServer]:
    with running(postgres_binaries, listen_addresses="127.0.0.1", port=free_port()) as made:
        made.execute("CREATE DATABASE team")
        made.execute("CREATE ROLE stranger LOGIN")
        yield made


@pytest.fixture
def team(run: Run, server: PostgresServer) -> Team:
    """The exit status and all that a command said, by a user of the server, sharing these projects."""

    def as_user(user: str, *words: str, projects: str = "") -> tuple[int, str]:
        store = {
            "SESSION_BUDDY_STORE": server.tcp_url(user, "", "team", sslmode="disable"),
            "SESSION_BUDDY_TEAM_PROJECTS": projects,
        }
        done = run(*words, **store)
        return done.returncode, done.stdout + done.stderr

    return as_user


def test_a_record_goes_up_once_as_far_as_it_was_opted_in_and_comes_back(
    team: Team, run: Run, tmp_path: Path
) -> None:
    (tmp_path / "uses.jsonl").write_text("".join(f"{json.dumps(use)}\n" for use in USES))
    assert run("import", str(tmp_path / "uses.jsonl")).returncode == 0
    assert "its owner runs 'session-buddy team init'" in team("owner", "team", "status")[1]
    for _ in range(2):
        assert team("owner", "team", "init", "--writer", "ada", "--reader", "eve")[0] == 0
    status, said = team("ada", "team", "push")
    assert status == 1
    assert "no project goes there. Name folders in `team_projects`" in said
    assert "3 events new" in team("ada", "team", "push", projects="/home/ada/atlas")[1]
    assert "0 events new" in team("ada", "team", "push", projects="/home/ada/atlas")[1]
    assert json.loads(team("ada", "team", "status", "--json")[1])["homes"] == 1
    assert "the team's, see 'session-buddy team status'" in team("ada", "status")[1]
    assert "3 events new" in team("ada", "team", "push", projects="*")[1]
    new = str(tmp_path / "new")
    assert "6 events came back" in team("ada", "team", "pull", "--home", new)[1]
    assert "0 events came back" in team("ada", "team", "pull", "--home", new)[1]
    assert len(run("export", "--json", "--home", new).stdout.splitlines()) == len(USES)


def test_who_may_not_is_told_so_in_one_line(team: Team, run: Run, tmp_path: Path) -> None:
    (tmp_path / "uses.jsonl").write_text(f"{json.dumps(USES[0])}\n")
    assert "owner runs `session-buddy team init`" in team("stranger", "team", "push", projects="*")[1]
    team("owner", "team", "init", "--writer", "ada", "--reader", "eve")
    status, said = team("ada", "team", "init", "--writer", "mallory")
    assert (status, len(said.splitlines())) == (1, 1)
    assert "Only the owner of the team's store" in said
    run("import", str(tmp_path / "uses.jsonl"))
    assert team("ada", "team", "push", projects="*")[0] == 0
    (tmp_path / "own.jsonl").write_text(f"{json.dumps(USES[1])}\n")
    imported = team("eve", "import", str(tmp_path / "own.jsonl"), projects="*")
    assert "This user may not do that" in imported[1]
    assert "1 " in team("eve", "show", "review", projects="*")[1]
    doctor = json.loads(team("eve", "doctor", "--json", projects="*")[1].partition("\nfolding")[0])
    problems = [found["detail"] for found in doctor["findings"] if found["state"] == "problem"]
    assert any("This user may not do that" in problem for problem in problems)
    assert "No team's store is named" in run("team", "status").stderr


@pytest.mark.parametrize("words", [["top"], ["export", "--json"], ["rebuild"]])
def test_a_server_that_is_away_is_told_once(run: Run, recorded: Path, words: list[str]) -> None:
    away = f"postgresql://ada@127.0.0.1:{free_port()}/team?sslmode=disable"
    done = run(*words, SESSION_BUDDY_STORE=away)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("session-buddy: The team's store team on 127.0.0.1 cannot be reached. ")
    assert done.stderr.count("\n") == 1, done.stderr
