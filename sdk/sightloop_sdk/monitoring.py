"""The calls of the monitor endpoint: one prediction, a batch and its answers, a shadow's answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import UUID

import msgspec

from sightloop_sdk.calls import Ask, Call
from sightloop_sdk.convert.outputs import to_prediction
from sightloop_sdk.errors import ApiError, SightloopError, error_in
from sightloop_sdk.formats import Prediction
from sightloop_sdk.ids import Ref, id_of
from sightloop_sdk.record import Finished, Prepared, Record, Target, prepare

T = TypeVar("T")
BATCH_COUNT = 1000
BATCH_BYTES = 8 * 2**20


class Accepted(msgspec.Struct, frozen=True):
    """The prediction is durable at the server. `data`: the id of its image in the Datalake."""

    id: UUID
    data: UUID


class Line(msgspec.Struct, frozen=True):
    """The server's answer to a line of a batch."""

    line: int
    status: int
    id: UUID | None = None
    data: UUID | None = None
    problem: dict[str, Any] | None = None

    @property
    def error(self) -> ApiError:
        """Why the line was not accepted."""
        return error_in(self.status, self.problem or {})


@dataclass(frozen=True)
class Rejected:
    """A prediction of `monitor_many` that was not accepted. `index`: its place, from 0."""

    index: int
    id: UUID | None
    error: SightloopError


@dataclass
class Bulk:
    """What became of `monitor_many`: ids of what was accepted, and what was not."""

    accepted: list[UUID] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)


class _Shadow(msgspec.Struct, frozen=True, omit_defaults=True):
    latency: float
    prediction: Prediction
    model_version: UUID | None = None


def one(deployment: UUID, finished: Finished) -> Ask[Accepted]:
    """Log a prediction; multipart where it has a picture."""
    path = f"/api/ingest/v1/deployments/{deployment}/predictions"
    read = msgspec.json.Decoder(Accepted).decode
    if finished.picture is None:
        return Ask(
            Call(
                method="POST",
                path=path,
                content=finished.document,
                content_type="application/json",
                again=True,
            ),
            read,
        )
    files = {
        "prediction": (None, finished.document, "application/json"),
        "image": ("image", finished.picture, "application/octet-stream"),
    }
    return Ask(Call(method="POST", path=path, files=lambda: files, again=True), read)


def batch(deployment: UUID, lines: Sequence[bytes]) -> Ask[list[Line]]:
    """Log several; answers come in order."""
    call = Call(
        method="POST",
        path=f"/api/ingest/v1/deployments/{deployment}/predictions/batch",
        content=b"\n".join(lines),
        content_type="application/x-ndjson",
        again=True,
        timeout=120,
    )

    def read(body: bytes) -> list[Line]:
        try:
            found = _lines.decode_lines(body)
        except msgspec.MsgspecError as error:
            raise SightloopError(f"the answer is not Sightloop's ({error}): a proxy's?") from error
        if len(found) != len(lines):
            raise SightloopError(f"the server answered {len(found)} lines to {len(lines)}")
        return found

    return Ask(call, read)


def shadow(
    deployment: UUID,
    prediction: Ref,
    *,
    latency: float,
    output: Any,
    model_version: Ref | None,
    target: Target,
) -> Ask[Accepted]:
    """Log the shadow's answer later. Not repeated: the second one is a conflict."""
    body = _Shadow(
        latency=latency,
        prediction=to_prediction(output, task=target.task, labels=target.labels),
        model_version=None if model_version is None else id_of(model_version, "model_version"),
    )
    named = id_of(prediction, "prediction")
    call = Call(
        method="POST",
        path=f"/api/ingest/v1/deployments/{deployment}/predictions/{named}/shadow",
        content=msgspec.json.encode(body),
        content_type="application/json",
    )
    return Ask(call, msgspec.json.Decoder(Accepted).decode)


def checked(
    records: Iterable[Record], target: Target, bulk: Bulk
) -> Iterator[tuple[int, Finished]]:
    """The records as bytes with their places; wrong ones go to `bulk.rejected`."""
    for index, record in enumerate(records):
        prepared: Prepared | None = None
        try:
            prepared = prepare(record, target)
            yield index, prepared.finished()
        except SightloopError as error:
            bulk.rejected.append(Rejected(index, prepared.id if prepared else None, error))


def portions(
    finished: Iterable[tuple[int, Finished]],
) -> Iterator[list[tuple[int, UUID, bytes]]]:
    """Batches that one request takes, of (place, id, line)."""
    held: list[tuple[int, UUID, bytes]] = []
    size = 0
    for index, prediction in finished:
        line = prediction.line()
        if held and (len(held) >= BATCH_COUNT or size + len(line) > BATCH_BYTES):
            yield held
            held, size = [], 0
        held.append((index, prediction.id, line))
        size += len(line) + 1
    if held:
        yield held


def sort_out(
    portion: Sequence[tuple[int, UUID, bytes]], answers: Sequence[Line], bulk: Bulk
) -> list[tuple[int, UUID, bytes]]:
    """Enter the answers of a portion into `bulk`; returns what the server was too busy for."""
    busy = []
    for sent, answer in zip(portion, answers, strict=True):
        if answer.status < 300:
            bulk.accepted.append(sent[1])
        elif answer.status in (429, 503):
            busy.append(sent)
        else:
            bulk.rejected.append(Rejected(sent[0], sent[1], answer.error))
    return busy


def give_up(portion: Sequence[tuple[int, UUID, bytes]], error: SightloopError, bulk: Bulk) -> None:
    """Enter a portion that could not be sent."""
    bulk.rejected += [Rejected(index, named, error) for index, named, _ in portion]


_lines = msgspec.json.Decoder(Line)
