"""How fast transcripts are read, beside a bare `json.loads` of their lines.

Both sides open the same uncompressed copies and read them to their end; ours makes the events as well. A
ratio is one of times, so reading at half the rate of the floor is 2.

    python -m bench.transcripts [--pairs 15] [DIRECTORY of transcripts]
"""

import argparse
import gzip
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.support import CHECKOUT, interleaved, print_table, ratio
from session_buddy.ingest.transcripts import Reading, SessionTranscript

BOUND = 2.0
SHARED = os.environ.get("SESSION_BUDDY_SHARED_DATA") or CHECKOUT.parent / "shared" / "data"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=int, default=15, help="pairs of readings, at least 9 [15]")
    parser.add_argument("directory", nargs="?", type=Path, default=Path(SHARED, "transcripts"))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        paths = uncompressed(arguments.directory, Path(folder))
        if not paths:
            print(f"There is no transcript below {arguments.directory}.", file=sys.stderr)
            return 1
        lines, events = bare(paths), ours(paths)
        mine, floor = interleaved(
            arguments.pairs, lambda: timed(lambda: ours(paths)), lambda: timed(lambda: bare(paths))
        )
    name = f"{len(paths)} transcripts, {lines} lines, {events} events"
    return print_table(
        "transcripts", [ratio(name, [run[0] for run in mine], [run[0] for run in floor], BOUND)]
    )


def uncompressed(directory: Path, folder: Path) -> Sequence[Path]:
    """Copies of all transcripts below a directory, in the page cache."""
    copies = []
    for number, path in enumerate(sorted(directory.rglob("*.jsonl*"))):
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        copy = folder / f"{number}.jsonl"
        copy.write_bytes(data)
        copies.append(copy)
    return copies


def bare(paths: Sequence[Path]) -> int:
    """Lines, each parsed and let go."""
    lines = 0
    for path in paths:
        with path.open("rb") as file:
            for line in file:
                json.loads(line)
                lines += 1
    return lines


def ours(paths: Sequence[Path]) -> int:
    """Events."""
    reading = Reading(lambda text: (None, "", len(text)))
    return sum(len(list(SessionTranscript(path, reading).read("session", to_end=True))) for path in paths)


def timed(run: Callable[[], int]) -> Sequence[float]:
    """Milliseconds of one run."""
    began = time.perf_counter()
    run()
    return [(time.perf_counter() - began) * 1000]


if __name__ == "__main__":
    sys.exit(main())
