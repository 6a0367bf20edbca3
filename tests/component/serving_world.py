"""Models for the serving tests, as real ONNX graphs: good, failing and slow ones."""

import hashlib
import io
from typing import Any
from uuid import UUID, uuid4

import numpy as np
from PIL import Image

from libs.schemas.events import DeploymentChanged, State
from libs.schemas.values import DeployedModel, ModelFile, TaskType
from services.trainer.recipes.detection.export import BOX_FORMAT, detector_onnx
from services.trainer.recipes.detection.network import detector, initial_detector
from services.trainer.recipes.onnx_export import Metadata
from tests.support.services import RunningServices

LABELS = ["a", "b", "c"]
SIDE = 64


def metadata(task: str = "OBJECT_DETECTION") -> Metadata:
    return Metadata(
        task=task,
        labels=tuple(LABELS),
        input_size=(SIDE, SIDE),
        threshold=0.02,
        box_format=BOX_FORMAT,
        recipe="detection",
        recipe_version="1",
    )


def tiny_detector(seed: int) -> bytes:
    """A detector that has learnt nothing; each seed's says something else."""
    rng = np.random.default_rng(seed)
    parameters, state = initial_detector(detector(len(LABELS)), rng, median_half=10)
    return detector_onnx(parameters, state, metadata=metadata())


def raising_detector() -> bytes:
    """Loads, and answers a black picture; any other one is an index out of range."""
    from onnx import helper

    return _detector(
        [
            helper.make_node("Cast", ["mean"], ["index"], to=7),
            helper.make_node("Gather", ["one_score", "index"], ["chosen"]),
            helper.make_node("Reshape", ["chosen", "one"], ["scores"]),
        ]
    )


def slow_detector(rounds: int) -> bytes:
    """Answers a black picture at once; another after `rounds` products of large matrices."""
    from onnx import TensorProto as P
    from onnx import helper

    body = helper.make_graph(
        [
            helper.make_node("MatMul", ["before", "large"], ["after"]),
            helper.make_node("Identity", ["go"], ["go_on"]),
        ],
        "round",
        [
            helper.make_tensor_value_info("number", P.INT64, []),
            helper.make_tensor_value_info("go", P.BOOL, []),
            helper.make_tensor_value_info("before", P.FLOAT, [512, 512]),
        ],
        [
            helper.make_tensor_value_info("go_on", P.BOOL, []),
            helper.make_tensor_value_info("after", P.FLOAT, [512, 512]),
        ],
    )
    return _detector(
        [
            helper.make_node("Greater", ["mean", "no_mean"], ["bright"]),
            helper.make_node("Cast", ["bright"], ["bright_1"], to=7),
            helper.make_node("Mul", ["bright_1", "rounds"], ["trips"]),
            helper.make_node("Loop", ["trips", "", "large"], ["product"], body=body),
            helper.make_node("ReduceMean", ["product"], ["product_mean"], keepdims=0),
            helper.make_node("Mul", ["product_mean", "no_mean"], ["nothing"]),
            helper.make_node("Add", ["one_score", "nothing"], ["scores"]),
        ],
        rounds=rounds,
    )


def _detector(nodes: list[Any], *, rounds: int = 0) -> bytes:
    """One box of class 1; `nodes` make its score from the picture's mean."""
    from onnx import TensorProto as P
    from onnx import helper, numpy_helper

    def constant(name: str, value: Any) -> Any:
        return numpy_helper.from_array(np.asarray(value), name)

    graph = helper.make_graph(
        [
            helper.make_node("Cast", ["images"], ["pixels"], to=1),
            helper.make_node("ReduceMean", ["pixels"], ["mean"], keepdims=0),
            *nodes,
            helper.make_node("Identity", ["one_box"], ["boxes"]),
            helper.make_node("Identity", ["one_class"], ["classes"]),
        ],
        "model",
        [helper.make_tensor_value_info("images", P.UINT8, ["n", SIDE, SIDE, 3])],
        [
            helper.make_tensor_value_info("boxes", P.FLOAT, [1, 4]),
            helper.make_tensor_value_info("scores", P.FLOAT, [1]),
            helper.make_tensor_value_info("classes", P.INT64, [1]),
        ],
        [
            constant("one_box", np.array([[0.25, 0.25, 0.5, 0.75]], np.float32)),
            constant("one_score", np.array([0.9], np.float32)),
            constant("one_class", np.array([1], np.int64)),
            constant("one", np.array([1], np.int64)),
            constant("no_mean", np.array(0, np.float32)),
            constant("large", np.full((512, 512), 1 / 512, np.float32)),
            constant("rounds", np.array(rounds, np.int64)),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, metadata().properties())
    content: bytes = model.SerializeToString()
    return content


async def version_of(
    running: RunningServices, content: bytes, *, number: int = 1, threshold: float = 0.01
) -> DeployedModel:
    """A model version whose file is in the blob store."""
    sha256 = hashlib.sha256(content).hexdigest()
    key = f"deployer/models/{sha256}.onnx"
    await running.context.blobs.put(key, content, content_type="application/octet-stream")
    return DeployedModel(
        version=uuid4(), model=uuid4(), name="m", number=number, threshold=threshold, labels=LABELS,
        onnx=ModelFile(name="model-latest", key=key, sha256=sha256, size=len(content)),
    )  # fmt: skip


def deployment_of(
    champion: DeployedModel,
    shadow: DeployedModel | None = None,
    *,
    deployment: UUID | None = None,
    revision: int = 1,
    state: State = State.ACTIVE,
) -> DeploymentChanged:
    return DeploymentChanged(
        deployment=deployment or uuid4(), revision=revision, name="dock",
        type=TaskType.OBJECT_DETECTION, state=state, champion=champion, shadow=shadow,
    )  # fmt: skip


def picture(seed: int = 1, *, width: int = 96, height: int = 72) -> bytes:
    """A JPEG of blobs."""
    pixels = np.random.default_rng(seed).integers(0, 256, (9, 12, 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).resize((width, height)).save(out, "JPEG")
    return out.getvalue()
