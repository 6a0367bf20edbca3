"""What has been accepted and is not on the bus yet."""

from uuid import UUID

import msgspec

from libs.schemas.ids import id_text
from libs.schemas.values import Logged
from services.ingest.errors import PredictionRejected

# Kafka takes a million with the headers; the embedded log would take more, and is the same product.
LARGEST = 960_000

_encoder = msgspec.json.Encoder()


class Accepted(msgspec.Struct, frozen=True):
    """A prediction, for whom, by whom, and in which trace. Ids as text.

    `document`: the `Logged` as JSON.
    """

    organization: UUID
    actor: str
    traceparent: str | None
    prediction: str
    data: str
    document: bytes


def accepted(
    logged: Logged, *, organization: UUID, actor: str, traceparent: str | None
) -> Accepted:
    """What goes out for a prediction. Raises PredictionRejected (413)."""
    document = _encoder.encode(logged)
    if len(document) > LARGEST:
        what = f"a prediction without its picture may have {LARGEST} bytes"
        raise PredictionRejected("prediction-too-large", what, status=413)
    named, data = id_text(logged.prediction), id_text(logged.data)
    return Accepted(organization, actor, traceparent, named, data, document)
