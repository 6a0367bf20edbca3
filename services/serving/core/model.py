"""A model that answers: ONNX Runtime between an adapter's two halves."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from libs.vision.onnx_models import Layout, ModelDescription, NotAnOnnxModel, inspect
from libs.vision.ort import onnxruntime, session
from services.serving.core.adapters import ADAPTERS
from services.serving.core.prediction import Prediction


class PictureNotRgb(ValueError):
    """A picture that is not an array (H, W, 3) of uint8 with at least one pixel."""

    def __init__(self, shape: tuple[int, ...], kind: str) -> None:
        super().__init__(f"a picture must be uint8 (H, W, 3), not {kind} {shape}")


class ModelFailed(RuntimeError):
    """The model raised while it computed; the message is the runtime's."""


@dataclass(frozen=True, slots=True)
class Model:
    """A loaded model. `predict` may be called from several threads at once."""

    description: ModelDescription
    runner: Any

    def predict(self, rgb: NDArray[np.uint8], *, threshold: float | None = None) -> Prediction:
        """What the model says of a picture (H, W, 3), at `threshold`, by default its own.

        Raises PictureNotRgb, ModelFailed.
        """
        if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.size == 0:
            raise PictureNotRgb(rgb.shape, rgb.dtype.name)
        limit = self.description.threshold if threshold is None else threshold
        adapter = ADAPTERS[self.description.layout]
        feeds, frame = adapter.prepare(rgb, self.description)
        if self.description.layout is Layout.SIGHTLOOP_DETECTOR and any(
            tensor.name == "score_threshold" for tensor in self.description.inputs
        ):
            feeds["score_threshold"] = np.array(limit, np.float32)
        names = [tensor.name for tensor in self.description.outputs]
        try:
            values = self.runner.run(names, feeds)
        except Exception as error:
            raise ModelFailed(str(error)) from error
        return adapter.read(dict(zip(names, values, strict=True)), self.description, frame, limit)


def load(model: bytes | Path, *, threads: int = 1) -> Model:
    """Open a model; raises NotAnOnnxModel, UnknownModelLayout."""
    content = model if isinstance(model, bytes) else model.read_bytes()
    description = inspect(content)
    faults = onnxruntime().capi.onnxruntime_pybind11_state
    refusals = (
        faults.Fail,
        faults.InvalidArgument,
        faults.InvalidGraph,
        faults.InvalidProtobuf,
        faults.NotImplemented,
        faults.RuntimeException,
    )
    try:
        runner = session(content, threads=threads)
    except refusals as error:
        raise NotAnOnnxModel(f"the runtime does not open it: {error}") from error
    return Model(description, runner)
