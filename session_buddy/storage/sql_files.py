"""Where the SQL lies: inside the package in a wheel, beside it in a checkout."""

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from session_buddy.errors import StorageError


def sql_folder() -> Traversable:
    """The folder that holds `migrations`, `queries` and `schema.sql`.

    Raises:
        StorageError: the installation has no SQL.
    """
    packaged = files("session_buddy") / "sql"
    if packaged.is_dir():
        return packaged
    checkout = Path(__file__).parents[2] / "sql"
    if checkout.is_dir():
        return checkout
    raise StorageError("This installation of session-buddy has lost its SQL files; install it again.")
