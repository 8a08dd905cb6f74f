"""`session-buddy serve` with a small leader behind it: `python -m tests.support.small_serve`.

TEST_PATIENCE sets how many seconds a call waits for a leader that gives no sign of life;
TEST_MODULES_FILE names a file that gets the modules that the process had imported at its end.
"""

import os
import socket
import sys

from session_buddy.config import Settings, load_settings
from session_buddy.relay import front


def lead(settings: Settings, first: socket.socket) -> None:
    """A `session_buddy.relay.leading.Lead`."""
    from tests.support import small_leader  # as in the product, only who leads pays for its imports

    small_leader.lead(settings, first)


if __name__ == "__main__":
    patience = float(os.environ.get("TEST_PATIENCE", "20"))
    status = front.main(load_settings(), lead=lead, patience=patience)
    if "TEST_MODULES_FILE" in os.environ:
        with open(os.environ["TEST_MODULES_FILE"], "w") as file:
            file.write(" ".join(sys.modules))
    sys.exit(status)
