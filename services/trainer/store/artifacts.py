"""Files of experiments, in the row of their experiment."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, select

from libs.schemas.ids import derived
from libs.schemas.values import Artifact, Value
from libs.store.session import Read
from services.trainer.tables import experiment

_SUFFIX = {"model-latest": ".onnx", "checkpoint": ".npz"}


class Kept(Artifact, frozen=True, kw_only=True):
    """A file as an experiment keeps it. `filename`: what it was called where it came from."""

    id: UUID
    filename: str


def usual_filename(name: str) -> str:
    """What a file of ours is called where it is saved."""
    return name + _SUFFIX.get(name, "")


def kept(experiment_id: UUID, artifact: Artifact) -> Kept:
    """A file that a recipe has made."""
    return _kept(experiment_id, as_document(artifact))


def artifacts_of(row: RowMapping) -> list[Kept]:
    """The files of an experiment, in the order they came."""
    return [_kept(row["id"], one) for one in row["artifacts"]]


def told(artifacts: Sequence[Artifact]) -> list[Artifact]:
    """As events have them."""
    return [
        Artifact(name=one.name, key=one.key, sha256=one.sha256, size=one.size) for one in artifacts
    ]


def as_document(value: Value) -> dict[str, Any]:
    """A value as its row has it."""
    return {
        name: str(part) if isinstance(part := getattr(value, name), UUID) else part
        for name in value.__struct_fields__
    }


async def experiment_with(read: Read, organization: UUID, artifact: UUID) -> RowMapping | None:
    """The experiment that has the file."""
    return await read.first(
        select(experiment).where(
            experiment.c.organization == organization,
            experiment.c.artifacts.contains([{"id": str(artifact)}]),
        )
    )


def _kept(experiment_id: UUID, one: Mapping[str, Any]) -> Kept:
    name = one["name"]
    # Those of older experiments have neither.
    known = one.get("id") or derived("artifact", experiment_id, name)
    filename = one.get("filename") or usual_filename(name)
    return Kept(
        id=UUID(str(known)), filename=filename,
        name=name, key=one["key"], sha256=one["sha256"], size=one["size"],
    )  # fmt: skip
