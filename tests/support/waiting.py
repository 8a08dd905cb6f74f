"""Waiting for a condition, with a deadline and without guessing how long things take."""

import functools
import subprocess
import sys
import time
from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")


def wait_for(condition: Callable[[], Value], what: str, seconds: float = 20.0) -> Value:
    """The first true value of `condition`; fails, naming `what`, if there is none in time."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"after {seconds:g} s there was still not: {what}")
        time.sleep(0.005)


def promised(seconds: float) -> float:
    """A bound of so many seconds, longer on a machine that is busy with other work now.

    Busy is measured by what the promises consist of, the import of the server's libraries: where that
    alone takes longer than a second, the bound grows by the same factor.
    """
    return seconds * max(1.0, _import_seconds())


@functools.cache
def _import_seconds() -> float:
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", "import mcp.server.mcpserver"], check=True)
    return time.monotonic() - began
