"""Work that waits is done in threads, and whoever asked gets what came of it."""

import asyncio
import threading

import anyio
import pytest

from session_buddy.serve.workers import Workers


def test_what_work_returns_or_raises_comes_to_who_asked() -> None:
    async def ask() -> None:
        workers = Workers()
        here = threading.get_ident()
        assert await workers.run(threading.get_ident) != here
        with pytest.raises(KeyError):
            await workers.run(lambda: {}["nothing"])
        with pytest.raises(RuntimeError):
            await workers.run(lambda: next(iter(())))

    asyncio.run(ask())


def test_work_that_waits_does_not_hold_up_other_work_until_all_threads_are_taken() -> None:
    async def ask() -> None:
        workers, gate = Workers(limit=2), threading.Event()
        first = asyncio.create_task(workers.run(gate.wait))
        await workers.run(lambda: None)
        second = asyncio.create_task(workers.run(gate.wait))
        third = asyncio.create_task(workers.run(gate.is_set))
        asyncio.get_running_loop().call_soon(gate.set)
        assert await asyncio.wait_for(asyncio.gather(first, second, third), 10) == [True, True, True]

    asyncio.run(ask())


def test_who_is_cancelled_still_waits_for_the_work_under_way() -> None:
    async def ask() -> None:
        workers, begun, gate, ended = Workers(), asyncio.Event(), threading.Event(), threading.Event()
        loop = asyncio.get_running_loop()

        def work() -> None:
            loop.call_soon_threadsafe(begun.set)
            gate.wait(10)
            ended.set()

        async with anyio.create_task_group() as group:
            group.start_soon(workers.run, work)
            await begun.wait()
            group.cancel_scope.cancel()
            loop.call_soon(gate.set)
        assert ended.is_set()

    asyncio.run(ask())
