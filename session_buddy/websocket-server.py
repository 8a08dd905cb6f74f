"""`python -m session_buddy.websocket-server`: the command `session-buddy websocket-server`."""  # noqa: N999 - a name that existing set-ups use

import sys

from session_buddy.__main__ import main

if __name__ == "__main__":
    sys.exit(main(["websocket-server", *sys.argv[1:]]))
