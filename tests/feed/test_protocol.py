"""What subscribers get, over real sockets."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from session_buddy import __version__
from session_buddy.live.frames import SERVER_MESSAGES, MetricsUpdate
from session_buddy.live.requests import MAX_SUBSCRIBED_SKILLS, BadMessage, parse_client_message, type_of
from tests.support.live import Running, live_home, receive, running, send
from tests.support.waiting import wait_for

MODELS = {type_of(model): TypeAdapter(model) for model in SERVER_MESSAGES}


def rows(update: dict[str, Any]) -> dict[str, int]:
    return {row["skill_name"]: row["invocation_count"] for row in update["data"]["top_skills"]}


def update_with(connection: Any, wanted: dict[str, int]) -> dict[str, Any]:
    """The next update whose rows are these."""
    return wait_for(
        lambda: (found := receive(connection, "metrics_update")) and rows(found) == wanted and found,
        f"an update with {wanted}",
    )


def test_the_first_message_says_who_serves_and_how_often(served: Running) -> None:
    with served.connect() as subscriber:
        hello = json.loads(subscriber.recv())
        assert hello["type"] == "hello"
        assert (hello["v"], hello["version"], hello["protocol"]) == (1, __version__, 1)
        assert (hello["update_interval"], hello["authenticated"]) == (0.1, True)


@pytest.mark.slow
def test_updates_come_by_themselves_with_what_was_just_recorded(served: Running) -> None:
    with served.connect() as subscriber:
        served.home.use("review")
        update = update_with(subscriber, {"review": 1})
        MetricsUpdate.model_validate(update)
        served.home.use("review", outcome="failed")
        assert update_with(subscriber, {"review": 2})["data"]["top_skills"][0]["completion_rate"] == 0.5


@pytest.mark.slow
def test_a_subscriber_to_skills_gets_those_and_no_others(served: Running) -> None:
    for name in ("a", "b", "c"):
        served.home.use(name)
    with served.connect() as subscriber:
        send(subscriber, type="subscribe", skill_name="a", id="first")
        confirmed = receive(subscriber, "subscription_confirmed")
        assert (confirmed["id"], confirmed["skill_names"]) == ("first", ["a"])
        update_with(subscriber, {"a": 1})
        send(subscriber, type="subscribe", skill_name="b")
        assert receive(subscriber, "subscription_confirmed")["skill_names"] == ["a", "b"]
        update_with(subscriber, {"a": 1, "b": 1})
        send(subscriber, type="unsubscribe", skill_name="a")
        assert receive(subscriber, "subscription_confirmed")["skill_names"] == ["b"]
        update_with(subscriber, {"b": 1})
        send(subscriber, type="subscribe", skill_name=None)
        assert receive(subscriber, "subscription_confirmed")["skill_names"] is None
        update_with(subscriber, {"a": 1, "b": 1, "c": 1})


@pytest.mark.slow
def test_after_unsubscribing_from_everything_only_answers_come(served: Running) -> None:
    with served.connect() as subscriber:
        send(subscriber, type="unsubscribe")
        assert receive(subscriber, "subscription_confirmed")["skill_names"] == []
        with served.connect() as witness:
            for _ in range(3):
                receive(witness, "metrics_update")
        send(subscriber, type="ping", id=7)
        answer = json.loads(subscriber.recv())
        assert (answer["type"], answer["id"]) == ("pong", 7)


def test_who_subscribes_to_events_gets_each_use_as_more_is_known_of_it(served: Running) -> None:
    with served.connect() as subscriber, served.connect() as other:
        send(subscriber, type="subscribe", skill_name="review", events=True)
        receive(subscriber, "subscription_confirmed")
        send(other, type="subscribe", skill_name="test", events=True)
        receive(other, "subscription_confirmed")
        begun = served.home.use("review", kind="started", outcome=None, duration_seconds=None)
        assert receive(subscriber, "invocation")["data"]["outcome"] is None
        served.home.use("review", kind="ended", invocation_id=begun.invocation_id, outcome="failed")
        message = receive(subscriber, "invocation")
        assert message["data"]["outcome"] == "failed"
        assert message["data"]["invocation_id"] == str(begun.invocation_id)
        served.home.use("test")
        assert receive(other, "invocation")["data"]["skill_name"] == "test"


def test_who_subscribes_to_a_project_gets_its_figures_and_its_uses_alone(served: Running) -> None:
    served.home.use("review", project="/shop", session_id="s1")
    served.home.use("review", project="/bank", session_id="s2", outcome="failed", duration_seconds=9.0)
    served.home.use("deploy", project="/bank", session_id="s2")
    served.home.settled()
    with served.connect() as subscriber:
        send(subscriber, type="subscribe", project="/shop", events=True)
        assert receive(subscriber, "subscription_confirmed")["project"] == "/shop"
        update = wait_for(
            lambda: (found := receive(subscriber, "metrics_update"))["data"]["project"] and found,
            "its update",
        )
        assert rows(update) == {"review": 1}
        assert update["data"]["top_skills"][0]["completion_rate"] == 1.0
        assert update["data"]["active_sessions"] == 1
        send(subscriber, type="get_metrics", project="/bank")
        data = receive(subscriber, "metrics_response")["data"]
        assert (data["project"], data["windows"][0]["invocation_count"]) == ("/bank", 2)
        assert data["windows"][0]["completion_rate"] == 0.5
        assert sum(step["invocation_count"] for step in data["series"]) == 2
        assert {use["project"] for use in data["recent"]} == {"/bank"}
        assert data["projects"] == ["/bank", "/shop"]
        served.home.use("deploy", project="/bank")
        served.home.use("review", project="/shop")
        assert receive(subscriber, "invocation")["data"]["project"] == "/shop"
        update_with(subscriber, {"review": 2})


def test_metrics_of_a_skill_are_answered_at_once(served: Running) -> None:
    served.home.use("review", duration_seconds=1.0)
    served.home.use("review", duration_seconds=3.0, outcome="failed")
    served.home.settled()
    with served.connect() as subscriber:
        send(subscriber, type="get_metrics", skill_name="review", id=1)
        data = receive(subscriber, "metrics_response")["data"]
        assert [window["invocation_count"] for window in data["windows"]] == [2, 2]
        assert data["windows"][0]["p50_duration"] == 2.0
        assert sum(step["failed_count"] for step in data["series"]) == 1
        assert len(data["recent"]) == 2
        send(subscriber, type="get_metrics")
        whole = receive(subscriber, "metrics_response")["data"]["windows"][1]
        assert (whole["completed_count"], whole["decided_count"], whole["completion_rate"]) == (1, 2, 0.5)


def test_the_figures_of_a_day_can_be_asked_for(served: Running) -> None:
    with served.connect() as subscriber:
        send(subscriber, type="subscribe", time_window_hours=24)
        assert receive(subscriber, "subscription_confirmed")["time_window_hours"] == 24
        assert receive(subscriber, "metrics_update")["data"]["time_window_hours"] == 24


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{", "invalid_json"),
        ("[" * 60_000, "invalid_json"),
        ("[]", "invalid_message"),
        ("{}", "unknown_type"),
        ('{"type":"shout"}', "unknown_type"),
        ('{"type":["ping"]}', "unknown_type"),
        ('{"v":2,"type":"ping"}', "unsupported_version"),
        ('{"type":"ping","extra":1}', "invalid_message"),
        ('{"type":"subscribe","skill_name":7}', "invalid_message"),
        ('{"type":"subscribe","skill_name":"' + "x" * 10_000 + '"}', "invalid_message"),
        ('{"type":"subscribe","time_window_hours":2}', "invalid_message"),
    ],
)
def test_a_bad_message_gets_an_error_and_the_connection_lives_on(
    served: Running, text: str, code: str
) -> None:
    with served.connect() as subscriber:
        subscriber.send(text)
        error = receive(subscriber, "error")
        assert error["code"] == code
        assert len(error["message"]) < 500
        send(subscriber, type="ping")
        receive(subscriber, "pong")


def test_a_binary_message_gets_an_error(served: Running) -> None:
    with served.connect() as subscriber:
        subscriber.send(b"{}")
        assert receive(subscriber, "error")["code"] == "binary_not_supported"


def test_the_error_repeats_the_id_of_the_message(served: Running) -> None:
    with served.connect() as subscriber:
        send(subscriber, type="shout", id="mine")
        assert receive(subscriber, "error")["id"] == "mine"


def test_one_connection_follows_a_limited_number_of_skills(served: Running) -> None:
    with served.connect() as subscriber:
        for number in range(MAX_SUBSCRIBED_SKILLS + 1):
            send(subscriber, type="subscribe", skill_name=f"skill {number}")
        assert receive(subscriber, "error")["code"] == "too_many_subscriptions"


def test_every_kind_of_message_of_the_server_fits_its_schema(served: Running) -> None:
    seen: set[str] = set()
    with served.connect() as subscriber:
        served.home.settled()
        send(subscriber, type="subscribe", events=True)
        served.home.use("review")
        send(subscriber, type="get_metrics")
        send(subscriber, type="ping")
        send(subscriber, type="shout")

        def all_seen() -> bool:
            message = json.loads(subscriber.recv(timeout=20))
            MODELS[message["type"]].validate_python(message)
            seen.add(message["type"])
            return seen == set(MODELS)

        assert wait_for(all_seen, "a message of every type, none of which its schema refuses")


def test_subscribers_are_told_to_come_back_when_the_leader_goes(home: Any) -> None:
    from websockets.exceptions import ConnectionClosed

    with running(home) as served:
        subscriber = served.connect()
    with pytest.raises(ConnectionClosed) as closed:
        receive(subscriber, "nothing more")
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1012
    subscriber.close()


@pytest.mark.slow
@given(st.text() | st.dictionaries(st.text(), st.integers() | st.text() | st.none()).map(json.dumps))
def test_any_text_is_a_message_or_a_bad_message(text: str) -> None:
    with suppress(BadMessage):
        assert parse_client_message(text).v == 1


@pytest.mark.slow
def test_the_interval_is_the_one_that_was_set(tmp_path: Any) -> None:
    with live_home(tmp_path, update_interval=0.5) as home, running(home) as served, served.connect() as one:
        assert json.loads(one.recv())["update_interval"] == 0.5
        moments = [receive(one, "metrics_update")["timestamp"] for _ in range(3)]
        assert moments == sorted(set(moments))
