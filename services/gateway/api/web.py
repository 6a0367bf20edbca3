"""The interface: hashed assets for good, one page for every path that is none of the API's."""

import re
from pathlib import Path

from fastapi import APIRouter
from starlette.responses import FileResponse, HTMLResponse, Response

from libs.api.problems import not_found

_POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; "
    "worker-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-cache",
}
_HASHED = re.compile(r"^assets/.+-[A-Za-z0-9_-]{8}\.[a-z0-9]+$")
_FOR_GOOD = {"Cache-Control": "public, max-age=31536000, immutable"}
_MISSING = (
    "<!doctype html><title>Sightloop</title><p>The interface is not built: run <code>make web"
    "</code>. The API is at <a href='/api/openapi.json'>/api/openapi.json</a>."
)


def web_routes(web: Path | None) -> APIRouter:
    """Routes of the built interface in `web`; without one, a page that says so."""
    router = APIRouter(include_in_schema=False)

    @router.get("/{path:path}")
    def serve(path: str) -> Response:
        if path.split("/", 1)[0] in {"api", "v2", "blobs"}:
            raise not_found(f"path /{path}")
        if web is None:
            return HTMLResponse(_MISSING, 200 if not path else 404)
        wanted = (web / path).resolve()
        if path and wanted.is_relative_to(web.resolve()) and wanted.is_file():
            hashed = _HASHED.search(path) is not None
            return FileResponse(wanted, headers=_HEADERS | (_FOR_GOOD if hashed else {}))
        if path.startswith("assets/"):
            raise not_found(f"path /{path}")
        return FileResponse(web / "index.html", headers=_HEADERS)

    return router
