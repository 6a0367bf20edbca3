"""The Datalake, asked with the caller's own token: what he may not see he cannot add."""

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

import httpx
from starlette.requests import Request

from libs.api.caller import ORGANIZATION_HEADER, token_of
from libs.api.compat import XGET
from libs.api.problems import Problem, invalid, not_found, unavailable
from libs.schemas.ids import datalake_id
from services.feedback.core.images import Image
from services.feedback.parts import Feedback

MOST = 10_000
_PAGE = 1000
_SHOWN = 200


async def images_of(
    parts: Feedback, request: Request, organization: UUID, ids: Sequence[UUID]
) -> list[Image]:
    """The images of these ids. Raises Problem 404 where one of them is not there."""
    address = f"{parts.internal_url}/api/datalake/{datalake_id(organization)}/datas"
    found: list[Image] = []
    for first in range(0, len(ids), _PAGE):
        some = [str(one) for one in ids[first : first + _PAGE]]
        answer = await _asked(parts, request, XGET, address, json={"ids": some})
        found += [_image(item) for item in answer["items"]]
    missing = set(ids) - {one.data for one in found}
    if missing:
        raise not_found(f"image {min(missing)}, and {len(missing) - 1} more of those named")
    return found


async def found_by(parts: Feedback, request: Request, query: str) -> list[UUID]:
    """The images that a query over the Datalake finds, the newest first.

    Raises:
        Problem: 422 for a wrong query, and for one that finds more than MOST.
    """
    address = f"{parts.internal_url}/api/ingest/v1/data"
    found: list[UUID] = []
    place: dict[str, str] = {}
    while True:
        asked = {"q": query, "limit": str(_SHOWN), **place}
        answer = await _asked(parts, request, "GET", address, params=asked)
        found += [UUID(item["id"]) for item in answer["items"]]
        if len(found) > MOST:
            raise invalid(
                f"the query finds more than {MOST} images", [("q", "narrow it, or add in parts")]
            )
        if answer["next_cursor"] is None:
            return found
        place = {"cursor": answer["next_cursor"]}


async def _asked(
    parts: Feedback, request: Request, method: str, address: str, **sent: Any
) -> Mapping[str, Any]:
    headers = {"Authorization": f"Bearer {token_of(request)}"}
    if ORGANIZATION_HEADER in request.headers:
        headers[ORGANIZATION_HEADER] = request.headers[ORGANIZATION_HEADER]
    try:
        answer = await parts.http.request(method, address, headers=headers, **sent)
    except httpx.HTTPError as error:
        raise unavailable("the Datalake cannot be reached; try again") from error
    if answer.status_code in (401, 403):
        raise Problem(403, "missing-scope", "the Datalake does not show you its images")
    if answer.status_code == 422:
        wrong = answer.json()
        errors = [(one["where"], one["what"]) for one in wrong.get("errors", [])]
        extra = {"query": wrong["query"]} if "query" in wrong else {}
        raise invalid(wrong.get("detail", "the query is wrong"), errors, **extra)
    if answer.status_code != 200:
        raise unavailable("the Datalake cannot answer now; try again")
    found: Mapping[str, Any] = answer.json()
    return found


def _image(item: Mapping[str, Any]) -> Image:
    return Image(
        data=UUID(item["id"]),
        filename=item["filename"],
        picture=item["object_name"],
        sha256=PurePosixPath(item["object_name"]).stem,
        content_type=item["content_type"],
        width=item["meta"]["width"],
        height=item["meta"]["height"],
    )
