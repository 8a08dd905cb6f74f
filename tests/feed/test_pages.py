"""The live page's files, as a browser gets them."""

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest

from session_buddy.serve import http_pages
from tests.support.live import LiveHome, Running, running


@pytest.fixture
def served(home: LiveHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    """A sidecar with a page of the test's own."""
    page = tmp_path / "page"
    (page / "folder").mkdir(parents=True)
    (page / "index.html").write_text("<!doctype html><title>live</title>" + "<p>line</p>" * 200)
    (page / "app.js").write_text("export {};")
    (page / "favicon.svg").write_text("<svg/>")
    (page / "notes.txt").write_text("not of the page")
    (page / "folder" / "style.css").write_text("p {}")
    monkeypatch.setattr(http_pages, "page_folder", lambda: page)
    with running(home) as sidecar:
        yield sidecar


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/index.html", "text/html; charset=utf-8"),
        ("/?from=bookmark", "text/html; charset=utf-8"),
        ("/app.js", "text/javascript; charset=utf-8"),
        ("/favicon.svg", "image/svg+xml"),
    ],
)
def test_the_files_of_the_page_are_served_with_their_types(served: Running, path: str, kind: str) -> None:
    status, headers, body = served.get(path)
    assert (status, headers["content-type"]) == (200, kind)
    assert int(headers["content-length"]) == len(body) > 0


@pytest.mark.parametrize(
    "path", ["/notes.txt", "/folder/style.css", "/folder", "/style.css", "/page/index.html"]
)
def test_nothing_else_is_served(served: Running, path: str) -> None:
    assert served.get(path)[0] == 404


def test_the_page_may_load_and_connect_to_nothing_but_its_own_server(served: Running) -> None:
    policy = served.get("/", Host=f"localhost:{served.port}")[1]["content-security-policy"]
    place = f"localhost:{served.port}"
    assert policy.split("; ") == [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        f"connect-src 'self' ws://{place} wss://{place}",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]


def test_the_page_is_packed_for_browsers_and_not_sent_twice(served: Running) -> None:
    _, headers, packed = served.get("/", Accept_Encoding="gzip, deflate, br")
    assert headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed) == served.get("/")[2]
    status, again, body = served.get("/", If_None_Match=headers["etag"])
    assert (status, body, again["cache-control"]) == (304, b"", "no-cache")


def test_the_page_that_ships_loads_nothing_from_elsewhere() -> None:
    for path, file in http_pages.load_page().items():
        text = file.body.decode()
        if path.endswith((".html", ".css")):
            assert "http://" not in text.replace("http://www.w3.org/", "")
            assert "https://" not in text
