"""What `session-buddy serve` runs: a relay between one client and the leader, which may be this process."""

import os
import signal
import sys

from session_buddy.config import Settings
from session_buddy.relay.leading import Lead, lead_by_bootstrap
from session_buddy.relay.relay import PATIENCE_SECONDS, Relay
from session_buddy.relay.streams import claim_standard_streams


def main(settings: Settings, lead: Lead = lead_by_bootstrap, patience: float = PATIENCE_SECONDS) -> int:
    """Serve the client on stdin and stdout until it is gone, and return the exit status.

    lead: what leads in this process if nobody else does. patience: seconds after which a call is
    answered with an error, if the leader gives no sign of life meanwhile.
    """
    parent = os.getppid()
    try:
        client_in, client_out = claim_standard_streams()
    except OSError:
        sys.stderr.write(
            "session-buddy: serve speaks MCP over stdin and stdout, and one of them is closed.\n"
        )
        return 2
    relay = Relay(settings, lead, client_out, parent, patience)
    for name in ("SIGTERM", "SIGINT", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda *_: relay.end(drain=False))
    relay.run(client_in)
    if relay.has_led:
        # The server's modules take longer to tear down than a client waits, and a thread of it may still be
        # at work. What it has acknowledged is on the disk.
        sys.stderr.flush()
        relay.abandon()
        os._exit(0)
    return 0
