"""What models said in production, and how far from the training data it was."""

from datetime import datetime
from uuid import UUID

from libs.schemas.envelope import Event, event
from libs.schemas.topics import PREDICTIONS, SCORES
from libs.schemas.values import Logged, Output, Value


@event("prediction.logged.v1", PREDICTIONS)
class PredictionLogged(Event, frozen=True, kw_only=True):
    """A prediction was accepted. Its event id is derived from (deployment, prediction).

    `boot` and `sequence` count what one process accepted for the deployment, from 1 without
    a gap: the sum over boots of the highest sequence is what was received.
    """

    logged: Logged
    boot: UUID
    sequence: int

    @property
    def deployment(self) -> UUID:
        return self.logged.deployment


@event("prediction.shadow_logged.v1", PREDICTIONS)
class PredictionShadowLogged(Event, frozen=True, kw_only=True):
    """The shadow's answer to a prediction that was logged without one."""

    deployment: UUID
    prediction: UUID
    data: UUID
    shadow: Output
    event_time: datetime
    width: int
    height: int


class Score(Value, frozen=True, kw_only=True):
    """`outlier`: conformal score 1 − p in [0, 1]. `embedding`: 64 half floats, little endian."""

    prediction: UUID
    outlier: float
    embedding: bytes


@event("prediction.scored.v1", SCORES)
class PredictionsScored(Event, frozen=True, kw_only=True):
    """Up to 500 predictions scored against one reference."""

    deployment: UUID
    reference: UUID
    scores: list[Score]
