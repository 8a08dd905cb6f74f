"""Settings, and where everything lies on disk.

Standard library only, and little of it: the relay imports this module before it answers `initialize`.
A setting comes from, in this order: a command-line flag, `SESSION_BUDDY_<NAME>`, `config.toml` in the
home, the default below.
"""

import os
import sys
from collections.abc import Mapping
from typing import Any, NamedTuple

from session_buddy.errors import ConfigurationError

_SHORTEST_SECRET = 32
_LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_SIZE_UNITS = ("K", "M", "G", "T")
_SOCKET_PATH_LIMIT = 100  # sun_path holds 108 bytes on Linux and 104 on macOS, with the closing NUL


class Settings(NamedTuple):
    """What can be set, with its default.

    home: directory of all data. transport: `unix` or `tcp`, how relays reach the leader.
    store_queries: keep redacted prompt text (else only a keyed hash and a length).
    fold_interval_seconds: the longest time an acknowledged event waits for the database.
    log_level: of the messages on stderr. memory_limit: of DuckDB, to begin with.
    port, host: where the feed, the live page and the metrics are served; port 0 serves none.
    update_interval: seconds between updates of the feed. metrics_port: a further port for the metrics, or 0.
    tls_cert, tls_key: files of a certificate and its key; with them the feed speaks TLS.
    feed_secret: signs the tokens that subscribers show; without one none is asked for.
    feed_hosts: further names, separated by commas, under which the feed may be reached.
    store: address of a team's PostgreSQL database (postgresql://USER@HOST/DATABASE); empty: the home's.
    team_projects: folders, separated as in PATH, whose sessions go to the team's store; `*` for all.
    shortcuts: keys that editors show with a suggestion, as `skill=keys` separated by commas.
    exploration: share of suggestions in which a lower candidate stands first, 0 to 0.5.
    max_clients: subscribers at once. mode: `window`, or `service` for a leader without an agent's window.
    """

    home: str
    transport: str = "tcp" if sys.platform == "win32" else "unix"
    store_queries: bool = False
    fold_interval_seconds: float = 1.0
    log_level: str = "WARNING"
    memory_limit: str = "160MB"
    port: int = 8765
    host: str = "127.0.0.1"
    update_interval: float = 1.0
    metrics_port: int = 0
    tls_cert: str = ""
    tls_key: str = ""
    feed_secret: str = ""
    feed_hosts: str = ""
    max_clients: int = 100
    shortcuts: str = ""
    mode: str = "window"
    store: str = ""
    team_projects: str = ""
    exploration: float = 0.05

    @property
    def database(self) -> str:
        """The DuckDB file. Only the leader opens it, and nothing else in the leader's process ever does."""
        return os.path.join(self.home, "session-buddy.duckdb")

    @property
    def spill(self) -> str:
        """Folder in which DuckDB keeps what its memory does not hold; nothing in it outlives the leader."""
        return f"{self.database}.tmp"

    @property
    def lock(self) -> str:
        """The file whose exclusive lock makes a process the leader; apart from the database on purpose."""
        return os.path.join(self.home, "leader.lock")

    @property
    def journal(self) -> str:
        """Directory of the journals that acknowledge events and are not folded and archived yet."""
        return os.path.join(self.home, "journal")

    @property
    def archive(self) -> str:
        """Directory of the folded journals, compressed; `rebuild` makes the database from them."""
        return os.path.join(self.home, "archive")

    @property
    def quarantine(self) -> str:
        """Directory of journal lines that could not be read, kept for inspection."""
        return os.path.join(self.home, "quarantine")

    @property
    def hash_key(self) -> str:
        """File of the random key under which user ids and prompts are hashed."""
        return os.path.join(self.home, "hash.key")

    @property
    def leader_file(self) -> str:
        """JSON that the leader writes about itself: pid, version, since, transport address."""
        return os.path.join(self.home, "leader.json")

    @property
    def token_file(self) -> str:
        """Port and token of the leader's loopback socket where `transport` is `tcp`."""
        return os.path.join(self.home, "leader.token")

    @property
    def socket(self) -> str:
        """Path of the leader's unix socket, short enough for the kernel whatever the home's length."""
        return _socket_path(self.home, "leader.sock")

    @property
    def wake_socket(self) -> str:
        """Path of the datagram socket on which a writer tells the leader that there is something to fold."""
        return _socket_path(self.home, "wake.sock")


def _socket_path(home: str, name: str) -> str:
    path = os.path.join(home, name)
    if len(os.fsencode(path)) <= _SOCKET_PATH_LIMIT:
        return path
    import hashlib  # brings OpenSSL: 4 MB and 4 ms that only a home with a long path pays for

    digest = hashlib.sha256(os.fsencode(os.path.abspath(home))).hexdigest()[:16]
    place = os.path.join(f"session-buddy-{digest}", name)
    if runtime := os.environ.get("XDG_RUNTIME_DIR"):
        path = os.path.join(runtime, place)
        if len(os.fsencode(path)) <= _SOCKET_PATH_LIMIT:
            return path
    return os.path.join(f"/tmp/session-buddy-{os.getuid()}", place)  # noqa: S108 - made private by the leader


def default_home(environ: Mapping[str, str]) -> str:
    """The home when nothing names one: `~/.session-buddy`."""
    return os.path.join(os.path.expanduser(environ.get("HOME") or "~"), ".session-buddy")


def load_settings(
    flags: Mapping[str, Any] | None = None, environ: Mapping[str, str] | None = None
) -> Settings:
    """Settings from flags over environment over `config.toml` over defaults.

    Raises:
        ConfigurationError: a value cannot be used; the message names the setting and where it was set.
    """
    environ = os.environ if environ is None else environ
    given = {name: value for name, value in (flags or {}).items() if value is not None}
    home = given.get("home") or environ.get("SESSION_BUDDY_HOME") or default_home(environ)
    home = os.path.abspath(os.path.expanduser(home))
    values: dict[str, Any] = {"home": home}
    values |= _from_file(os.path.join(home, "config.toml"))
    values |= _from_environment(environ)
    for name, value in given.items():
        if name in Settings._fields and name != "home":
            values[name] = _convert(name, value, f"the flag --{name.replace('_', '-')}")
    return Settings(**values)


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    found = {}
    for name in Settings._fields[1:]:
        variable = f"SESSION_BUDDY_{name.upper()}"
        if environ.get(variable):
            found[name] = _convert(name, environ[variable], f"the environment variable {variable}")
    return found


def _from_file(path: str) -> dict[str, Any]:
    if not os.path.exists(path):
        return {}
    import tomllib  # only a home with a config.toml pays for it

    try:
        with open(path, "rb") as file:
            table = tomllib.load(file)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        told = getattr(error, "strerror", None) or error
        raise ConfigurationError(f"cannot read {path}: {told}. Correct or remove that file.") from error
    unknown = sorted(set(table) - set(Settings._fields[1:]))
    if unknown:
        known = ", ".join(Settings._fields[1:])
        raise ConfigurationError(f"{path} sets {unknown[0]!r}, which is no setting; there are: {known}.")
    return {name: _convert(name, value, path) for name, value in table.items()}


def _convert(name: str, value: Any, where: str) -> Any:
    """`value` in the type of the setting's default."""
    if name == "transport" and value not in ("unix", "tcp"):
        raise ConfigurationError(f"{where} sets transport to {value!r}; use 'unix' or 'tcp'.")
    if name == "store_queries":
        return _boolean(name, value, where)
    if name == "fold_interval_seconds":
        return _number(name, value, where, 0.01, 3600)
    if name == "update_interval":
        return _number(name, value, where, 0.1, 60)
    if name == "exploration":
        return _number(name, value, where, 0.0, 0.5, "")
    if name in ("port", "metrics_port"):
        return _count(name, value, where, 0, 65_535)
    if name == "max_clients":
        return _count(name, value, where, 1, 100_000)
    return _text(name, value, where)


def _text(name: str, value: Any, where: str) -> str:
    text = str(value)
    if name in ("memory_limit", "log_level"):
        _check_word(name, text, where)
    if name == "mode" and text not in ("window", "service"):
        raise ConfigurationError(f"{where} sets mode to {text!r}; use 'window' or 'service'.")
    if name == "store" and text and not text.startswith(("postgresql://", "postgres://")):
        raise ConfigurationError(
            f"{where} sets store to something that does not begin with postgresql://; write it as "
            "postgresql://USER@HOST/DATABASE."
        )
    if name == "feed_secret" and 0 < len(text) < _SHORTEST_SECRET:
        raise ConfigurationError(
            f"{where} sets feed_secret to {len(text)} characters; use {_SHORTEST_SECRET} random ones or more."
        )
    return text


def _check_word(name: str, text: str, where: str) -> None:
    """What would else fail far from here: in the database, or not at all."""
    if name == "log_level" and text.upper() not in _LOG_LEVELS:
        raise ConfigurationError(f"{where} sets log_level to {text!r}; use one of: {', '.join(_LOG_LEVELS)}.")
    number = text.rstrip("BKMGTIbkmgti ")
    unit = text[len(number) :].strip().upper().removesuffix("B").removesuffix("I")
    if name == "memory_limit" and (not number.replace(".", "", 1).isdecimal() or unit not in _SIZE_UNITS):
        raise ConfigurationError(f"{where} sets memory_limit to {text!r}; write it as 160MB or 2GB.")


def _boolean(name: str, value: Any, where: str) -> bool:
    text = str(value).strip().lower()
    if text in ("1", "true", "yes", "on"):
        return True
    if text in ("0", "false", "no", "off"):
        return False
    raise ConfigurationError(f"{where} sets {name} to {value!r}; use true or false.")


def _number(name: str, value: Any, where: str, least: float, most: float, unit: str = " of seconds") -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = -1.0
    if not least <= number <= most:
        raise ConfigurationError(
            f"{where} sets {name} to {value!r}; use a number{unit} from {least:g} to {most:g}."
        )
    return number


def _count(name: str, value: Any, where: str, least: int, most: int) -> int:
    try:
        count = int(value)
    except (TypeError, ValueError):
        count = -1
    if not least <= count <= most:
        raise ConfigurationError(
            f"{where} sets {name} to {value!r}; use a whole number from {least} to {most}."
        )
    return count
