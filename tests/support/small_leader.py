"""What leads in `small_serve`: the real local socket and the SDK's server over three small tools.

`record` appends a line durably unless the request's key is there already, and says which process did it.
"""

import asyncio
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mcp.server.mcpserver import Context, MCPServer

from session_buddy.config import Settings
from session_buddy.errors import StorageError
from session_buddy.serve.callers import current_caller
from session_buddy.serve.leader import LeaderServer


def lead(settings: Settings, first: socket.socket | None) -> None:
    """A `session_buddy.relay.leading.Lead`."""
    if os.path.exists(os.path.join(settings.home, "broken")):
        raise StorageError("the database of this home is damaged. Remove the file `broken`.")

    asyncio.run(_serve(settings, first))


async def _serve(settings: Settings, first: socket.socket | None) -> None:
    async def control() -> "SmallControl":
        return SmallControl(settings)

    home = Path(settings.home)
    leader = LeaderServer(settings, _server(home), control, (home / "woken").touch)
    if (home / "failing").exists():
        asyncio.get_running_loop().call_later(0.2, leader.stop)
    await leader.run(first)
    if (home / "failing").exists():
        raise StorageError("the database of this home failed. Remove the file `failing`.")
    if (home / "faulty").exists():
        (home / "faulty").unlink()
        raise RuntimeError("a fault of the server")


def _server(home: Path) -> MCPServer[Any]:
    server = MCPServer("small", log_level="ERROR")
    records = Records(home / "records.jsonl")

    @server.tool()
    async def echo(text: str) -> dict[str, Any]:
        """Say it again, with the process that serves and who asked."""
        caller = current_caller()
        return {"text": text, "leader": os.getpid(), "asker": caller.pid, "session": caller.session_id}

    @server.tool()
    async def record(value: str, ctx: Context[Any, Any]) -> dict[str, Any]:
        """Append a value durably, once for each request key."""
        meta: Mapping[str, Any] = ctx.request_context.meta or {}
        key = str(meta["session-buddy/requestKey"])
        await asyncio.to_thread(records.append, key, value)
        return {"key": key, "leader": os.getpid()}

    @server.tool()
    async def hold(ctx: Context[Any, Any], until: str) -> dict[str, Any]:
        """Report progress 1, 2, 3, then answer once a file of this name exists in the home."""
        for step in (1, 2, 3):
            await ctx.report_progress(step, 3)
        (home / f"held-{os.getpid()}").touch()
        await asyncio.to_thread(_wait_for_file, home / until)
        return {"leader": os.getpid()}

    return server


def _wait_for_file(path: Path) -> None:
    while not path.exists() and path.parent.exists():
        time.sleep(0.01)


class Records:
    """Values with the key of the request that brought them."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        lines = path.read_text().splitlines() if path.exists() else []
        self._known = {json.loads(line)["key"] for line in lines}

    def append(self, key: str, value: str) -> None:
        with self._lock:
            if key in self._known:
                return
            with self._path.open("a") as file:
                file.write(json.dumps({"key": key, "value": value}) + "\n")
                file.flush()
                os.fdatasync(file.fileno())
            self._known.add(key)


class SmallControl:
    """Commands: `who`, `count` (emits n lines), `fail`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def call(self, name: str, arguments: Mapping[str, Any], emit: Callable[[dict[str, Any]], None]) -> Any:
        if name == "who":
            return {"pid": os.getpid(), "home": self._settings.home}
        if name == "count":
            for number in range(arguments["n"]):
                emit({"lines": f"{number}\n"})
            return {"counted": arguments["n"]}
        raise RuntimeError("asked to fail")
