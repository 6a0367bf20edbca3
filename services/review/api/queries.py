"""What a query over a deployment's predictions may name."""

from libs.api.queries import read_query
from libs.api.tokens import Caller
from libs.query.fields import Fields
from libs.query.tree import Expression
from libs.schemas.events import DeploymentChanged
from libs.store.session import Read
from services.review.core import asking
from services.review.store.asking import labelmaps


async def fields_of(read: Read, caller: Caller, target: DeploymentChanged) -> Fields:
    """What a query over a deployment's predictions may name."""
    known = await labelmaps(read, caller.organization, target.deployment, target.champion)
    return asking.fields(label for labels in known.values() for label in labels)


async def query_of(
    read: Read, caller: Caller, target: DeploymentChanged, text: str
) -> Expression | None:
    """The query; None asks for everything. Raises Problem 422 with the column."""
    if not text.strip():
        return None
    return read_query(text, await fields_of(read, caller, target))
