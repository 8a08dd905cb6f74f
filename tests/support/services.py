"""The real services on a home of the test's own."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

from session_buddy import bootstrap
from session_buddy.config import Settings
from session_buddy.services import Services


@contextmanager
def open_services(home: Path) -> Iterator[Services]:
    """Services over a DuckDB file and journals in `home`, folding in the background.

    The agent's folder is `claude` beside the home, so that no skill of the developer's is found.
    """
    with (
        mock.patch.dict(os.environ, CLAUDE_CONFIG_DIR=str(home.parent / "claude")),
        bootstrap.open_services(Settings(home=str(home))) as services,
    ):
        yield services
