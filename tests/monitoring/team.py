"""A team's server with all before it that can fail, and the machines that work with it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import psycopg

from session_buddy.storage.postgres_store import PostgresStore
from session_buddy.storage.postgres_team import Team
from tests.support.certificates import authority, certificate
from tests.support.live import ask, free_port
from tests.support.postgres import Bouncer, Cable, PostgresServer, running, small_tablespace
from tests.support.stdio_client import StdioClient
from tests.support.waiting import wait_for

CHECKOUT = Path(__file__).parents[2]
RIGHT, WRONG = "right-one", "wrong-one"
ENDED = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'ada'"
REVOKED = "REVOKE session_buddy_writer FROM ada"
NEWER = "INSERT INTO skill_migrations VALUES (99, 'later', 'c', now())"


class Machine:
    """One home: an agent's window that leads, and the commands that are typed beside it."""

    def __init__(self, name: str, folder: Path, address: str) -> None:
        self.name = name
        self.port = free_port()
        self.recorded: list[str] = []
        self._home = folder / name
        self._home.mkdir()
        passwords = self._home / ".pgpass"
        passwords.write_text(f"*:*:*:ada:{RIGHT}\n")
        passwords.chmod(0o600)
        beside = Path(sys.executable).with_name("session-buddy")
        self._command = [str(beside)] if beside.exists() else [sys.executable, "-m", "session_buddy"]
        self._environ = os.environ | {
            "HOME": str(self._home),
            "PYTHONPATH": str(CHECKOUT),
            "SESSION_BUDDY_HOME": str(self._home / "record"),
            "SESSION_BUDDY_PORT": str(self.port),
            "SESSION_BUDDY_STORE": address,
            "SESSION_BUDDY_TEAM_PROJECTS": "*",
            "CLAUDE_CONFIG_DIR": str(self._home / "claude"),
        }
        self._log = self._home / "stderr"
        self.window = StdioClient([*self._command, "serve"], env=self._environ, stderr=self._log)

    def record(self, count: int) -> None:
        """Uses of skills, each acknowledged."""
        for number in range(count):
            told = {"skill_name": f"skill-{number % 5}", "completed": True, "note": "n" * 450}
            answer = self.window.call("record_skill_invocation", told, key=str(uuid4()))
            assert not answer.get("isError"), answer
            self.recorded.append(answer["structuredContent"]["invocation_id"])

    def run(self, *words: str) -> "subprocess.Popen[str]":
        """A command that was begun."""
        command = [*self._command, *words]
        return subprocess.Popen(
            command, env=self._environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def metrics(self) -> str:
        """What `/metrics` says; nothing before it listens."""
        try:
            return ask(self.port, b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")[2].decode()
        except OSError:
            return ""

    @property
    def said(self) -> str:
        """All that its leader wrote to stderr."""
        return self._log.read_text()

    def close(self) -> None:
        """Leave as an agent does."""
        self.window.close(20)


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong, and is mended. of: machine -> (reason, what its user reads)."""

    name: str
    breaks: Callable[[], object]
    mends: Callable[[], object]
    of: Mapping[str, tuple[str, str]] = field(default_factory=dict)


class TeamServer:
    """A server over TLS with passwords, its database on a small disk, PgBouncer, and a cable to each."""

    def __init__(self, server: PostgresServer, disk: Path | None, stack: ExitStack) -> None:
        self._server = server
        self._disk = disk
        self._held: list[psycopg.Connection[tuple[object, ...]]] = []
        self._certify("ours", "server")
        self._certify("other", "foreign")
        self._offer("server")
        server.execute("ALTER SYSTEM SET ssl = on")
        server.execute(f"CREATE ROLE ada LOGIN PASSWORD '{RIGHT}'")
        self._space = "TABLESPACE small" if disk else ""
        server.execute(f"CREATE DATABASE team {self._space}")
        owner = PostgresStore(server.url("team"), lambda text: f"owner's {text}")
        owner.open()
        Team(owner).init(writers=["ada"])
        owner.close()
        server.ask_for_passwords()
        self._bouncer = Bouncer(server, "team")
        files = {"key": ".key", "cert": ".crt"}
        self._bouncer.settings |= {
            "auth_type": "scram-sha-256",
            "server_login_retry": "1",
            "client_tls_sslmode": "require",
        } | {f"client_tls_{kind}_file": f"{server.folder}/server{end}" for kind, end in files.items()}
        self._bouncer.let_in("ada", RIGHT)
        self._bouncer.start()
        stack.callback(self._bouncer.stop)
        self._cables = {"direct": Cable(server.port), "pooled": Cable(self._bouncer.port)}
        for cable in self._cables.values():
            stack.callback(cable.close)
        stack.callback(self._let_go)

    def address(self, name: str) -> str:
        """Where a machine finds the store; the password is in its user's file."""
        trusted = f"sslmode=verify-full&sslrootcert={self._server.folder}/ours.crt"
        return f"postgresql://ada@127.0.0.1:{self._cables[name].port}/team?{trusted}"

    def uses(self) -> list[str]:
        """The ids of all that the server has."""
        return [
            str(row[0]) for row in self._server.execute("SELECT invocation_id FROM skill_invocation", "team")
        ]

    def faults(self) -> Iterator[Fault]:
        """Everything that may go wrong, one after another."""
        gone, pooler = "cannot be reached", ("pooler", "PgBouncer before the team's store")
        yield Fault(
            "the server is gone",
            lambda: self._server.stop("immediate"),
            self._server.start,
            {"direct": ("unreachable", gone), "pooled": pooler},
        )
        yield Fault(
            "PgBouncer is gone", self._bouncer.stop, self._bouncer.start, {"pooled": ("unreachable", gone)}
        )
        yield self._of_both("the network is silent", self._silence, self._mend_cables, "silent", gone)
        said = "does not accept this user or password"
        yield self._of_both(
            "the password is wrong", lambda: self._ask(WRONG), lambda: self._ask(RIGHT), "login", said
        )
        said = "cannot be trusted: its certificate was refused"
        yield self._of_both(
            *("the certificate is wrong", lambda: self._show("foreign"), lambda: self._show("server")),
            *("certificate", said),
        )
        older = "DELETE FROM skill_migrations WHERE version = 99"
        said = "a newer one made it. Update session-buddy"
        yield self._of_both(
            *("the schema is newer", lambda: self._in_team(NEWER), lambda: self._in_team(older)),
            *("schema", said),
        )
        if self._disk is not None:
            yield self._of_both("the disk is full", self._fill, self._free, "disk_full", "disk of the team's")
        said = "takes connections and answers nothing"
        held = {"pooled": ("connections", said)}
        yield Fault("PgBouncer's pool is exhausted", self._hold, self._let_go, held)
        granted = "GRANT session_buddy_writer TO ada"
        said = "This user may not do that"
        yield self._of_both(
            *("the rights are revoked", lambda: self._in_team(REVOKED), lambda: self._in_team(granted)),
            *("rights", said),
        )
        dropped = {"direct": ("no_database", "There is no database"), "pooled": pooler}
        yield Fault("the database is dropped", self._drop, self._restore, dropped)

    def _of_both(
        self, name: str, breaks: Callable[[], object], mends: Callable[[], object], reason: str, said: str
    ) -> Fault:
        return Fault(name, breaks, mends, dict.fromkeys(self._cables, (reason, said)))

    def _in_team(self, statement: str) -> None:
        self._server.execute(statement, "team")

    def _certify(self, signer: str, name: str) -> None:
        folder = self._server.folder
        authority(folder, signer)
        certificate(folder, signer, "IP:127.0.0.1", name)
        for ending in (".crt", ".key"):
            self._server.own(folder / f"{name}{ending}")

    def _offer(self, name: str) -> None:
        for kind, ending in (("cert", ".crt"), ("key", ".key")):
            path = self._server.folder / f"{name}{ending}"
            self._server.execute(f"ALTER SYSTEM SET ssl_{kind}_file = '{path}'")
        self._server.execute("SELECT pg_reload_conf()")

    def _show(self, name: str) -> None:
        """Go on with another certificate, as who renews it does: both are started anew."""
        self._offer(name)
        self._bouncer.settings |= {
            f"client_tls_{kind}_file": f"{self._server.folder}/{name}{ending}"
            for kind, ending in (("key", ".key"), ("cert", ".crt"))
        }
        self._restart()

    def _ask(self, password: str) -> None:
        self._server.execute(f"ALTER ROLE ada PASSWORD '{password}'")
        self._bouncer.let_in("ada", password)
        self._restart()

    def _restart(self) -> None:
        self._bouncer.stop()
        self._server.restart("fast")
        self._bouncer.start()

    def _silence(self) -> None:
        for cable in self._cables.values():
            cable.silence()

    def _mend_cables(self) -> None:
        for cable in self._cables.values():
            cable.mend()

    def _fill(self) -> None:
        assert self._disk is not None
        with (self._disk / "filling").open("wb", buffering=0) as file:
            try:
                while file.write(bytes(4096)):
                    pass
            except OSError:
                return

    def _free(self) -> None:
        assert self._disk is not None
        (self._disk / "filling").unlink()

    def _hold(self) -> None:
        address = f"host=127.0.0.1 port={self._bouncer.port} dbname=team user=ada password={RIGHT}"
        for _ in range(2):
            held = psycopg.connect(address)
            held.execute("SELECT 1")  # and nothing after it: the transaction stays open
            self._held.append(held)

    def _let_go(self) -> None:
        while self._held:
            self._held.pop().close()

    def _drop(self) -> None:
        """Drop it after a copy was made, while nobody folds."""
        for cable in self._cables.values():
            cable.cut()
        self._server.execute(ENDED)
        wait_for(self._copied, "nobody is at work there")
        self._server.execute("DROP DATABASE team WITH (FORCE)")
        self._mend_cables()

    def _copied(self) -> bool:
        try:
            self._server.execute("CREATE DATABASE kept TEMPLATE team")
        except Exception:  # noqa: BLE001 - somebody is there still
            self._server.execute(ENDED)
            return False
        return True

    def _restore(self) -> None:
        self._server.execute(f"CREATE DATABASE team TEMPLATE kept {self._space}")


@contextmanager
def team_server(binaries: Path) -> Iterator[TeamServer]:
    """The server and what is before it, while the block lasts."""
    with ExitStack() as stack:
        server = stack.enter_context(running(binaries, listen_addresses="127.0.0.1", port=free_port()))
        disk = stack.enter_context(small_tablespace(server, "64m"))
        yield TeamServer(server, disk, stack)


def problems_of(doctor: str) -> list[str]:
    """What `doctor --json` calls problems of the record; that no agent is installed here is none."""
    found = [one for one in json.loads(doctor)["findings"] if one["check"] != "agents"]
    return [f"{one['detail']}. {one['remedy']}" for one in found if one["state"] == "problem"]
