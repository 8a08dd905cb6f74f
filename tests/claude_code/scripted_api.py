"""A scripted stand-in for the Messages API, so that a real Claude Code can be driven offline.

The client under test is the real one; only the model behind it is replaced. Each conversation is
described by a `Script`: a phrase that its prompt contains, and the assistant's turns in order. Which turn
comes next is read off the request itself (how many assistant messages follow the prompt), never off a
counter: the client retries requests, and a retried request must get the same answer.
"""

from __future__ import annotations

import itertools
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

Json = dict[str, Any]


@dataclass(frozen=True)
class ToolUse:
    """One tool call of the scripted assistant; `use_id` becomes the `tool_use_id` seen everywhere."""

    use_id: str
    name: str
    input: Mapping[str, Any]

    def block(self) -> Json:
        """Return the content block that the API would send."""
        return {"type": "tool_use", "id": self.use_id, "name": self.name, "input": dict(self.input)}


@dataclass(frozen=True)
class Turn:
    """One assistant message: text, then tool calls, after a pause of `delay` seconds.

    The pause comes after the message has started, as with a model that thinks: an interrupt sent in
    it finds the client waiting for the model.
    """

    text: str = ""
    tools: tuple[ToolUse, ...] = ()
    delay: float = 0.0

    def content(self) -> list[Json]:
        """Return the content blocks in the order in which the API would send them."""
        text: list[Json] = [{"type": "text", "text": self.text}] if self.text else []
        return text + [tool.block() for tool in self.tools]

    @property
    def stop_reason(self) -> str:
        """`tool_use` if the client is expected to call a tool, else `end_turn`."""
        return "tool_use" if self.tools else "end_turn"


@dataclass(frozen=True)
class Script:
    """What the assistant does after a prompt that contains `prompt`.

    A subagent is a conversation of its own whose prompt is the one its parent wrote, so it is scripted
    in the same way.
    """

    prompt: str
    turns: tuple[Turn, ...]


def say(text: str, *, delay: float = 0.0) -> Turn:
    """Return a turn that only answers, which ends the client's run."""
    return Turn(text=text, delay=delay)


def use(use_id: str, name: str, /, **tool_input: Any) -> Turn:
    """Return a turn with one tool call."""
    return Turn(tools=(ToolUse(use_id, name, tool_input),))


DONE = say("done")


@dataclass(frozen=True)
class Request:
    """What the client sent: enough to assert on what the model would have seen."""

    path: str
    body: Json

    @property
    def messages(self) -> list[Json]:
        """The conversation so far."""
        messages: list[Json] = self.body.get("messages", [])
        return messages

    @property
    def tools(self) -> list[str]:
        """Names of the tools offered; empty for the client's own side questions (titles, quota)."""
        return [str(tool.get("name")) for tool in self.body.get("tools") or []]


@dataclass
class ScriptedMessagesApi:
    """A context manager that serves the scripts on an ephemeral loopback port."""

    scripts: list[Script] = field(default_factory=list)
    fallback: Turn = DONE
    requests: list[Request] = field(default_factory=list)
    _server: ThreadingHTTPServer | None = None

    def __enter__(self) -> Self:
        self._server = _Server(self.answer)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    @property
    def url(self) -> str:
        """The value for `ANTHROPIC_BASE_URL`.

        Raises:
            RuntimeError: outside the `with` block.
        """
        if self._server is None:
            raise RuntimeError("ScriptedMessagesApi serves only inside its with block")
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def answer(self, request: Request) -> Turn:
        """Return the turn for one request to `/v1/messages`."""
        self.requests.append(request)
        if not request.tools:
            return say("ok")
        return next_turn(self.scripts, request.messages) or self.fallback


def next_turn(scripts: Sequence[Script], messages: Sequence[Json]) -> Turn | None:
    """Return the turn that follows the newest prompt that a script knows; None past its end."""
    said = 0
    for message in reversed(messages):
        if message.get("role") == "assistant":
            said += 1
        text = _prompt_text(message)
        for script in scripts:
            if script.prompt in text:
                return script.turns[said] if said < len(script.turns) else None
    return None


def _prompt_text(message: Json) -> str:
    """Text that a person (or a parent agent) wrote.

    Results of tools do not choose a script, nor do the client's own reminders and system messages,
    which list every skill with its description.
    """
    if message.get("role") != "user":
        return ""
    content = message.get("content", "")
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
    texts = [str(block["text"]) for block in blocks if block.get("type") == "text"]
    return "\n".join(text for text in texts if not text.startswith("<system-reminder>"))


def _stream(turn: Turn, model: str, number: int) -> Iterator[bytes]:
    """Yield the server-sent events of one assistant message."""
    yield _event("message_start", message=_message(model, number))
    if turn.delay:
        yield _event("ping")
        time.sleep(turn.delay)
    for index, block in enumerate(turn.content()):
        yield from _stream_block(index, block)
    stop = {"stop_reason": turn.stop_reason, "stop_sequence": None}
    yield _event("message_delta", delta=stop, usage={"output_tokens": 5})
    yield _event("message_stop")


def _stream_block(index: int, block: Json) -> Iterator[bytes]:
    opening: Json = {**block, "text": ""} if block["type"] == "text" else {**block, "input": {}}
    delta: Json = {"type": "text_delta", "text": block.get("text", "")}
    if block["type"] == "tool_use":
        delta = {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
    yield _event("content_block_start", index=index, content_block=opening)
    yield _event("content_block_delta", index=index, delta=delta)
    yield _event("content_block_stop", index=index)


def _event(kind: str, **fields: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()


def _message(model: str, number: int) -> Json:
    return {
        "id": f"msg_{number:06d}",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 10, "output_tokens": 5},
    }


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, answer: Callable[[Request], Turn]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = answer
        self.numbers = itertools.count(1)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a client that hung up between two requests; all else is a bug to see."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Keep requests out of the tests' output; `requests` has them."""

    def do_HEAD(self) -> None:
        self._reply({})

    def do_GET(self) -> None:
        self._reply({"ok": True})

    def do_POST(self) -> None:
        length = int(self.headers.get("content-length", 0))
        body: Json = json.loads(self.rfile.read(length) or b"{}")
        if "count_tokens" in self.path:
            self._reply({"input_tokens": 10})
        elif not self.path.startswith("/v1/messages"):
            self._reply({})
        else:
            self._answer(body)

    def _answer(self, body: Json) -> None:
        turn = self.server.answer(Request(self.path, body))
        model, number = str(body.get("model")), next(self.server.numbers)
        if not body.get("stream"):
            time.sleep(turn.delay)
            stop = {"content": turn.content(), "stop_reason": turn.stop_reason}
            self._reply({**_message(model, number), **stop})
            return
        self.close_connection = True
        # A client that was interrupted closes the connection in the middle of an answer.
        with suppress(BrokenPipeError, ConnectionResetError):
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.send_header("connection", "close")
            self.end_headers()
            for event in _stream(turn, model, number):
                self.wfile.write(event)
                self.wfile.flush()

    def _reply(self, value: Json) -> None:
        data = json.dumps(value).encode()
        with suppress(BrokenPipeError, ConnectionResetError):
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
