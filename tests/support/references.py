"""Reference libraries, imported by the first test that compares with one.

They take seconds to import, and every worker reads every test file.
"""

from importlib import import_module
from typing import Any


class Reference:
    """A module that is imported when something of it is first asked for."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(import_module(self._name), attribute)
