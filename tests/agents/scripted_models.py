"""A model on loopback that says what a test tells it to, in the words of two vendors' APIs.

The real Codex CLI talks to it as to OpenAI's Responses API, the real Gemini CLI as to Google's
`generateContent`. A script is a list of turns; a turn is a text, or the tool calls that the model makes.
What a client asks beyond the script is answered with a closing text, and requests are kept to look at.
"""

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True, slots=True)
class Call:
    """One tool call of the model. namespace: of an MCP server's tool, as Codex names it."""

    tool: str
    arguments: Mapping[str, Any]
    id: str
    namespace: str | None = None


Turn = str | Sequence[Call]


@dataclass
class ScriptedModel:
    """What the model says next, and what it was asked."""

    script: Sequence[Turn]
    port: int = 0
    requests: list[dict[str, Any]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _said: int = 0

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def next_turn(self, path: str, body: dict[str, Any]) -> Turn:
        """The next turn of the script; a request without tools (a title, a summary) takes none."""
        with self._lock:
            self.requests.append({"path": path, "body": body})
            if not body.get("tools") or self._said >= len(self.script):
                return "done"
            self._said += 1
            return self.script[self._said - 1]


@contextmanager
def scripted_model(script: Sequence[Turn]) -> Iterator[ScriptedModel]:
    """A model that listens until the block ends."""
    model = ScriptedModel(script)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            """Requests are kept, not printed."""

        def do_GET(self) -> None:
            self._answer(b'{"models": [], "data": []}', "application/json")

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))) or b"{}")
            turn = model.next_turn(self.path, body)
            if self.path.endswith("/responses"):
                self._answer(responses_stream(turn), "text/event-stream")
            elif ":streamGenerateContent" in self.path:
                self._answer(b"data: " + gemini_answer(turn) + b"\r\n\r\n", "text/event-stream")
            elif ":generateContent" in self.path:
                self._answer(gemini_answer(turn), "application/json")
            else:
                self._answer(b'{"totalTokens": 10}', "application/json")

        def _answer(self, data: bytes, kind: str) -> None:
            self.send_response(200)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    model.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield model
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def responses_stream(turn: Turn) -> bytes:
    """A turn as the events of one answer of OpenAI's Responses API."""
    items: list[dict[str, Any]]
    if isinstance(turn, str):
        content = [{"type": "output_text", "text": turn, "annotations": []}]
        items = [{"type": "message", "id": "msg_1", "role": "assistant", "content": content}]
    else:
        items = [
            {
                "type": "function_call",
                "id": f"fc_{call.id}",
                "call_id": call.id,
                "name": call.tool,
                "arguments": json.dumps(call.arguments),
            }
            | ({"namespace": call.namespace} if call.namespace else {})
            for call in turn
        ]
    usage = {
        "input_tokens": 10,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": 5,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 15,
    }
    events = [{"type": "response.created", "response": {"id": "resp_1"}}]
    events += [
        {"type": "response.output_item.done", "output_index": index, "item": item}
        for index, item in enumerate(items)
    ]
    events.append({"type": "response.completed", "response": {"id": "resp_1", "usage": usage}})
    return b"".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in events)


def gemini_answer(turn: Turn) -> bytes:
    """A turn as one answer of Google's `generateContent`."""
    parts: list[dict[str, Any]]
    if isinstance(turn, str):
        parts = [{"text": turn}]
    else:
        parts = [
            {"functionCall": {"id": call.id, "name": call.tool, "args": dict(call.arguments)}}
            for call in turn
        ]
    candidate = {"content": {"role": "model", "parts": parts}, "finishReason": "STOP", "index": 0}
    usage = {"promptTokenCount": 10, "candidatesTokenCount": 5, "totalTokenCount": 15}
    return json.dumps({"candidates": [candidate], "usageMetadata": usage}).encode()
