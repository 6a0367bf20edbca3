"""The detector as one ONNX graph: trunk, boxes, suppression of doubles and order by score."""

from collections.abc import Mapping

import numpy as np

from services.trainer.recipes.detection.network import BOX_HEAD, CLASS_HEAD, STRIDE, detector
from services.trainer.recipes.detection.targets import cell_centres
from services.trainer.recipes.layers import Array
from services.trainer.recipes.onnx_export import GraphBuilder, Metadata, add_network

DENSE_BOXES = "dense_boxes"  # [n, cells, 4] x1 y1 x2 y2 in 0..1, before suppression
DENSE_SCORES = "dense_scores"  # [n, C, cells]
MOST_PER_CLASS = 100
IOU_THRESHOLD = 0.5
BOX_FORMAT = "xyxy-normalized"


def detector_onnx(
    parameters: Mapping[str, Array], state: Mapping[str, Array], *, metadata: Metadata
) -> bytes:
    """The model's bytes.

    Input `images` uint8 [n, H, W, 3]; optional inputs `score_threshold`, `iou_threshold`. Outputs,
    ordered by score: `boxes` [K, 4] x1 y1 x2 y2 in 0..1, `scores` [K], `classes` [K],
    `image_index` [K]. Boxes are clipped after the suppression, which sees them whole.
    """
    builder = GraphBuilder()
    add_network(builder, detector(len(metadata.labels)), parameters, state=state)
    _add_dense(builder, *metadata.input_size)
    _add_selection(builder, metadata.threshold)
    return builder.model(
        metadata.input_size,
        {
            "boxes": (np.float32, ["k", 4]),
            "scores": (np.float32, ["k"]),
            "classes": (np.int64, ["k"]),
            "image_index": (np.int64, ["k"]),
        },
        metadata=metadata,
    )


def _add_dense(builder: GraphBuilder, width: int, height: int) -> None:
    x, y = cell_centres(height, width)
    columns, rows = len(x), len(y)
    centres = np.stack([np.tile(x / width, rows), np.repeat(y / height, columns)])
    reach = np.array([STRIDE / width, STRIDE / height], np.float32)
    builder.constant("centres", np.concatenate([centres, centres])[None].astype(np.float32))
    builder.constant("reach", np.concatenate([-reach, reach])[None, :, None])
    builder.constant("flat_boxes", np.array([0, 4, -1], np.int64))
    builder.constant("flat_scores", np.array([0, 0, -1], np.int64))

    builder.add("Reshape", [BOX_HEAD, "flat_boxes"], "box_flat")
    builder.add("Exp", ["box_flat"], "box_cells")
    builder.add("Mul", ["box_cells", "reach"], "box_reach")
    builder.add("Add", ["box_reach", "centres"], "box_corners")
    builder.add("Transpose", ["box_corners"], DENSE_BOXES, perm=[0, 2, 1])
    builder.add("Reshape", [CLASS_HEAD, "flat_scores"], "cls_flat")
    builder.add("Sigmoid", ["cls_flat"], DENSE_SCORES)


def _add_selection(builder: GraphBuilder, threshold: float) -> None:
    builder.constant("most", np.array([MOST_PER_CLASS], np.int64))
    builder.constant("iou_threshold", np.float32(IOU_THRESHOLD), overridable=True)
    builder.constant("score_threshold", np.float32(threshold), overridable=True)
    suppression = [DENSE_BOXES, DENSE_SCORES, "most", "iou_threshold", "score_threshold"]
    builder.add("NonMaxSuppression", suppression, "kept")  # [K, 3]: image, class, cell

    builder.add("GatherND", [DENSE_SCORES, "kept"], "kept_scores")
    builder.add("Shape", ["kept_scores"], "count")
    builder.nodes.append(_top_k())
    builder.add("Gather", ["kept", "order"], "ordered", axis=0)
    builder.constant("image_column", np.int64(0))
    builder.constant("class_column", np.int64(1))
    builder.constant("image_and_cell", np.array([0, 2], np.int64))
    builder.add("Gather", ["ordered", "image_column"], "image_index", axis=1)
    builder.add("Gather", ["ordered", "class_column"], "classes", axis=1)
    builder.add("Gather", ["ordered", "image_and_cell"], "cells", axis=1)
    builder.add("GatherND", [DENSE_BOXES, "cells"], "whole_boxes")
    builder.constant("zero", np.float32(0))
    builder.constant("one", np.float32(1))
    builder.add("Clip", ["whole_boxes", "zero", "one"], "boxes")


def _top_k() -> object:
    from onnx import helper  # noqa: PLC0415

    return helper.make_node(
        "TopK", ["kept_scores", "count"], ["scores", "order"], name="by_score", axis=0
    )
