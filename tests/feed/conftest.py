from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.live import LiveHome, Running, live_home, running


@pytest.fixture
def home(tmp_path: Path) -> Iterator[LiveHome]:
    with live_home(tmp_path) as opened:
        yield opened


@pytest.fixture
def served(home: LiveHome) -> Iterator[Running]:
    with running(home) as sidecar:
        yield sidecar
