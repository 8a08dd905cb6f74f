"""One home for a file's tests: an experiment has a name of its own, and is stopped after its test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from session_buddy.services import Services
from tests.support.services import open_services


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("experiments") / "home"


@pytest.fixture(scope="module")
def shared(home: Path) -> Iterator[Services]:
    with open_services(home) as opened:
        yield opened


@pytest.fixture
def services(shared: Services) -> Iterator[Services]:
    yield shared
    for test in shared.experimenter.overview().experiments:
        if test.status == "running":
            shared.experimenter.stop_test(test.test_name, "its test is over")
