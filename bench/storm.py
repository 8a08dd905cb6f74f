"""How long subscribers are without the feed when its leader is killed, all of them coming back at once.

Two services share a home; one leads and is killed (-9), the other takes over, and the subscribers, which
reconnect as `watch` does, are counted until each has been greeted again. Seconds, from the kill on. The
subscribers are threads of one process: beyond some hundreds it is that process that is waited for.

    python -m bench.storm [--clients 100] [--changes 5]
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from bench.support import Line, print_table, value
from tests.feed.test_leader import FOLLOWERS, Home
from tests.support.live import free_port
from tests.support.waiting import wait_for

BOUND_SECONDS = 5.0


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clients", default="100", help="subscribers [100]")
    parser.add_argument("--changes", type=int, default=5, help="leaders that are killed [5]")
    given = parser.parse_args()
    lines: list[Line] = []
    for clients in map(int, given.clients.split(",")):
        with tempfile.TemporaryDirectory() as folder:
            seconds = storms(Path(folder), clients, given.changes)
        lines.append(value(f"{clients} subscribers back, median", seconds, BOUND_SECONDS, "s"))
        lines.append(value(f"{clients} subscribers back, longest", [max(seconds)], BOUND_SECONDS, "s"))
    return print_table("storm", lines)


def storms(folder: Path, clients: int, changes: int) -> list[float]:
    """Seconds without the feed at each of so many changes."""
    home = Home(folder, free_port())
    home.environ |= {"SESSION_BUDDY_MAX_CLIENTS": str(clients), "SESSION_BUDDY_UPDATE_INTERVAL": "1"}
    everybody = [f"hello {number}" for number in range(clients)]
    found = []
    try:
        leading = home.service()
        wait_for(home.server, "the feed is served")
        followers = home.start("-c", FOLLOWERS, str(clients))
        followers.until_it_prints(everybody)
        for _ in range(changes):
            heir = home.service()
            wait_for(lambda heir=heir: "waiting to take over" in heir.said(), "the next one waits")  # type: ignore[misc]
            began = time.monotonic()
            leading.process.kill()
            followers.until_it_prints(everybody)
            found.append(time.monotonic() - began)
            leading = heir
    finally:
        for process in home.running:
            process.process.kill()
            process.end()
    return found


if __name__ == "__main__":
    sys.exit(main())
