"""What became of the images of a trial's draws."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, RowMapping, and_, exists, false, or_, select

from libs.schemas.values import Start
from libs.store.session import Read
from services.deployer.core.draws import Answer, Drawn
from services.deployer.store.models import Version
from services.deployer.store.trials import Trial
from services.deployer.tables import draw, drawn, review, trained_image

# Until the shadow is loaded everywhere it cannot have been asked.
_LOADING = timedelta(minutes=1)
_FAIR_STARTS = (Start.BLANK, Start.COIN_CHAMPION, Start.COIN_SHADOW)


async def drawn_images(
    read: Read, of: Trial, *, champion: Version, candidate: Version
) -> list[Drawn]:
    """The images of a trial's draws, in draw order, and what became of each."""
    manifests = [t.manifest for t in (*champion.trained_on, *candidate.trained_on)]
    seen_in_training: ColumnElement[bool] = false()
    if manifests:
        seen_in_training = exists().where(
            trained_image.c.organization == of.organization,
            trained_image.c.manifest.in_(manifests),
            or_(
                trained_image.c.sha256 == review.c.sha256,
                trained_image.c.block == review.c.block,
            ),
        )
    within = [draw.c.opened >= of.since]
    if of.ended is not None:
        within.append(draw.c.opened < of.ended)
    rows = await read.all(
        select(
            draw.c.number,
            draw.c.opened,
            drawn.c.weight,
            drawn.c.skipped,
            review,
            seen_in_training.label("trained"),
        )
        .join(drawn, and_(drawn.c.deployment == draw.c.deployment, drawn.c.draw == draw.c.id))
        .outerjoin(
            review,
            and_(
                review.c.deployment == drawn.c.deployment,
                review.c.prediction == drawn.c.prediction,
                review.c.organization == of.organization,
            ),
        )
        .where(
            draw.c.organization == of.organization,
            draw.c.deployment == of.deployment,
            or_(draw.c.served.is_(None), drawn.c.position < draw.c.served),
            *within,
        )
        .order_by(draw.c.number, drawn.c.position)
    )
    seen: set[UUID] = set()
    images = []
    for row in rows:
        prediction = row["prediction"]
        if prediction is not None and prediction in seen:
            continue
        if prediction is not None:
            seen.add(prediction)
        images.append(_drawn(row, of))
    return images


def _drawn(row: RowMapping, of: Trial) -> Drawn:
    answer = _answer(row, of)
    return Drawn(
        draw=row["number"],
        opened=row["opened"],
        answer=answer,
        w=row["weight"],
        d=row["d"] if answer is Answer.COUNTS else 0.0,
        time=row["event_time"],
        block=row["burst"],
    )


def _answer(row: RowMapping, of: Trial) -> Answer:
    if row["prediction"] is None:
        return Answer.LEFT_OUT if row["skipped"] else Answer.OPEN
    if row["trained"] or row["champion"] != of.champion:
        return Answer.FOREIGN
    if row["candidate"] is None:
        asked = row["receive_time"] >= of.since + _LOADING
        return Answer.LEFT_OUT if asked else Answer.FOREIGN
    if row["candidate"] != of.candidate:
        return Answer.FOREIGN
    if row["deleted"] or row["start"] not in _FAIR_STARTS:
        return Answer.LEFT_OUT
    thresholds = (row["champion_threshold"], row["candidate_threshold"])
    if row["d"] is None or thresholds != (of.champion_threshold, of.candidate_threshold):
        return Answer.FOREIGN
    return Answer.COUNTS
