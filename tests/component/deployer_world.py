"""A deployer, model files, and the events that others would send it."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from libs.schemas.events import (
    DrawOpened,
    ExperimentFinished,
    ExperimentStatus,
    PredictionReviewed,
)
from libs.schemas.values import (
    Artifact,
    Box,
    DrawnImage,
    Logged,
    Output,
    Picture,
    Review,
    ReviewShapes,
    Shapes,
    Start,
    TaskType,
)
from tests.support.services import RunningServices
from tests.support.waiting import eventually

API = "/api/deployer/v1"
BOX: Box = (10.0, 10.0, 40.0, 40.0)


def onnx_model(labels: Sequence[str], *, threshold: float = 0.5) -> bytes:
    """A small detector that says how it is to be read."""
    import onnx
    from onnx import TensorProto, helper

    images = helper.make_tensor_value_info("images", TensorProto.UINT8, ["n", 32, 32, 3])
    outputs = [
        helper.make_tensor_value_info("boxes", TensorProto.FLOAT, ["k", 4]),
        helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["k"]),
        helper.make_tensor_value_info("classes", TensorProto.INT64, ["k"]),
        helper.make_tensor_value_info("image_index", TensorProto.INT64, ["k"]),
    ]
    nodes = [helper.make_node("Constant", [], [o.name], value_float=0.0) for o in outputs]
    graph = helper.make_graph(nodes, "tiny", [images], outputs)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    said = {
        "task": "OBJECT_DETECTION",
        "labels": json.dumps(list(labels)),
        "input_size": "[32, 32]",
        "threshold": str(threshold),
        "box_format": "xyxy-normalized",
        "resize": "stretch",
        "interpolation": "bilinear-antialias",
        "channels": "RGB",
    }
    helper.set_model_props(model, {f"sightloop.{key}": value for key, value in said.items()})
    content: bytes = onnx.ModelProto.SerializeToString(model)
    return content


@dataclass
class World:
    """A deployer with a model of two versions, v1 deployed."""

    running: RunningServices
    model: str = ""
    champion: str = ""
    candidate: str = ""
    deployment: str = ""
    draws: int = 0
    served: list[UUID] = field(default_factory=list)

    async def call(self, method: str, path: str, status: int = 200, **more: Any) -> Any:
        """Ask the deployer, and expect a status."""
        answer = await self.running.http.request(method, f"{API}{path}", **more)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    async def upload(self, labels: Sequence[str] = ("car", "dog"), **version: Any) -> str:
        """A version with a file of these labels."""
        body = {"labels": list(labels)} | version
        made = await self.call(
            "POST", f"/models/{self.model}/versions", 201,
            files={"model": ("m.onnx", onnx_model(labels))}, data={"version": json.dumps(body)},
        )  # fmt: skip
        return str(made["id"])

    async def deliver(self, policy: str, **verdict: Any) -> Any:
        """Set the delivery policy."""
        body = {"active": True, "policy": policy, "verdict": verdict}
        return await self.call("PUT", f"/deployments/{self.deployment}/delivery", json=body)

    async def shadow(self, version: str | None = None) -> Any:
        """Run a version as shadow."""
        body = {"model_version": version or self.candidate}
        return await self.call("PUT", f"/deployments/{self.deployment}/shadow", json=body)

    async def show(self) -> Any:
        return await self.call("GET", f"/deployments/{self.deployment}")

    async def verdict(self) -> Any:
        return await self.call("GET", f"/deployments/{self.deployment}/verdict")

    async def verdict_with(self, reviews: int) -> Any:
        """The verdict, once this many reviews count."""
        return await eventually(self.verdict, lambda seen: seen["reviews"] >= reviews)

    async def draw(self, count: int, *, uniform: float = 1.0) -> list[UUID]:
        """Open a draw of fresh images."""
        self.draws += 1
        images = [uuid4() for _ in range(count)]
        await self.running.publish(
            DrawOpened(
                deployment=UUID(self.deployment),
                draw=uuid4(),
                number=self.draws,
                population=count,
                uniform=uniform,
                images=[DrawnImage(prediction=image, pi=1.0) for image in images],
                opened_time=datetime.now(UTC),
            )
        )
        self.served += images
        return images

    def logged(self, prediction: UUID, *, better: bool | None, **changes: Any) -> Logged:
        """A prediction on which the shadow is better, worse, or (None) as good."""
        seen, missed = [BOX], [(100.0, 100.0, 20.0, 20.0)]
        champion = missed if better else seen
        shadow = missed if better is False else seen
        now = datetime.now(UTC)
        values: dict[str, Any] = {
            "deployment": UUID(self.deployment),
            "prediction": prediction,
            "data": uuid4(),
            "type": TaskType.OBJECT_DETECTION,
            "champion": output(self.champion, champion),
            "shadow": output(self.candidate, shadow),
            "filename": "a.png",
            "content_type": "image/png",
            "width": 200,
            "height": 200,
            "source": "serving",
            "event_time": now,
            "receive_time": now + timedelta(minutes=2),
            "picture": Picture(
                key=f"ingest/{prediction}",
                sha256=hashlib.sha256(prediction.bytes).hexdigest(),
                size=1,
                content_type="image/png",
            ),
        }
        return Logged(**(values | changes))

    def reviewed(
        self,
        prediction: UUID,
        *,
        better: bool | None = True,
        revision: int = 1,
        start: Start = Start.BLANK,
        **changes: Any,
    ) -> PredictionReviewed:
        """The review of a prediction: one car, at BOX."""
        return PredictionReviewed(
            logged=self.logged(prediction, better=better, **changes),
            review=Review(
                shapes=ReviewShapes(labels=["car"], boxes=[BOX]),
                revision=revision,
                reviewer="ann",
                reviewed_time=datetime.now(UTC),
                start=start,
            ),
        )

    async def review(self, images: Sequence[UUID], **changes: Any) -> None:
        """Answer images."""
        await self.running.publish(*(self.reviewed(image, **changes) for image in images))


def output(version: str, boxes: Sequence[Box]) -> Output:
    shapes = Shapes(classes=[0] * len(boxes), scores=[0.9] * len(boxes), boxes=list(boxes))
    return Output(version=UUID(version), shapes=shapes, latency=0.1)


async def a_world(running: RunningServices, *, shadow: bool = False) -> World:
    """v1 deployed; v2 beside it if asked for."""
    world = World(running)
    made = await world.call(
        "POST", "/models", 201, json={"name": "dock", "type": "OBJECT_DETECTION"}
    )
    world.model = made["id"]
    world.champion = await world.upload()
    world.candidate = await world.upload()
    made = await world.call(
        "POST", "/deployments", 201, json={"name": "dock", "model_version": world.champion}
    )
    world.deployment = made["id"]
    if shadow:
        await world.shadow()
    return world


async def finished(world: World, labels: Sequence[str], **changes: Any) -> ExperimentFinished:
    """A retraining's model, lying where a trainer leaves it."""
    content = onnx_model(labels)
    key = f"trainer/{uuid4()}/model"
    await world.running.context.blobs.put(key, content, content_type="application/octet-stream")
    artifact = Artifact(
        name="model-latest", key=key, sha256=hashlib.sha256(content).hexdigest(), size=len(content)
    )
    values: dict[str, Any] = {
        "experiment": uuid4(),
        "name": "dock-20261121",
        "status": ExperimentStatus.SUCCESS,
        "artifacts": [artifact],
        "labels": list(labels),
        "deployment": UUID(world.deployment),
        "target_model": UUID(world.model),
    }
    return ExperimentFinished(**(values | changes))
