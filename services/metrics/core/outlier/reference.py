"""The training images' embeddings, condensed to what scoring one more image needs."""

import io
import zipfile
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

ALARM = 0.01
LEADING = 64
LEAST_IMAGES = 8

_VERSION = 1
_HELD_OUT = 400
_CLIP = 20.0
_IQR_OF_NORMAL = 1.349


def ledoit_wolf(x: Floats) -> tuple[Floats, float]:
    """Shrunk covariance (F, F) of centred rows (n, F), and the shrinkage in [0, 1].

    `(1 − δ)S + δ·μI` with `μ = tr S/F` and δ minimising the expected squared error: Ledoit &
    Wolf, A well-conditioned estimator for large-dimensional covariance matrices (2004).
    """
    n, f = x.shape
    s = x.T @ x / n
    mu = np.trace(s) / f
    distance = (s**2).sum() - f * mu**2
    squares = (x**2).sum(axis=1)
    error = ((squares**2).sum() / n - (s**2).sum()) / n
    delta = 0.0 if distance <= 0 else float(min(max(error, 0.0) / distance, 1.0))
    shrunk: Floats = (1 - delta) * s + delta * mu * np.eye(f)
    return shrunk, delta


def held_out_images(n: int, blocks: ArrayLike | None, *, seed: int) -> NDArray[np.bool_]:
    """Which of n images `fit` holds out (n,): whole blocks until 400, at most half of all."""
    of_image = np.arange(n) if blocks is None else np.unique(blocks, return_inverse=True)[1]
    sizes = np.bincount(of_image)
    order = np.random.default_rng(seed).permutation(len(sizes))
    wanted = min(_HELD_OUT, n // 2) if n < 4 * _HELD_OUT else n // 4
    taken = order[np.cumsum(sizes[order]) <= wanted]
    return np.isin(of_image, taken)


@dataclass(frozen=True)
class Outlier:
    """`score` is 1 − p in [0, 1); equal scores rank by `distance`.

    `reconstruction` is the mean squared error of the linear auto-encoder with 64 components.
    `alarm` rings at p ≤ 0.01, so never with fewer than 99 held-out images.
    """

    score: float
    distance: float
    reconstruction: float
    alarm: bool


@dataclass(frozen=True)
class Reference:
    """Arrays of a fitted reference; F is the embedding's size.

    `centre`, `spread` (F,): median and robust deviation; `mean` (F,) of the scaled embeddings;
    `whitening` (F, F): the Mahalanobis distance is the length of `whitening @ (z − mean)`;
    `components` (k, F): leading principal directions; `held_out` (n,): sorted distances of
    the images that the fit has not seen.
    """

    centre: Floats
    spread: Floats
    mean: Floats
    whitening: NDArray[np.float32]
    components: Floats
    held_out: Floats

    @classmethod
    def fit(
        cls, embeddings: ArrayLike, *, blocks: ArrayLike | None = None, seed: int = 0
    ) -> "Reference":
        """Fit on embeddings (n, F); images of one block (burst) are held out together."""
        x = np.asarray(embeddings, dtype=np.float64)
        if x.ndim != 2 or len(x) < LEAST_IMAGES:
            raise TooFewImages(len(x))
        held = held_out_images(len(x), blocks, seed=seed)
        seen = x[~held]
        if len(seen) < LEAST_IMAGES // 2 or not held.any():
            raise TooFewImages(len(seen))
        centre = np.median(seen, axis=0)
        low, high = np.quantile(seen, [0.25, 0.75], axis=0)
        # a feature that hardly moves has no quartiles: its deviation, or its size, stands in
        spread = np.maximum.reduce(
            [(high - low) / _IQR_OF_NORMAL, 0.1 * seen.std(axis=0), 1e-3 * np.abs(centre) + 1e-6]
        )
        z = np.clip((seen - centre) / spread, -_CLIP, _CLIP)
        mean = z.mean(axis=0)
        covariance, _ = ledoit_wolf(z - mean)
        values, vectors = np.linalg.eigh(covariance)
        # a constant reference has no variance at all: the floor keeps distances finite
        whitening = vectors.T / np.sqrt(np.maximum(values, 1e-9))[:, None]
        components = vectors.T[::-1][:LEADING]
        signs = np.sign(components[np.arange(len(components)), np.abs(components).argmax(axis=1)])
        unscored = cls(
            centre=centre,
            spread=spread,
            mean=mean,
            whitening=whitening.astype(np.float32),
            components=components * signs[:, None],
            held_out=np.zeros(0),
        )
        distances = np.sort([unscored.distance(e) for e in x[held]])
        return cls(**{**unscored._arrays(), "held_out": distances})

    def score(self, embedding: ArrayLike) -> float:
        """`1 − p`, split-conformal: `p = (1 + #{held out ≥ distance})/(n + 1)`."""
        return 1.0 - self._p(self.distance(embedding))

    def distance(self, embedding: ArrayLike) -> float:
        """Mahalanobis distance of the robustly scaled embedding (F,)."""
        return float(np.linalg.norm(self.whitening @ self._centred(embedding).astype(np.float32)))

    def leading(self, embedding: ArrayLike, *, components: int = 16) -> NDArray[np.float32]:
        """The first of 64 principal components (components,), for drift."""
        found: Floats = self.components[:components] @ self._centred(embedding)
        return found.astype(np.float32)

    def outlier(self, embedding: ArrayLike) -> Outlier:
        """Both scores of an embedding (F,), its distance, and whether the alarm rings."""
        distance = self.distance(embedding)
        p = self._p(distance)
        centred = self._centred(embedding)
        rest = centred - (self.components @ centred) @ self.components
        return Outlier(
            score=1.0 - p,
            distance=distance,
            reconstruction=float(np.mean(rest**2)),
            alarm=p <= ALARM,
        )

    def to_bytes(self) -> bytes:
        """An npz archive with a version; no pickle."""
        out = io.BytesIO()
        np.savez(out, allow_pickle=False, version=np.int64(_VERSION), **self._arrays())
        return out.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> "Reference":
        """The reference that `to_bytes` wrote."""
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as archive:
                arrays = dict(archive)
        except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
            raise NotAReference(str(error)) from error
        version = arrays.pop("version", None)
        if version is None or int(version) != _VERSION:
            raise NotAReference(f"version {version}, not {_VERSION}")
        if set(arrays) != {f.name for f in fields(cls)}:
            raise NotAReference("arrays are missing")
        return cls(**arrays)

    def _arrays(self) -> dict[str, NDArray[np.floating]]:
        return {f.name: getattr(self, f.name) for f in fields(self)}

    def _centred(self, embedding: ArrayLike) -> Floats:
        x = np.asarray(embedding, dtype=np.float64)
        centred: Floats = (x - self.centre) / self.spread
        return centred.clip(-_CLIP * 50, _CLIP * 50) - self.mean

    def _p(self, distance: float) -> float:
        n = len(self.held_out)
        return float((1 + n - np.searchsorted(self.held_out, distance)) / (n + 1))


class TooFewImages(ValueError):
    """Not enough images to fit a reference and hold some out."""

    def __init__(self, count: int) -> None:
        super().__init__(f"{count} images are too few for a reference; it takes {LEAST_IMAGES}")


class NotAReference(ValueError):
    """Bytes that no `Reference.to_bytes` of this version wrote."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"not a stored reference: {reason}")
