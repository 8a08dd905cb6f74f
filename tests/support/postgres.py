"""A real PostgreSQL server for tests: made in a folder of its own, on a unix socket, gone with the tests."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from session_buddy.models.protocols import KeyedHash
from session_buddy.storage.postgres_database import PostgresDatabase
from session_buddy.storage.postgres_store import PostgresStore

_START_SECONDS = 120.0
"""After a crash a server has to recover first, on a busy machine slowly."""
_UNSAFE_AND_FAST = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "60",
    "shared_buffers": "64MB",
    "log_min_messages": "fatal",
}


class PostgresServer:
    """One server over one folder; it can be stopped and started again."""

    def __init__(self, binaries: Path, folder: Path, port: int = 5432, **settings: str) -> None:
        """binaries: where `postgres` and `initdb` lie. port: also of TCP, if listen_addresses is given."""
        self._binaries = binaries
        self.folder = folder
        self.port = port
        self._settings = {**_UNSAFE_AND_FAST, "listen_addresses": "", "port": str(port), **settings}
        self._settings["unix_socket_directories"] = str(folder)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Of the process that starts the others."""
        assert self._process is not None
        return self._process.pid

    def make(self) -> None:
        """Make the folder's data."""
        self.own(self.folder)
        self._run("initdb", "--auth=trust", "--username=owner", "--no-sync", "-D", str(self.folder / "data"))

    def start(self) -> None:
        """Start, and return when it answers."""
        options = [part for name, value in self._settings.items() for part in ("-c", f"{name}={value}")]
        command = [str(self._binaries / "postgres"), "-D", str(self.folder / "data"), *options]
        log = (self.folder / "log").open("ab")
        with log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, **as_nobody_great())
        self._run("pg_isready", "-h", str(self.folder), "-p", str(self.port), "-t", "20", wait=True)

    def stop(self, how: str = "fast") -> None:
        """Stop: `fast` breaks connections off, `immediate` is a crash."""
        if self._process is not None:
            self._run("pg_ctl", "-D", str(self.folder / "data"), "-m", how, "-w", "stop")
            self._process.wait(20)
            self._process = None

    def restart(self, how: str = "immediate") -> None:
        """Stop, breaking every connection off, and start again."""
        self.stop(how)
        self.start()

    def ask_for_passwords(self) -> None:
        """Let nobody in over TCP without one."""
        rules = self.folder / "data" / "pg_hba.conf"
        rules.write_text("local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n")
        self.execute("SELECT pg_reload_conf()")

    def tcp_url(self, user: str, password: str, database: str = "postgres", **options: str) -> str:
        """An address by TCP."""
        asked = "&".join(f"{name}={value}" for name, value in options.items())
        return f"postgresql://{user}:{password}@127.0.0.1:{self.port}/{database}?{asked}"

    def url(self, database: str = "postgres", user: str = "owner") -> str:
        """An address of a database by the socket."""
        return f"postgresql://{user}@/{database}?host={self.folder}&port={self.port}"

    def execute(self, statement: str, database: str = "postgres", user: str = "owner") -> list[Any]:
        """Run a statement by itself."""
        opened = PostgresDatabase(self.url(database, user), "tests")
        opened.open()
        try:
            return opened.rows(statement)
        finally:
            opened.close()

    def _run(self, program: str, *arguments: str, wait: bool = False) -> None:
        command = [str(self._binaries / program), *arguments]
        deadline = time.monotonic() + (_START_SECONDS if wait else 0.0)
        while True:
            done = subprocess.run(command, capture_output=True, check=False, timeout=60, **as_nobody_great())
            if done.returncode == 0:
                return
            if time.monotonic() > deadline:
                break
            time.sleep(0.02)
        raise RuntimeError(f"{program}: {done.stdout.decode()}{done.stderr.decode()}")

    def own(self, path: Path) -> None:
        """Give a folder to who runs the server."""
        if os.geteuid() == 0:
            shutil.chown(path, "postgres")


def as_nobody_great() -> Mapping[str, Any]:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    return {"user": "postgres", "group": pwd.getpwnam("postgres").pw_gid, "extra_groups": []}


@contextmanager
def running(binaries: Path, **settings: Any) -> Iterator[PostgresServer]:
    """A server that is there while the block lasts."""
    folder = Path(tempfile.mkdtemp(prefix="sb-pg-", dir="/tmp"))
    server = PostgresServer(binaries, folder, **settings)
    try:
        server.make()
        server.start()
        yield server
    finally:
        server.stop("immediate")
        shutil.rmtree(folder, ignore_errors=True)


class TeamDatabases:
    """New databases with the newest schema, copied from one that was migrated."""

    def __init__(self, server: PostgresServer, keyed_hash: KeyedHash) -> None:
        """keyed_hash: of the home that migrates."""
        self.server = server
        self._count = 0
        server.execute("CREATE DATABASE migrated")
        store = PostgresStore(server.url("migrated"), keyed_hash)
        store.open()
        store.close()

    def another(self) -> str:
        """The address of a new database."""
        self._count += 1
        name = f"team_{self._count}"
        self.server.execute(f"CREATE DATABASE {name} TEMPLATE migrated")
        return self.server.url(name)


class Cable:
    """A forwarder on loopback between a machine and the server, which can be cut, or swallow everything."""

    def __init__(self, target: str | int) -> None:
        """target: path of the server's socket, or its port."""
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        self._ended: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._cut = False
        self._silent = False
        self._threads: list[threading.Thread] = []
        self._begin(self._accept)

    def cut(self) -> None:
        """Break every connection off, and refuse new ones until `mend`."""
        self._cut = True
        for end in list(self._open):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def silence(self) -> None:
        """From now on take what is sent, accept what connects, and pass nothing on, until `mend`.

        What was under way then does not come through later either, as of a network that has lost it.
        """
        self._silent = True

    def mend(self) -> None:
        """Let through again; connections of a silent time stay dead."""
        self._cut = self._silent = False

    def close(self) -> None:
        """For good."""
        self.cut()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(5)
        for end in self._open:
            end.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.socket(socket.AF_UNIX if isinstance(self._target, str) else socket.AF_INET)
            if self._silent:
                self._open.append(near)
                far.close()
                self._begin(_swallow, near)
                continue
            goal = self._target if isinstance(self._target, str) else ("127.0.0.1", self._target)
            if self._cut or far.connect_ex(goal):
                near.close()
                far.close()
                continue
            self._open += [near, far]
            for source, target in ((near, far), (far, near)):
                self._begin(self._pump, source, target)

    def _begin(self, work: Callable[..., None], *ends: socket.socket) -> None:
        thread = threading.Thread(target=work, args=ends, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                if self._silent:
                    _swallow(source)
                    break
                target.sendall(data)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        with self._lock:
            if source in self._open and target in self._ended:
                self._let_go(source, target)
            self._ended.add(source)

    def _let_go(self, *ends: socket.socket) -> None:
        """Close both ends once both directions are over, for a trial makes thousands."""
        for end in ends:
            self._open.remove(end)
            self._ended.discard(end)
            end.close()


def _swallow(source: socket.socket) -> None:
    with suppress(OSError):
        while source.recv(65_536):
            pass


@contextmanager
def small_tablespace(server: PostgresServer, size: str) -> Iterator[Path | None]:
    """The disk of a tablespace `small` of so many bytes; None where none can be mounted, which is for root.

    The server is stopped at the end.
    """
    disk = server.folder / "small"
    disk.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(disk)]
    if subprocess.run(words, check=False, capture_output=True).returncode:
        yield None
        return
    try:
        server.own(disk)
        server.execute(f"CREATE TABLESPACE small LOCATION '{disk}'")
        yield disk
    finally:
        server.stop("immediate")
        subprocess.run(["umount", str(disk)], check=True)


class Bouncer:
    """PgBouncer before a server, a connection for each transaction; it comes and goes."""

    def __init__(self, server: PostgresServer, database: str) -> None:
        """It lets `owner` in without a password, and has two connections to the server."""
        self.folder = server.folder / "bouncer"
        self.folder.mkdir()
        server.own(self.folder)
        self.port = free_port()
        self._users = {"owner": ""}
        self._databases = f"{database} = host={server.folder} port={server.port} dbname={database}"
        self.settings = {
            "listen_addr": "127.0.0.1",
            "listen_port": str(self.port),
            "unix_socket_dir": "",
            "auth_type": "trust",
            "auth_file": str(self.folder / "users.txt"),
            "pool_mode": "transaction",
            "default_pool_size": "2",
        }
        self._process: subprocess.Popen[bytes] | None = None

    def let_in(self, user: str, password: str) -> None:
        """From its next start on, let in who knows a password."""
        self._users[user] = password

    def start(self) -> None:
        """Start with the settings as they are."""
        users = "".join(f'"{user}" "{password}"\n' for user, password in self._users.items())
        (self.folder / "users.txt").write_text(users)
        lines = [f"{name} = {value}" for name, value in self.settings.items()]
        text = "\n".join(["[databases]", self._databases, "[pgbouncer]", *lines, ""])
        (self.folder / "bouncer.ini").write_text(text)
        program = shutil.which("pgbouncer") or "/usr/sbin/pgbouncer"
        words = [program, "-q", str(self.folder / "bouncer.ini")]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(words, stderr=log, **as_nobody_great())

    def stop(self) -> None:
        """End it, and every connection through it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None


@contextmanager
def bouncing(server: PostgresServer, database: str) -> Iterator[str]:
    """PgBouncer before a server; its address for the user `owner`."""
    bouncer = Bouncer(server, database)
    bouncer.start()
    try:
        yield f"postgresql://owner@127.0.0.1:{bouncer.port}/{database}"
    finally:
        bouncer.stop()


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port
