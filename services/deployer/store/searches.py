"""What the existing client looks for: by name, and by the page."""

from uuid import UUID

from sqlalchemy import RowMapping, func, or_, select, update

from libs.schemas.events import State
from libs.schemas.values import TaskType
from libs.store.session import Read, Tx
from services.deployer.errors import NamedUnknown
from services.deployer.store import deployments, models
from services.deployer.store.deployments import Deployment
from services.deployer.store.models import Version
from services.deployer.tables import deployment, model, model_version


async def deployment_named(read: Read, organization: UUID, name: str) -> Deployment:
    """A deployment by its name. Raises NamedUnknown."""
    found: UUID | None = await read.scalar(
        select(deployment.c.id).where(
            deployment.c.organization == organization,
            deployment.c.name == name,
            deployment.c.state == State.ACTIVE,
        )
    )
    if found is None:
        raise NamedUnknown("deployment", name)
    return await deployments.find(read, organization, found)


async def model_named(read: Read, organization: UUID, name: str) -> RowMapping:
    """A model by its name. Raises NamedUnknown."""
    row = await read.first(
        select(model).where(model.c.organization == organization, model.c.name == name)
    )
    if row is None:
        raise NamedUnknown("model", name)
    return row


async def models_of(read: Read, organization: UUID, ids: set[UUID]) -> dict[UUID, RowMapping]:
    """Those of the models that there are."""
    rows = await read.all(
        select(model).where(model.c.organization == organization, model.c.id.in_(ids))
    )
    return {row["id"]: row for row in rows}


async def give_type(tx: Tx, organization: UUID, model_id: UUID, task: TaskType) -> bool:
    """Say what a model without versions is of; False where it has another type for good."""
    changed = await tx.execute(
        update(model)
        .where(
            model.c.organization == organization,
            model.c.id == model_id,
            or_(model.c.type == task, model.c.versions == 0),
        )
        .values(type=task)
        .returning(model.c.id)
    )
    return changed.first() is not None


async def version_of(
    read: Read, organization: UUID, model_id: UUID, *, number: int | None, name: str | None
) -> Version:
    """A model's version by its number, or the newest of a name. Raises NamedUnknown."""
    query = select(model_version.c.id).where(
        model_version.c.organization == organization, model_version.c.model == model_id
    )
    if number is not None:
        query = query.where(model_version.c.number == number)
    if name is not None:
        query = query.where(model_version.c.name == name)
    found: UUID | None = await read.scalar(query.order_by(model_version.c.number.desc()).limit(1))
    if found is None:
        raise NamedUnknown("model version", str(number) if number is not None else str(name))
    return await models.find_version(read, organization, found)


async def counted(read: Read, organization: UUID) -> int:
    """How many deployments there are."""
    query = select(func.count()).where(
        deployment.c.organization == organization, deployment.c.state == State.ACTIVE
    )
    return int(await read.scalar(query) or 0)
