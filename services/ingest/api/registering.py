"""Images from places outside: what may be named, and the jobs that take them."""

from uuid import UUID, uuid4

from fastapi import APIRouter
from sqlalchemy import RowMapping

from libs.api.paging import (
    CursorText,
    Limit,
    Page,
    page,
    read_cursor,
    read_time_cursor,
    write_cursor,
)
from libs.api.problems import invalid, not_found
from libs.api.tokens import Caller
from libs.store import jobs
from libs.store.session import Cause
from services.ingest.actions.places import (
    BadPath,
    Place,
    PlaceUnknown,
    check_path,
    place_of,
    places_of,
)
from services.ingest.api.asked import Parts, Reader, Writer
from services.ingest.dto import (
    PlaceDto,
    PlacesDto,
    RegistrationBody,
    RegistrationDto,
    RegistrationError,
)
from services.ingest.parts import Ingest
from services.ingest.store import registrations

router = APIRouter(prefix="/api/ingest/v1/registrations", tags=["datalake"])


@router.get("/places")
async def list_places(parts: Parts, caller: Reader) -> PlacesDto:
    """The places that settings name for this organisation."""
    places = places_of(parts.settings, caller.organization).values()
    return PlacesDto(items=[PlaceDto(name=one.name, kind=one.kind) for one in places])


@router.post("", status_code=202)
async def register(parts: Parts, caller: Writer, body: RegistrationBody) -> RegistrationDto:
    """Take what lies at a path of a place into the Datalake, as a job.

    Bytes that are there make no other image. `path`: a folder or a file; in a bucket, how keys
    begin.
    """
    return registration_dto(await start(parts, caller, body))


@router.get("")
async def list_registrations(
    parts: Parts, caller: Reader, limit: Limit = 50, cursor: CursorText = None
) -> Page[RegistrationDto]:
    """What was asked for, newest first."""
    before = read_time_cursor(cursor)
    async with parts.database.read() as read:
        rows = await registrations.listed(read, caller.organization, before=before, limit=limit)
    return page(rows, limit, registration_dto, lambda row: write_cursor(row["created"], row["id"]))


@router.get("/{registration}")
async def get_registration(registration: UUID, parts: Parts, caller: Reader) -> RegistrationDto:
    """One, as far as it is."""
    return registration_dto(await _found(parts, caller, registration))


@router.get("/{registration}/errors")
async def list_errors(
    registration: UUID, parts: Parts, caller: Reader, limit: Limit = 50, cursor: CursorText = None
) -> Page[RegistrationError]:
    """The files that could not be taken, in order; of a job's the first 10,000."""
    await _found(parts, caller, registration)
    after = read_cursor(cursor, tuple[int])
    async with parts.database.read() as read:
        rows = await registrations.errors_of(
            read, caller.organization, registration, after=after[0] if after else 0, limit=limit
        )
    return page(
        rows,
        limit,
        lambda row: RegistrationError(name=row["name"], error=row["error"]),
        lambda row: write_cursor(row["number"]),
    )


async def start(parts: Ingest, caller: Caller, body: RegistrationBody) -> RowMapping:
    """Ask for a registration. Raises Problem for a place or a path that there is not."""
    organization = caller.organization
    try:
        place = place_of(parts.settings, organization, body.place)
        path = _path(place, body.path)
    except PlaceUnknown as error:
        known = f"there are {', '.join(error.known)}" if error.known else "the settings name none"
        raise invalid(str(error), [("place", known)]) from error
    except BadPath as error:
        raise invalid(str(error), [("path", str(error))]) from error
    async with parts.database.begin(Cause(actor=caller.actor)) as tx:
        job = await jobs.enqueue(
            tx,
            registrations.KIND,
            organization=organization,
            key=str(uuid4()),
            subject=f"images of {place.name}/{path}",
            payload={},
        )
        await registrations.add(
            tx,
            {
                "id": job,
                "organization": organization,
                "place": place.name,
                "path": path,
                "source": body.source,
                "tags": list(dict.fromkeys(body.tags)),
                "actor": caller.actor,
                "created": tx.clock.now(),
            },
        )
        row = await registrations.find(tx, organization, job)
    assert row is not None
    return row


def registration_dto(row: RowMapping) -> RegistrationDto:
    """A registration as it is shown."""
    return RegistrationDto.model_validate(dict(row))


async def _found(parts: Ingest, caller: Caller, registration: UUID) -> RowMapping:
    async with parts.database.read() as read:
        row = await registrations.find(read, caller.organization, registration)
    if row is None:
        raise not_found(f"registration {registration}")
    return row


def _path(place: Place, path: str) -> str:
    """The path as its job reads it: a key's beginning may end in a slash that matters."""
    plain = check_path(path)
    return f"{plain}/" if plain and place.bucket is not None and path.endswith("/") else plain
