"""Threads in which tools work, so that the event loop does not wait for a disk or the database.

A call crosses to a thread and back, and that costs it more than its own work: anyio's crossing takes three
times as long as this one, which is a queue and a future.
"""

import asyncio
import contextlib
from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from typing import Any, NamedTuple, TypeVar

import anyio

LIMIT = 40
"""Threads at most; what is more waits for one, in order."""

_Result = TypeVar("_Result")


class _Job(NamedTuple):
    work: Callable[[], Any]
    done: "asyncio.Future[Any]"


class Workers:
    """A few threads, begun as they are needed; they last as long as the process."""

    def __init__(self, limit: int = LIMIT) -> None:
        """limit: how many threads there may be."""
        self._limit = limit
        self._jobs: SimpleQueue[_Job] = SimpleQueue()
        self._threads = 0
        self._unfinished = 0

    async def run(self, work: Callable[[], _Result]) -> _Result:
        """What `work` returns or raises in a thread.

        A request that is cancelled waits for it all the same: what uses the database must have ended before
        that is closed.
        """
        done: asyncio.Future[_Result] = asyncio.get_running_loop().create_future()
        self._unfinished += 1
        if self._threads < min(self._unfinished, self._limit):
            self._threads += 1
            name = f"session-buddy-call-{self._threads}"
            Thread(target=_serve, args=(self._jobs,), name=name, daemon=True).start()
        self._jobs.put(_Job(work, done))
        try:
            with anyio.CancelScope(shield=True):
                await done
        finally:
            self._unfinished -= 1
        return done.result()


def _serve(jobs: SimpleQueue[_Job]) -> None:
    """Work as long as the process lasts."""
    while True:
        job = jobs.get()
        result, error = None, None
        try:
            result = job.work()
        except BaseException as raised:  # noqa: BLE001 - it goes to who awaits the work
            error = raised
        with contextlib.suppress(RuntimeError):  # the loop is closed, and nobody awaits it
            job.done.get_loop().call_soon_threadsafe(_settle, job.done, result, error)
        del job, result, error


def _settle(done: "asyncio.Future[Any]", result: object, error: BaseException | None) -> None:
    """On the loop: hand over what came of the work, unless nobody waits for it any more."""
    if done.done():
        return
    if error is None:
        done.set_result(result)
    else:
        done.set_exception(RuntimeError(repr(error)) if isinstance(error, StopIteration) else error)
