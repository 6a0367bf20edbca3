"""What the trainer tells its training process (a file), and what it hears back (JSON lines)."""

from pathlib import Path
from typing import Any

import msgspec

from libs.schemas.values import Box, TaskType

ONNX = "model.onnx"
CHECKPOINT = "checkpoint.npz"
METRICS = "metrics.json"
LONGEST_LINE = 4000


class Pictured(msgspec.Struct, frozen=True, kw_only=True):
    """A picture in a file. `classes`: indices into the labels; `boxes`: x y w h in pixels."""

    path: str
    classes: list[int]
    boxes: list[Box]


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """One training. `start`: file of the checkpoint to begin with; `folder`: for what is made.

    `recipe` None: the built-in one for `task`.
    """

    recipe: str | None
    task: TaskType
    parameters: dict[str, Any]
    labels: list[str]
    train: list[Pictured]
    validation: list[Pictured]
    old: list[Pictured]
    start: str | None
    cache: str | None
    folder: str


class Progress(msgspec.Struct, frozen=True, kw_only=True, tag="progress"):
    """`step` of `total` steps are done; `values` are points of the metrics' series."""

    step: int
    total: int
    values: dict[str, float]
    seconds_left: float


class Line(msgspec.Struct, frozen=True, kw_only=True, tag="log"):
    """A line for the log."""

    text: str


class Done(msgspec.Struct, frozen=True, kw_only=True, tag="done"):
    """The files are in the folder."""

    labels: list[str]
    metrics: dict[str, float]


class Refused(msgspec.Struct, frozen=True, kw_only=True, tag="refused"):
    """It cannot be trained; the sentence is for the user."""

    sentence: str


Told = Progress | Line | Done | Refused

_work = msgspec.json.Decoder(Work)
_told: msgspec.json.Decoder[Told] = msgspec.json.Decoder(Told)


def write_work(path: Path, work: Work) -> None:
    """Put the work where the training process reads it."""
    path.write_bytes(msgspec.json.encode(work))


def read_work(path: Path) -> Work:
    """The work in a file."""
    return _work.decode(path.read_bytes())


def tell(told: Told) -> bytes:
    """One line of what the training process says."""
    return msgspec.json.encode(told) + b"\n"


def hear(line: bytes) -> Told:
    """What a line says. Raises msgspec.DecodeError."""
    return _told.decode(line)


def loggable(text: str) -> str:
    """A text as a log keeps it: one line, of bounded length, that PostgreSQL can store."""
    flat = text.replace("\x00", "\N{REPLACEMENT CHARACTER}").rstrip()
    flat = " ".join(flat.splitlines())
    return flat if len(flat) <= LONGEST_LINE else f"{flat[: LONGEST_LINE - 1]}…"
