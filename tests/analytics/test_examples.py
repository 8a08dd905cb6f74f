"""The examples in the docstrings of every method run, and give what they say."""

import doctest
import importlib
import pkgutil

import pytest

from session_buddy import analytics

MODULES = sorted(
    found.name
    for found in pkgutil.walk_packages(analytics.__path__, "session_buddy.analytics.")
    if not found.ispkg
)


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_method_are_true(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0
