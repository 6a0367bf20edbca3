"""Months of plausible predictions, quickly: what happens in them, and when, is known.

A belt with a camera: more by day than by night, less at weekends. One picture in forty is strange
for a while; later the camera changes, and later still another label becomes frequent. Only some
predictions bring their picture; the others repeat what was seen on one like it.
"""

import base64
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from sightloop.demo.scenes import LABELS, RgbArray, Scene, Split, camera_change, encoded, scene
from sightloop.demo.world import Shot

WIDTH, HEIGHT = 320, 240
MOST_PICTURES = 2000
STRANGE_FROM, STRANGE_TO, STRANGE_EVERY = 0.2, 0.45, 40
DRIFT, LABELS_SHIFT = 0.6, 0.8
FREQUENT, FREQUENTLY = 7, 0.4

_SEED = 11
_REFERENCE = 1_000_000  # scenes from this number on are in no traffic
_POOL = 200
_HOUR = 3600.0

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What happens when, epoch seconds: the truth that charts and alarms are held against."""

    start: float
    end: float
    outliers: list[float]
    drift: float
    labels: float
    frequent: str

    def document(self) -> dict[str, Any]:
        """For the report."""
        return asdict(self)


class History:
    """`count` predictions over `days` days until `end`, in the order of their times."""

    def __init__(self, count: int, *, end: float, days: float) -> None:
        self.count = count
        self.times = _times(count, end=end, days=days)
        self.pictures = np.unique(
            np.linspace(0, count - 1, min(count, MOST_PICTURES)).astype(np.int64)
        )
        span = self.times[0], self.times[-1]
        place = np.arange(count) / count
        self._drifts, self._shifts = (int((place < at).sum()) for at in (DRIFT, LABELS_SHIFT))
        within = (place[self.pictures] >= STRANGE_FROM) & (place[self.pictures] < STRANGE_TO)
        strange = self.pictures[within][STRANGE_EVERY // 2 :: STRANGE_EVERY]
        self._strange = set(strange.tolist())
        self.known = Known(
            start=float(span[0]),
            end=float(span[1]),
            outliers=self.times[strange].tolist(),
            drift=float(self.times[self._drifts]),
            labels=float(self.times[self._shifts]),
            frequent=LABELS[FREQUENT],
        )

    def reference(self, count: int) -> Iterator[Shot]:
        """Pictures as they are before anything happens, and the truth about them."""
        for number in range(count):
            made = _small(scene(_REFERENCE + number, seed=_SEED, split=Split.TRAFFIC))
            yield Shot(
                filename=f"reference-{number:05d}.jpg",
                content=encoded(made.rgb, "JPEG", quality=88),
                width=WIDTH,
                height=HEIGHT,
                labels=[LABELS[index] for index in made.classes],
                boxes=made.boxes.tolist(),
            )

    def lines(self) -> Iterator[bytes]:
        """Each prediction as a line of a batch; told again under the same id."""
        rng = np.random.default_rng(_SEED)
        latencies = rng.lognormal(-3.6, 0.3, self.count)
        run = UUID(bytes=rng.bytes(16), version=4).hex[:24]
        chosen = rng.integers(_POOL, size=self.count)
        pools = _pools()
        pictured = iter([*self.pictures.tolist(), -1])
        next_picture = next(pictured)
        for n in range(self.count):
            pool = pools[(n >= self._drifts) + (n >= self._shifts)]
            said, picture = pool[chosen[n]], b""
            if n == next_picture:
                said, picture = self._pictured(n)
                next_picture = next(pictured)
            yield _LINE % (
                f"{run}{n:08x}".encode(), n, latencies[n], self.times[n], n % 3 + 1, said, picture,
            )  # fmt: skip

    def _pictured(self, n: int) -> tuple[bytes, bytes]:
        """A prediction's answer, and its picture."""
        made, rng = scene(n, seed=_SEED, split=Split.TRAFFIC), np.random.default_rng([_SEED, n])
        small, changed = _small(made), n >= self._drifts
        rgb = camera_change(small.rgb, 1.0) if changed else small.rgb
        rgb = _strange(rgb) if n in self._strange else rgb
        content = base64.b64encode(encoded(rgb, "JPEG", quality=88))
        said = _said(small, changed=changed, shifted=n >= self._shifts, rng=rng)
        return said, b',"image":"%b"' % content


_LINE = (
    b'{"prediction_id":"%b","filename":"belt-%08d.jpg","content_type":"image/jpeg","height":240,'
    b'"width":320,"latency":%.5f,"timestamp":%.3f,"source":"line %d","prediction":%b%b}\n'
)


def _pools() -> list[list[bytes]]:
    """Answers to some scenes: as it begins, through another camera, and with other labels too."""
    made = [
        _small(scene(_REFERENCE // 2 + number, seed=_SEED, split=Split.TRAFFIC))
        for number in range(_POOL)
    ]
    return [
        [
            _said(one, changed=changed, shifted=shifted, rng=np.random.default_rng([n, changed]))
            for n, one in enumerate(made)
        ]
        for changed, shifted in ((False, False), (True, False), (True, True))
    ]


def _times(count: int, *, end: float, days: float) -> Floats:
    """Times by the rhythm of a working week, ascending (count,)."""
    start = end - days * 24 * _HOUR
    edges = np.linspace(start, end, max(int(days * 24), 1) + 1)
    hours = (edges[:-1] / _HOUR) % 24
    weekday = (edges[:-1] // (24 * _HOUR) + 3) % 7  # 1970 began on a Thursday
    busy = 0.25 + np.clip(np.sin((hours - 6) / 24 * 2 * np.pi), 0, None)
    busy *= np.where(weekday >= 5, 0.3, 1.0)
    reached = np.concatenate([[0.0], np.cumsum(busy) / busy.sum()])
    return np.interp((np.arange(count) + 0.5) / count, reached, edges)


def _small(made: Scene) -> Scene:
    """The scene at the size that is sent."""
    from PIL import Image  # noqa: PLC0415

    picture = Image.fromarray(made.rgb).resize((WIDTH, HEIGHT), Image.Resampling.BOX)
    return Scene(np.asarray(picture), made.boxes / 2, made.classes)


def _strange(rgb: RgbArray) -> RgbArray:
    """A picture as none was before: its negative in wrong colours."""
    return np.ascontiguousarray(255 - rgb[..., ::-1] // 2)


def _said(made: Scene, *, changed: bool, shifted: bool, rng: np.random.Generator) -> bytes:
    """What a model says of a scene: every object; with another camera less surely, and more."""
    x, y, w, h = made.boxes.T
    boxes = np.rint(np.stack([y, x, y + h, x + w], axis=1)).astype(int)
    scores = np.clip(rng.beta(9, 2, len(boxes)), 0.51, 0.99)
    classes = made.classes.copy()
    if changed:
        scores = np.clip(scores - rng.uniform(0, 0.5, len(boxes)), 0.05, 0.99)
    if shifted:
        classes[rng.random(len(classes)) < FREQUENTLY] = FREQUENT
    return json.dumps(
        {
            "detection_classes": classes.tolist(),
            "detection_scores": scores.round(3).tolist(),
            "detection_boxes": boxes.tolist(),
        },
        separators=(",", ":"),
    ).encode()
