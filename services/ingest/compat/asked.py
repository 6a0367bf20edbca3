"""What requests to the Datalake are about, and images as the existing client reads them."""

from typing import Annotated, Any
from uuid import UUID

from sqlalchemy import RowMapping

from libs.api.app import part
from libs.api.caller import needs
from libs.api.problems import not_found
from libs.api.scopes import Scope
from libs.api.tokens import Caller
from libs.schemas.ids import connector_id, datalake_id
from services.ingest.parts import Ingest
from services.ingest.store.vocabulary import Kind, name_id

Parts = Annotated[Ingest, part(Ingest)]
Reader = Annotated[Caller, needs(Scope.DATA_READ)]
Writer = Annotated[Caller, needs(Scope.DATA_WRITE)]
DATALAKE = "default"


def our_lake(caller: Caller, datalake: UUID) -> None:
    """Raises Problem 404 for another's Datalake."""
    if datalake != datalake_id(caller.organization):
        raise not_found(f"datalake {datalake}")


def datalake_json(organization: UUID) -> dict[str, Any]:
    """The one Datalake of an organisation."""
    return {
        "id": datalake_id(organization),
        "name": DATALAKE,
        "connector_id": connector_id(organization),
    }


def tag_json(organization: UUID, name: str) -> dict[str, Any]:
    """A tag of images."""
    return {"id": name_id(Kind.TAG, organization, name), "name": name, "target_type": "DATA"}


def source_json(organization: UUID, name: str) -> dict[str, Any]:
    """A source of images."""
    return {"id": name_id(Kind.SOURCE, organization, name), "name": name}


def data_json(row: RowMapping) -> dict[str, Any]:
    """An image. The address of its picture is asked for."""
    organization: UUID = row["organization"]
    return {
        "id": row["id"],
        "datalake_id": datalake_id(organization),
        "object_name": row["picture_key"],
        "filename": row["filename"],
        "type": "IMAGE",
        "content_type": row["content_type"],
        "upload_status": "DONE",
        "meta": {"width": row["width"], "height": row["height"]},
        "metadata": row["metadata"],
        "custom_metadata": row["custom_metadata"],
        "tags": [tag_json(organization, name) for name in row["tags"]],
        "data_source": source_json(organization, row["source"]),
        "created_at": row["event_time"],
    }
