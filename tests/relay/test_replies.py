"""The committed replies equal what the SDK's server answers."""

import json
from typing import Any

import pytest
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS, MODERN_PROTOCOL_VERSIONS

from session_buddy.relay.messages import Request
from session_buddy.relay.replies import CommittedReplies
from tests.relay.write_replies import (
    DIRECTORY,
    LISTS,
    answers_of_the_server,
    envelope,
    handshakes,
    initialize,
    listing_of_the_server,
    lists,
)

AGAIN = "run `python -m tests.relay.write_replies`"
MODERN = MODERN_PROTOCOL_VERSIONS[-1]
Json = dict[str, Any]


def request(method: str, params: Json | None) -> Request:
    return Request(1, method, params, b"")


@pytest.mark.parametrize(
    "version", [*HANDSHAKE_PROTOCOL_VERSIONS, *MODERN_PROTOCOL_VERSIONS, "1999-01-01", ""]
)
def test_initialize_is_answered_as_by_the_sdk_in_every_version(version: str) -> None:
    (answer,) = answers_of_the_server(("initialize", initialize(version)))
    assert CommittedReplies().initialize(request("initialize", initialize(version))) == answer, AGAIN


@pytest.mark.parametrize("version", MODERN_PROTOCOL_VERSIONS)
def test_discover_is_answered_as_by_the_sdk_in_every_version(version: str) -> None:
    (answer,) = answers_of_the_server(("server/discover", envelope(version)))
    assert CommittedReplies().discover(request("server/discover", envelope(version))) == answer, AGAIN


@pytest.mark.slow
@pytest.mark.parametrize("version", [*HANDSHAKE_PROTOCOL_VERSIONS, *MODERN_PROTOCOL_VERSIONS])
@pytest.mark.parametrize("method", LISTS)
def test_what_is_offered_is_listed_as_by_the_sdk_in_every_version(method: str, version: str) -> None:
    params = envelope(version) if version in MODERN_PROTOCOL_VERSIONS else {}
    answer = listing_of_the_server(method, version)
    assert CommittedReplies().listing(request(method, params), version) == answer, AGAIN


@pytest.mark.slow
def test_the_committed_files_are_what_their_generator_writes() -> None:
    assert json.loads((DIRECTORY / "replies.json").read_text()) == handshakes(), AGAIN
    assert json.loads((DIRECTORY / "lists.json").read_text()) == lists(), AGAIN


@pytest.mark.parametrize(
    "params",
    [
        {},
        {**initialize("2025-11-25"), "clientInfo": {"name": "x"}},
        {**initialize("2025-11-25"), "capabilities": None},
        {**initialize("2025-11-25"), "protocolVersion": 5},
    ],
)
def test_what_is_wrong_with_a_handshake_is_for_the_server_to_say(params: Json) -> None:
    assert CommittedReplies().initialize(request("initialize", params)) is None


@pytest.mark.parametrize(
    "params", [{}, envelope("1999-01-01"), {"_meta": {"io.modelcontextprotocol/protocolVersion": MODERN}}]
)
def test_what_is_wrong_with_an_envelope_is_for_the_server_to_say(params: Json) -> None:
    replies = CommittedReplies()
    assert replies.discover(request("server/discover", params)) is None
    assert replies.listing(request("tools/list", params), MODERN if params else None) is None


@pytest.mark.parametrize(
    ("method", "params", "version"),
    [
        ("tools/list", {"cursor": "x"}, "2025-11-25"),
        ("tools/list", {}, None),
        ("tools/list", {}, "1999-01-01"),
        ("roots/list", {}, "2025-11-25"),
        ("tools/call", {}, "2025-11-25"),
    ],
)
def test_the_server_lists_what_is_not_committed(method: str, params: Json, version: str | None) -> None:
    assert CommittedReplies().listing(request(method, params), version) is None


def test_without_the_committed_files_the_server_answers() -> None:
    replies = CommittedReplies("/nowhere")
    assert replies.initialize(request("initialize", initialize("2025-11-25"))) is None
    assert replies.discover(request("server/discover", envelope(MODERN))) is None
    assert replies.listing(request("tools/list", None), "2025-11-25") is None
