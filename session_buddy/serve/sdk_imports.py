"""Importing the protocol's SDK without what a server over stdio never runs (docs/adr/0011).

The SDK's import takes three quarters of the time to a first answer, a third of it for a client, for HTTP, and
for validators of messages that never come. Nothing here changes what a name stands for, only when the work
for it is done; what has already been imported, or is not found, is left alone.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec, module_from_spec
from threading import RLock
from types import ModuleType
from typing import Any, Final

import pydantic

from session_buddy.models.fields import BUILT_AT_FIRST_USE

PACKAGES: Final = ("mcp", "httpx2")
"""Of `mcp` a server needs its parts only; the package itself imports the client. `httpx2` serves that."""

WITHOUT: Final = ("uvicorn",)
"""`sse_starlette` imports it in order to change it, and does without where it is not installed."""

_running: Final[set[str]] = set()
_lock: Final = RLock()


class _Deferred(ModuleType):
    """A module that runs when something is looked up that is not there yet; its submodules need no look."""

    def __getattr__(self, name: str) -> Any:
        with _lock:
            if self.__name__ in _running:  # it runs in this thread, and has not come to this name
                raise AttributeError(f"module {self.__name__!r} has no attribute {name!r} yet")
            if type(self) is _Deferred:
                self._run()
        return getattr(self, name)

    def _run(self) -> None:
        _running.add(self.__name__)
        try:
            if self.__spec__ is not None and self.__spec__.loader is not None:
                self.__spec__.loader.exec_module(self)
            self.__class__ = ModuleType  # type: ignore[assignment]  # an ordinary module from now on
        finally:
            _running.discard(self.__name__)


@contextmanager
def light_imports() -> Iterator[None]:
    """Imports of the SDK within the block are light. Not for several threads at once."""
    for package in PACKAGES:
        _defer(package)
    absent = [name for name in WITHOUT if name not in sys.modules]
    sys.modules.update(dict.fromkeys(absent))  # type: ignore[arg-type]  # None is how an import is refused
    bases = [base for base in (pydantic.BaseModel, pydantic.RootModel) if BUILT_AT_FIRST_USE]
    for base in bases:
        base.model_config["defer_build"] = True
    try:
        yield
    finally:
        for base in bases:
            del base.model_config["defer_build"]
        for name in absent:
            del sys.modules[name]


def _defer(package: str) -> None:
    """Put a package where an import finds it, not yet run."""
    spec = None if package in sys.modules else find_spec(package)
    if spec is not None and spec.loader is not None:
        module = module_from_spec(spec)
        module.__class__ = _Deferred
        sys.modules[package] = module
