"""What an agent waits for when it records: with a team's store, beside a store of one's own.

Two windows, each a real `serve`: on a DuckDB file, and on a team's store on PostgreSQL, whose server is
stopped for the second half. Blocks of `record_skill_invocation` alternate between them. The team's may take
1.25 times the local one, since the journal alone acknowledges.

    python -m bench.team_records [--pairs 15] [--postgres /usr/lib/postgresql/15/bin]
"""

import argparse
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from bench.calls import WARM_UP, record, timed
from bench.support import Line, interleaved, print_table, ratio, window
from tests.support.postgres import running
from tests.support.stdio_client import StdioClient

BOUND = 1.25


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=int, default=15, help="pairs of blocks, at least 9 [15]")
    parser.add_argument("--postgres", type=Path, default=Path("/usr/lib/postgresql/15/bin"))
    given = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = stack.enter_context(running(given.postgres, fsync="on", synchronous_commit="on"))
        server.execute("CREATE DATABASE team")
        team = {"SESSION_BUDDY_STORE": server.url("team"), "SESSION_BUDDY_TEAM_PROJECTS": "*"}
        local = ready(stack, window(folder / "local"))
        shared = ready(stack, window(folder / "shared", **team))
        lines = [against("a team's store", shared, local, given.pairs)]
        server.stop("immediate")
        lines.append(against("a team's store, its server gone", shared, local, given.pairs))
        server.start()
    return print_table("an acknowledged record", lines)


def ready(stack: ExitStack, client: StdioClient) -> StdioClient:
    """A window that has recorded for a while."""
    stack.enter_context(client).handshake()
    for _ in range(WARM_UP):
        record(client)
    return client


def against(name: str, team: StdioClient, local: StdioClient, pairs: int) -> Line:
    """The median of records over the team's store, beside those over a store of one's own."""
    ours, base = interleaved(
        pairs, lambda: [timed(lambda: record(team))], lambda: [timed(lambda: record(local))]
    )
    return ratio(name, [run[0] for run in ours], [run[0] for run in base], BOUND)


if __name__ == "__main__":
    sys.exit(main())
