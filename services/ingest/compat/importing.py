"""What lies at a place of the settings, as the existing client imports a bucket."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field

from libs.api.compat import compat_router
from libs.api.problems import Problem, invalid
from services.ingest.api.registering import start
from services.ingest.compat.asked import Parts, Writer, datalake_json, our_lake
from services.ingest.compat.lake import named
from services.ingest.dto import RegistrationBody

router = compat_router()
Prefix = Annotated[str, Field(max_length=1100)]


class ImportBody(BaseModel):
    """Which objects: the first segment of a prefix names the place. `tag_ids`: of images."""

    prefixes: Annotated[list[Prefix], Field(min_length=1, max_length=1)] | None = None
    tag_ids: Annotated[list[UUID], Field(max_length=20)] = []
    data_source_id: UUID | None = None


@router.post("/api/datalake/{datalake}/objects", status_code=202)
async def import_objects(
    datalake: UUID, body: ImportBody, parts: Parts, caller: Writer
) -> dict[str, Any]:
    """Register what begins so, as a job."""
    our_lake(caller, datalake)
    if body.prefixes is None:
        what = "objects that each have metadata of their own"
        raise Problem(404, "not-offered", f"Sightloop does not offer {what}")
    place, _, path = body.prefixes[0].lstrip("/").partition("/")
    if not place or len(place) > 64:
        raise invalid("a prefix begins with the name of a place", [("prefixes", "name it")])
    tags, source = await named(parts, caller.organization, body.tag_ids, body.data_source_id)
    asked = RegistrationBody(place=place, path=path[:1024], tags=tags)
    if source is not None:
        asked = asked.model_copy(update={"source": source})
    row = await start(parts, caller, asked)
    job = {"id": row["id"], "status": "QUEUED"}
    return {"datalake": datalake_json(caller.organization), "job": job}
