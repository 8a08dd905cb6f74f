"""Models whose validators are built when they are first used can be built."""

from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules

import session_buddy.models
from session_buddy.models.fields import Frozen


def test_every_value_can_be_built() -> None:
    for module in iter_modules(session_buddy.models.__path__):
        import_module(f"session_buddy.models.{module.name}")
    for model in _below(Frozen):
        assert model.model_rebuild() is not False
        assert model.__pydantic_complete__, model


def _below(model: type[Frozen]) -> Iterator[type[Frozen]]:
    for child in model.__subclasses__():
        yield child
        yield from _below(child)
