"""A real PostgreSQL server for tests: made in a folder of its own, on a unix socket, gone with the tests."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from session_buddy.models.protocols import KeyedHash
from session_buddy.storage.postgres_database import PostgresDatabase
from session_buddy.storage.postgres_store import PostgresStore

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

    def make(self) -> None:
        """Make the folder's data."""
        self._own(self.folder)
        self._run("initdb", "--auth=trust", "--username=owner", "--no-sync", "-D", str(self.folder / "data"))

    def start(self) -> None:
        """Start, and return when it answers."""
        options = [part for name, value in self._settings.items() for part in ("-c", f"{name}={value}")]
        command = [str(self._binaries / "postgres"), "-D", str(self.folder / "data"), *options]
        log = (self.folder / "log").open("ab")
        with log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, **_as_nobody_great())
        self._run("pg_isready", "-h", str(self.folder), "-p", str(self.port), "-t", "20", wait=True)

    def stop(self, how: str = "fast") -> None:
        """Stop: `fast` breaks connections off, `immediate` is a crash."""
        if self._process is not None:
            self._run("pg_ctl", "-D", str(self.folder / "data"), "-m", how, "-w", "stop")
            self._process.wait(20)
            self._process = None

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
        for _ in range(200 if wait else 1):
            done = subprocess.run(command, capture_output=True, check=False, timeout=60, **_as_nobody_great())
            if done.returncode == 0:
                return
        raise RuntimeError(f"{program}: {done.stdout.decode()}{done.stderr.decode()}")

    def _own(self, path: Path) -> None:
        if os.geteuid() == 0:
            shutil.chown(path, "postgres")


def _as_nobody_great() -> Mapping[str, Any]:
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
