"""The server under test behind streamable HTTP, for tools that speak nothing else. Prints its address.

python -m tests.serve.http_server HOME
"""

import asyncio
import socket
import sys
from pathlib import Path

import uvicorn

from session_buddy.models.values import Caller
from tests.serve.clients import serving
from tests.support.services import open_services


async def serve(home: Path) -> None:
    caller = Caller(connection_id="http")
    with open_services(home) as services, serving(services, caller) as served, socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        app = served.streamable_http_app(host="127.0.0.1")
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
        print(f"http://127.0.0.1:{listening.getsockname()[1]}/mcp", flush=True)
        await server.serve(sockets=[listening])


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1])))
