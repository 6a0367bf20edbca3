"""Health tells the truth: live while the loops turn, ready while the work is done in time."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import JSONResponse, Response

from libs.api.caller import needs
from libs.api.scopes import Scope
from libs.api.tokens import Caller


@dataclass(frozen=True, slots=True)
class Component:
    """A part of the process and how it is.

    `reason` says why where it is not well; a part that still works may have one too.
    """

    name: str
    ready: bool
    live: bool = True
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """How the process is: as bad as its worst component."""

    components: tuple[Component, ...]

    @property
    def ready(self) -> bool:
        return all(component.ready and component.live for component in self.components)

    @property
    def live(self) -> bool:
        return all(component.live for component in self.components)

    def document(self) -> dict[str, object]:
        unwell = [c for c in self.components if c.reason or not (c.ready and c.live)]
        return {
            "ready": self.ready,
            "live": self.live,
            "unwell": [{"name": c.name, "reason": c.reason} for c in unwell],
        }


router = APIRouter(include_in_schema=False)


@router.get("/livez")
async def live(request: Request) -> Response:
    """200 while every loop turned in the last minute."""
    report: Report = request.app.state.report()
    return JSONResponse(report.document(), 200 if report.live else 503)


@router.get("/readyz")
async def ready(request: Request) -> Response:
    """200 while requests should come here."""
    report: Report = request.app.state.report()
    return JSONResponse(report.document(), 200 if report.ready else 503)


@router.get("/metrics")
async def metrics(_: Annotated[Caller, needs(Scope.OPERATE)]) -> Response:
    """Prometheus exposition. The scrape needs a token with the scope `operate`."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


@router.get("/version")
async def version(request: Request) -> dict[str, str]:
    """The release that runs."""
    return {"version": request.app.version}
