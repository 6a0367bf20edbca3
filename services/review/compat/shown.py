"""Predicted assets as the existing client reads them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from libs.schemas.events import DeploymentChanged
from libs.schemas.ids import datalake_id, label_id
from libs.schemas.values import DeployedModel, Logged, Output, Review, ReviewShapes
from services.review.store.predictions import Found


def asset_json(organization: UUID, logged: Logged) -> dict[str, Any]:
    """A predicted asset; it has its prediction's id. Its picture's address is asked for."""
    assert logged.picture is not None
    return {
        "id": logged.prediction,
        "oracle_prediction_id": logged.prediction,
        "deployment_id": logged.deployment,
        "data": {
            "id": logged.data,
            "datalake_id": datalake_id(organization),
            "object_name": logged.picture.key,
            "filename": logged.filename,
            "type": "IMAGE",
            "content_type": logged.content_type.upper(),
            "upload_status": "DONE",
            "meta": {"width": logged.width, "height": logged.height},
            "metadata": logged.metadata,
            "custom_metadata": logged.custom_metadata,
        },
    }


def whole_json(organization: UUID, target: DeploymentChanged, found: Found) -> dict[str, Any]:
    """A predicted asset with what the models said and what was reviewed, the last review last."""
    logged = found.logged
    predictions = [_prediction(target, logged.champion, is_shadow=False)]
    if logged.shadow is not None:
        predictions.append(_prediction(target, logged.shadow, is_shadow=True))
    return asset_json(organization, logged) | {
        "status": found.row["status"],
        "predictions": predictions,
        "reviews": [review_json(target.deployment, review) for review in found.revisions],
    }


def review_json(deployment: UUID, review: Review) -> dict[str, Any]:
    """A review: shapes by kind, pixels, `x, y, w, h`."""
    shapes = review.shapes
    return {
        "revision": review.revision,
        "reviewer": review.reviewer,
        "created_at": review.reviewed_time,
        **_by_kind(deployment, shapes),
    }


def _by_kind(deployment: UUID, shapes: ReviewShapes) -> dict[str, Any]:
    labels = [{"id": label_id(deployment, name), "name": name} for name in shapes.labels]
    if shapes.polygons:
        polygons = zip(shapes.polygons, labels, strict=True)
        return _kinds(polygons=[{"polygon": ring, "label": label} for ring, label in polygons])
    if shapes.boxes:
        boxes = zip(shapes.boxes, labels, strict=True)
        return _kinds(rectangles=[_rectangle(box) | {"label": label} for box, label in boxes])
    return _kinds(classifications=[{"label": label} for label in labels])


def _prediction(target: DeploymentChanged, output: Output, *, is_shadow: bool) -> dict[str, Any]:
    shapes = output.shapes
    names = _labels_of(target, output.version)
    labels = [_label(target.deployment, names, index) for index in shapes.classes]
    told: dict[str, Any] = {
        "is_shadow": is_shadow,
        "model_version_id": output.version,
        "latency": output.latency,
    }
    scored = list(zip(labels, shapes.scores, strict=True))
    if shapes.polygons:
        return told | _kinds(
            polygons=[
                {"polygon": ring, "label": label, "score": score}
                for ring, (label, score) in zip(shapes.polygons, scored, strict=True)
            ]
        )
    if shapes.boxes:
        return told | _kinds(
            rectangles=[
                _rectangle(box) | {"label": label, "score": score}
                for box, (label, score) in zip(shapes.boxes, scored, strict=True)
            ]
        )
    return told | _kinds(
        classifications=[{"label": label, "score": score} for label, score in scored]
    )


def _kinds(**shapes: list[dict[str, Any]]) -> dict[str, Any]:
    return {"rectangles": [], "polygons": [], "classifications": [], "lines": [], "points": []} | (
        shapes
    )


def _rectangle(box: Sequence[float]) -> dict[str, Any]:
    return dict(zip("xywh", box, strict=True))


def _labels_of(target: DeploymentChanged, version: UUID) -> list[str]:
    models: list[DeployedModel] = [target.champion, *([target.shadow] if target.shadow else [])]
    return next((m.labels for m in models if m.version == version), target.champion.labels)


def _label(deployment: UUID, names: Sequence[str], index: int) -> dict[str, Any]:
    name = names[index] if index < len(names) else str(index)
    return {"id": label_id(deployment, name), "name": name}
