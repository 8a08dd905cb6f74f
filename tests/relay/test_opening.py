"""Opening the services while the server already listens."""

import asyncio
import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from session_buddy.errors import StorageError
from session_buddy.opening import Opening
from session_buddy.services import Services


@contextmanager
def _refusing() -> Iterator[Services]:
    raise StorageError("the schema is newer")
    yield


@pytest.mark.slow
def test_a_record_that_cannot_be_opened_leaves_no_traceback_where_nobody_had_asked_for_it() -> None:
    reported: list[dict[str, Any]] = []

    async def lead() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _loop, context: reported.append(context))
        opening = Opening(_refusing, 0.0)
        stopped = asyncio.Event()
        opening.on_problem(stopped.set)
        opening.start()
        await stopped.wait()
        await asyncio.to_thread(opening.close)
        del opening
        gc.collect()

    asyncio.run(lead())
    gc.collect()
    assert reported == []
