"""What the feed's port answers to plain HTTP: the live page, `/metrics`, `/healthz`; GET and HEAD only."""

import asyncio
import gzip
import hashlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from session_buddy import __version__
from session_buddy.serve.access import Access
from session_buddy.serve.metrics import MetricsRenderer, Page

_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".json": "application/json",
}
_SAFE: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_SMALLEST_GZIPPED = 1_000
_PAGE_LEVEL = 9  # once, at the start


@dataclass(frozen=True, slots=True)
class _File:
    content_type: str
    body: bytes
    gzipped: bytes | None
    tag: str


class Pages:
    """Answers plain requests. Belongs to the event loop."""

    def __init__(
        self, access: Access, metrics: MetricsRenderer, is_ready: Callable[[], bool], *, has_page: bool
    ) -> None:
        """has_page: whether the live page is served too. is_ready: whether the figures are loaded."""
        self._access = access
        self._metrics = metrics
        self._is_ready = is_ready
        self._files = load_page() if has_page else {}
        self._rendering: dict[tuple[str, bool], asyncio.Task[Page]] = {}

    async def answer(self, request: Request) -> Response:
        """The answer to a request whose method and origin are in order."""
        response = await self._answer(request)
        if request.method == "HEAD":
            response.body = b""
        return response

    async def _answer(self, request: Request) -> Response:
        path = request.path.partition("?")[0]
        if path == "/healthz":
            return self._health()
        if path == "/metrics":
            return await self._scrape(request)
        found = self._files.get("/index.html" if path == "/" else path)
        if found is None:
            return plain(HTTPStatus.NOT_FOUND, "There is nothing here.")
        return _send_file(found, request)

    def _health(self) -> Response:
        ready = self._is_ready()
        status = HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE
        about = {"status": "ok" if ready else "starting", "version": __version__, "pid": os.getpid()}
        return respond(status, "application/json", json.dumps(about).encode())

    async def _scrape(self, request: Request) -> Response:
        if self._access.needs_token and not self._access.admits_header(one(request, "Authorization")):
            response = plain(HTTPStatus.UNAUTHORIZED, "Show a token: Authorization: Bearer ...")
            response.headers["WWW-Authenticate"] = "Bearer"
            return response
        page = await self._rendered(one(request, "Accept") or "", compress=_reads_gzip(request))
        response = respond(HTTPStatus.OK, page.content_type, page.body)
        if page.gzipped:
            response.headers["Content-Encoding"] = "gzip"
        response.headers["Vary"] = "Accept, Accept-Encoding"
        return response

    async def _rendered(self, accept: str, *, compress: bool) -> Page:
        """A scrape, rendered off the loop; scrapes that come meanwhile share it."""
        key = (accept, compress)
        task = self._rendering.get(key)
        if task is None:
            task = asyncio.create_task(asyncio.to_thread(self._metrics.render, accept, compress=compress))
            self._rendering[key] = task
            task.add_done_callback(lambda _: self._rendering.pop(key, None))
        return await asyncio.shield(task)


def respond(status: HTTPStatus, content_type: str, body: bytes) -> Response:
    """An answer with the headers that all have."""
    headers = Headers(_SAFE)
    headers["Content-Type"] = content_type
    headers["Content-Length"] = str(len(body))
    headers["Content-Security-Policy"] = "default-src 'none'; frame-ancestors 'none'"
    headers["Cache-Control"] = "no-store"
    headers["Connection"] = "close"
    return Response(status.value, status.phrase, headers, body)


def plain(status: HTTPStatus, sentence: str) -> Response:
    """A sentence."""
    return respond(status, "text/plain; charset=utf-8", f"{sentence}\n".encode())


def one(request: Request, name: str) -> str | None:
    """A header's value; None if it is missing, "" if it is given more than once."""
    values = request.headers.get_all(name)
    return values[0] if len(values) == 1 else ("" if values else None)


def page_folder() -> Traversable:
    """Where the files of the live page are."""
    return files("session_buddy") / "assets" / "page"


def load_page() -> Mapping[str, _File]:
    """The files of the live page by path; only these are ever served, so no path leads elsewhere."""
    folder = page_folder()
    if not folder.is_dir():
        return {}
    return {f"/{entry.name}": _file(entry) for entry in folder.iterdir() if _type_of(entry) is not None}


def _file(entry: Traversable) -> _File:
    body = entry.read_bytes()
    packed = gzip.compress(body, _PAGE_LEVEL, mtime=0) if len(body) >= _SMALLEST_GZIPPED else None
    tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
    return _File(_type_of(entry) or "", body, packed, tag)


def _type_of(entry: Traversable) -> str | None:
    return _TYPES.get(os.path.splitext(entry.name)[1]) if entry.is_file() else None


def _send_file(found: _File, request: Request) -> Response:
    if one(request, "If-None-Match") == found.tag:
        response = respond(HTTPStatus.NOT_MODIFIED, found.content_type, b"")
    elif found.gzipped is not None and _reads_gzip(request):
        response = respond(HTTPStatus.OK, found.content_type, found.gzipped)
        response.headers["Content-Encoding"] = "gzip"
    else:
        response = respond(HTTPStatus.OK, found.content_type, found.body)
    for name in ("Content-Security-Policy", "Cache-Control"):
        del response.headers[name]
    response.headers["Content-Security-Policy"] = _page_policy(request)
    response.headers["Cache-Control"] = "no-cache"
    response.headers["ETag"] = found.tag
    response.headers["Vary"] = "Accept-Encoding"
    return response


def _page_policy(request: Request) -> str:
    """The page loads and connects to nothing but this server; its host was checked before."""
    host = one(request, "Host") or ""
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
        f"connect-src 'self' ws://{host} wss://{host}; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _reads_gzip(request: Request) -> bool:
    offered = ",".join(request.headers.get_all("Accept-Encoding")).lower().replace(" ", "").split(",")
    return any(item == "gzip" or (item.startswith("gzip;q=") and item != "gzip;q=0") for item in offered)
