"""A server over real services with an in-memory database, and clients of both protocol eras."""

from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path

import pytest
from mcp.client.client import Client

from session_buddy.services import Services
from tests.serve.clients import ERAS, connected
from tests.support.services import open_services

Connect = Callable[..., AbstractAsyncContextManager[Client]]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def era() -> str:
    """How a client opens: with the handshake; `@both_eras` adds the envelope on every request."""
    return ERAS[0]


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    with open_services(tmp_path / "home") as opened:
        yield opened


@pytest.fixture
def connect(services: Services, era: str) -> Connect:
    """`async with connect() as client`; keyword arguments are the caller's."""
    return partial(connected, services, era)
