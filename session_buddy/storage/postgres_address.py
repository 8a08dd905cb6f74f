"""Where a team's store is, and how it is connected to: verified, and without waiting for ever."""

from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from session_buddy.errors import ConfigurationError

CONNECT_SECONDS = 3
_LOOPBACK = ("", "localhost", "127.0.0.1", "::1")
_SAFE = {"sslmode": "verify-full", "sslrootcert": "system"}


def address_of(url: str) -> tuple[str, str]:
    """(what libpq connects by, what messages call it: without the password).

    Raises:
        ConfigurationError: it cannot be read, or asks to trust any server.
    """
    try:
        given = conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        raise ConfigurationError(
            "The setting `store` (SESSION_BUDDY_STORE) is no address of a PostgreSQL database; write it as "
            "postgresql://USER@HOST/DATABASE, and the password into ~/.pgpass."
        ) from None
    host = str(given.get("host") or given.get("hostaddr") or "")
    local = all(one.startswith(("/", "@")) or one in _LOOPBACK for one in host.split(","))
    if not local and given.get("sslmode", "verify-full") not in ("verify-full", "verify-ca"):
        raise ConfigurationError(
            f"The setting `store` asks for sslmode={given['sslmode']}, which trusts any server. Leave it "
            "out, or use verify-full with `sslrootcert` naming the certificate of your authority."
        )
    asked: dict[str, Any] = {
        "connect_timeout": CONNECT_SECONDS,
        "application_name": "session-buddy",
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 15_000,
    }
    if not local:
        asked |= _SAFE if "sslrootcert" not in given else {"sslmode": "verify-full"}
    named_at = f"{given.get('dbname') or 'session_buddy'} on {host or 'this machine'}"
    return make_conninfo("", **{**asked, **given}), named_at
