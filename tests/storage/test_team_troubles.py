"""What can be wrong with a team's server: one clear line each, work goes on, and it is folded afterwards."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from unittest import mock

import pytest

from session_buddy import bootstrap
from session_buddy.config import Settings
from session_buddy.errors import StorageError
from session_buddy.models.events import SkillEvent
from session_buddy.models.values import Batch, Caller
from session_buddy.services.reports import InvocationReport
from session_buddy.storage.postgres_store import PostgresStore
from session_buddy.storage.postgres_team import Team
from tests.storage.conftest import keyed_hash, opened
from tests.support.certificates import authority, certificate
from tests.support.events import recorded
from tests.support.postgres import PostgresServer, free_port, running, small_tablespace

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def certified(postgres_binaries: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """A server with a certificate of our own authority for 127.0.0.1; the other authority is nobody's."""
    with running(postgres_binaries, listen_addresses="127.0.0.1", port=free_port()) as server:
        authority(server.folder, "ours")
        authority(server.folder, "other")
        certificate(server.folder, "ours", "IP:127.0.0.1,DNS:db.example.org")
        for name in ("server.crt", "server.key"):
            server.own(server.folder / name)
            server.execute(
                f"ALTER SYSTEM SET ssl_{name[7:].replace('crt', 'cert')}_file = '{server.folder}/{name}'"
            )
        server.execute("ALTER SYSTEM SET ssl = on")
        server.execute("SELECT pg_reload_conf()")
        server.execute("CREATE ROLE ada LOGIN PASSWORD 'right-one'")
        server.execute("CREATE DATABASE team OWNER ada")
        server.ask_for_passwords()
        yield server


def over_tls(server: PostgresServer, signer: str) -> str:
    options = {"sslmode": "verify-full", "sslrootcert": f"{server.folder}/{signer}.crt"}
    return server.tcp_url("ada", "right-one", "team", **options)


def test_a_server_of_the_right_authority_and_name_is_trusted(certified: PostgresServer) -> None:
    with opened(PostgresStore(over_tls(certified, "ours"), keyed_hash)) as store:
        store.fold(Batch((recorded("a", 1),)))
        assert Team(store).status().encrypted


def troubles(server: PostgresServer) -> dict[str, tuple[str, str]]:
    """(address, what is said) of each that is wrong."""
    right = over_tls(server, "ours")
    return {
        "gone": (right.replace(str(server.port), str(free_port())), "cannot be reached"),
        "password": (right.replace("right-one", "wrong-one"), "does not accept this user or password"),
        "authority": (over_tls(server, "other"), "cannot be trusted: its certificate was refused"),
        "name": (right.replace("127.0.0.1", "localhost"), "cannot be trusted: its certificate was refused"),
        "database": (right.replace("/team?", "/nowhere?"), "There is no database"),
        "user": (right.replace("ada:", "eve:"), "does not accept this user or password"),
    }


@pytest.mark.parametrize("trouble", ["gone", "password", "authority", "name", "database", "user"])
def test_a_leader_records_on_and_says_in_one_line_what_is_wrong(
    certified: PostgresServer, trouble: str, tmp_path: Path
) -> None:
    address, said = troubles(certified)[trouble]
    settings = Settings(str(tmp_path / "home"), store=address, team_projects="*")
    with ExitStack() as stack:
        stack.enter_context(mock.patch.dict(os.environ, CLAUDE_CONFIG_DIR=str(tmp_path / "claude")))
        services = stack.enter_context(bootstrap.open_services(settings))
        caller = Caller(connection_id="test", session_id="morning", project="/home/u/project")
        for number in range(3):
            told = InvocationReport(skill_name="review", completed=True, request_key=str(number))
            assert not services.recorder.record_invocation(told, caller).duplicate
        with pytest.raises(StorageError, match=said) as raised:
            services.keeper.migrations()  # what `doctor` asks
        assert "\n" not in str(raised.value)
        assert "wrong-one" not in str(raised.value)
        assert "right-one" not in str(raised.value)
        status = services.keeper.status()
        assert (status.pending_events, status.schema_version, status.counts) == (3, None, {})
        assert said in (status.unanswered or "")
        assert status.unanswered in status.notices
    lines = "".join(path.read_text("utf-8") for path in Path(settings.journal).glob("*.jsonl"))
    assert lines.count('"kind":"reported"') == 3


@pytest.fixture
def small_disk(postgres_binaries: Path) -> Iterator[tuple[PostgresServer, Path]]:
    """A server whose database lies on a disk of 24 MB; making one is for root."""
    with running(postgres_binaries) as server, small_tablespace(server, "24m") as disk:
        if disk is None:
            pytest.skip("no tmpfs can be mounted here; root may")
        server.execute("CREATE DATABASE team TABLESPACE small")
        yield server, disk


def test_a_full_disk_is_named_and_what_waited_is_folded_once_there_is_space(
    small_disk: tuple[PostgresServer, Path],
) -> None:
    server, disk = small_disk
    with opened(PostgresStore(server.url("team"), keyed_hash)) as store:
        with pytest.raises(StorageError, match=r"disk of the team's store .* is full") as raised:
            fold_until_it_fails(store)
        assert "\n" not in str(raised.value)
        assert "Nothing is lost" in str(raised.value)
        folded = store.journal_offsets()["journal"]
        assert folded
        assert store.counts()["skill_event"] == folded
        subprocess.run(["mount", "-o", "remount,size=400m", str(disk)], check=True)
        store.fold(Batch(batch(folded), {"journal": folded + 1_000}))
        assert store.counts()["skill_event"] == folded + 1_000


def fold_until_it_fails(store: PostgresStore) -> None:
    for begin in range(0, 100_000, 1_000):
        store.fold(Batch(batch(begin), {"journal": begin + 1_000}))


def batch(begin: int) -> tuple[SkillEvent, ...]:
    return tuple(recorded(f"use-{begin + number}", float(begin + number)) for number in range(1_000))
