"""Reading the client's lines: whatever comes, there is an answer to it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from session_buddy.relay.messages import (
    Answer,
    Notification,
    Rejected,
    Request,
    read_client_line,
    read_leader_line,
    with_request_key,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=10) | st.just("_meta"), inner, max_size=4)
    ),
    max_leaves=10,
)
MESSAGE = st.fixed_dictionaries(
    {},
    optional={
        "jsonrpc": st.just("2.0") | JSON,
        "id": JSON,
        "method": st.sampled_from(["tools/call", "initialize", "ping"]) | JSON,
        "params": st.fixed_dictionaries({}, optional={"_meta": JSON, "name": JSON}) | JSON,
        "result": JSON,
        "error": JSON,
    },
)


def line(message: object) -> bytes:
    return json.dumps(message).encode()


@given(st.binary())
def test_any_bytes_are_a_message_or_an_error_for_the_client(data: bytes) -> None:
    message = read_client_line(data)
    if isinstance(message, Rejected):
        assert json.loads(message.reply)["error"]["code"] in (-32700, -32600)


@pytest.mark.slow
@given(MESSAGE)
def test_any_json_is_a_message_or_an_error_for_the_client(document: dict[str, Any]) -> None:
    message = read_client_line(line(document))
    if isinstance(message, Request):
        assert json.loads(with_request_key(message))["id"] == message.id
        assert isinstance(message.meta, dict)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"{", -32700),
        (b'{"jsonrpc":"2.0","id":1,"method":"\xff"}', -32700),
        ("\ufeff{}".encode(), -32700),
        ('{"jsonrpc":"2.0","id":1,"method":"ping"}'.encode("utf-16"), -32700),
        (b"[" * 200_000, -32700),
        (b'{"id":' + b"9" * 5000 + b"}", -32700),
        (b"[]", -32600),
        (b"1", -32600),
        (line({"jsonrpc": "1.0", "id": 1, "method": "ping"}), -32600),
        (line({"jsonrpc": "2.0", "id": 1}), -32600),
        (line({"jsonrpc": "2.0", "id": 1, "method": 5}), -32600),
        (line({"jsonrpc": "2.0", "id": 1, "method": "ping", "params": []}), -32600),
        (line({"jsonrpc": "2.0", "id": 1.5, "method": "ping"}), -32600),
        (line({"jsonrpc": "2.0", "id": True, "method": "ping"}), -32600),
    ],
)
def test_what_is_no_message_is_told_with_the_code_of_json_rpc(data: bytes, code: int) -> None:
    message = read_client_line(data)
    assert isinstance(message, Rejected)
    assert json.loads(message.reply)["error"]["code"] == code


def test_an_error_names_the_request_where_its_id_can_be_read() -> None:
    message = read_client_line(line({"jsonrpc": "2.0", "id": "a", "method": 5}))
    assert isinstance(message, Rejected)
    assert json.loads(message.reply)["id"] == "a"


def test_a_call_gets_a_request_key_and_keeps_all_else() -> None:
    params = {"name": "record", "arguments": {"x": [1, 2.5, None, "\ud800"]}, "_meta": {"progressToken": 7}}
    message = read_client_line(line({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}))
    assert isinstance(message, Request)
    keyed = json.loads(with_request_key(message))
    key = keyed["params"]["_meta"].pop("session-buddy/requestKey")
    assert len(key) == 36
    assert keyed["params"] == params


def test_a_request_key_of_the_client_is_kept() -> None:
    params = {"name": "record", "_meta": {"session-buddy/requestKey": "mine"}}
    data = line({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})
    message = read_client_line(data)
    assert isinstance(message, Request)
    assert with_request_key(message) is data


@pytest.mark.slow
@given(st.integers(-(10**17), 10**17) | st.text(max_size=20), JSON)
def test_the_id_of_an_answer_is_found_however_it_is_written(identity: int | str, result: object) -> None:
    document = {"jsonrpc": "2.0", "id": identity, "result": {"value": result}}
    for data in (
        line(document),
        json.dumps(document, separators=(",", ":")).encode(),
        json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace"),
    ):
        message = read_leader_line(data)
        assert isinstance(message, Answer)
        assert message.id == json.loads(data)["id"]
        assert message.error is None


def test_errors_and_notifications_of_the_leader_are_told_apart() -> None:
    error = read_leader_line(line({"jsonrpc": "2.0", "id": 1, "error": {"code": -32000, "message": "x"}}))
    assert isinstance(error, Answer)
    assert error.error == -32000
    notification = read_leader_line(line({"jsonrpc": "2.0", "method": "notifications/progress"}))
    assert isinstance(notification, Notification)
    assert read_leader_line(b"garbage") is None
    assert read_leader_line(line({"jsonrpc": "2.0", "id": 1, "method": "roots/list"})) is None
