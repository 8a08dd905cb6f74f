"""Who is refused, and how; and what nobody can do to the others."""

import json
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from time import time
from typing import Any

import jwt
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from session_buddy.config import Settings, load_settings
from session_buddy.errors import ConfigurationError
from session_buddy.serve import feed, feed_server
from session_buddy.serve.access import AUDIENCE, Access, check_exposure, make_token
from tests.support.live import (
    SECRET,
    LiveHome,
    Running,
    ask,
    free_port,
    live_home,
    receive,
    running,
    send,
    started,
)
from tests.support.waiting import wait_for


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One sidecar for all: whatever is tried on it, the others must still be served."""
    with live_home(tmp_path_factory.mktemp("open")) as home, running(home) as sidecar:
        yield sidecar


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A sidecar with a secret."""
    with live_home(tmp_path_factory.mktemp("locked"), feed_secret=SECRET) as home, running(home) as sidecar:
        yield sidecar


def status_of(served: Running, **options: Any) -> int:
    """The status with which a handshake is refused."""
    with pytest.raises(InvalidStatus) as refused:
        served.connect(**options)
    return refused.value.response.status_code


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://localhost:1", "https://127.0.0.1", "file://"]
)
def test_a_page_of_another_place_is_refused(served: Running, origin: str) -> None:
    assert status_of(served, origin=origin) == 403
    assert served.get("/metrics", Origin=origin)[0] == 403


def test_the_live_page_itself_may_subscribe(served: Running) -> None:
    with served.connect(origin=f"http://127.0.0.1:{served.port}") as subscriber:
        assert json.loads(subscriber.recv())["type"] == "hello"


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8765", "10.0.0.7", "", "localhost@evil", "[::1", "a/b"]
)
def test_a_request_for_another_name_is_refused(served: Running, host: str) -> None:
    for path in ("/", "/metrics", "/healthz"):
        assert served.get(path, Host=host)[0] == 403


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]:99", "LOCALHOST:1", "127.8.8.8"])
def test_this_machine_has_several_names(served: Running, host: str) -> None:
    assert served.get("/healthz", Host=host)[0] == 200


def test_a_request_with_two_hosts_or_none_is_refused(served: Running) -> None:
    assert served.ask(b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n")[0] == 403
    assert served.ask(b"GET / HTTP/1.1\r\n\r\n")[0] == 403


def test_further_names_can_be_allowed() -> None:
    access = Access(Settings("/home", feed_hosts="live.example, other.example"))
    assert access.problem_with("live.example:443", "https://live.example:443") is None
    assert access.problem_with("evil.example", None) is not None
    assert access.problem_with("live.example", "https://other.example") is not None


@pytest.mark.parametrize(
    "method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "get", "CONNECT", "PRI"]
)
def test_everything_but_get_and_head_is_refused_with_and_without_a_body(served: Running, method: str) -> None:
    bare = f"{method} /metrics HTTP/1.1\r\nHost: localhost\r\n"
    assert served.ask(f"{bare}\r\n".encode())[0] == 405
    assert served.ask(f"{bare}Content-Length: 5\r\n\r\nhello".encode())[0] == 405
    assert served.ask(f"{bare}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n".encode())[0] == 405


def test_a_method_that_arrives_in_pieces_is_still_looked_at(served: Running) -> None:
    with socket.create_connection(("127.0.0.1", served.port), timeout=20) as connection:
        for part in (b"PO", b"ST", b" / HTTP/1.1\r\n\r\n"):
            connection.sendall(part)
        assert connection.recv(100).startswith(b"HTTP/1.1 405")


def test_head_gives_the_headers_of_get_and_no_body(served: Running) -> None:
    host = b"HTTP/1.1\r\nHost: localhost\r\n\r\n"
    status, headers, body = served.ask(b"HEAD /metrics " + host)
    assert (status, body) == (200, b"")
    assert int(headers["content-length"]) > 1000


def test_what_is_no_http_gets_no_answer_and_harms_nobody(served: Running) -> None:
    for noise in (
        b"\x16\x03\x01" * 30,
        b"\x00" * 40,
        b"GET\r\n\r\n",
        b"GET / HTTP/9\r\n\r\n",
        b"A" * 100_000,
    ):
        assert served.ask(noise)[0] in (0, 400, 405)
    assert served.get("/healthz")[0] == 200


@pytest.mark.parametrize(
    "path",
    [
        "/../pyproject.toml",
        "/..%2f..%2fetc/passwd",
        "/./index.html/..",
        "//etc/passwd",
        "/index.html/",
        "/%00",
        "/__init__.py",
    ],
)
def test_no_path_leads_out_of_the_page(served: Running, path: str) -> None:
    assert served.get(path)[0] == 404


def test_every_answer_forbids_what_a_page_could_do_with_it(served: Running) -> None:
    for path in ("/", "/metrics", "/healthz", "/nothing"):
        headers = served.get(path)[1]
        assert headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-frame-options"] == "DENY"
        assert "server" not in headers
        assert "access-control-allow-origin" not in headers


def tokens() -> dict[str, str]:
    now = int(time())
    good = {"aud": AUDIENCE, "exp": now + 60}
    return {
        "forged": jwt.encode(good, SECRET[::-1]),
        "expired": jwt.encode(good | {"exp": now - 60}, SECRET),
        "without an end": jwt.encode({"aud": AUDIENCE}, SECRET),
        "for something else": jwt.encode(good | {"aud": "else"}, SECRET),
        "alg none": jwt.encode(good, None, algorithm="none"),
        "another algorithm": jwt.encode(good, SECRET + SECRET, algorithm="HS512"),
        "no token": "x.y.z",
        "empty": "",
    }


@pytest.mark.parametrize("kind", tokens())
def test_a_bad_token_is_refused_everywhere(locked: Running, kind: str) -> None:
    token = tokens()[kind]
    header = {"Authorization": f"Bearer {token}"}
    assert status_of(locked, additional_headers=header) == 401
    assert locked.get("/metrics", **header)[0] == 401
    with locked.connect() as subscriber:
        send(subscriber, type="authenticate", token=token)
        assert receive(subscriber, "error")["code"] == "invalid_token"
        with pytest.raises(ConnectionClosed) as closed:
            subscriber.recv(timeout=20)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1008


def test_a_good_token_is_taken_from_the_header_or_the_first_message(locked: Running) -> None:
    token = make_token(SECRET, 60)
    locked.home.use("review")
    with locked.connect(additional_headers={"Authorization": f"Bearer {token}"}) as subscriber:
        assert json.loads(subscriber.recv())["authenticated"] is True
        receive(subscriber, "metrics_update")
    with locked.connect() as subscriber:
        assert json.loads(subscriber.recv())["authenticated"] is False
        send(subscriber, type="authenticate", token=token)
        assert json.loads(subscriber.recv())["authenticated"] is True
        receive(subscriber, "metrics_update")
    status, _, body = locked.get("/metrics", Authorization=f"Bearer {token}")
    assert status == 200
    assert b"session_buddy_websocket_clients" in body


def test_without_a_token_nothing_of_the_record_is_told(locked: Running) -> None:
    assert locked.get("/metrics")[0] == 401
    assert locked.get("/healthz")[0] == 200
    with locked.connect() as subscriber:
        assert json.loads(subscriber.recv())["authenticated"] is False
        for message in ({"type": "subscribe"}, {"type": "get_metrics"}, {"type": "ping"}):
            send(subscriber, **message)
            assert json.loads(subscriber.recv())["code"] == "unauthenticated"


def test_who_shows_no_token_in_time_is_let_go(locked: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "AUTHENTICATE_SECONDS", 0.1)
    with locked.connect() as subscriber, pytest.raises(ConnectionClosed) as closed:
        receive(subscriber, "nothing more")
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1008


@pytest.mark.slow
def test_connections_without_a_token_never_take_all_places(tmp_path: Path) -> None:
    with live_home(tmp_path, feed_secret=SECRET, max_clients=4) as home, running(home) as served:
        first = served.connect()
        assert status_of(served) == 503
        header = {"Authorization": f"Bearer {make_token(SECRET, 60)}"}
        with served.connect(additional_headers=header) as subscriber:
            receive(subscriber, "hello")
        first.close()


def test_a_frame_over_the_limit_ends_only_its_connection(served: Running) -> None:
    with served.connect() as other, served.connect() as subscriber:
        subscriber.send("x" * 65_537)
        with pytest.raises(ConnectionClosed) as closed:
            receive(subscriber, "nothing more")
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1009
        receive(other, "metrics_update")
        wait_for(
            lambda: b'dropped_total{reason="message_too_big"} 1.0' in served.get("/metrics")[2],
            "it is counted",
        )


@pytest.mark.slow
def test_a_flood_of_messages_ends_only_its_connection(served: Running) -> None:
    with served.connect() as other, served.connect() as subscriber:
        with pytest.raises(ConnectionClosed) as closed:
            flood(subscriber)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1008
        receive(other, "metrics_update")
        wait_for(
            lambda: b'dropped_total{reason="rate_limit"} 1.0' in served.get("/metrics")[2], "it is counted"
        )


def flood(subscriber: Any) -> None:
    for _ in range(5_000):
        send(subscriber, type="ping")
    receive(subscriber, "nothing more")


@pytest.mark.slow
def test_a_handshake_that_is_not_finished_in_time_is_cut(
    home: LiveHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert feed_server.HANDSHAKE_SECONDS == 5.0
    monkeypatch.setattr(feed_server, "HANDSHAKE_SECONDS", 0.2)
    with running(home) as served:
        for beginning in (b"", b"GE", b"GET / HTTP/1.1\r\nHost: loc"):
            assert ask(served.port, beginning)[0] == 0


@pytest.mark.slow
def test_past_the_limit_of_clients_the_answer_is_503_with_a_reason(tmp_path: Path) -> None:
    with live_home(tmp_path, max_clients=2) as home, running(home) as served:
        subscribers = [served.connect() for _ in range(2)]
        with pytest.raises(InvalidStatus) as refused:
            served.connect()
        response = refused.value.response
        assert response.status_code == 503
        assert b"2 subscribers" in response.body
        assert response.headers["Retry-After"]
        assert served.get("/healthz")[0] == 200
        subscribers.pop().close()
        replacement = wait_for(lambda: _connected(served), "a place is free again")
        for subscriber in (*subscribers, replacement):
            receive(subscriber, "metrics_update")
            subscriber.close()


def _connected(served: Running) -> Any:
    try:
        return served.connect()
    except InvalidStatus:
        return None


@pytest.mark.slow
def test_silent_connections_beyond_a_bound_are_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_server, "_SPARE_CONNECTIONS", 3)
    with live_home(tmp_path, max_clients=1) as home, running(home) as served:
        silent = [socket.create_connection(("127.0.0.1", served.port)) for _ in range(4)]
        with socket.create_connection(("127.0.0.1", served.port), timeout=20) as one_more:
            assert _is_dropped(one_more)
        for connection in silent:
            connection.close()
        wait_for(lambda: served.get("/healthz")[0] == 200, "others are served again")


def _is_dropped(connection: socket.socket) -> bool:
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.4", "::", "example.org"])
def test_others_are_not_served_without_a_secret(host: str) -> None:
    with pytest.raises(ConfigurationError, match="feed_secret"):
        check_exposure(Settings("/home", host=host))
    check_exposure(Settings("/home", host=host, feed_secret=SECRET))


def test_a_sidecar_that_would_serve_others_without_a_secret_serves_nobody_and_says_why(
    tmp_path: Path,
) -> None:
    with live_home(tmp_path, host="0.0.0.0") as home, started(home) as refused:
        wait_for(refused.sidecar.notices, "it says why")
        assert "feed_secret" in refused.sidecar.notices()[0]
        with pytest.raises(ConnectionRefusedError):
            ask(refused.port, b"GET / HTTP/1.1\r\n\r\n")


def test_a_short_secret_is_no_secret() -> None:
    with pytest.raises(ConfigurationError, match="32"):
        load_settings({"home": "/home"}, {"SESSION_BUDDY_FEED_SECRET": "short"})


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate `cert.pem` for localhost, with `key.pem` beside it."""
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-keyout",
            "key.pem",
            "-out",
            "cert.pem",
            "-days",
            "1",
            "-subj",
            "/CN=localhost",
            "-addext",
            "subjectAltName=DNS:localhost,IP:127.0.0.1",
        ],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    return folder


def test_with_a_certificate_the_feed_speaks_tls_and_nothing_else(tmp_path: Path, certificate: Path) -> None:
    files = {"tls_cert": str(certificate / "cert.pem"), "tls_key": str(certificate / "key.pem")}
    trusting = ssl.create_default_context(cafile=files["tls_cert"])
    with live_home(tmp_path, **files) as home, running(home) as served:
        assert served.sidecar.served.url == f"https://127.0.0.1:{served.port}/"
        with served.connect(ssl=trusting) as subscriber:
            receive(subscriber, "metrics_update")
        assert ask(served.port, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")[0] in (0, 400)


def test_half_a_certificate_and_a_broken_one_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="both"):
        check_exposure(Settings("/home", tls_cert="cert.pem"))
    (tmp_path / "x.pem").write_text("no certificate")
    broken = Settings("/home", tls_cert=str(tmp_path / "x.pem"), tls_key=str(tmp_path / "x.pem"))
    with pytest.raises(ConfigurationError, match=r"x\.pem"):
        feed_server.tls_context(broken)


@pytest.mark.slow
def test_a_busy_port_is_said_once_and_taken_when_it_is_free(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    port = free_port()
    with (
        socket.create_server(("127.0.0.1", port)) as other,
        live_home(tmp_path, port=port) as home,
        started(home) as waiting,
    ):
        [notice] = wait_for(waiting.sidecar.notices, "it says that the port is taken")
        assert f"port {port}" in notice
        assert "another program" in notice
        other.close()
        wait_for(lambda: waiting.sidecar.served.url, "the port is taken over", 20)
        assert waiting.sidecar.notices() == []
        assert waiting.get("/healthz")[0] == 200
    assert capsys.readouterr().err.count("is not served") == 1


def test_another_session_buddy_on_the_port_is_named(served: Running, tmp_path: Path) -> None:
    with live_home(tmp_path / "other", port=served.port) as home, started(home) as waiting:
        [notice] = wait_for(waiting.sidecar.notices, "it says that the port is taken")
        assert "another session-buddy" in notice


def test_metrics_can_have_a_port_of_their_own(tmp_path: Path) -> None:
    own = free_port()
    with live_home(tmp_path, metrics_port=own) as home, running(home):
        request = b" HTTP/1.1\r\nHost: localhost\r\n\r\n"
        wait_for(lambda: _answers(own), "the second port is open")
        assert ask(own, b"GET /metrics" + request)[0] == 200
        assert ask(own, b"GET /" + request)[0] == 404
        upgrade = b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
        assert ask(own, upgrade)[0] == 404


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionRefusedError:
        return False
    return True
