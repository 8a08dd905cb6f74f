"""Answers of the server that are committed, so that a client has them before the server is there.

`replies.json` holds the handshake, `lists.json` what the server offers (for each protocol version, which
leaves out what the version does not know). `python -m tests.relay.write_replies` makes both from the SDK,
and a test holds them equal to what the server answers.
"""

import json
import os
from typing import Any

from session_buddy.relay.messages import ENVELOPE_KEY, Request

_CAPABILITIES_KEY = "io.modelcontextprotocol/clientCapabilities"
_DIRECTORY = os.path.dirname(os.path.abspath(__file__))


class CommittedReplies:
    """The answers, each file read when first asked. None stands for: the server must answer this.

    It must where a request is not plainly well-formed, since what is wrong is for the server to say, and
    where a file cannot be read.
    """

    def __init__(self, directory: str = _DIRECTORY) -> None:
        self._directory = directory
        self._documents: dict[str, dict[str, Any]] = {}

    def initialize(self, request: Request) -> dict[str, Any] | None:
        """The result of `initialize`, in the version that the server would negotiate."""
        params = request.params or {}
        committed = self._read("replies.json")
        result, versions = committed.get("initialize"), committed.get("handshake_versions")
        if not _is_initialize(params) or not isinstance(result, dict) or not versions:
            return None
        requested = params["protocolVersion"]
        return {**result, "protocolVersion": requested if requested in versions else versions[-1]}

    def discover(self, request: Request) -> dict[str, Any] | None:
        """The result of `server/discover`."""
        committed = self._read("replies.json")
        if not self._is_modern(request):
            return None
        result = committed.get("discover")
        return result if isinstance(result, dict) else None

    def listing(self, request: Request, version: str | None) -> dict[str, Any] | None:
        """The result of a list of tools, prompts or resources, on a connection of this version."""
        modern = ENVELOPE_KEY in request.meta
        if modern and not self._is_modern(request):
            return None
        if not request.method.endswith("/list") or set(request.params or {}) - {"_meta"}:
            return None
        for committed in self._read("lists.json").get(request.method, ()):
            if version in committed["versions"]:
                return dict(committed["result"])
        return None

    def _is_modern(self, request: Request) -> bool:
        """Whether the request's envelope is complete and of a version that is served."""
        served = request.meta.get(ENVELOPE_KEY) in self._read("replies.json").get("modern_versions", ())
        alone = set(request.params or {}) == {"_meta"}
        return served and alone and isinstance(request.meta.get(_CAPABILITIES_KEY), dict)

    def _read(self, name: str) -> dict[str, Any]:
        if name not in self._documents:
            try:
                with open(os.path.join(self._directory, name), "rb") as file:
                    self._documents[name] = dict(json.loads(file.read()))
            except (OSError, ValueError):
                self._documents[name] = {}
        return self._documents[name]


def _is_initialize(params: dict[str, Any]) -> bool:
    client = params.get("clientInfo")
    return (
        isinstance(params.get("protocolVersion"), str)
        and isinstance(params.get("capabilities"), dict)
        and isinstance(client, dict)
        and isinstance(client.get("name"), str)
        and isinstance(client.get("version"), str)
        and isinstance(params.get("_meta", {}), dict)
    )
