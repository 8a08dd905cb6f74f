"""What a client sees while leaders come and go: the relay's session, without processes."""

import json
from typing import Any

import pytest

from session_buddy.relay.replies import CommittedReplies
from session_buddy.relay.session import MAX_DELIVERIES, Session
from tests.relay.write_replies import envelope, initialize

ENVELOPE = envelope("2026-07-28")["_meta"]


class Client:
    """A session with the client's side spelled out in documents."""

    def __init__(self, *, modern: bool = False) -> None:
        self.session = Session(CommittedReplies())
        self.modern = modern
        self.connected = False
        self.forwarded: list[dict[str, Any]] = []
        self.seen: list[dict[str, Any]] = []

    def send(self, **message: Any) -> None:
        step = self.session.from_client(
            json.dumps({"jsonrpc": "2.0", **message}).encode(), 0.0, connected=self.connected
        )
        if step.reply is not None:
            self.seen.append(json.loads(step.reply))
        if step.forward is not None:
            self.forwarded.append(json.loads(step.forward))

    def request(self, identity: int | str, method: str, **params: Any) -> None:
        if self.modern:
            params["_meta"] = {**ENVELOPE, **params.get("_meta", {})}
        self.send(id=identity, method=method, params=params)

    def handshake(self) -> None:
        if self.modern:
            self.request(0, "server/discover")
        else:
            self.send(id=0, method="initialize", params=initialize("2025-11-25"))
            self.send(method="notifications/initialized")

    def leader(self) -> list[dict[str, Any]]:
        """A new leader; what it hears first."""
        lines, answers = self.session.replay()
        self.connected = True
        self.seen += [json.loads(answer) for answer in answers]
        self.forwarded = [json.loads(line) for line in lines]
        return self.forwarded

    def gone(self) -> None:
        self.connected = False

    def hear(self, **message: Any) -> bool:
        """The leader says something; whether the client sees it."""
        data = json.dumps({"jsonrpc": "2.0", **message}, separators=(",", ":")).encode()
        return self.session.from_leader(data) is not None


@pytest.fixture(params=[False, True], ids=["legacy", "modern"])
def client(request: pytest.FixtureRequest) -> Client:
    client = Client(modern=request.param)
    client.handshake()
    return client


def methods(messages: list[dict[str, Any]]) -> list[str]:
    return [message["method"] for message in messages]


def test_the_handshake_is_answered_without_a_leader(client: Client) -> None:
    assert [message["id"] for message in client.seen] == [0]
    assert client.session.waiting() == []


def test_every_leader_hears_the_handshake_first_and_the_client_does_not_hear_its_answer(
    client: Client,
) -> None:
    client.request(1, "resources/read")
    for _ in range(2):
        heard = client.leader()
        opening = ["server/discover"] if client.modern else ["initialize", "notifications/initialized"]
        assert methods(heard) == [*opening, "resources/read"]
        assert not client.hear(id=heard[0]["id"], result={})
        client.gone()


def test_what_the_server_offers_is_listed_while_there_is_no_leader(client: Client) -> None:
    client.request(1, "tools/list")
    client.request(2, "prompts/list", _meta={"progressToken": 1})
    assert "record_skill_invocation" in [tool["name"] for tool in client.seen[1]["result"]["tools"]]
    assert client.seen[2]["result"]["prompts"]
    assert client.session.waiting() == []
    client.leader()
    client.request(3, "tools/list")
    assert methods(client.forwarded)[-1] == "tools/list"


def test_an_answered_request_is_not_sent_again(client: Client) -> None:
    client.leader()
    client.request(1, "resources/read")
    client.request(2, "ping")
    assert client.hear(id=1, result={})
    client.gone()
    assert methods(client.leader())[-1] == "ping"
    assert not client.hear(id=1, result={})
    assert client.hear(id=2, result={})


def test_a_call_is_sent_again_under_the_same_request_key(client: Client) -> None:
    client.leader()
    client.request(1, "tools/call", name="record", arguments={})
    first = client.forwarded[-1]
    client.gone()
    assert client.leader()[-1] == first
    assert first["params"]["_meta"]["session-buddy/requestKey"]


def test_what_a_leaving_server_gives_up_is_not_answered_and_sent_again(client: Client) -> None:
    client.leader()
    client.request(1, "resources/read")
    assert not client.hear(id=1, error={"code": -32000, "message": "Connection closed"})
    client.gone()
    assert methods(client.leader())[-1] == "resources/read"
    assert client.hear(id=1, error={"code": -32601, "message": "Method not found"})


def test_what_was_cancelled_is_not_sent_again(client: Client) -> None:
    client.leader()
    client.request(1, "tools/call", name="record")
    client.gone()
    client.send(method="notifications/cancelled", params={"requestId": 1})
    assert "tools/call" not in methods(client.leader())
    assert not client.hear(id=1, result={})


def test_a_leader_that_has_the_request_hears_of_its_cancellation(client: Client) -> None:
    client.leader()
    client.request(1, "resources/read")
    client.send(method="notifications/cancelled", params={"requestId": 1})
    assert methods(client.forwarded)[-1] == "notifications/cancelled"
    client.send(method="notifications/cancelled", params={"requestId": [1]})
    client.send(method="notifications/cancelled")
    assert methods(client.forwarded)[-2:] == ["resources/read", "notifications/cancelled"]


def test_progress_does_not_go_back_after_a_request_was_sent_again(client: Client) -> None:
    client.leader()
    client.request(1, "tools/call", name="import", _meta={"progressToken": "p"})

    def progress(value: float, token: str = "p") -> bool:
        return client.hear(
            method="notifications/progress", params={"progressToken": token, "progress": value}
        )

    assert [progress(value) for value in (1, 2)] == [True, True]
    client.gone()
    client.leader()
    assert [progress(value) for value in (1, 2, 3)] == [False, False, True]
    assert not progress(4, token="other")
    assert client.hear(id=1, result={})
    assert not progress(5)


def test_a_subscription_is_opened_again_and_acknowledged_once() -> None:
    client = Client(modern=True)
    client.leader()
    client.request(1, "subscriptions/listen", notifications={"toolsListChanged": True})
    tag = {"_meta": {"io.modelcontextprotocol/subscriptionId": 1}}
    assert client.hear(method="notifications/subscriptions/acknowledged", params=tag)
    client.gone()
    assert methods(client.leader()) == ["server/discover", "subscriptions/listen"]
    assert not client.hear(method="notifications/subscriptions/acknowledged", params=tag)
    assert client.hear(method="notifications/tools/list_changed", params=tag)
    assert client.session.waiting() == []


def test_subscriptions_of_the_legacy_era_last_until_they_are_ended() -> None:
    client = Client()
    client.handshake()
    client.leader()
    for identity, uri in ((1, "skill://a"), (2, "skill://b")):
        client.request(identity, "resources/subscribe", uri=uri)
        assert client.hear(id=identity, result={})
    client.request(3, "resources/subscribe", uri="skill://refused")
    assert client.hear(id=3, error={"code": -32601, "message": "no"})
    client.request(4, "resources/unsubscribe", uri="skill://a")
    assert client.hear(id=4, result={})
    client.gone()
    heard = client.leader()
    assert methods(heard) == ["initialize", "notifications/initialized", "resources/subscribe"]
    assert heard[-1]["params"]["uri"] == "skill://b"
    assert not client.hear(id=heard[-1]["id"], result={})


def test_the_first_request_decides_the_era_for_every_leader() -> None:
    client = Client(modern=True)
    client.leader()
    client.request(1, "resources/read")
    assert client.hear(id=1, result={})
    client.send(id=2, method="initialize", params=initialize("2025-11-25"))
    assert client.seen == []
    client.gone()
    assert methods(client.leader()) == ["server/discover", "initialize"]


def test_a_handshake_that_the_server_answered_is_replayed_too() -> None:
    client = Client()
    client.leader()
    odd = {**initialize("2025-11-25"), "_meta": None}
    client.send(id=1, method="initialize", params=odd)
    assert client.seen == []
    assert client.hear(id=1, result={})
    client.gone()
    assert methods(client.leader()) == ["initialize"]


def test_a_request_that_leaders_die_of_is_given_up(client: Client) -> None:
    client.request(1, "tools/call", name="record")
    client.request(2, "resources/read")
    for _ in range(MAX_DELIVERIES):
        client.leader()
        client.gone()
    client.seen.clear()
    client.leader()
    answer, error = client.seen
    assert answer["result"]["isError"]
    assert "doctor" in answer["result"]["content"][0]["text"]
    assert ("resultType" in answer["result"]) == client.modern
    assert error["error"]["code"] == -32603


def test_giving_up_answers_all_that_wait_and_nothing_later(client: Client) -> None:
    client.request(1, "tools/call", name="record")
    client.request(2, "resources/read")
    answers = [json.loads(line) for line in client.session.give_up("there is no room")]
    assert answers[0]["result"]["content"] == [{"type": "text", "text": "there is no room"}]
    assert answers[1]["error"]["message"] == "there is no room"
    assert "tools/call" not in methods(client.leader())


def test_an_id_in_use_is_refused(client: Client) -> None:
    client.request(1, "resources/read")
    client.request(1, "resources/read")
    assert client.seen[-1]["error"]["code"] == -32600
    client.request("1", "resources/read")
    assert len(client.session.waiting()) == 2


def test_answers_of_the_client_go_nowhere(client: Client) -> None:
    client.leader()
    before = list(client.forwarded)
    client.send(id=1, result={})
    assert client.forwarded == before
