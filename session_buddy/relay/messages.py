"""Reading JSON-RPC lines as far as a relay must, and making the few answers that it gives itself."""

import json
import re
from typing import Any, NamedTuple, TypeGuard

from session_buddy.wire import OWN_PREFIX, REQUEST_KEY, encode, request_key

RequestId = int | str

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
INTERNAL_ERROR = -32603
CONNECTION_CLOSED = -32000
"""What the server answers to requests that it gives up because it ends: as good as no answer."""
ENVELOPE_KEY = "io.modelcontextprotocol/protocolVersion"
"""In `_meta` of every request of the modern era, and of none before."""
SUBSCRIPTION_KEY = "io.modelcontextprotocol/subscriptionId"

# How the SDK begins an answer. Anything else is parsed in full; this spares large answers from it.
_ANSWER = re.compile(rb'\{"jsonrpc":"2\.0","id":(-?[0-9]{1,18}|"[^"\\\x00-\x1f]{0,200}"),"result":')


class Request(NamedTuple):
    """A request of the client. line: as it came."""

    id: RequestId
    method: str
    params: dict[str, Any] | None
    line: bytes

    @property
    def meta(self) -> dict[str, Any]:
        """`params._meta`, empty where there is none."""
        meta = (self.params or {}).get("_meta")
        return meta if isinstance(meta, dict) else {}


class Notification(NamedTuple):
    """A notification, of either side."""

    method: str
    params: dict[str, Any]
    line: bytes


class Answer(NamedTuple):
    """A response or an error. error: its code, None for a response."""

    id: RequestId | None
    error: int | None
    line: bytes


class Rejected(NamedTuple):
    """A line of the client that is no message; reply: what to tell the client."""

    reply: bytes


Message = Request | Notification | Answer | Rejected


def read_client_line(line: bytes) -> Message:
    """A line that the client sent. Never raises: whatever it is, there is something to say about it."""
    try:
        document = json.loads(line.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        return Rejected(
            error_line(None, PARSE_ERROR, f"Parse error: this line is not JSON ({_short(error)}).")
        )
    if not isinstance(document, dict):
        return _invalid(None, "a message is one JSON object; batches are not supported")
    return _read_object(document, line)


def _read_object(document: dict[str, Any], line: bytes) -> Message:
    identity, method = document.get("id"), document.get("method")
    known = identity if is_request_id(identity) else None
    if document.get("jsonrpc") != "2.0":
        return _invalid(known, 'the message has no "jsonrpc": "2.0"')
    if method is None and ("result" in document or "error" in document):
        return Answer(known, None, line)
    if not isinstance(method, str):
        return _invalid(known, "the message has no method")
    params = document.get("params")
    if params is not None and not isinstance(params, dict):
        return _invalid(known, "params must be an object")
    if identity is None:
        return Notification(method, params or {}, line)
    if known is None:
        return _invalid(None, "an id must be a string or a whole number")
    return Request(known, method, params, line)


def read_leader_line(line: bytes) -> Answer | Notification | None:
    """A line that the leader sent; None for one that the relay has no use for."""
    quick = _ANSWER.match(line)
    if quick is not None:
        return Answer(json.loads(quick.group(1)), None, line)
    try:
        document = json.loads(line.decode("utf-8"))
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict):
        return None
    if isinstance(document.get("method"), str):
        params = document.get("params")
        return None if "id" in document else Notification(document["method"], params or {}, line)
    identity = document.get("id")
    error = document.get("error")
    code = error.get("code") if isinstance(error, dict) else None
    return Answer(
        identity if is_request_id(identity) else None, code if isinstance(code, int) else None, line
    )


def is_request_id(value: object) -> TypeGuard[RequestId]:
    """Whether JSON-RPC, as MCP narrows it, takes the value as the id of a request."""
    return isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool))


def with_request_key(request: Request) -> bytes:
    """The line of a `tools/call` with a request key: the client's own, else a new one."""
    params = request.params
    if params is None or not isinstance(params.get("_meta", {}), dict):
        return request.line  # the server refuses it, in its own words
    if isinstance(request.meta.get(REQUEST_KEY), str):
        return request.line
    keyed = {**params, "_meta": {**request.meta, REQUEST_KEY: request_key()}}
    return encode({"jsonrpc": "2.0", "id": request.id, "method": request.method, "params": keyed})


def with_id(request: Request, identity: RequestId) -> bytes:
    """The same request under another id."""
    return encode({"jsonrpc": "2.0", "id": identity, "method": request.method, "params": request.params})


def response_line(identity: RequestId, result: dict[str, Any]) -> bytes:
    """A response."""
    return encode({"jsonrpc": "2.0", "id": identity, "result": result})


def error_line(identity: RequestId | None, code: int, message: str) -> bytes:
    """An error; the id is null where the request's own is not known."""
    return encode({"jsonrpc": "2.0", "id": identity, "error": {"code": code, "message": message}})


def tool_error_line(identity: RequestId, message: str, *, modern: bool) -> bytes:
    """A tool's error result: a protocol error would end at the client, this text reaches the model."""
    result: dict[str, Any] = {"content": [{"type": "text", "text": message}], "isError": True}
    if modern:
        result["resultType"] = "complete"
    return response_line(identity, result)


def is_between_ourselves(line: bytes) -> bool:
    """Whether a line belongs to relay and leader, not to the client."""
    return line.startswith(OWN_PREFIX)


def _invalid(identity: RequestId | None, what: str) -> Rejected:
    return Rejected(error_line(identity, INVALID_REQUEST, f"Invalid request: {what}."))


def _short(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:200]
