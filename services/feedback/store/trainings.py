"""Trainings: settings, the count of submissions, and their crossings."""

from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, Select, select, update
from sqlalchemy.dialects.postgresql import insert

from libs.store.session import Read, Tx
from services.feedback.core.training import Last, Training, TrainingSet, TrainingSettings
from services.feedback.core.trigger import Crossing
from services.feedback.tables import counted, crossing, training


async def find_training(
    read: Read, organization: UUID, deployment: UUID, *, lock: bool = False
) -> Training:
    """A deployment's training; one that nobody has set up is off. `lock`: nobody else fires."""
    query = _mine(organization, deployment)
    row = await read.first(query.with_for_update() if lock else query)
    if row is None:
        return Training(settings=TrainingSettings(), submitted=0, crossings=0, last=None)
    last = await read.first(
        select(crossing)
        .where(crossing.c.organization == organization, crossing.c.deployment == deployment)
        .order_by(crossing.c.number.desc())
        .limit(1)
    )
    running = await read.first(
        select(crossing.c.number)
        .where(
            crossing.c.organization == organization,
            crossing.c.deployment == deployment,
            crossing.c.finished.is_(None),
        )
        .limit(1)
    )
    return Training(
        settings=_settings(row),
        submitted=row["submitted"],
        crossings=row["crossings"],
        last=Last(experiment=last["experiment"], why=last["why"], time=last["time"])
        if last
        else None,
        running=running is not None,
    )


async def put_training(
    tx: Tx, organization: UUID, deployment: UUID, settings: TrainingSettings
) -> None:
    """Replace a training's settings; what was counted stays."""
    values = _values(settings)
    new = insert(training).values(
        deployment=deployment, organization=organization, submitted=0, crossings=0, **values
    )
    await tx.execute(new.on_conflict_do_update(index_elements=[training.c.deployment], set_=values))


async def count_submission(tx: Tx, organization: UUID, deployment: UUID, prediction: UUID) -> None:
    """Count a prediction that has become an asset, once for all its targets and corrections."""
    new = await tx.execute(
        insert(counted)
        .values(deployment=deployment, prediction=prediction, organization=organization)
        .on_conflict_do_nothing()
        .returning(counted.c.prediction)
    )
    if new.first() is None:
        return
    row = insert(training).values(
        deployment=deployment,
        organization=organization,
        submitted=1,
        crossings=0,
        **_values(TrainingSettings()),
    )
    await tx.execute(
        row.on_conflict_do_update(
            index_elements=[training.c.deployment], set_={"submitted": training.c.submitted + 1}
        )
    )


async def counted_enough(read: Read) -> list[tuple[UUID, UUID]]:
    """(organisation, deployment) of the active trainings whose count has reached the threshold."""
    rows = await read.all(
        select(training.c.organization, training.c.deployment).where(
            training.c.active,
            training.c.project.is_not(None),
            training.c.submitted >= training.c.threshold,
        )
    )
    return [(row["organization"], row["deployment"]) for row in rows]


async def cross(
    tx: Tx, organization: UUID, deployment: UUID, fired: Crossing, *, experiment: UUID
) -> None:
    """Store a crossing and begin to count anew. Its row must be locked."""
    await tx.execute(
        insert(crossing).values(
            deployment=deployment,
            number=fired.number,
            organization=organization,
            experiment=experiment,
            why=fired.why,
            actor=tx.cause.actor,
            time=tx.clock.now(),
        )
    )
    await tx.execute(
        update(training)
        .where(training.c.organization == organization, training.c.deployment == deployment)
        .values(submitted=0, crossings=fired.number)
    )


async def end_crossing(tx: Tx, organization: UUID, deployment: UUID, experiment: UUID) -> bool:
    """The training of a crossing has ended; False where there is none that had not."""
    ended = await tx.execute(
        update(crossing)
        .where(
            crossing.c.organization == organization,
            crossing.c.deployment == deployment,
            crossing.c.experiment == experiment,
            crossing.c.finished.is_(None),
        )
        .values(finished=tx.clock.now())
        .returning(crossing.c.number)
    )
    return ended.first() is not None


def _mine(organization: UUID, deployment: UUID) -> Select[Any]:
    return select(training).where(
        training.c.organization == organization, training.c.deployment == deployment
    )


def _settings(row: RowMapping) -> TrainingSettings:
    return TrainingSettings(
        active=row["active"],
        project=row["project"],
        datasets=tuple(
            TrainingSet(
                alias=one["alias"],
                dataset_version=UUID(one["dataset_version"]),
                replay=one["replay"],
            )
            for one in row["datasets"]
        ),
        threshold=row["threshold"],
        parameters=row["parameters"],
        cool_down=row["cool_down"],
        alert_rules=tuple(row["alert_rules"]),
        least_reviewed=row["least_reviewed"],
    )


def _values(settings: TrainingSettings) -> dict[str, Any]:
    return {
        "active": settings.active,
        "project": settings.project,
        "datasets": [
            {
                "alias": one.alias,
                "dataset_version": str(one.dataset_version),
                "replay": one.replay,
            }
            for one in settings.datasets
        ],
        "threshold": settings.threshold,
        "parameters": dict(settings.parameters),
        "cool_down": settings.cool_down,
        "alert_rules": list(settings.alert_rules),
        "least_reviewed": settings.least_reviewed,
    }
