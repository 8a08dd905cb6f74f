"""The lines that pass between a leader and its relays and clients. Standard library only.

Every line is one JSON document. The first of each side is a greeting; lines whose first key is
`session_buddy` are between the two of them, all others belong to the client's protocol.
"""

import json
import os
import time
from typing import Any

WIRE = 1
"""Number of this protocol; two sides with different numbers do not talk."""
MAX_FRAME_BYTES = 64 * 1024 * 1024
"""The longest line that either side takes, without its newline."""
MAX_GREETING_BYTES = 64 * 1024
REQUEST_KEY = "session-buddy/requestKey"
"""In a request's `_meta`: one name for all deliveries of one request."""
OWN_PREFIX = b'{"session_buddy":'
PING = b'{"session_buddy":"ping"}'
PONG = b'{"session_buddy":"pong"}'


def encode(document: Any) -> bytes:
    """A document as one line without its newline, in ASCII, so that any text survives."""
    return json.dumps(document, separators=(",", ":")).encode("ascii")


def greeting(role: str, version: str, **more: Any) -> bytes:
    """The first line of a side. Its first key is `session_buddy`, which tells it from all other lines."""
    return encode({"session_buddy": role, "wire": WIRE, "version": version, "pid": os.getpid(), **more})


def own_line(line: bytes) -> dict[str, Any] | None:
    """The document of a line between relay and leader; None for any other line."""
    if not line.startswith(OWN_PREFIX):
        return None
    try:
        document = json.loads(line.decode("utf-8"))
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def request_key() -> str:
    """A UUIDv7 as text. Made by hand: the `uuid` module would cost more start-up time than it saves."""
    value = bytearray((time.time_ns() // 1_000_000).to_bytes(6, "big") + os.urandom(10))
    value[6] = (value[6] & 0x0F) | 0x70
    value[8] = (value[8] & 0x3F) | 0x80
    text = value.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


class Frames:
    """Cuts bytes as they arrive into lines of at most `limit` bytes."""

    def __init__(self, limit: int = MAX_FRAME_BYTES) -> None:
        self._limit = limit
        self._begun = bytearray()
        self._too_long = False

    def feed(self, data: bytes) -> list[bytes | None]:
        """The lines that `data` ends, without their newlines; None stands for one over the limit.

        What follows the last newline is kept for the next call, up to the limit: of a longer line
        nothing is kept but that it was too long.
        """
        pieces = data.split(b"\n")
        lines = [self._end(piece) for piece in pieces[:-1]]
        self._begin(pieces[-1])
        return lines

    def _end(self, piece: bytes) -> bytes | None:
        if self._begun:
            self._begun += piece
            piece = bytes(self._begun)
            self._begun = bytearray()
        too_long = self._too_long or len(piece) > self._limit
        self._too_long = False
        return None if too_long else piece

    def _begin(self, piece: bytes) -> None:
        self._too_long = self._too_long or len(self._begun) + len(piece) > self._limit
        if self._too_long:
            self._begun = bytearray()
        else:
            self._begun += piece
